"""Carries out what `plan` decides: claims before the pod that needs them, then pods, revisions
and the status.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

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
from minikube_py.control_loop.pods import is_ready, seconds_until_available
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.statefulset import history
from minikube_py.controllers.statefulset.identity import (
    REVISION,
    claim_names,
    claim_owner,
    claims_for,
    numbered_pod,
    ordinal_of,
    ordinals_of,
)
from minikube_py.controllers.statefulset.plan import Member, Plan, Wanted, plan_pods
from minikube_py.controllers.statefulset.status import stateful_set_status
from minikube_py.kinds.catalog import (
    CONTROLLER_REVISION,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STATEFUL_SET,
)
from minikube_py.meta.errors import AlreadyExists, ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    controller_of,
    get_path,
    is_deleting,
    key_of,
    labels_of,
    make_key,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.selectors import from_label_selector
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)
_FINISHED = ("Succeeded", "Failed")


def new_statefulset_controller(
    resources: Resources, informers: Informers, recorder: Recorder, clock: Clock
) -> Controller:
    sets, pods = informers.of(STATEFUL_SET), informers.of(POD)
    revisions = informers.of(CONTROLLER_REVISION)
    claims = informers.of(PERSISTENT_VOLUME_CLAIM)
    index_by_controller(pods)
    index_by_controller(revisions)
    seen = _Seen(sets, pods, revisions, claims)
    reconciler = _Reconciler(resources, seen, recorder, clock)
    controller = Controller("statefulset", reconciler.reconcile, workers=4)
    controller.watches(sets)
    controller.watches(pods, lambda pod: parent_keys(pod, sets))
    controller.watches(claims, reconciler.users_of)
    controller.reads(revisions)
    return controller


@dataclass(frozen=True)
class _Seen:
    sets: Informer
    pods: Informer
    revisions: Informer
    claims: Informer


@dataclass(frozen=True)
class _Set:
    """A StatefulSet with its pods by ordinal, its revisions by name, and what is wanted of it."""

    obj: Object
    pods: dict[int, Object]
    templates: dict[str, Object]
    wanted: Wanted


class _Reconciler:
    def __init__(self, resources: Resources, seen: _Seen, recorder: Recorder, clock: Clock) -> None:
        self._resources = resources
        self._seen = seen
        self._recorder = recorder
        self._clock = clock

    def users_of(self, claim: Object) -> Iterable[Key]:
        """A claim that goes away may be what a pod waits for."""
        for stateful_set in self._seen.sets.list(namespace_of(claim)):
            start = f"-{name_of(stateful_set)}-"
            templates = get_path(stateful_set, "spec", "volumeClaimTemplates", default=[])
            if any(name_of(claim).startswith(name_of(each) + start) for each in templates):
                yield key_of(stateful_set)

    async def reconcile(self, key: Key) -> Requeue | None:
        stateful_set = self._seen.sets.get(key)
        if stateful_set is None:
            return None
        selector = from_label_selector(get_path(stateful_set, "spec", "selector"))
        if not selector:
            return None
        candidates = [
            pod
            for pod in candidates_for(self._seen.pods, stateful_set)
            if ordinal_of(stateful_set, pod) is not None
        ]
        claimer = Claimer(self._resources, STATEFUL_SET, stateful_set, POD)
        pods = await claimer.claim(candidates, selector)
        if is_deleting(stateful_set):
            return None
        work = await self._as_set(stateful_set, pods)
        try:
            await self._advance(work)
        except Exception:
            # Not in a `finally`: a cancelled reconcile must leave, not wait.
            await self._write_status(work)
            raise
        await self._write_status(work)
        await self._truncate_history(work)
        return self._next_look(work)

    async def _as_set(self, stateful_set: Object, pods: Sequence[Object]) -> _Set:
        known = children_of(self._seen.revisions, stateful_set)
        update = await self._update_revision(stateful_set, known)
        templates = {name_of(each): history.template_of(each) for each in [*known, update]}
        current = get_path(stateful_set, "status", "currentRevision", default="")
        by_ordinal = {ordinal_of(stateful_set, pod) or 0: pod for pod in pods}
        wanted = _wanted(
            stateful_set, current if current in templates else name_of(update), name_of(update)
        )
        return _Set(stateful_set, by_ordinal, templates, wanted)

    async def _update_revision(self, stateful_set: Object, known: Sequence[Object]) -> Object:
        """The revision of the template as it is now, with the highest number of all."""
        namespace, number = namespace_of(stateful_set), history.next_number(known)
        equal = history.find_equal(stateful_set, known)
        if equal is None:
            collisions = get_path(stateful_set, "status", "collisionCount")
            made = history.new_revision(stateful_set, number, collisions)
            return await self._create_revision(stateful_set, made)
        if int(equal.get("revision", 0)) == number - 1:
            return equal
        renumbered = await self._resources.modify(
            CONTROLLER_REVISION,
            namespace,
            name_of(equal),
            lambda fresh: fresh.update(revision=number),
        )
        await self._seen.revisions.observed(renumbered)
        return renumbered

    async def _create_revision(self, stateful_set: Object, made: Object) -> Object:
        namespace = namespace_of(stateful_set)
        try:
            written = await self._resources.create(CONTROLLER_REVISION, namespace, made)
        except AlreadyExists:
            there = self._resources.get(CONTROLLER_REVISION, namespace, name_of(made))
            ours = (controller_of(there) or {}).get("uid") == uid_of(stateful_set)
            if ours and history.find_equal(stateful_set, [there]):
                return there

            def count_up(fresh: Object) -> None:
                status = fresh.setdefault("status", {})
                status["collisionCount"] = status.get("collisionCount", 0) + 1

            await self._change_status(stateful_set, count_up)
            raise
        await self._seen.revisions.observed(written.object)
        return written.object

    async def _advance(self, work: _Set) -> None:
        plan = plan_pods(work.wanted, self._members(work))
        await self._own_claims(work, plan)
        for ordinal, revision in plan.create:
            await self._create(work, ordinal, revision)
        for ordinal in plan.delete:
            await self._delete(work, work.pods[ordinal])

    def _members(self, work: _Set) -> list[Member]:
        return [
            Member(
                ordinal=ordinal,
                revision=labels_of(pod).get(REVISION, ""),
                healthy=self._is_available(work.obj, pod) and not is_deleting(pod),
                leaving=is_deleting(pod),
                ended=get_path(pod, "status", "phase") in _FINISHED,
            )
            for ordinal, pod in work.pods.items()
        ]

    def _is_available(self, stateful_set: Object, pod: Object) -> bool:
        min_ready = get_path(stateful_set, "spec", "minReadySeconds", default=0)
        left = seconds_until_available(pod, min_ready, self._clock().timestamp())
        return get_path(pod, "status", "phase") == "Running" and left == 0

    async def _own_claims(self, work: _Set, plan: Plan) -> None:
        """Before a pod is scaled away its claims get their owner, so they go or stay as asked."""
        for ordinal, pod in work.pods.items():
            condemned = ordinal not in work.wanted.ordinals and ordinal in plan.delete
            owner = claim_owner(work.obj, pod if condemned else None)
            for _, name in claim_names(work.obj, ordinal):
                claim = self._seen.claims.get(make_key(namespace_of(pod), name))
                if claim is not None and not is_deleting(claim) and not is_deleting(pod):
                    await self._set_owner(work.obj, claim, owner)

    async def _set_owner(self, stateful_set: Object, claim: Object, owner: Object | None) -> None:
        """Keeps references of others."""
        references = claim["metadata"].get("ownerReferences") or []

        def is_ours(reference: Object) -> bool:
            if reference.get("uid") == uid_of(stateful_set):
                return True
            return reference.get("kind") == "Pod" and name_of(claim).endswith(reference["name"])

        kept = [each for each in references if not is_ours(each)]
        wanted = [*kept, owner] if owner else kept
        if wanted == references:
            return

        def change(fresh: Object) -> None:
            fresh["metadata"]["ownerReferences"] = wanted

        namespace, name = namespace_of(claim), name_of(claim)
        changed = await self._resources.modify(PERSISTENT_VOLUME_CLAIM, namespace, name, change)
        await self._seen.claims.observed(changed)

    async def _create(self, work: _Set, ordinal: int, revision: str) -> None:
        pod = numbered_pod(work.obj, work.templates[revision], ordinal, revision)
        try:
            for claim in claims_for(work.obj, ordinal):
                await self._ensure_claim(work.obj, claim, name_of(pod))
            written = await self._resources.create(POD, namespace_of(work.obj), pod)
        except ApiError as error:
            if is_because_namespace_ends(error):
                return
            what = f"create Pod {name_of(pod)} in StatefulSet {name_of(work.obj)}"
            self._recorder.record(
                work.obj, "Warning", "FailedCreate", f"{what} failed error: {error}"
            )
            raise
        what = f"create Pod {name_of(pod)} in StatefulSet {name_of(work.obj)}"
        self._recorder.record(work.obj, "Normal", "SuccessfulCreate", f"{what} successful")
        await self._seen.pods.observed(written.object)

    async def _ensure_claim(self, stateful_set: Object, claim: Object, pod: str) -> None:
        namespace, name = namespace_of(claim), name_of(claim)
        there = self._resources.get_or_none(PERSISTENT_VOLUME_CLAIM, namespace, name)
        if there is not None:
            if is_deleting(there):
                raise Conflict(f"claim {name} of the pod before is still being deleted")
            return
        written = await self._resources.create(PERSISTENT_VOLUME_CLAIM, namespace, claim)
        message = f"create Claim {name} Pod {pod} in StatefulSet {name_of(stateful_set)} success"
        self._recorder.record(stateful_set, "Normal", "SuccessfulCreate", message)
        await self._seen.claims.observed(written.object)

    async def _delete(self, work: _Set, pod: Object) -> None:
        options = DeleteOptions(uid=uid_of(pod))
        try:
            await self._resources.delete(POD, namespace_of(pod), name_of(pod), options)
        except (NotFound, Conflict):
            return
        what = f"delete Pod {name_of(pod)} in StatefulSet {name_of(work.obj)}"
        self._recorder.record(work.obj, "Normal", "SuccessfulDelete", f"{what} successful")
        await self._seen.pods.until(
            key_of(pod),
            lambda seen: seen is None or uid_of(seen) != uid_of(pod) or is_deleting(seen),
        )

    async def _write_status(self, work: _Set) -> None:
        pods = children_of(self._seen.pods, work.obj)
        ready = [
            pod for pod in pods if get_path(pod, "status", "phase") == "Running" and is_ready(pod)
        ]
        available = [pod for pod in ready if self._is_available(work.obj, pod)]
        wanted = stateful_set_status(work.obj, work.wanted, pods, ready, available)
        if wanted != work.obj.get("status"):
            await self._change_status(work.obj, lambda fresh: fresh.__setitem__("status", wanted))

    async def _change_status(self, stateful_set: Object, change: Callable[[Object], None]) -> None:
        def checked(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(stateful_set):
                raise Conflict(f"stateful set {name_of(fresh)!r} was replaced meanwhile")
            change(fresh)

        namespace, name = namespace_of(stateful_set), name_of(stateful_set)
        try:
            written = await self._resources.update_status(STATEFUL_SET, namespace, name, checked)
        except NotFound:
            return
        await self._seen.sets.observed(written)

    async def _truncate_history(self, work: _Set) -> None:
        known = children_of(self._seen.revisions, work.obj)
        live = {labels_of(pod).get(REVISION, "") for pod in work.pods.values()}
        live |= {work.wanted.current, work.wanted.update}
        for revision in history.surplus(work.obj, known, live):
            log.info("removing old revision statefulset=%s", name_of(work.obj))
            try:
                await self._resources.delete(
                    CONTROLLER_REVISION, namespace_of(revision), name_of(revision)
                )
            except NotFound:
                continue
            await self._seen.revisions.until(key_of(revision), lambda seen: seen is None)

    def _next_look(self, work: _Set) -> Requeue | None:
        min_ready = get_path(work.obj, "spec", "minReadySeconds", default=0)
        now = self._clock().timestamp()
        waits = [seconds_until_available(pod, min_ready, now) for pod in work.pods.values()]
        pending = [wait for wait in waits if wait]
        return Requeue(min(pending)) if pending else None


def _wanted(stateful_set: Object, current: str, update: str) -> Wanted:
    spec, ordinals = stateful_set["spec"], ordinals_of(stateful_set)
    rolling = get_path(spec, "updateStrategy", "rollingUpdate", default={})
    return Wanted(
        ordinals=ordinals,
        current=current,
        update=update,
        ordered=spec.get("podManagementPolicy", "OrderedReady") != "Parallel",
        updates=get_path(spec, "updateStrategy", "type", default="RollingUpdate") != "OnDelete",
        update_from=ordinals.start + int(rolling.get("partition") or 0),
        max_unavailable=_max_unavailable(rolling.get("maxUnavailable"), len(ordinals)),
    )


def _max_unavailable(value: int | str | None, replicas: int) -> int:
    """At least one: an update must be able to move."""
    if value is None:
        return 1
    if isinstance(value, str) and value.endswith("%"):
        return max(1, int(value[:-1]) * replicas // 100)
    return max(1, int(value))
