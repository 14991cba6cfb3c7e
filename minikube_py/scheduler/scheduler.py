"""Gives pending pods a node: one decision after the other, bindings at the same time.

A pod is assumed to be where it was decided from that moment on, so the next decision counts it
while its binding is still on the way to disk, or waits for a volume to be made.
"""

import asyncio
import logging
from collections.abc import Mapping

from minikube_py.control_loop.claims import SELECTED_NODE, is_bound
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import (
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    STORAGE_CLASS,
)
from minikube_py.meta.errors import ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    find_condition,
    get_path,
    is_deleting,
    key_of,
    labels_of,
    make_key,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.resources import Resources
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.decision import Decision, Surroundings, decide
from minikube_py.scheduler.owners import SPREAD, Owners
from minikube_py.scheduler.preemptor import Preemptor
from minikube_py.scheduler.queue import SchedulingQueue
from minikube_py.scheduler.reasons import EVERY_CHANGE, Change
from minikube_py.scheduler.views import PodView
from minikube_py.scheduler.volumes import VolumeLookup

log = logging.getLogger(__name__)

_VOLUME_SECONDS = 600.0


class Scheduler:
    """`name`: pods with this spec.schedulerName are its own."""

    def __init__(
        self,
        resources: Resources,
        informers: Informers,
        recorder: Recorder,
        clock: Clock,
        *,
        name: str = "default-scheduler",
    ) -> None:
        self._resources = resources
        self._recorder = recorder
        self._clock = clock
        self._name = name
        self._queue = SchedulingQueue()
        self._cluster = ClusterView()
        self._waits_for: dict[Key, frozenset[Change]] = {}
        self._bindings: dict[Key, asyncio.Task[None]] = {}
        self._pods = informers.of(POD)
        self._nodes = informers.of(NODE)
        self._namespaces = informers.of(NAMESPACE)
        self._claims = informers.of(PERSISTENT_VOLUME_CLAIM)
        self._volumes = informers.of(PERSISTENT_VOLUME)
        self._classes = informers.of(STORAGE_CLASS)
        budgets = informers.of(POD_DISRUPTION_BUDGET)
        services = informers.of(SERVICE)
        spread = {kind.kind: informers.of(kind) for kind in SPREAD}
        self._around = Surroundings(
            VolumeLookup(
                claim=self._claims.get_named,
                volume=lambda name: self._volumes.get_named(None, name),
                volumes=self._volumes.list,
                storage_class=lambda name: self._classes.get_named(None, name),
            ),
            self._labels_of_namespace,
            budgets.list,
            Owners(
                services=services.list,
                controller=lambda kind, namespace, name: (
                    spread[kind].get_named(namespace, name) if kind in spread else None
                ),
            ),
        )
        self._preemptor = Preemptor(resources, self._pods, self._cluster, recorder, clock)
        self._informers = (
            self._nodes,
            self._namespaces,
            self._claims,
            self._volumes,
            self._classes,
            budgets,
            services,
            *spread.values(),
            self._pods,
        )

    async def run(self) -> None:
        """Ends only by cancellation."""
        self._nodes.subscribe(self._node_changed)
        for informer in (self._claims, self._volumes, self._classes):
            informer.subscribe(lambda _old, _new: self._wake("volumes"))
        self._pods.subscribe(self._pod_changed)
        for informer in self._informers:
            await informer.wait_synced()
        async with asyncio.TaskGroup() as group:
            while True:
                key = await self._queue.get()
                self._schedule(key, group)
                # Lets the rest of the daemon run between two decisions of a long queue.
                await asyncio.sleep(0)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None:
                self._cluster.drop_node(name_of(old))
                self._wake("coming")  # what is spread is spread over fewer
            return
        self._cluster.set_node(new)
        if old is None or _offer(old) != _offer(new):
            self._queue.wake()

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._pod_gone(old)
            old = None
        if new is None:
            return
        key, had_node = key_of(new), bool(old and _node_of(old))
        self._cluster.set_pod(new)
        if _node_of(new):
            self._forget(key)
            if _is_finished(new) or (old and _weighs(old) != _weighs(new)):
                self._wake("going")
            if not had_node:
                self._wake("coming")
        elif not self._is_mine(new):
            self._forget(key)
        elif (old is None or _asks(old) != _asks(new)) and not self._cluster.is_assumed(key):
            self._queue.add(key, _priority(new))

    def _pod_gone(self, pod: Object) -> None:
        key = key_of(pod)
        held_room = bool(_node_of(pod) or self._cluster.nominated_node(key))
        self._cluster.drop_pod(key)
        self._forget(key)
        if binding := self._bindings.get(key):
            binding.cancel()
        if held_room:
            self._wake("going")

    def _forget(self, key: Key) -> None:
        self._queue.forget(key)
        self._waits_for.pop(key, None)

    def _wake(self, change: Change) -> None:
        self._queue.wake(lambda key: change in self._waits_for.get(key, EVERY_CHANGE))

    def _is_mine(self, pod: Object) -> bool:
        return (
            get_path(pod, "spec", "schedulerName", default="default-scheduler") == self._name
            and not get_path(pod, "spec", "schedulingGates")
            and not is_deleting(pod)
            and not _is_finished(pod)
        )

    def _schedule(self, key: Key, group: asyncio.TaskGroup) -> None:
        pod = self._pods.get(key)
        if pod is None or _node_of(pod) or not self._is_mine(pod) or self._cluster.is_assumed(key):
            return
        if key in self._bindings:
            self._queue.park(key, _priority(pod))  # room is being made for it
            return
        view = PodView(pod)
        decision = decide(view, self._cluster, self._around)
        if decision.node:
            self._cluster.assume(view, decision.node)
            work = self._bind(view, decision)
        else:
            self._queue.park(key, _priority(pod))
            self._waits_for[key] = decision.waits_for
            work = self._refuse(view, decision)
        task = group.create_task(work, name=f"schedule {key}")
        if decision.node or decision.preemption.node:
            self._bindings[key] = task
            task.add_done_callback(lambda done: self._binding_ended(key, done))

    async def _refuse(self, view: PodView, decision: Decision) -> None:
        await self._say_unschedulable(view.pod, decision.message)
        try:
            if decision.preemption.node:
                await self._preemptor.make_room(view, decision.preemption, self._name)
            elif decision.preemption.is_vain and view.nominated_node:
                await self._preemptor.promise(view.pod, "")
        except Exception as error:
            log.warning("preemption failed pod=%s error=%r", view.key, error)
            self._queue.retry(view.key, view.priority)

    def _binding_ended(self, key: Key, task: "asyncio.Task[None]") -> None:
        if self._bindings.get(key) is task:
            del self._bindings[key]
            # What it waits for may have happened before anybody knew that it waits.
            self._queue.wake(lambda parked: parked == key)

    async def _bind(self, view: PodView, decision: Decision) -> None:
        pod = view.pod
        namespace, name = namespace_of(pod), name_of(pod)
        try:
            for claim in decision.waiting:
                await self._bind_claim(claim, decision.node)
            await self._resources.bind_pod(namespace, name, decision.node, uid=uid_of(pod))
        except NotFound:
            self._cluster.forget(view.key)
        except Exception as error:
            log.log(
                logging.DEBUG if isinstance(error, ApiError) else logging.WARNING,
                "binding failed pod=%s node=%s error=%r",
                view.key,
                decision.node,
                error,
            )
            self._cluster.forget(view.key)
            self._queue.retry(view.key, _priority(pod))
        else:
            message = f"Successfully assigned {namespace}/{name} to {decision.node}"
            self._recorder.record(pod, "Normal", "Scheduled", message)

    async def _bind_claim(self, claim: Object, node: str) -> None:
        """Tells the binder where the claim is wanted, and waits until it is bound. Raises Conflict
        when the binder gives the claim back, TimeoutError when it takes too long.
        """

        def select(fresh: Object) -> None:
            annotations = fresh["metadata"].get("annotations") or {}
            fresh["metadata"]["annotations"] = {SELECTED_NODE: node, **annotations}

        namespace, name = namespace_of(claim), name_of(claim)
        written = await self._resources.modify(PERSISTENT_VOLUME_CLAIM, namespace, name, select)
        await self._claims.observed(written)

        def settled(seen: Object | None) -> bool:
            return seen is None or is_bound(seen) or SELECTED_NODE not in annotations_of(seen)

        key = make_key(namespace, name)
        await self._claims.until(key, settled, seconds=_VOLUME_SECONDS)
        seen = self._claims.get(key)
        if seen is None or not is_bound(seen):
            raise Conflict(f"claim {key} could not be bound on node {node}")

    async def _say_unschedulable(self, pod: Object, message: str) -> None:
        before = find_condition(pod, "PodScheduled")
        if before is not None and before.get("message") == message:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
        }

        def change(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(pod) or _node_of(fresh):
                return
            status = fresh.setdefault("status", {})
            now = format_time(self._clock())
            status["conditions"] = with_condition(
                status.get("conditions") or [], condition, now=now
            )

        self._recorder.record(pod, "Warning", "FailedScheduling", message)
        try:
            await self._resources.update_status(POD, namespace_of(pod), name_of(pod), change)
        except ApiError as error:
            log.debug("condition not written pod=%s error=%s", key_of(pod), error)
        except Exception:
            log.exception("condition not written pod=%s", key_of(pod))

    def _labels_of_namespace(self, name: str) -> Mapping[str, str]:
        namespace = self._namespaces.get_named(None, name)
        return labels_of(namespace) if namespace else {}


def _node_of(pod: Object) -> str:
    return str(get_path(pod, "spec", "nodeName", default=""))


def _priority(pod: Object) -> int:
    return int(get_path(pod, "spec", "priority", default=0))


def _is_finished(pod: Object) -> bool:
    return get_path(pod, "status", "phase") in ("Succeeded", "Failed")


def _asks(pod: Object) -> tuple[object, ...]:
    """What of a pending pod changes a decision: its status, which we write ourselves, does not."""
    return (pod.get("spec"), labels_of(pod), annotations_of(pod), is_deleting(pod))


def _weighs(pod: Object) -> tuple[object, ...]:
    """What of a pod on a node changes a decision about others: less of it is room for them."""
    return (labels_of(pod), get_path(pod, "spec", "containers"))


def _offer(node: Object) -> tuple[object, ...]:
    """What of a node changes a decision: heartbeats do not."""
    status = node.get("status") or {}
    conditions = [(each.get("type"), each.get("status")) for each in status.get("conditions") or []]
    return (node.get("spec"), labels_of(node), status.get("allocatable"), conditions)
