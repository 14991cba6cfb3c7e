"""One check of a container: exec, HTTP, TCP or gRPC, as probes and hooks ask for it.

Each runs under its caller's timeout. HTTP goes over one shared client session without keep-alive,
so hundreds of probes cost one connection each and nothing between.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import aiohttp

from minikube_py.container_runtime.interface import ContainerRuntime, RuntimeFailure
from minikube_py.kubelet.grpc_health import check_grpc
from minikube_py.kubelet.plain_http import MalformedAnswer, get_status
from minikube_py.kubelet.podspec import port_number

_USER_AGENT = "kube-probe/1.37"
_MAX_REDIRECTS = 10
_IN_PATHS = "/%?&=+;:@!$'()*,~[]"
_BODY_BYTES = 10 * 1024
_NO_SUCH_PROGRAM = 127
_OUTPUT_CHARACTERS = 1024


@dataclass(frozen=True)
class ProbeTarget:
    """Where the container is reached: its id for exec, its pod's address for the rest."""

    container_id: str
    container: Mapping[str, Any]
    address: str


@dataclass(frozen=True)
class Outcome:
    """`message` of one that is ok is a warning. `answered`: a server did, but said no."""

    ok: bool
    message: str = ""
    answered: bool = field(default=False, compare=False)


class ProbeActions:
    """`on_paper`: containers of a simulated runtime have no network and few programs: their ports
    answer always, and so does a program that paper does not know.
    """

    def __init__(self, runtime: ContainerRuntime, *, on_paper: bool = False) -> None:
        self._runtime = runtime
        self._on_paper = on_paper
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(
        self, action: Mapping[str, Any], target: ProbeTarget, timeout: float
    ) -> Outcome:
        """Never raises but for cancellation; `timeout` in seconds. `action` is a probe or a hook's
        handler.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._run(action, target, timeout)
        except TimeoutError:
            return Outcome(False, _timed_out(action, target, timeout))
        except (OSError, RuntimeFailure, aiohttp.ClientError, ValueError) as error:
            return Outcome(False, str(error) or type(error).__name__)

    async def run_hook(
        self, handler: Mapping[str, Any], target: ProbeTarget, timeout: float
    ) -> Outcome:
        """As check(), but whatever a server answers to a hook is fine, as in kubelet."""
        outcome = await self.check(handler, target, timeout)
        return Outcome(True) if outcome.answered else outcome

    async def _run(self, action: Mapping[str, Any], target: ProbeTarget, timeout: float) -> Outcome:
        if "exec" in action:
            command = action["exec"].get("command") or []
            return await self._exec(target.container_id, command, timeout)
        if "sleep" in action:
            await asyncio.sleep(float(action["sleep"]["seconds"]))
            return Outcome(True)
        if self._on_paper:
            return Outcome(True)
        if "httpGet" in action:
            return await self._http(action["httpGet"], target)
        if "tcpSocket" in action:
            return await self._tcp(action["tcpSocket"], target)
        if "grpc" in action:
            port, service = int(action["grpc"]["port"]), action["grpc"].get("service") or ""
            problem = await check_grpc(target.address, port, service)
            return Outcome(not problem, problem)
        return Outcome(False, "the probe has no exec, httpGet, tcpSocket or grpc")

    async def _exec(self, container_id: str, command: list[str], timeout: float) -> Outcome:
        code, output = await self._runtime.exec_sync(container_id, command, timeout_seconds=timeout)
        if self._on_paper and code == _NO_SUCH_PROGRAM:
            return Outcome(True)
        text = output.decode(errors="replace")[:_OUTPUT_CHARACTERS]
        if code == 0:
            return Outcome(True)
        return Outcome(False, text or f"command exited with {code}")

    async def _tcp(self, spec: Mapping[str, Any], target: ProbeTarget) -> Outcome:
        host, port = spec.get("host") or target.address, _port(target, spec["port"])
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            return Outcome(False, f"dial tcp {host}:{port}: {_words(error)}")
        writer.close()
        return Outcome(True)

    async def _http(self, spec: Mapping[str, Any], target: ProbeTarget) -> Outcome:
        host, port = spec.get("host") or target.address, _port(target, spec["port"])
        url = _url(spec, target)
        headers = {"User-Agent": _USER_AGENT, "Accept": "*/*"}
        headers |= {entry["name"]: entry["value"] for entry in spec.get("httpHeaders") or []}
        try:
            if url.startswith("http:"):
                path = urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
                status = await get_status(host, port, quote(path, safe=_IN_PATHS), headers)
                if not 300 <= status < 400:
                    return _judged(status)
            return await self._get(url, headers)
        except aiohttp.ClientConnectorError as error:
            return Outcome(False, f'Get "{url}": dial tcp {host}:{port}: {_words(error.os_error)}')
        except (aiohttp.ClientError, MalformedAnswer) as error:
            return Outcome(False, f'Get "{url}": {error}')
        except OSError as error:
            return Outcome(False, f'Get "{url}": dial tcp {host}:{port}: {_words(error)}')

    async def _get(self, url: str, headers: Mapping[str, str]) -> Outcome:
        """Redirects are followed on the same host; one to elsewhere is a success, as in kubelet."""
        session = self._client()
        for _ in range(_MAX_REDIRECTS):
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                location = response.headers.get("Location", "")
                if 300 <= response.status < 400 and location:
                    following = urljoin(url, location)
                    if urlsplit(following).hostname != urlsplit(url).hostname:
                        return Outcome(True, f"Probe terminated redirects, at {following}")
                    url = following
                    continue
                await response.content.read(_BODY_BYTES)
                return _judged(response.status)
        return Outcome(False, f"stopped after {_MAX_REDIRECTS} redirects")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True, limit=0, ssl=False)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def _judged(status: int) -> Outcome:
    if 200 <= status < 400:
        return Outcome(True)
    return Outcome(False, f"HTTP probe failed with statuscode: {status}", answered=True)


def _timed_out(action: Mapping[str, Any], target: ProbeTarget, timeout: float) -> str:
    """In the words that kubelet has for each, which people search for."""
    if "exec" in action:
        command = " ".join(action["exec"].get("command") or [])
        return f'command timed out: "{command}" timed out after {timeout:g}s'
    if "httpGet" in action:
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return f'Get "{_url(action["httpGet"], target)}": {why}'
    if "tcpSocket" in action:
        spec = action["tcpSocket"]
        host = spec.get("host") or target.address
        return f"dial tcp {host}:{_port(target, spec['port'])}: i/o timeout"
    if "grpc" in action:
        place = f"{target.address}:{action['grpc']['port']}"
        why = f"within {timeout:g}s: context deadline exceeded"
        return f'timeout: failed to connect service "{place}" {why}'
    return f"timed out after {timeout:g}s"


def _url(spec: Mapping[str, Any], target: ProbeTarget) -> str:
    scheme = (spec.get("scheme") or "HTTP").lower()
    host, path = spec.get("host") or target.address, spec.get("path") or "/"
    slash = "" if path.startswith("/") else "/"
    return f"{scheme}://{host}:{_port(target, spec['port'])}{slash}{path}"


def _port(target: ProbeTarget, port: int | str) -> int:
    found = port_number(target.container, port)
    if found is None:
        raise ValueError(f'couldn\'t find port "{port}" in container "{target.container["name"]}"')
    return found


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    return error.strerror or str(error)
