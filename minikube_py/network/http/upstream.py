"""One connection to a pod: sends a request's bytes, reads the answer, tells the requester.

Knows nothing of clients; what it finds it hands to the Requester, in callbacks, without a task.
"""

import asyncio
from typing import Protocol, cast

from minikube_py.network.http.backends import Backend
from minikube_py.network.http.body import Body, UntilClose, response_body
from minikube_py.network.http.head import (
    END,
    LARGEST_HEAD,
    BadMessage,
    ResponseHead,
    parse_response,
)


class Requester(Protocol):
    """Who waits for the answer."""

    def on_interim(self, head: ResponseHead) -> None: ...

    def on_response(
        self, head: ResponseHead, body: bytes, *, done: bool, until_close: bool
    ) -> None: ...

    def on_body(self, data: bytes, *, done: bool) -> None: ...

    def on_switch(self, head: ResponseHead, rest: bytes) -> None: ...

    def on_tunnel_data(self, data: bytes) -> None: ...

    def on_lost(self, why: str) -> None:
        """The connection broke before the answer was complete."""
        ...

    def pause_request(self) -> None: ...

    def resume_request(self) -> None: ...


class Upstream(asyncio.Protocol):
    """`answered` says that a byte of the answer came; `reused` that it carried requests before."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.released_at = 0.0
        self.reused = False
        self.answered = False
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._requester: Requester | None = None
        self._method = b""
        self._buffer = b""
        self._body: Body | None = None
        self._reading_head = True
        self._keep_alive = False
        self._tunnel = False
        self._closed = False

    @property
    def is_open(self) -> bool:
        return not self._closed

    def begin(self, requester: Requester, method: bytes) -> None:
        """From here on the answer belongs to `requester`."""
        self._requester = requester
        self._method = method
        self.answered = False
        self._reading_head = True
        self._body = None
        self._buffer = b""

    def end(self, *, request_complete: bool) -> None:
        """The exchange is over; the connection is kept when both sides are at a clean end."""
        self._requester = None
        is_clean = request_complete and self._keep_alive and not self._tunnel
        if is_clean and not self._closed and not self.transport.get_write_buffer_size():
            self.reused = True
            if not self.transport.is_reading():
                self.transport.resume_reading()
            self.backend.keep(self)
        else:
            self.close()

    def close(self) -> None:
        self._requester = None
        self._closed = True
        if not self.transport.is_closing():
            self.transport.close()

    def abort(self) -> None:
        """Ends at once, unsent bytes and all."""
        self._requester = None
        self._closed = True
        self.transport.abort()

    # --- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        requester = self._requester
        if requester is None:  # words nobody asked for: whose they are can't be known
            self.backend.forget(self)
            self.close()
        elif self._tunnel:
            requester.on_tunnel_data(data)
        else:
            self.answered = True
            try:
                if self._reading_head:
                    self._read_head(data, requester)
                else:
                    self._read_body(data, requester)
            except BadMessage as error:
                self._fail(str(error))

    def eof_received(self) -> bool:
        return False  # the transport closes; connection_lost sorts out what that means

    def connection_lost(self, exc: Exception | None) -> None:
        was_closed, self._closed = self._closed, True
        requester, self._requester = self._requester, None
        if requester is None:
            if not was_closed:
                self.backend.forget(self)
            return
        if isinstance(self._body, UntilClose) and exc is None:
            self._keep_alive = False
            requester.on_body(b"", done=True)
        else:
            requester.on_lost(f"the pod closed the connection ({exc or 'end of stream'})")

    def pause_writing(self) -> None:
        if self._requester is not None:
            self._requester.pause_request()

    def resume_writing(self) -> None:
        if self._requester is not None:
            self._requester.resume_request()

    # --- reading ---------------------------------------------------------------------------------

    def _read_head(self, data: bytes, requester: Requester) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        end = data.find(END)
        if end < 0:
            if len(data) > LARGEST_HEAD:
                raise BadMessage(502, "the pod's answer has too large a head")
            self._buffer = data
            return
        head = parse_response(data[: end + 2])
        rest = data[end + 4 :]
        if head.status < 200:
            self._read_interim(head, rest, requester)
            return
        self._reading_head = False
        self._keep_alive = head.keep_alive
        fields = head.fields
        body = response_body(self._method, head.status, fields.length, chunked=fields.chunked)
        self._body = body
        if body is None:
            self._keep_alive = head.keep_alive and not rest
            requester.on_response(head, b"", done=True, until_close=False)
            return
        until_close = isinstance(body, UntilClose)
        first = body.feed(rest)
        if body.rest:
            self._keep_alive = False
        requester.on_response(head, first, done=body.done, until_close=until_close)

    def _read_interim(self, head: ResponseHead, rest: bytes, requester: Requester) -> None:
        if head.status == 101:
            self._tunnel = True
            requester.on_switch(head, rest)
            return
        requester.on_interim(head)
        if rest and self._requester is requester:
            self._read_head(rest, requester)

    def _read_body(self, data: bytes, requester: Requester) -> None:
        body = self._body
        if body is None:
            raise BadMessage(502, "the pod sent more than it announced")
        passed_on = body.feed(data)
        if body.rest:
            self._keep_alive = False
        requester.on_body(passed_on, done=body.done)

    def _fail(self, why: str) -> None:
        requester, self._requester = self._requester, None
        self.abort()
        if requester is not None:
            requester.on_lost(why)
