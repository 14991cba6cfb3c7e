"""Makes the room that a decision found: says whose it will be, then lets the victims go.

They leave as any deleted pod does, with their own grace; the scheduler tries again when they are
gone. What was promised is in the pod's status, so a restart forgets nothing.
"""

import asyncio
import logging

from minikube_py.control_loop.informer import Informer
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import POD
from minikube_py.meta.errors import ApiError, NotFound
from minikube_py.meta.objects import (
    Object,
    get_path,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.preemption import PREEMPTED, Preemption
from minikube_py.scheduler.views import PodView

log = logging.getLogger(__name__)


class Preemptor:
    def __init__(
        self,
        resources: Resources,
        pods: Informer,
        cluster: ClusterView,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._pods = pods
        self._cluster = cluster
        self._recorder = recorder
        self._clock = clock

    async def make_room(self, pod: PodView, plan: Preemption, scheduler: str) -> None:
        """Raises ApiErrors; what was not done is found again by the next decision."""
        self._cluster.nominate(pod, plan.node)
        await self.promise(pod.pod, plan.node)
        await asyncio.gather(
            *(self._displace(pod, victim, plan.node, scheduler) for victim in plan.victims)
        )
        for other in self._cluster.nominated_less_important(pod, plan.node):
            await self.promise(other.pod, "")

    async def promise(self, pod: Object, node: str) -> None:
        """Writes status.nominatedNodeName; "" takes it back."""

        def change(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(pod) or get_path(fresh, "spec", "nodeName"):
                return
            status = fresh.setdefault("status", {})
            if node:
                status["nominatedNodeName"] = node
            else:
                status.pop("nominatedNodeName", None)

        try:
            written = await self._resources.update_status(
                POD, namespace_of(pod), name_of(pod), change
            )
        except NotFound:
            return
        await self._pods.observed(written)

    async def _displace(self, pod: PodView, view: PodView, node: str, scheduler: str) -> None:
        victim = view.pod
        namespace, name = namespace_of(victim), name_of(victim)

        def mark(fresh: Object) -> None:
            condition = {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": PREEMPTED,
                "message": f"{scheduler}: preempting to accommodate a higher priority pod",
            }
            status = fresh.setdefault("status", {})
            status["conditions"] = with_condition(
                status.get("conditions") or [], condition, now=format_time(self._clock())
            )

        try:
            if not is_deleting(victim):
                await self._resources.update_status(POD, namespace, name, mark)
            await self._resources.delete(POD, namespace, name, DeleteOptions(uid=uid_of(victim)))
        except ApiError as error:
            log.debug("victim not deleted pod=%s error=%s", view.key, error)
            return
        message = f"Preempted by pod {uid_of(pod.pod)} on node {node}"
        self._recorder.record(victim, "Normal", "Preempted", message)
        await self._pods.until(
            key_of(victim), lambda seen: seen is None or is_deleting(seen), seconds=5
        )
