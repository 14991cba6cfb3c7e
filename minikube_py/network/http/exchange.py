"""One request and its answer, between a client's connection and a pod's.

Tries another pod when a request surely never reached one: the connection was refused, or one kept
from before was already closed and the request may be sent twice. Nothing is tried again once a
byte of the answer has come, or once a body has begun to stream.
"""

import asyncio
import logging
from typing import Final, Protocol, cast

from minikube_py.network.http.backends import Backend, Backends
from minikube_py.network.http.body import Body, request_body
from minikube_py.network.http.forward import (
    Client,
    Refusal,
    interim_to_send,
    request_to_send,
    response_to_send,
    switch_to_send,
)
from minikube_py.network.http.head import BadMessage, RequestHead, ResponseHead
from minikube_py.network.http.upstream import Upstream

_log = logging.getLogger(__name__)
_CONNECT_SECONDS: Final = 3.0
_MOST_TRIES: Final = 5
_MOST_AHEAD: Final = 65536
_REPEATABLE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


class Front(Protocol):
    """What an exchange needs of the front."""

    draining: bool

    def start(self, work: "asyncio.Task[None]") -> None: ...


class Downstream(Protocol):
    """The client's connection."""

    transport: asyncio.Transport
    client: Client

    @property
    def front(self) -> Front: ...
    @property
    def is_open(self) -> bool: ...
    def finished(self, rest: bytes, *, keep_alive: bool, unread: bool = False) -> None: ...
    def refuse(self, refusal: Refusal, *, head_only: bool = False) -> None: ...


