"""What must answer before `mk up` returns: the API itself, the Node, and DNS by its Service's
address.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence

from dnslib import DNSRecord

from minikube_py.control_loop.informer import Informer
from minikube_py.meta.objects import is_condition_true

Check = Callable[[], Awaitable[None]]
_POLL_SECONDS = 0.01
_QUERY_SECONDS = 0.5
_ids = itertools.count(1)


class NotReady(Exception):
    """What is still missing, in words."""


async def wait_for(checks: Mapping[str, Check]) -> None:
    """Returns once every check passed; the caller bounds the time."""
    for check in checks.values():
        while True:
            try:
                await check()
                break
            except (NotReady, OSError):
                await asyncio.sleep(_POLL_SECONDS)


def nodes_are_ready(nodes: Informer, names: Sequence[str]) -> Check:
    """Raises NotReady until all of these say Ready."""

    async def check() -> None:
        for name in names:
            node = nodes.get_named(None, name)
            if node is None or not is_condition_true(node, "Ready"):
                raise NotReady(f"node {name} is not Ready")

    return check


def dns_answers(address: str, name: str) -> Check:
    """Raises NotReady unless the server at `address` gives an address for `name`."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Query(answer), remote_addr=(address, 53)
        )
        try:
            question = DNSRecord.question(name)
            question.header.id = next(_ids) & 0xFFFF
            transport.sendto(question.pack())
            async with asyncio.timeout(_QUERY_SECONDS):
                reply = DNSRecord.parse(await answer)
        except TimeoutError as error:
            raise NotReady(f"DNS at {address} does not answer") from error
        finally:
            transport.close()
        if not reply.rr:
            raise NotReady(f"DNS at {address} does not know {name} yet")

    return check


class _Query(asyncio.DatagramProtocol):
    def __init__(self, answer: "asyncio.Future[bytes]") -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(NotReady(f"DNS: {exc}"))
