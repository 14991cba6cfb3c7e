"""Writes the heads a proxy sends on: the message as it came, less what was for this hop, plus who
asked. Pure.
"""

from dataclasses import dataclass
from http import HTTPStatus

from minikube_py.network.http.head import RequestHead, ResponseHead


@dataclass(frozen=True)
class Client:
    """Who is at the other end of a connection. With `trusted`, what it says about who asked
    *it* is passed on; an edge does not trust.
    """

    ip: bytes
    scheme: bytes
    trusted: bool


def request_to_send(head: RequestHead, client: Client) -> bytes:
    """The whole head for the pod."""
    fields = head.fields
    seen, scheme, host, real_ip = client.ip, client.scheme, head.host, client.ip
    if client.trusted:
        real_ip = fields.real_ip
        if fields.forwarded_for:
            seen = fields.forwarded_for + b", " + seen
        scheme = fields.forwarded_proto or scheme
        host = fields.forwarded_host or host
    version = b" HTTP/1.1" if head.minor else b" HTTP/1.0"
    lines = [
        head.method + b" " + head.target + version,
        *fields.kept,
        b"X-Forwarded-For: " + seen,
        b"X-Forwarded-Proto: " + scheme,
        b"X-Forwarded-Host: " + host,
    ]
    if real_ip:
        lines.append(b"X-Real-IP: " + real_ip)
    if head.upgrade:
        lines += (b"Connection: Upgrade", b"Upgrade: " + head.upgrade)
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def response_to_send(head: ResponseHead, request: RequestHead, *, keep_alive: bool) -> bytes:
    """The whole head for the client."""
    line = head.line
    if line[7] == 48:  # a pod that speaks 1.0 says nothing about what the proxy speaks
        line = b"HTTP/1.1" + line[8:]
    lines = [line, *head.fields.kept]
    if not keep_alive:
        lines.append(b"Connection: close")
    elif not request.minor:
        lines.append(b"Connection: keep-alive")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def switch_to_send(head: ResponseHead) -> bytes:
    """101 Switching Protocols."""
    lines = [head.line, *head.fields.kept, b"Connection: Upgrade"]
    if head.fields.upgrade:
        lines.append(b"Upgrade: " + head.fields.upgrade)
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def interim_to_send(head: ResponseHead) -> bytes:
    """100 Continue, 103 Early Hints."""
    return b"\r\n".join([head.line, *head.fields.kept, b"\r\n"])


@dataclass(frozen=True)
class Refusal:
    """An answer of the proxy's own."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()

    def to_send(self, *, head_only: bool = False, keep_alive: bool = False) -> bytes:
        phrase = HTTPStatus(self.status).phrase
        body = f"{self.status} {phrase}: {self.text}\n".encode()
        lines = [
            f"HTTP/1.1 {self.status} {phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            *(f"{name}: {value}" for name, value in self.headers),
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
            "\r\n",
        ]
        head = "\r\n".join(lines).encode()
        return head if head_only else head + body
