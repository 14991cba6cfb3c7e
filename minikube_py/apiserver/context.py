"""What every handler works with: the server's parts, and what is known about the request at
hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from minikube_py.apiserver.authn import TokenAuthenticator
from minikube_py.apiserver.authz import Authorizer
from minikube_py.apiserver.metrics import Metrics
from minikube_py.apiserver.node_side import NodeSide
from minikube_py.apiserver.partings import Partings
from minikube_py.apiserver.streams.interface import PodStreams
from minikube_py.apiserver.targets import Target
from minikube_py.meta.errors import ApiError
from minikube_py.meta.timestamps import Clock
from minikube_py.meta.users import User
from minikube_py.resources.resources import Resources
from minikube_py.resources.service_account_tokens import ServiceAccountTokens

T = TypeVar("T")
Check = Callable[[], Awaitable[None]]
"""Returns when all is well, raises with the reason otherwise."""


@dataclass
class ApiServer:
    resources: Resources
    streams: PodStreams
    checks: Mapping[str, Check]
    authorizer: Authorizer
    authenticator: TokenAuthenticator | None
    tokens: ServiceAccountTokens | None
    metrics: Metrics
    clock: Clock
    node: NodeSide = field(default_factory=NodeSide)
    components: Mapping[str, Check] = field(default_factory=dict)
    """What ComponentStatus tells of."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server goes down: long requests end cleanly."""
    partings: Partings = field(default_factory=Partings)
    _at_closing: set[Callable[[], None]] = field(default_factory=set)
    _writes: set[asyncio.Task[Any]] = field(default_factory=set)

    def close(self) -> None:
        self.closing.set()
        for told in list(self._at_closing):
            told()

    @contextmanager
    def at_closing(self, told: Callable[[], None]) -> Iterator[None]:
        """Calls `told` when the server goes down meanwhile, or has already."""
        if self.closing.is_set():
            told()
        self._at_closing.add(told)
        try:
            yield
        finally:
            self._at_closing.discard(told)

    async def finish(self, write: Coroutine[Any, Any, T]) -> T:
        """Runs a write to its end even when the client that asked for it goes away.

        A refusal waits until what it was refused for is on the disk: nobody may read an older
        state, or see it come to nothing, after having been told of the newer one.
        """
        task = asyncio.ensure_future(self._settled(write))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def _settled(self, write: Coroutine[Any, Any, T]) -> T:
        try:
            return await write
        except ApiError:
            await self.resources.store.settled()
            raise


@dataclass
class RequestState:
    """One request, as the middleware found it. Handlers add `warnings` before they answer."""

    audit_id: str
    verb: str
    target: Target | None
    user: User
    warnings: list[str] = field(default_factory=list)


SERVER = web.AppKey("server", ApiServer)
_STATE = web.RequestKey("state", RequestState)


def server_of(request: web.Request) -> ApiServer:
    return request.app[SERVER]


def state_of(request: web.BaseRequest) -> RequestState:
    return request[_STATE]


def target_of(request: web.Request) -> Target:
    """For handlers that only resource paths lead to."""
    target = state_of(request).target
    assert target is not None
    return target


def find_state(request: web.BaseRequest) -> RequestState | None:
    """None before the middleware ran, for requests that were not even HTTP."""
    return request.get(_STATE)


def set_state(request: web.Request, state: RequestState) -> None:
    request[_STATE] = state