class Exchange:
    """Implements Requester towards the pod."""

    __slots__ = (
        "_answer_begun",
        "_backends",
        "_body",
        "_connecting",
        "_down",
        "_keep_alive",
        "_opening",
        "_over",
        "_rest",
        "_streamed",
        "_tried",
        "_tunnel",
        "_up",
        "head",
    )

    def __init__(self, down: Downstream, head: RequestHead, backends: Backends) -> None:
        self._down = down
        self.head = head
        self._backends = backends
        self._body: Body | None = None
        self._up: Upstream | None = None
        self._opening = b""  # the head and the part of the body that came with it
        self._rest = b""
        self._tried: list[Backend] = []
        self._connecting = False
        self._answer_begun = False
        self._streamed = False
        self._tunnel = False
        self._over = False
        self._keep_alive = head.keep_alive

    # --- the client's side -----------------------------------------------------------------------

    @property
    def takes_data(self) -> bool:
        """Whether what the client sends now is this request's, or may turn out to be."""
        return self._tunnel or self._is_incomplete or bool(self.head.upgrade)

    @property
    def _is_incomplete(self) -> bool:
        """The client has not sent all of its request."""
        return self._body is not None and not self._body.done

    def start(self, rest: bytes) -> None:
        """`rest` is what came behind the head."""
        head = self.head
        self._body = request_body(head.fields.length, chunked=head.fields.chunked)
        try:
            self._opening = request_to_send(head, self._down.client) + self._own_part(rest)
        except BadMessage as error:
            self._refuse(Refusal(error.status, str(error)))
            return
        self._try_next()

    def client_data(self, data: bytes) -> None:
        if self._tunnel:
            if self._up is not None:
                self._up.transport.write(data)
            return
        if not self._is_incomplete:  # sent ahead: the tunnel's, or the next request
            self._rest += data
            if len(self._rest) > _MOST_AHEAD:
                self._down.transport.pause_reading()
            return
        try:
            part = self._own_part(data)
        except BadMessage as error:
            self._refuse(Refusal(error.status, str(error)))
            return
        if self._up is None:
            self._opening += part
        elif part:
            self._streamed = True
            self._up.transport.write(part)

    def client_ended(self) -> bool:
        """Whether the client's half of the connection may stay closed with this going on."""
        if self._tunnel:
            if self._up is not None and self._up.transport.can_write_eof():
                self._up.transport.write_eof()
                return True
            return False
        self._keep_alive = False
        return not self._is_incomplete

    def client_lost(self) -> None:
        up, self._up = self._up, None
        self._finish_count(up)
        self._over = True
        if up is not None:
            up.abort()

    def pause_answer(self) -> None:
        if self._up is not None:
            self._up.transport.pause_reading()

    def resume_answer(self) -> None:
        if self._up is not None:
            self._up.transport.resume_reading()

    # --- the pod's side: Requester ---------------------------------------------------------------

    def on_interim(self, head: ResponseHead) -> None:
        if self.head.minor:
            self._down.transport.write(interim_to_send(head))

    def on_response(
        self, head: ResponseHead, body: bytes, *, done: bool, until_close: bool
    ) -> None:
        self._answer_begun = True
        request_done = self._body is None or self._body.done
        self._keep_alive = (
            self._keep_alive
            and not until_close
            and (request_done or not done)
            and not self._down.front.draining
        )
        answer = response_to_send(head, self.head, keep_alive=self._keep_alive)
        self._down.transport.write(answer + body if body else answer)
        if done:
            self._complete()

    def on_body(self, data: bytes, *, done: bool) -> None:
        if data:
            self._down.transport.write(data)
        if done:
            self._complete()

    def on_switch(self, head: ResponseHead, rest: bytes) -> None:
        if not self.head.upgrade:
            self.on_lost("the pod switched protocols without being asked to")
            return
        self._answer_begun = True
        self._tunnel = True
        self._keep_alive = False
        self._down.transport.write(switch_to_send(head) + rest)
        early, self._rest = self._rest, b""
        if early and self._up is not None:
            self._up.transport.write(early)
        if not self._down.transport.is_reading():
            self._down.transport.resume_reading()

    def on_tunnel_data(self, data: bytes) -> None:
        self._down.transport.write(data)

    def on_lost(self, why: str) -> None:
        up, self._up = self._up, None
        self._finish_count(up)
        if up is not None and not up.transport.is_closing():
            up.abort()
        if self._over:
            return
        if self._answer_begun:
            # The only way to say that an answer is cut short is to cut the connection.
            self._over = True
            if self._tunnel:
                self._down.finished(b"", keep_alive=False)
            else:
                self._down.transport.abort()
        elif up is not None and self._may_repeat(up):
            self._try_next()
        else:
            self._refuse(Refusal(502, f"{why} before it answered"))

    def pause_request(self) -> None:
        self._down.transport.pause_reading()

    def resume_request(self) -> None:
        self._down.transport.resume_reading()

    # --- choosing and reaching a pod -------------------------------------------------------------

    def _try_next(self) -> None:
        backends, client = self._backends, self._down.client.ip
        backend = backends.pick(client, self._tried) if len(self._tried) < _MOST_TRIES else None
        if backend is None:
            self._refuse(self._nobody())
            return
        backend.in_flight += 1
        repeatable = self.head.method in _REPEATABLE
        connection = cast(Upstream | None, backend.take_idle(repeatable=repeatable))
        if connection is not None and connection.is_open:
            self._send(connection)
            return
        self._connecting = True
        if self._is_incomplete:
            self._down.transport.pause_reading()
        loop = asyncio.get_running_loop()
        self._down.front.start(loop.create_task(self._connect(backend)))

    async def _connect(self, backend: Backend) -> None:
        loop = asyncio.get_running_loop()
        end = backend.endpoint
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, made = await loop.create_connection(lambda: Upstream(backend), end.ip, end.port)
        except (OSError, TimeoutError) as error:
            _log.debug("pod not reached endpoint=%s:%s error=%r", end.ip, end.port, error)
            backend.failed()
            self._reached(backend, None)
        except BaseException:
            backend.in_flight -= 1
            raise
        else:
            self._reached(backend, made)

    def _reached(self, backend: Backend, made: Upstream | None) -> None:
        self._connecting = False
        if self._over:
            backend.in_flight -= 1
            if made is not None:
                made.close()
        elif made is not None:
            self._send(made)
        else:
            backend.in_flight -= 1
            self._tried.append(backend)
            self._try_next()

    def _send(self, up: Upstream) -> None:
        self._up = up
        up.begin(self, self.head.method)
        up.transport.write(self._opening)
        if self._is_incomplete and not self._down.transport.is_reading():
            self._down.transport.resume_reading()

    def _may_repeat(self, up: Upstream) -> bool:
        """A request that a pod may have seen is sent again only where that does no harm."""
        if self._streamed or up.answered or self._is_incomplete:
            return False
        if self.head.method not in _REPEATABLE:
            return False
        if not up.reused:  # a fresh connection that breaks is the pod's doing: try it no more
            up.backend.failed()
            self._tried.append(up.backend)
        return True

    def _nobody(self) -> Refusal:
        if not self._tried:
            return Refusal(503, "no pod of this Service is ready", (("Retry-After", "1"),))
        where = ", ".join(f"{b.endpoint.ip}:{b.endpoint.port}" for b in self._tried)
        return Refusal(502, f"no pod of this Service could be reached (tried {where})")

    # --- the end ---------------------------------------------------------------------------------

    def _own_part(self, data: bytes) -> bytes:
        """The part of what the client sent that is this request's body."""
        body = self._body
        if body is None:
            self._rest = data
            return b""
        part = body.feed(data)
        if body.done:
            self._rest = body.rest
        return part

    def _complete(self) -> None:
        up, self._up = self._up, None
        self._finish_count(up)
        self._over = True
        request_done = self._body is None or self._body.done
        if up is not None:
            up.end(request_complete=request_done)
        keep_alive = self._keep_alive and request_done
        self._down.finished(self._rest, keep_alive=keep_alive, unread=not request_done)

    def _refuse(self, refusal: Refusal) -> None:
        up, self._up = self._up, None
        self._finish_count(up)
        self._over = True
        if up is not None:
            up.abort()
        if self._answer_begun:
            self._down.transport.abort()
            return
        is_bodiless = self._body is None
        if is_bodiless and self._keep_alive and self._down.is_open:
            head_only = self.head.method == b"HEAD"
            self._down.transport.write(refusal.to_send(head_only=head_only, keep_alive=True))
            self._down.finished(self._rest, keep_alive=True)
        else:
            self._down.refuse(refusal, head_only=self.head.method == b"HEAD")

    def _finish_count(self, up: Upstream | None) -> None:
        if up is not None:
            up.backend.in_flight -= 1
