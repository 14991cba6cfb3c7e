"""Carries out what `rollout` decides: makes, sizes and removes ReplicaSets, then writes the status.

Reads the informers, which show this controller's own writes before reconcile ends.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from minikube_py.control_loop.children import (
    Claimer,
    candidates_for,
    children_of,
    index_by_controller,
    parent_keys,
)
from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.deployment import revisions, rollout, status
from minikube_py.controllers.deployment.rollout import Bounds, Sized, Sizes, replicas_of
from minikube_py.kinds.catalog import DEPLOYMENT, POD, REPLICA_SET
from minikube_py.meta.errors import AlreadyExists, ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    controller_of,
    get_path,
    is_deleting,
    make_key,
    name_of,
    namespace_of,
    resource_version_of,
    uid_of,
)
from minikube_py.meta.selectors import from_label_selector
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)

_FINISHED = ("Succeeded", "Failed")


def new_deployment_controller(
    resources: Resources, informers: Informers, recorder: Recorder, clock: Clock
) -> Controller:
    deployments, replica_sets = informers.of(DEPLOYMENT), informers.of(REPLICA_SET)
    pods = informers.of(POD)
    index_by_controller(replica_sets)
    index_by_controller(pods)
    reconciler = _Reconciler(resources, deployments, replica_sets, pods, recorder, clock)
    controller = Controller("deployment", reconciler.reconcile, workers=4)
    controller.watches(deployments)
    controller.watches(replica_sets, lambda child: parent_keys(child, deployments))
    controller.watches(pods, reconciler.waiting_for)
    return controller


@dataclass
class _Rollout:
    """One Deployment and its ReplicaSets as they stand in this reconcile; `old` by age."""

    deployment: Object
    old: list[Object]
    new: Object | None
    bounds: Bounds
    created: bool = False
    create_failure: str = ""
    steers: bool = True

    @property
    def everyone(self) -> list[Object]:
        return [*self.old, *([self.new] if self.new else [])]

    @property
    def is_rolling(self) -> bool:
        return bool(get_path(self.deployment, "spec", "strategy", "type") != "Recreate")


class _Reconciler:
    def __init__(
        self,
        resources: Resources,
        deployments: Informer,
        replica_sets: Informer,
        pods: Informer,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._deployments = deployments
        self._replica_sets = replica_sets
        self._pods = pods
        self._recorder = recorder
        self._clock = clock

    def waiting_for(self, pod: Object) -> Iterable[Key]:
        """The Recreate Deployment that waits for this pod to end."""
        reference = controller_of(pod)
        if reference is None or reference.get("kind") != "ReplicaSet":
            return
        parent = self._replica_sets.get(make_key(namespace_of(pod), reference["name"]))
        for key in parent_keys(parent, self._deployments) if parent else ():
            deployment = self._deployments.get(key)
            if deployment and get_path(deployment, "spec", "strategy", "type") == "Recreate":
                yield key

    async def reconcile(self, key: Key) -> Requeue | None:
        deployment = self._deployments.get(key)
        if deployment is None:
            return None
        selector = from_label_selector(get_path(deployment, "spec", "selector"))
        if not selector:
            self._recorder.record(
                deployment,
                "Warning",
                "SelectingAll",
                "This deployment is selecting all pods. A non-empty selector is required.",
            )
            return None
        claimer = Claimer(self._resources, DEPLOYMENT, deployment, REPLICA_SET)
        owned = await claimer.claim(candidates_for(self._replica_sets, deployment), selector)
        work = _as_rollout(deployment, owned)
        if not is_deleting(deployment):
            await self._advance(work)
        return await self._write_status(work)

    async def _advance(self, work: _Rollout) -> None:
        if status.is_paused(work.deployment) or _is_being_scaled(work):
            work.steers = False
            await self._adopt_revision(work)
            await self._scale_all(work)
        elif work.is_rolling:
            await self._ensure_new(work)
            new, old = _sized(work)
            if new is not None:
                sizes = rollout.plan_rolling_update(work.bounds, new, old)
                await self._resize(work, sizes)
        else:
            await self._recreate(work)
        if status.is_paused(work.deployment) or _is_done(work):
            await self._clean_up(work)

    async def _recreate(self, work: _Rollout) -> None:
        _, old = _sized(work)
        if any(each.replicas for each in old) or self._old_pods_run(work):
            await self._resize(work, rollout.plan_recreate(work.bounds, None, old))
            return
        await self._ensure_new(work)
        new, old = _sized(work)
        await self._resize(work, rollout.plan_recreate(work.bounds, new, old))

    def _old_pods_run(self, work: _Rollout) -> bool:
        """Also those on their way out: two revisions must never run side by side."""
        return any(
            get_path(pod, "status", "phase") not in _FINISHED
            for replica_set in work.old
            for pod in children_of(self._pods, replica_set)
        )

    async def _scale_all(self, work: _Rollout) -> None:
        new, old = _sized(work)
        sizes = rollout.plan_scale(
            work.bounds, new, old, rolling=work.is_rolling, saturated=_is_saturated(work)
        )
        await self._resize(work, sizes)

    async def _ensure_new(self, work: _Rollout) -> None:
        if work.new is not None:
            await self._adopt_revision(work)
            return
        _, old = _sized(work)
        revision = 1 + max((revisions.revision_of(rs) for rs in work.old), default=0)
        replicas = rollout.first_size(work.bounds, old, rolling=work.is_rolling)
        most = work.bounds.desired + work.bounds.surge
        made = revisions.new_replica_set(work.deployment, replicas, revision, most)
        work.new = await self._create(work, made)
        work.created = True
        await self._replica_sets.observed(work.new)
        await self._note_revision(work.deployment, revisions.revision_of(work.new))

    async def _create(self, work: _Rollout, made: Object) -> Object:
        namespace, name = namespace_of(made), name_of(made)
        try:
            written = await self._resources.create(REPLICA_SET, namespace, made)
        except AlreadyExists:
            return await self._resolve_collision(work, made)
        except ApiError as error:
            work.create_failure = f'Failed to create new replica set "{name}": {error}'
            self._recorder.record(
                work.deployment, "Warning", "ReplicaSetCreateError", work.create_failure
            )
            await self._write_status(work)
            raise
        if replicas := replicas_of(made):
            self._tell_scaled(work.deployment, name, 0, replicas)
        return written.object

    async def _resolve_collision(self, work: _Rollout, made: Object) -> Object:
        """The name is taken: by our own earlier try, or by other content with the same hash."""
        there = self._resources.get(REPLICA_SET, namespace_of(made), name_of(made))
        reference = controller_of(there) or {}
        ours = reference.get("uid") == uid_of(work.deployment)
        if ours and revisions.find_new(work.deployment, [there]) is not None:
            return there

        def count_up(deployment: Object) -> None:
            current = deployment.setdefault("status", {})
            current["collisionCount"] = current.get("collisionCount", 0) + 1

        await self._change_status(work.deployment, count_up)
        raise Conflict(f"the name {name_of(made)!r} is taken; trying another hash")

    async def _adopt_revision(self, work: _Rollout) -> None:
        """A template that came back gets the highest number; the Deployment shows it."""
        if work.new is None:
            return
        revision = 1 + max((revisions.revision_of(rs) for rs in work.old), default=0)
        revision = max(revision, revisions.revision_of(work.new))
        annotations = revisions.revised_annotations(work.deployment, work.new, revision)
        min_ready = get_path(work.deployment, "spec", "minReadySeconds", default=0)
        if (
            annotations != annotations_of(work.new)
            or get_path(work.new, "spec", "minReadySeconds", default=0) != min_ready
        ):

            def revise(replica_set: Object) -> None:
                replica_set["metadata"]["annotations"] = annotations
                replica_set["spec"]["minReadySeconds"] = min_ready

            work.new = await self._change_replica_set(work.new, revise)
        await self._note_revision(work.deployment, revision)

    async def _note_revision(self, deployment: Object, revision: int) -> None:
        if revisions.revision_of(deployment) == revision:
            return

        def annotate(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(deployment):
                raise Conflict(f"deployment {name_of(fresh)!r} was replaced meanwhile")
            annotations = fresh["metadata"].get("annotations") or {}
            fresh["metadata"]["annotations"] = {**annotations, revisions.REVISION: str(revision)}

        # Through /status, where an annotation starts no new generation.
        await self._resources.update_status(
            DEPLOYMENT, namespace_of(deployment), name_of(deployment), annotate
        )

    async def _resize(self, work: _Rollout, sizes: Sizes) -> None:
        """Sets sizes, and on every ReplicaSet that has pods what size the Deployment has now."""
        notes = revisions.size_annotations(work.deployment, work.bounds.desired + work.bounds.surge)
        changed: dict[str, Object] = {}
        for replica_set in work.everyone:
            name, before = name_of(replica_set), replicas_of(replica_set)
            after = sizes.get(name, before)
            if after == before and (not after or _has(replica_set, notes)):
                continue

            def resize(fresh: Object, after: int = after) -> None:
                fresh["spec"]["replicas"] = after
                annotations = fresh["metadata"].get("annotations") or {}
                fresh["metadata"]["annotations"] = {**annotations, **notes}

            changed[name] = await self._change_replica_set(replica_set, resize)
            if after != before:
                self._tell_scaled(work.deployment, name, before, after)
        work.old = [changed.get(name_of(rs), rs) for rs in work.old]
        if work.new is not None:
            work.new = changed.get(name_of(work.new), work.new)

    async def _change_replica_set(
        self, replica_set: Object, change: Callable[[Object], None]
    ) -> Object:
        def checked(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(replica_set):
                raise Conflict(f"replica set {name_of(fresh)!r} was replaced meanwhile")
            change(fresh)

        namespace, name = namespace_of(replica_set), name_of(replica_set)
        changed = await self._resources.modify(REPLICA_SET, namespace, name, checked)
        await self._replica_sets.observed(changed)
        return changed

    def _tell_scaled(self, deployment: Object, name: str, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        self._recorder.record(
            deployment,
            "Normal",
            "ScalingReplicaSet",
            f"Scaled {direction} replica set {name} from {before} to {after}",
        )

    async def _clean_up(self, work: _Rollout) -> None:
        for replica_set in revisions.surplus_history(work.deployment, work.old):
            log.info("removing old revision deployment=%s", name_of(work.deployment))
            options = DeleteOptions(propagation="Background", uid=uid_of(replica_set))
            try:
                await self._resources.delete(
                    REPLICA_SET, namespace_of(replica_set), name_of(replica_set), options
                )
            except NotFound:
                continue

    async def _write_status(self, work: _Rollout) -> Requeue | None:
        observed = status.Observed(
            deployment=work.deployment,
            new=work.new,
            everyone=work.everyone,
            bounds=work.bounds,
            now=self._clock(),
            steers=work.steers and not is_deleting(work.deployment),
            created=work.created,
            create_failure=work.create_failure,
        )
        wanted = status.deployment_status(observed)
        if wanted != work.deployment.get("status"):
            await self._change_status(
                work.deployment, lambda fresh: fresh.__setitem__("status", wanted)
            )
        seconds = status.seconds_to_deadline(work.deployment, wanted, observed.now)
        return None if seconds is None else Requeue(seconds)

    async def _change_status(self, deployment: Object, change: Callable[[Object], None]) -> None:
        def checked(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(deployment):
                raise Conflict(f"deployment {name_of(fresh)!r} was replaced meanwhile")
            change(fresh)

        namespace, name = namespace_of(deployment), name_of(deployment)
        try:
            written = await self._resources.update_status(DEPLOYMENT, namespace, name, checked)
        except NotFound:
            return
        if resource_version_of(written) != resource_version_of(deployment):
            await self._deployments.observed(written)


def _as_rollout(deployment: Object, owned: Sequence[Object]) -> _Rollout:
    new = revisions.find_new(deployment, owned)
    old = [rs for rs in revisions.by_age(owned) if new is None or uid_of(rs) != uid_of(new)]
    return _Rollout(deployment, old, new, rollout.bounds_of(deployment))


def _sized(work: _Rollout) -> tuple[Sized | None, list[Sized]]:
    def sized(replica_set: Object) -> Sized:
        return Sized(
            name=name_of(replica_set),
            replicas=replicas_of(replica_set),
            available=get_path(replica_set, "status", "availableReplicas", default=0),
            most_when_sized=_number(annotations_of(replica_set).get(revisions.MOST)),
            settled=get_path(replica_set, "status", "observedGeneration", default=0)
            >= get_path(replica_set, "metadata", "generation", default=0),
        )

    return (sized(work.new) if work.new else None), [sized(rs) for rs in work.old]


def _is_being_scaled(work: _Rollout) -> bool:
    """spec.replicas changed since the ReplicaSets were last sized."""
    return any(
        annotations_of(rs).get(revisions.DESIRED) not in (None, str(work.bounds.desired))
        for rs in work.everyone
        if replicas_of(rs) > 0
    )


def _is_saturated(work: _Rollout) -> bool:
    if work.new is None:
        return False
    desired = work.bounds.desired
    return (
        replicas_of(work.new) == desired
        and annotations_of(work.new).get(revisions.DESIRED) == str(desired)
        and get_path(work.new, "status", "availableReplicas", default=0) == desired
    )


def _is_done(work: _Rollout) -> bool:
    """The new ReplicaSet has all pods, available, and no old one has any."""
    desired = work.bounds.desired
    return (
        work.new is not None
        and replicas_of(work.new) == desired
        and get_path(work.new, "status", "availableReplicas", default=0) >= desired
        and not any(
            replicas_of(rs) or get_path(rs, "status", "replicas", default=0) for rs in work.old
        )
    )


def _has(obj: Object, annotations: dict[str, str]) -> bool:
    have = annotations_of(obj)
    return all(have.get(key) == value for key, value in annotations.items())


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
