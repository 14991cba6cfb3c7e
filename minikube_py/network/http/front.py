"""The proxy's face to clients: one ClientConnection a socket, and the HttpFront that owns them.

A request whose pod has an idle connection is handled in callbacks from the first byte to the last;
a task exists only while a connection to a pod is opened. What a client may do wrong or slowly ends
here: malformed heads, heads that never finish, bodies nobody reads.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

from minikube_py.network.http.backends import Backends
from minikube_py.network.http.exchange import Exchange
from minikube_py.network.http.forward import Client, Refusal
from minikube_py.network.http.head import (
    END,
    LARGEST_HEAD,
    BadMessage,
    RequestHead,
    parse_request,
)

Route = Callable[[RequestHead], Backends | Refusal]
"""Where a request goes, or what it is told instead."""

_SWEEP_SECONDS: Final = 2.0
_HEAD_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 75.0
_LINGER_SECONDS: Final = 1.0
_HALF_OPEN_SECONDS: Final = 10.0
_FLUSH_SECONDS: Final = 30.0
_MOST_AHEAD: Final = 262144  # bytes of requests sent ahead of their turn


class HttpFront:
    """Listens on any number of sockets; `trusted` as in Client."""

    def __init__(self, route: Route, *, scheme: str = "http", trusted: bool = True) -> None:
        self.route = route
        self.draining = False
        self._scheme = scheme.encode()
        self._trusted = trusted
        self._connections: set[ClientConnection] = set()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._used: set[Backends] = set()
        self._quiet = asyncio.Event()

    async def listen(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Takes over a socket that is bound and listens."""
        loop = asyncio.get_running_loop()
        # Booked before it serves: who is cancelled while he starts must still close it.
        server = await loop.create_server(
            lambda: ClientConnection(self), sock=listener, ssl=tls, start_serving=False
        )
        self._servers.append(server)
        await server.start_serving()

    async def close(self, *, grace_seconds: float = 5.0) -> None:
        """Takes no new connection, lets requests in flight finish, then cuts."""
        self.draining = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.close_if_idle()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await self._quiet.wait()
        for connection in list(self._connections):
            connection.abort()
        for task in self._tasks:
            task.cancel()
        for backends in self._used:
            backends.close_idle()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def client(self, ip: str) -> Client:
        return Client(ip.encode(), self._scheme, self._trusted)

    def start(self, work: "asyncio.Task[None]") -> None:
        """Keeps a task alive until it is done; they end with the front."""
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)

    def joined(self, connection: "ClientConnection") -> None:
        self._connections.add(connection)
        if self._sweeper is None:
            self._plan_sweep()

    def left(self, connection: "ClientConnection") -> None:
        self._connections.discard(connection)
        if self.draining and not self._connections:
            self._quiet.set()

    def uses(self, backends: Backends) -> None:
        self._used.add(backends)

    def _plan_sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Runs only while there is something to look after, so an idle proxy costs nothing."""
        self._sweeper = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            connection.check_time(now)
        for backends in list(self._used):
            backends.sweep()
            if not backends.has_idle():
                self._used.discard(backends)
        if self._connections or self._used:
            self._plan_sweep()


class ClientConnection(asyncio.Protocol):
    """Reads requests, one after the other, and hands each to an Exchange."""

    def __init__(self, front: HttpFront) -> None:
        self.front = front
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.client: Client = cast(Client, None)
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._deadline = 0.0
        self._closing = False
        self._half_open = False
        self._is_full = False  # the client is slow to take its answers

    # --- what the exchange and the front ask for -------------------------------------------------

    @property
    def is_open(self) -> bool:
        return not self._closing and not self.transport.is_closing()

    def finished(self, rest: bytes, *, keep_alive: bool, unread: bool = False) -> None:
        """The exchange is over; `rest` came after its request. With `unread`, the client is still
        sending what nobody wants.
        """
        self._exchange = None
        if not keep_alive or self._closing:
            self._close(unread=unread)
            return
        self._deadline = self._loop.time() + _IDLE_SECONDS
        if not self.transport.is_reading():
            self.transport.resume_reading()
        if self._buffer or rest:
            self._buffer = rest + self._buffer
            # By the loop, not by recursion: a client may have sent a thousand requests ahead.
            self._loop.call_soon(self._next_request)

    def refuse(self, refusal: Refusal, *, head_only: bool = False) -> None:
        """Answers and closes: what else the client sends is not understood any more."""
        self._exchange = None
        if self.is_open:
            self.transport.write(refusal.to_send(head_only=head_only))
        self._close(unread=True)

    def close_if_idle(self) -> None:
        if self._exchange is None:
            self._close()

    def abort(self) -> None:
        self._closing = True
        self.transport.abort()

    def check_time(self, now: float) -> None:
        is_busy = self._exchange is not None and not self._closing and not self._half_open
        if now < self._deadline or is_busy:
            return
        if self._closing or self._half_open:
            self.transport.abort()
        elif self._buffer:
            self.refuse(Refusal(408, "the request did not arrive in time"))
        else:
            self._close()

    # --- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("",)
        self.client = self.front.client(str(peer[0]))
        self._deadline = self._loop.time() + _HEAD_SECONDS
        self.front.joined(self)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            if self._closing:
                return
            self._buffer = self._buffer + data if self._buffer else data
            self._next_request()
        elif exchange.takes_data:
            exchange.client_data(data)
        else:
            self._buffer += data
            if len(self._buffer) > _MOST_AHEAD:
                self.transport.pause_reading()

    def eof_received(self) -> bool:
        """A client that is done sending may still wait for its answer; TLS can't be half closed.
        One that did not say that it would close is more likely gone: it gets a little time.
        """
        exchange = self._exchange
        half_open = exchange is not None and exchange.client_ended()
        self._closing = self._closing or exchange is None
        if exchange is not None and exchange.head.keep_alive:
            self._deadline = self._loop.time() + _HALF_OPEN_SECONDS
            self._half_open = True
        return half_open and self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self.front.left(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.client_lost()

    def pause_writing(self) -> None:
        self._is_full = True
        if self._exchange is not None:
            self._exchange.pause_answer()

    def resume_writing(self) -> None:
        self._is_full = False
        if self._exchange is not None:
            self._exchange.resume_answer()
        else:
            self._next_request()

    # --- reading heads ---------------------------------------------------------------------------

    def _next_request(self) -> None:
        if self._exchange is not None or self._is_full or not self.is_open or not self._buffer:
            return
        if self._buffer[0] in b"\r\n":  # RFC 9112 2.2: an empty line before a request is forgiven
            self._buffer = self._buffer.lstrip(b"\r\n")
        end = self._buffer.find(END)
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD:
                self.refuse(Refusal(431, "the request's head is larger than 64 KiB"))
            elif self._deadline - self._loop.time() > _HEAD_SECONDS:
                self._deadline = self._loop.time() + _HEAD_SECONDS
            return
        data, self._buffer = self._buffer, b""
        try:
            head = parse_request(data[: end + 2])
        except BadMessage as error:
            self.refuse(Refusal(error.status, str(error)))
            return
        self._begin(head, data[end + 4 :])

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        target = self.front.route(head)
        if isinstance(target, Backends):
            self.front.uses(target)
            self._exchange = exchange = Exchange(self, head, target)
            exchange.start(rest)
            return
        is_bodiless = head.fields.length in (None, 0) and not head.fields.chunked
        if is_bodiless and head.keep_alive and not self.front.draining:
            answer = target.to_send(head_only=head.method == b"HEAD", keep_alive=True)
            self.transport.write(answer)
            self.finished(rest, keep_alive=True)
        else:
            self.refuse(target, head_only=head.method == b"HEAD")

    def _close(self, *, unread: bool = False) -> None:
        """Flushes what was written. Closing a socket with unread bytes would reset it and take the
        answer from the client, so such a one is only half closed first.
        """
        if self._closing and self.transport.is_closing():
            return
        self._closing = True
        self._deadline = self._loop.time() + _FLUSH_SECONDS
        if unread and self.transport.can_write_eof() and not self.transport.is_closing():
            with contextlib.suppress(OSError):  # the client may be gone already
                self.transport.write_eof()
            if not self.transport.is_reading():
                self.transport.resume_reading()
            self._loop.call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()
