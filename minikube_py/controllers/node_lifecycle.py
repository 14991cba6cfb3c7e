"""Says of a node whose kubelet fell silent that nobody knows how it is.

The kubelet renews a Lease; when that is older than it may be, the node's conditions become Unknown
and the scheduler leaves it out. The kubelet puts them right when it is back. What the conditions
mean for pods is written as taints; `taint_eviction` acts on them.
"""

from collections.abc import Sequence
from datetime import datetime

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.control_loop.taints import STATE_KEYS, Taint, silence, state_keys
from minikube_py.kinds.catalog import LEASE, NODE
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    find_condition,
    get_path,
    key_of,
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
    # Whether pods have to leave a silent node depends on how the others are.
    controller.watches(nodes, lambda node: {key_of(node), *map(key_of, nodes.list())})
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


def wanted_taints(node: Object, everybody: Sequence[Object], now: datetime) -> list[Taint]:
    """Its taints with those of its state put right. Where all nodes are silent nobody has to leave:
    it is more likely the engine, or this daemon, than all of them.
    """
    listed: list[Taint] = get_path(node, "spec", "taints", default=[])
    wanted = [(key, "NoSchedule") for key in state_keys(node)]
    silent = silence(node)
    if silent and not all(silence(each) for each in everybody):
        wanted.append((silent, "NoExecute"))
    kept = [
        taint
        for taint in listed
        if taint.get("key") not in STATE_KEYS or (taint["key"], taint.get("effect")) in wanted
    ]
    have = {(taint.get("key"), taint.get("effect")) for taint in kept}
    stamp = format_time(now)
    return kept + [
        {"key": key, "effect": effect, "timeAdded": stamp}
        for key, effect in wanted
        if (key, effect) not in have
    ]


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
        await self._put_taints(node, now)
        if left > 0:
            return Requeue(left + 0.1)
        ready = find_condition(node, "Ready")
        if ready is None or ready.get("status") != "Unknown":
            await self._say_unknown(node, now)
        return Requeue(GRACE_SECONDS)

    async def _put_taints(self, node: Object, now: datetime) -> None:
        everybody = self._nodes.list()
        if wanted_taints(node, everybody, now) == get_path(node, "spec", "taints", default=[]):
            return

        def change(fresh: Object) -> None:
            taints = wanted_taints(fresh, everybody, now)
            if taints:
                fresh["spec"]["taints"] = taints
            else:
                fresh["spec"].pop("taints", None)

        try:
            written = await self._resources.modify(NODE, None, name_of(node), change)
        except NotFound:
            return
        await self._nodes.observed(written)

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
