"""Connections that broke off, seen to a few in each turn of the loop.

A client that had a thousand watches and is killed loses them all in one moment. Unwinding each
takes some 0.1 ms, and together they would keep everyone else waiting.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

AT_ONCE = 16


class Partings:
    """Of one server."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def spread(self, transport: asyncio.BaseTransport | None) -> None:
        """From now on `transport`'s protocol hears of its loss when its turn comes."""
        if transport is None:  # it is lost already
            return
        protocol = transport.get_protocol()
        if isinstance(protocol, asyncio.Protocol) and not isinstance(protocol, _Spread):
            transport.set_protocol(_Spread(protocol, self))

    def add(self, parting: Callable[[], None]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._some)
        self._waiting.append(parting)

    def _some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self._waiting.popleft()()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._some)


class _Spread(asyncio.Protocol):
    """Hands everything to `protocol`, the loss of the connection by way of `partings`."""

    def __init__(self, protocol: asyncio.Protocol, partings: Partings) -> None:
        self._partings = partings
        self._protocol = protocol
        self.data_received = protocol.data_received  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        self._partings.add(partial(self._protocol.connection_lost, exc))
