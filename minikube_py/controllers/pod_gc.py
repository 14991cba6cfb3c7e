"""Removes pods nobody else will: those whose node is gone, and ended ones when they become many."""

from collections.abc import Sequence

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    make_key,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

MOST_ENDED = 1000
NODE_GRACE_SECONDS = 40.0
"""A node's name may come back: a daemon registers its node some moments after the first pods
are read.
"""
_ALL = Key("all")
_BY_NODE = "node"


def new_pod_gc_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, clock: Clock
) -> Controller:
    pods, nodes = informers.of(POD), informers.of(NODE)
    collector = _Collector(resources, pods, nodes, clock)
    controller = Controller("pod-gc", collector.reconcile, workers=1)
    nodes.subscribe(collector.node_changed)
    controller.watches(nodes, lambda node: [make_key(None, name_of(node))])
    controller.watches(pods, lambda pod: collector.concerns(pod))
    return controller


def ended_too_many(pods: Sequence[Object], most: int) -> list[Object]:
    """The oldest ended pods beyond `most`."""
    ended = [pod for pod in pods if _has_ended(pod)]
    ended.sort(
        key=lambda pod: (get_path(pod, "metadata", "creationTimestamp", default=""), name_of(pod))
    )
    return ended[: max(0, len(ended) - most)]


class _Collector:
    """Keys are names of nodes, and one for all ended pods."""

    def __init__(self, resources: Resources, pods: Informer, nodes: Informer, clock: Clock) -> None:
        self._resources = resources
        self._pods = pods
        self._nodes = nodes
        self._clock = clock
        self._missed: set[Key | str] = set()
        pods.add_index(_BY_NODE, lambda pod: [get_path(pod, "spec", "nodeName", default="")])

    def node_changed(self, old: Object | None, new: Object | None) -> None:
        """A node that was seen to go needs no grace: nobody is about to register it."""
        if old is not None and new is None:
            self._missed.add(name_of(old))

    def concerns(self, pod: Object) -> list[Key]:
        if _has_ended(pod):
            return [_ALL]
        node = get_path(pod, "spec", "nodeName")
        return [make_key(None, node)] if node and self._nodes.get_named(None, node) is None else []

    async def reconcile(self, key: Key) -> Requeue | None:
        if key == _ALL:
            for pod in ended_too_many(self._pods.list(), MOST_ENDED):
                await self._remove(pod)
            return None
        if self._nodes.get(key) is not None or not self._pods.by_index(_BY_NODE, key):
            self._missed.discard(key)
            return None
        if key not in self._missed:
            self._missed.add(key)
            return Requeue(NODE_GRACE_SECONDS)
        for pod in self._pods.by_index(_BY_NODE, key):
            await self._remove(pod, lost=True)
        return None

    async def _remove(self, pod: Object, *, lost: bool = False) -> None:
        options = DeleteOptions(grace_period_seconds=0, uid=uid_of(pod))
        try:
            if lost and not _has_ended(pod):
                await self._resources.update_status(
                    POD, namespace_of(pod), name_of(pod), self._mark_lost
                )
            await self._resources.delete(POD, namespace_of(pod), name_of(pod), options)
        except (NotFound, Conflict):
            return

    def _mark_lost(self, pod: Object) -> None:
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
        }
        status = pod.setdefault("status", {})
        listed = status.get("conditions") or []
        status["phase"] = "Failed"
        status["conditions"] = with_condition(listed, condition, now=format_time(self._clock()))


def _has_ended(pod: Object) -> bool:
    return get_path(pod, "status", "phase") in ("Succeeded", "Failed")
