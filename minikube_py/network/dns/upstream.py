"""Asks the host's own DNS servers for what is not the cluster's.

Each question goes out by a socket of its own, so its port is as hard to guess as its id. A server
that did not answer is asked last for a while; with none that answers, the client is told soon.
"""

import asyncio
import logging
import secrets
from collections.abc import Collection
from pathlib import Path

_log = logging.getLogger(__name__)
_PORT = 53
_PATIENCE_SECONDS = 2.0
_SHORT_PATIENCE_SECONDS = 0.5  # for a server that failed a moment ago
_AVOIDED_SECONDS = 10.0
_REREAD_SECONDS = 5.0
_AT_ONCE = 200


class NoAnswer(OSError):
    """No upstream server answered."""


class Upstreams:
    """Name servers of a resolv.conf, read again when the file changes; `own` are never asked."""

    def __init__(
        self,
        resolv_conf: Path = Path("/etc/resolv.conf"),
        *,
        own: Collection[str] = (),
        port: int = _PORT,
    ) -> None:
        self._path = resolv_conf
        self._own = frozenset(own)
        self._port = port
        self._servers: list[str] = []
        self._version: tuple[int, int] | None = None
        self._checked_at = float("-inf")
        self._avoided_until: dict[str, float] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, query: bytes, *, tcp: bool) -> bytes:
        """The first answer, with the query's id; raises NoAnswer."""
        async with self._slots:
            for server, patience in self._order():
                try:
                    async with asyncio.timeout(patience):
                        if tcp:
                            return await _ask_by_tcp(server, self._port, query)
                        return await _ask_by_udp(server, self._port, query)
                except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                    now = asyncio.get_running_loop().time()
                    self._avoided_until[server] = now + _AVOIDED_SECONDS
                    _log.debug("upstream failed server=%s error=%r", server, error)
        raise NoAnswer("no upstream DNS server answered")

    def _order(self) -> list[tuple[str, float]]:
        now = asyncio.get_running_loop().time()
        self._reread(now)
        well = [s for s in self._servers if self._avoided_until.get(s, now) <= now]
        avoided = [s for s in self._servers if s not in well]
        return [(s, _PATIENCE_SECONDS) for s in well] + [
            (s, _SHORT_PATIENCE_SECONDS) for s in avoided
        ]

    def _reread(self, now: float) -> None:
        if now - self._checked_at < _REREAD_SECONDS:
            return
        self._checked_at = now
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_ino)
            if version != self._version:
                self._version = version
                servers = name_servers(self._path.read_text(errors="replace"))
                self._servers = [server for server in servers if server not in self._own]
        except OSError as error:
            self._servers = []
            _log.debug("no upstream DNS servers error=%s", error)


def name_servers(text: str) -> list[str]:
    """The `nameserver` lines of a resolv.conf, in order."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append(words[1])
    return found


class _OneAnswer(asyncio.DatagramProtocol):
    """Waits for the answer that bears the id."""

    def __init__(self, id_: bytes) -> None:
        self._id = id_
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if data[:2] == self._id and len(data) >= 12 and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _ask_by_udp(server: str, port: int, query: bytes) -> bytes:
    id_ = secrets.token_bytes(2)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _OneAnswer(id_), remote_addr=(server, port)
    )
    try:
        transport.sendto(id_ + query[2:])
        answer = await protocol.answer
    finally:
        transport.close()
    return query[:2] + answer[2:]


async def _ask_by_tcp(server: str, port: int, query: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(size)
    finally:
        writer.close()
