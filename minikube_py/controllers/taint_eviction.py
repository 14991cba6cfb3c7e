"""Pods leave nodes whose NoExecute taints they don't tolerate: at once, or when their
tolerationSeconds are over.

Time counts from the taint's timeAdded where it has one, so a restart grants nobody more; else from
when it was first seen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.control_loop.taints import Taint, matching_tolerations
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time, parse_time
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

_FOREVER = float("inf")
_BY_NODE = "node of taints"


def new_taint_eviction_controller(
    resources: Resources, informers: Informers, recorder: Recorder, clock: Clock
) -> Controller:
    pods, nodes = informers.of(POD), informers.of(NODE)
    pods.add_index(_BY_NODE, lambda pod: [get_path(pod, "spec", "nodeName", default="")])
    manager = _Manager(resources, pods, nodes, recorder, clock)
    controller = Controller("taint-eviction", manager.reconcile, workers=2)
    controller.watches(nodes, manager.pods_on)
    controller.watches(pods, manager.concerns)
    return controller


def no_execute(node: Object | None) -> Sequence[Taint]:
    taints = get_path(node, "spec", "taints", default=[])
    return [taint for taint in taints if taint.get("effect") == "NoExecute"]


def toleration_seconds(pod: Object, taints: Sequence[Taint]) -> float:
    """How long it may stay: 0 where it doesn't tolerate one, infinity where nothing bounds it."""
    bounds = [_FOREVER]
    for taint in taints:
        matching = matching_tolerations(pod, taint)
        if not matching:
            return 0
        seconds = [each.get("tolerationSeconds") for each in matching]
        bounds += [max(0, each) for each in seconds if each is not None]
    return min(bounds)


class _Manager:
    def __init__(
        self,
        resources: Resources,
        pods: Informer,
        nodes: Informer,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._pods = pods
        self._nodes = nodes
        self._recorder = recorder
        self._clock = clock
        self._since: dict[Key, datetime] = {}

    def pods_on(self, node: Object) -> list[Key]:
        """Of the node as it was and as it is: one of both has the taints when they come or go."""
        if not no_execute(node):
            return []
        return [key_of(pod) for pod in self._pods.by_index(_BY_NODE, name_of(node))]

    def concerns(self, pod: Object) -> list[Key]:
        return [key_of(pod)] if key_of(pod) in self._since or self._taints(pod) else []

    async def reconcile(self, key: Key) -> Requeue | None:
        pod = self._pods.get(key)
        if pod is None or is_deleting(pod) or _has_ended(pod):
            self._since.pop(key, None)
            return None
        taints = self._taints(pod)
        seconds = toleration_seconds(pod, taints)
        if seconds == _FOREVER:
            if self._since.pop(key, None) is not None:
                self._tell(pod, "Cancelling deletion of Pod")
            return None
        left = self._due(pod, taints, seconds) - self._clock()
        if seconds and left > timedelta():
            return Requeue(left.total_seconds() + 0.01)
        await self._evict(pod)
        self._since.pop(key, None)
        return None

    def _taints(self, pod: Object) -> Sequence[Taint]:
        node = get_path(pod, "spec", "nodeName")
        return no_execute(self._nodes.get_named(None, node)) if node else ()

    def _due(self, pod: Object, taints: Sequence[Taint], seconds: float) -> datetime:
        first_seen = self._since.setdefault(key_of(pod), self._clock())
        added = [parse_time(taint["timeAdded"]) for taint in taints if taint.get("timeAdded")]
        created = get_path(pod, "metadata", "creationTimestamp")
        if added and created:
            first_seen = min(first_seen, max(max(added), parse_time(created)))
        return first_seen + timedelta(seconds=seconds)

    async def _evict(self, pod: Object) -> None:
        namespace, name = namespace_of(pod), name_of(pod)
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
        }

        def mark(fresh: Object) -> None:
            status = fresh.setdefault("status", {})
            status["conditions"] = with_condition(
                status.get("conditions") or [], condition, now=format_time(self._clock())
            )

        self._tell(pod, "Marking for deletion Pod")
        try:
            await self._resources.update_status(POD, namespace, name, mark)
            await self._resources.delete(POD, namespace, name, DeleteOptions(uid=uid_of(pod)))
        except (NotFound, Conflict):
            return

    def _tell(self, pod: Object, what: str) -> None:
        message = f"{what} {namespace_of(pod)}/{name_of(pod)}"
        self._recorder.record(pod, "Normal", "TaintManagerEviction", message)


def _has_ended(pod: Object) -> bool:
    return get_path(pod, "status", "phase") in ("Succeeded", "Failed")
