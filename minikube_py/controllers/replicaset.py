"""ReplicaSets: as many pods as asked for, made in growing batches, the least missed removed first.

Before reconcile ends it waits until the informer shows what it made and removed, so the next one
never counts a stale view (Kubernetes tracks "expectations" for that).
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from minikube_py.control_loop.children import (
    Claimer,
    candidates_for,
    children_of,
    index_by_controller,
    is_because_namespace_ends,
    parent_keys,
)
from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.pods import (
    is_active,
    is_ready,
    pod_from_template,
    seconds_until_available,
    sort_for_deletion,
)
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import POD, REPLICA_SET
from minikube_py.meta.errors import ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    controller_of,
    find_condition,
    get_path,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.selectors import from_label_selector
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

_BURST = 500  # pods made or removed in one reconcile


@dataclass(frozen=True)
class Failure:
    """Why pods could not be made or removed: a ReplicaFailure condition."""

    reason: str
    message: str


def new_replicaset_controller(
    resources: Resources, informers: Informers, recorder: Recorder, clock: Clock
) -> Controller:
    replica_sets, pods = informers.of(REPLICA_SET), informers.of(POD)
    index_by_controller(pods)
    index_by_controller(replica_sets)
    reconciler = _Reconciler(resources, replica_sets, pods, recorder, clock)
    controller = Controller("replicaset", reconciler.reconcile, workers=4)
    controller.watches(replica_sets)
    controller.watches(pods, lambda pod: parent_keys(pod, replica_sets))
    return controller


def batches(total: int) -> Iterator[int]:
    """1, 2, 4, …: a template that cannot work fails once, not a hundred times."""
    size = 1
    while total > 0:
        yield min(size, total)
        total -= size
        size *= 2


def replica_set_status(
    replica_set: Object, active: Sequence[Object], failure: Failure | None, now: datetime
) -> Object:
    template_labels = labels_of(get_path(replica_set, "spec", "template", default={})).items()
    min_ready = get_path(replica_set, "spec", "minReadySeconds", default=0)
    ready = [pod for pod in active if is_ready(pod)]
    available = [
        pod for pod in ready if seconds_until_available(pod, min_ready, now.timestamp()) == 0
    ]
    labeled = [pod for pod in active if template_labels <= labels_of(pod).items()]
    old = replica_set.get("status") or {}
    status: Object = {
        "replicas": len(active),
        "fullyLabeledReplicas": len(labeled),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
        "observedGeneration": get_path(replica_set, "metadata", "generation", default=0),
    }
    status = {key: value for key, value in status.items() if value or key == "replicas"}
    if conditions := _conditions(old.get("conditions") or [], failure, now):
        status["conditions"] = conditions
    return status


class _Reconciler:
    def __init__(
        self,
        resources: Resources,
        replica_sets: Informer,
        pods: Informer,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._replica_sets = replica_sets
        self._pods = pods
        self._recorder = recorder
        self._clock = clock

    async def reconcile(self, key: Key) -> Requeue | None:
        replica_set = self._replica_sets.get(key)
        if replica_set is None:
            return None
        selector = from_label_selector(get_path(replica_set, "spec", "selector"))
        if not selector:
            return None
        candidates = [pod for pod in candidates_for(self._pods, replica_set) if is_active(pod)]
        claimer = Claimer(self._resources, REPLICA_SET, replica_set, POD)
        active = await claimer.claim(candidates, selector)
        error: Exception | None = None
        failure: Failure | None = None
        if not is_deleting(replica_set):
            surplus = len(active) - _wanted(replica_set)
            if surplus < 0:
                error = await self._create(replica_set, min(-surplus, _BURST))
                failure = Failure("FailedCreate", str(error)) if error else None
            elif surplus > 0:
                error = await self._delete(replica_set, active, min(surplus, _BURST))
                failure = Failure("FailedDelete", str(error)) if error else None
        return await self._write_status(replica_set, failure, error)

    async def _create(self, replica_set: Object, missing: int) -> Exception | None:
        """Stops at the first batch with a failure, and gives that."""
        for size in batches(missing):
            made = await asyncio.gather(
                *(self._create_one(replica_set) for _ in range(size)), return_exceptions=True
            )
            for result in made:
                if isinstance(result, ApiError):
                    return result
                if isinstance(result, BaseException):
                    raise result
        return None

    async def _create_one(self, replica_set: Object) -> None:
        pod = pod_from_template(replica_set["spec"]["template"], replica_set)
        try:
            written = await self._resources.create(POD, namespace_of(replica_set), pod)
        except ApiError as error:
            if is_because_namespace_ends(error):
                return
            self._recorder.record(
                replica_set, "Warning", "FailedCreate", f"Error creating: {error}"
            )
            raise
        self._recorder.record(
            replica_set, "Normal", "SuccessfulCreate", f"Created pod: {name_of(written.object)}"
        )
        await self._pods.observed(written.object)

    async def _delete(
        self, replica_set: Object, active: Sequence[Object], surplus: int
    ) -> Exception | None:
        doomed = sort_for_deletion(active, self._related(replica_set))[:surplus]
        results = await asyncio.gather(
            *(self._delete_one(replica_set, pod) for pod in doomed), return_exceptions=True
        )
        for result in results:
            if isinstance(result, ApiError):
                return result
            if isinstance(result, BaseException):
                raise result
        return None

    async def _delete_one(self, replica_set: Object, pod: Object) -> None:
        try:
            await self._resources.delete(
                POD, namespace_of(pod), name_of(pod), DeleteOptions(uid=uid_of(pod))
            )
        except (NotFound, Conflict):
            # Gone already, or another pod of that name by now: the informer will tell.
            return
        except ApiError as error:
            self._recorder.record(
                replica_set, "Warning", "FailedDelete", f"Error deleting: {error}"
            )
            raise
        self._recorder.record(
            replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}"
        )
        await self._pods.until(key_of(pod), lambda seen: seen is None or not is_active(seen))

    def _related(self, replica_set: Object) -> list[Object]:
        """Pods of all ReplicaSets of the same Deployment: they crowd nodes together."""
        owner = controller_of(replica_set)
        siblings = [replica_set]
        if owner is not None:
            siblings = [
                other
                for other in self._replica_sets.list(namespace_of(replica_set))
                if (controller_of(other) or {}).get("uid") == owner["uid"]
            ]
        return [pod for sibling in siblings for pod in children_of(self._pods, sibling)]

    async def _write_status(
        self, replica_set: Object, failure: Failure | None, error: Exception | None
    ) -> Requeue | None:
        active = [pod for pod in children_of(self._pods, replica_set) if is_active(pod)]
        now = self._clock()
        wanted = replica_set_status(replica_set, active, failure, now)
        if wanted != replica_set.get("status"):
            await self._change_status(replica_set, wanted)
        if error is not None:
            raise error
        return _next_look(replica_set, active, now)

    async def _change_status(self, replica_set: Object, wanted: Object) -> None:
        def change(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(replica_set):
                raise Conflict(f"replica set {name_of(fresh)!r} was replaced meanwhile")
            fresh["status"] = wanted

        namespace, name = namespace_of(replica_set), name_of(replica_set)
        try:
            written = await self._resources.update_status(REPLICA_SET, namespace, name, change)
        except NotFound:
            return
        await self._replica_sets.observed(written)


def _wanted(replica_set: Object) -> int:
    replicas = get_path(replica_set, "spec", "replicas")
    return 1 if replicas is None else int(replicas)


def _next_look(replica_set: Object, active: Sequence[Object], now: datetime) -> Requeue | None:
    """When the next ready pod will have been ready for minReadySeconds."""
    min_ready = get_path(replica_set, "spec", "minReadySeconds", default=0)
    waits = [seconds_until_available(pod, min_ready, now.timestamp()) for pod in active]
    pending = [wait for wait in waits if wait]
    return Requeue(min(pending)) if pending else None


def _conditions(old: Sequence[Object], failure: Failure | None, now: datetime) -> list[Object]:
    others = [condition for condition in old if condition.get("type") != "ReplicaFailure"]
    if failure is None:
        return others
    before = find_condition({"status": {"conditions": list(old)}}, "ReplicaFailure")
    if before is not None and before.get("reason") == failure.reason:
        return list(old)
    new = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": failure.reason,
        "message": failure.message,
    }
    return with_condition(old, new, now=format_time(now))
