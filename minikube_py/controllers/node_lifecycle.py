"""Says of a node whose kubelet fell silent that nobody knows how it is.

The kubelet renews a Lease; when that is older than it may be, the node's conditions become Unknown
and the scheduler leaves it out. The kubelet puts them right when it is back.
"""

from datetime import datetime

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import LEASE, NODE
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    find_condition,
    get_path,
    make_key,
    name_of,
    split_key,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time, parse_time
from minikube_py.resources.resources import Resources

GRACE_SECONDS = 50.0
_LEASES = "kube-node-lease"
_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def new_node_lifecycle_controller(
    resources: Resources, informers: Informers, recorder: Recorder, clock: Clock
) -> Controller:
    nodes, leases = informers.of(NODE), informers.of(LEASE)
    watchdog = _Watchdog(resources, nodes, leases, recorder, clock)
    controller = Controller("node-lifecycle", watchdog.reconcile, workers=1)
    controller.watches(nodes)
    controller.reads(leases)
    return controller


def seconds_left(lease: Object | None, node: Object, started: datetime, now: datetime) -> float:
    """Until the node counts as silent. After a start of our own it gets its time anew, since while
    we were down nobody could renew.
    """
    renewed = get_path(lease, "spec", "renewTime")
    created = get_path(node, "metadata", "creationTimestamp")
    last = parse_time(renewed or created) if renewed or created else started
    return GRACE_SECONDS - (now - max(last, started)).total_seconds()


class _Watchdog:
    def __init__(
        self,
        resources: Resources,
        nodes: Informer,
        leases: Informer,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._nodes = nodes
        self._leases = leases
        self._recorder = recorder
        self._clock = clock
        self._started = clock()

    async def reconcile(self, key: Key) -> Requeue | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        lease = self._leases.get(make_key(_LEASES, split_key(key)[1]))
        now = self._clock()
        left = seconds_left(lease, node, self._started, now)
        if left > 0:
            return Requeue(left + 0.1)
        ready = find_condition(node, "Ready")
        if ready is None or ready.get("status") != "Unknown":
            await self._say_unknown(node, now)
        return Requeue(GRACE_SECONDS)

    async def _say_unknown(self, node: Object, now: datetime) -> None:
        def change(fresh: Object) -> None:
            status = fresh.setdefault("status", {})
            conditions = status.get("conditions") or []
            for type_ in _CONDITIONS:
                unknown = {
                    "type": type_,
                    "status": "Unknown",
                    "reason": "NodeStatusUnknown",
                    "message": "Kubelet stopped posting node status.",
                }
                conditions = with_condition(conditions, unknown, now=format_time(now))
            status["conditions"] = conditions

        try:
            await self._resources.update_status(NODE, None, name_of(node), change)
        except NotFound:
            return
        message = f"Node {name_of(node)} status is now: NodeNotReady"
        self._recorder.record(node, "Normal", "NodeNotReady", message)
