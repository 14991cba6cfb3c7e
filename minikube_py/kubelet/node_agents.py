"""The nodes this host plays: one kubelet serves the pods of all, each has a Node object, a Lease
and a range of addresses of its own.

What the host has is divided among them, so that the sum of what they promise is there. A node that
the last run had and this one has not is drained and removed.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.control_loop.informer import Informer
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.kinds.dev_annotations import LOGICAL_NODE
from minikube_py.kubelet.node import NodeFacts
from minikube_py.kubelet.node_agent import NodeAgent
from minikube_py.kubelet.tools import LogicalNode
from minikube_py.meta.errors import ApiError, NotFound
from minikube_py.meta.objects import (
    Object,
    annotations_of,
    get_path,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources
from minikube_py.store.interface import StoreUnavailable

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_LEAVING_SECONDS = 3600.0


def facts_of(host: NodeFacts, nodes: Sequence[LogicalNode]) -> list[NodeFacts]:
    """What each node shows of the host that `host` describes."""
    return [
        replace(
            host,
            name=node.name,
            host_ip=node.address or host.host_ip,
            pod_cidr=node.pod_cidr,
            zone=node.zone,
            share=len(nodes),
            number=number,
        )
        for number, node in enumerate(nodes, start=1)
    ]


def surplus_nodes(nodes: Sequence[Object], names: Sequence[str]) -> list[str]:
    """Those this host played once, but plays no more."""
    return [
        name_of(node)
        for node in nodes
        if LOGICAL_NODE in annotations_of(node) and name_of(node) not in names
    ]


class NodeAgents:
    def __init__(
        self,
        resources: Resources,
        runtime: ContainerRuntime,
        facts: Sequence[NodeFacts],
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._agents = [NodeAgent(resources, runtime, one, recorder, clock) for one in facts]
        self.names = [one.name for one in facts]
        self.leaving: list[str] = []

    async def register(self) -> None:
        """Returns when all are Ready; those that are to go take no more pods from now on."""
        self.leaving = surplus_nodes(self._resources.list(NODE).objects(), self.names)
        await asyncio.gather(*(agent.register() for agent in self._agents))

    def look(self) -> None:
        for agent in self._agents:
            agent.look()

    def press(self, conditions: frozenset[str]) -> None:
        """They share one host, and what it runs short of."""
        for agent in self._agents:
            agent.press(conditions)

    async def run(self, pods: Informer) -> None:
        """Ends only by cancellation."""
        async with asyncio.TaskGroup() as group:
            for agent in self._agents:
                group.create_task(agent.run(), name="node heartbeat")
            for name in self.leaving:
                group.create_task(self._retire(name, pods), name=f"retire {name}")

    async def _retire(self, name: str, pods: Informer) -> None:
        while True:
            try:
                return await self._drain_and_remove(name, pods)
            except (ApiError, StoreUnavailable, TimeoutError) as error:
                log.warning("node not removed yet node=%s error=%s", name, error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _drain_and_remove(self, name: str, pods: Informer) -> None:
        def cordon(node: Object) -> None:
            node["spec"]["unschedulable"] = True

        try:
            await self._resources.modify(NODE, None, name, cordon)
            mine = [pod for pod in pods.list() if get_path(pod, "spec", "nodeName") == name]
            await asyncio.gather(*(self._remove(pod, pods) for pod in mine))
            await self._resources.delete(NODE, None, name)
        except NotFound:
            pass
        log.info("node removed node=%s", name)

    async def _remove(self, pod: Object, pods: Informer) -> None:
        uid = uid_of(pod)
        try:
            await self._resources.delete(
                POD, namespace_of(pod), name_of(pod), DeleteOptions(uid=uid)
            )
        except NotFound:
            return
        await pods.until(
            key_of(pod),
            lambda seen: seen is None or uid_of(seen) != uid,
            seconds=_LEAVING_SECONDS,
        )
