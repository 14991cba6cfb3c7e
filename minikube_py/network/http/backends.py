"""The pods behind one Service port: which one gets the next request, and the open connections to
each.

The pod with the fewest requests in flight is taken; a pod that just refused a connection is left
alone for a moment. A pod that leaves the Service gets no new request, and its connections close as
the requests in flight end.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable
from typing import Final, Protocol

from minikube_py.network.endpoints import Endpoint

_LOOKED_AT: Final = 16  # pods compared for one request; enough to find an idle one
_REST_SECONDS: Final = 1.0
_MOST_IDLE: Final = 64
_FRESH_SECONDS: Final = 1.0
_IDLE_SECONDS: Final = 4.0
_MOST_STICKY: Final = 100_000


class Connection(Protocol):
    """An open connection to a pod, as the pool sees it."""

    released_at: float

    def close(self) -> None: ...


class Backend:
    """One pod."""

    __slots__ = ("endpoint", "idle", "in_flight", "leaving", "rests_until")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.in_flight = 0
        self.idle: deque[Connection] = deque()
        self.leaving = False
        self.rests_until = 0.0

    def take_idle(self, *, repeatable: bool) -> Connection | None:
        """The connection used last. A pod may close an idle one just as a request is sent on it;
        one that may not be sent twice only gets a connection that was busy a moment ago.
        """
        if not self.idle:
            return None
        newest = self.idle[-1]
        patience = _IDLE_SECONDS if repeatable else _FRESH_SECONDS
        if time.monotonic() - newest.released_at > patience:
            return None
        return self.idle.pop()

    def keep(self, connection: Connection) -> None:
        if self.leaving or len(self.idle) >= _MOST_IDLE:
            connection.close()
            return
        connection.released_at = time.monotonic()
        self.idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """The connection closed by itself."""
        if connection in self.idle:
            self.idle.remove(connection)

    def close_idle(self, *, older_than: float = 0.0) -> None:
        limit = time.monotonic() - older_than
        while self.idle and self.idle[0].released_at <= limit:
            self.idle.popleft().close()

    def failed(self) -> None:
        self.rests_until = time.monotonic() + _REST_SECONDS


class Backends:
    """Changed by `update`; asked by `pick` for every request."""

    def __init__(
        self, endpoints: Iterable[Endpoint] = (), affinity_seconds: int | None = None
    ) -> None:
        self._members: list[Backend] = []
        self._turn = 0
        self._affinity_seconds = affinity_seconds
        self._sticky: OrderedDict[bytes, tuple[Endpoint, float]] = OrderedDict()
        self._empty = asyncio.Event()
        self.update(endpoints, affinity_seconds)

    def __len__(self) -> int:
        return len(self._members)

    def endpoints(self) -> list[Endpoint]:
        return [member.endpoint for member in self._members]

    def update(self, endpoints: Iterable[Endpoint], affinity_seconds: int | None = None) -> None:
        """Members that stay keep their connections and counts."""
        known = {member.endpoint: member for member in self._members}
        self._members = [
            known.pop(end) if end in known else Backend(end) for end in dict.fromkeys(endpoints)
        ]
        self._affinity_seconds = affinity_seconds
        for gone in known.values():
            gone.leaving = True
            gone.close_idle()

    def pick(self, client: bytes, tried: Collection[Backend] = ()) -> Backend | None:
        """The member for a client's next request, None when all were tried."""
        if self._affinity_seconds is None:
            return self._least_busy(tried)
        now = time.monotonic()
        endpoint, until = self._sticky.get(client, (None, 0.0))
        chosen = None
        if until > now:
            same = (m for m in self._members if m.endpoint == endpoint and m not in tried)
            chosen = next(same, None)
        chosen = chosen or self._least_busy(tried)
        if chosen is not None:
            self._sticky[client] = (chosen.endpoint, now + self._affinity_seconds)
            self._sticky.move_to_end(client)
            if len(self._sticky) > _MOST_STICKY:
                self._sticky.popitem(last=False)
        return chosen

    def sweep(self) -> None:
        """Closes connections nobody used for a while, before the pods do."""
        for member in self._members:
            member.close_idle(older_than=_IDLE_SECONDS)

    def close_idle(self) -> None:
        for member in self._members:
            member.close_idle()

    def has_idle(self) -> bool:
        return any(member.idle for member in self._members)

    def _least_busy(self, tried: Collection[Backend]) -> Backend | None:
        members = self._members
        count = len(members)
        if not count:
            return None
        start = self._turn = (self._turn + 1) % count
        best: Backend | None = None
        resting: Backend | None = None
        for offset in range(count):
            member = members[start + offset - count]
            if tried and member in tried:
                continue
            if member.rests_until and member.rests_until > time.monotonic():
                resting = resting or member
            elif best is None or member.in_flight < best.in_flight:
                best = member
                if not best.in_flight:
                    break
            if best is not None and offset >= _LOOKED_AT:
                break
        return best or resting
