"""One kept-alive connection to an API server, with the standard library alone: `mk` starts in a
few tens of milliseconds because of it.

Speaks to any Kubernetes: client certificates, tokens, exec credential plugins.
"""

import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from minikube_py import __version__
from minikube_py.cli.errors import ApiFailure, CliError, ServerUnreachable
from minikube_py.cli.kubeconfig import Access
from minikube_py.cli.terminal import warn
from minikube_py.meta import encoding

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"

Query = Mapping[str, str | int | bool | None]
_REQUEST_SECONDS = 60.0


@dataclass(frozen=True)
class Credentials:
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None


class Client:
    """Not for several threads at once. Raises ApiFailure for a Status, ServerUnreachable for no
    answer.
    """

    def __init__(self, access: Access, *, timeout: float = _REQUEST_SECONDS) -> None:
        self.access = access
        self._timeout = timeout
        parts = urlsplit(access.server)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CliError(f'the context "{access.context}" has no usable server address')
        self._host, self._port, self._base = parts.hostname, parts.port, parts.path.rstrip("/")
        self.credentials = credentials(access)
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, query: Query | None = None, *, accept: str = JSON) -> Any:
        return self.request("GET", path, query, accept=accept)

    def request(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Any:
        """The decoded JSON answer (text where it is none)."""
        _, answer = self.exchange(
            method, path, query, body, content_type=content_type, accept=accept
        )
        return answer

    def exchange(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> tuple[int, Any]:
        """(HTTP code below 400, decoded answer)."""
        response = self._send(method, path, query, body, content_type, accept)
        with response:
            data = response.read()
        answer = _decoded(response, data)
        if response.status >= 400:
            raise _failure(response.status, answer, path)
        return response.status, answer

    def stream(
        self, path: str, query: Query | None = None, *, accept: str = JSON
    ) -> Iterator[bytes]:
        """Chunks as they come, on a connection of its own without a time limit."""
        other = Client.__new__(Client)
        other.__dict__.update(self.__dict__, _connection=None, _timeout=None)
        response = other._send("GET", path, query, None, JSON, accept)
        try:
            if response.status >= 400:
                raise _failure(response.status, _decoded(response, response.read()), path)
            while chunk := response.read1(65536):
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            response.close()
            other.close()

    def watch(self, path: str, query: Query, *, accept: str = JSON) -> Iterator[dict[str, Any]]:
        """Watch events ({"type", "object"}); an ERROR event raises ApiFailure."""
        pending = b""
        for chunk in self.stream(path, {**query, "watch": True}, accept=accept):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                event = encoding.decode(line)
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    raise ApiFailure(status, int(status.get("code") or 500))
                yield event

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(
        self, method: str, path: str, query: Query | None, body: Any, content_type: str, accept: str
    ) -> http.client.HTTPResponse:
        target = self._base + path + (f"?{encoded(query)}" if query else "")
        headers = {
            "Accept": accept,
            "User-Agent": f"mk/{__version__}",
            **self.credentials.headers,
        }
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else encoding.encode(body)
            headers["Content-Type"] = content_type
        for attempt in (1, 2):
            fresh = self._connection is None
            connection = self._connect()
            try:
                connection.request(method, target, body=data, headers=headers)
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A kept-alive connection may have been closed by the server while it idled.
                if (
                    fresh
                    or attempt == 2
                    or not isinstance(error, (ConnectionError, http.client.RemoteDisconnected))
                ):
                    raise self._unreachable(error) from error
            else:
                _show_warnings(response)
                return response
        raise AssertionError("unreachable")

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            if self.credentials.tls is not None:
                self._connection = http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._timeout, context=self.credentials.tls
                )
            else:
                self._connection = http.client.HTTPConnection(
                    self._host, self._port, timeout=self._timeout
                )
        return self._connection

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        if isinstance(error, ssl.SSLCertVerificationError):
            return ServerUnreachable(
                f"the certificate of {self.access.server} is not the one the kubeconfig expects "
                f"({error.verify_message}): `mk up` renews the entry of a cluster of mk's own"
            )
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
        return ServerUnreachable(
            f'cannot reach {self.access.server} of the context "{self.access.context}" '
            f"({reason}): is it running? `mk status` tells, `mk up` starts it"
        )


def credentials(access: Access) -> Credentials:
    """Headers and TLS for a context; runs its credential plugin if it has one."""
    user = dict(access.user)
    if "exec" in user:
        user.update(_run_plugin(user["exec"]))
    headers = {}
    token = user.get("token") or (
        Path(user["tokenFile"]).read_text().strip() if user.get("tokenFile") else ""
    )
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif user.get("username"):
        pair = base64.b64encode(f"{user['username']}:{user.get('password', '')}".encode())
        headers["Authorization"] = f"Basic {pair.decode()}"
    if urlsplit(access.server).scheme == "http":
        return Credentials(headers, None)
    return Credentials(headers, _tls(access.cluster, user))


def encoded(query: Query) -> str:
    """None is left out; booleans as the API spells them."""
    return urlencode(
        {
            name: ("true" if value else "false") if isinstance(value, bool) else value
            for name, value in query.items()
            if value is not None
        }
    )


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif data := cluster.get("certificate-authority-data"):
            context.load_verify_locations(cadata=base64.b64decode(data).decode())
        elif path := cluster.get("certificate-authority"):
            context.load_verify_locations(cafile=path)
        certificate = _pem(user, "client-certificate")
        if certificate is not None:
            _load_client(context, certificate, _pem(user, "client-key") or b"")
    except (OSError, ValueError) as error:
        raise CliError(f"the kubeconfig's certificates can't be used: {error}") from error
    return context


def _pem(user: Mapping[str, Any], name: str) -> bytes | None:
    if data := user.get(name + "-data"):
        return base64.b64decode(data)
    return Path(user[name]).read_bytes() if user.get(name) else None


def _load_client(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """OpenSSL reads files only; this one is in memory, so no key is left on a disk."""
    descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, certificate + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _run_plugin(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """client-go's exec credential plugins: a program that prints an ExecCredential."""
    request = {
        "apiVersion": plugin.get("apiVersion", "client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": {"interactive": sys.stdin.isatty()},
    }
    extra = {entry["name"]: entry["value"] for entry in plugin.get("env") or []}
    try:
        done = subprocess.run(
            [plugin["command"], *(plugin.get("args") or [])],
            env={**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(request)},
            stdout=subprocess.PIPE,
            check=True,
        )
        status = json.loads(done.stdout).get("status") or {}
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        hint = plugin.get("installHint") or "is it installed and are you logged in?"
        raise CliError(
            f"the credential plugin {plugin['command']} failed ({error}): {hint}"
        ) from error
    names = {"token": "token", "clientCertificateData": "client-certificate-data",
             "clientKeyData": "client-key-data"}  # fmt: skip
    found = {ours: status[theirs] for theirs, ours in names.items() if status.get(theirs)}
    for name in ("client-certificate-data", "client-key-data"):
        if name in found:  # PEM here, base64 in a kubeconfig
            found[name] = base64.b64encode(found[name].encode()).decode()
    return found


def _decoded(response: http.client.HTTPResponse, data: bytes) -> Any:
    if "json" in (response.getheader("Content-Type") or ""):
        return encoding.decode(data) if data else {}
    return data.decode(errors="replace")


def _failure(code: int, answer: Any, path: str) -> ApiFailure:
    if isinstance(answer, dict) and answer.get("kind") == "Status":
        return ApiFailure(answer, code)
    text = answer.strip() if isinstance(answer, str) and answer.strip() else f"{path}: HTTP {code}"
    return ApiFailure({"message": text, "code": code}, code)


def _show_warnings(response: http.client.HTTPResponse) -> None:
    for header in response.headers.get_all("Warning") or []:
        _, quote, text = header.partition('"')
        warn(text.rstrip().removesuffix('"').replace('\\"', '"') if quote else header)
