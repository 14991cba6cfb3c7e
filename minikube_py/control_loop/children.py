"""Whose child is this? Claiming by selector and controller reference, and which pods go first.

The rules are Kubernetes' ControllerRefManager and ActivePodsWithRanks: an orphan that matches is
adopted, a child that no longer matches is released, another controller's child is left alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Conflict, NotFound
from minikube_py.meta.objects import (
    Object,
    annotations_of,
    controller_of,
    find_condition,
    get_path,
    is_condition_true,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from minikube_py.meta.selectors import Selector
from minikube_py.meta.timestamps import parse_time
from minikube_py.resources.resources import Resources

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
Change = Callable[[Object], None]
_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True)
class Claimer:
    """Claims objects of `kind` for `owner` (an object of `owner_kind`)."""

    resources: Resources
    owner_kind: Kind
    owner: Object
    kind: Kind

    async def claim(self, candidates: Iterable[Object], selector: Selector) -> list[Object]:
        """Those of `candidates` that are the owner's now. Adoption first makes sure, on the
        stored owner, that it is still the same and stays: raises Conflict when it is not.
        """
        return [
            child
            for candidate in candidates
            if (child := await self._claim_one(candidate, selector)) is not None
        ]

    async def _claim_one(self, candidate: Object, selector: Selector) -> Object | None:
        matches = selector.matches(labels_of(candidate))
        reference = controller_of(candidate)
        if reference is not None:
            if reference.get("uid") != uid_of(self.owner):
                return None
            if matches:
                return candidate
            if not is_deleting(self.owner):
                await self._release(candidate)
            return None
        if not matches or is_deleting(self.owner) or is_deleting(candidate):
            return None
        return await self._adopt(candidate)

    async def _adopt(self, candidate: Object) -> Object | None:
        self._check_owner()
        reference = owner_reference(self.owner)

        def change(obj: Object) -> None:
            if uid_of(obj) != uid_of(candidate) or controller_of(obj) is not None:
                raise Conflict(f"{name_of(obj)} was taken by another owner meanwhile")
            others = [
                other
                for other in obj["metadata"].get("ownerReferences") or []
                if other.get("uid") != reference["uid"]
            ]
            obj["metadata"]["ownerReferences"] = [*others, reference]

        return await self._change(candidate, change)

    async def _release(self, child: Object) -> None:
        def change(obj: Object) -> None:
            if uid_of(obj) != uid_of(child):
                raise Conflict(f"{name_of(obj)} was replaced meanwhile")
            kept = [
                reference
                for reference in obj["metadata"].get("ownerReferences") or []
                if reference.get("uid") != uid_of(self.owner)
            ]
            if kept:
                obj["metadata"]["ownerReferences"] = kept
            else:
                obj["metadata"].pop("ownerReferences", None)

        await self._change(child, change)

    async def _change(self, child: Object, change: Change) -> Object | None:
        namespace = namespace_of(child) or None
        try:
            return await self.resources.modify(self.kind, namespace, name_of(child), change)
        except NotFound:
            return None

    def _check_owner(self) -> None:
        namespace = namespace_of(self.owner) or None
        fresh = self.resources.get_or_none(self.owner_kind, namespace, name_of(self.owner))
        if fresh is None or uid_of(fresh) != uid_of(self.owner) or is_deleting(fresh):
            raise Conflict(
                f"{self.owner_kind.resource} {name_of(self.owner)!r} is gone or going; "
                "it adopts nothing"
            )


def is_active(pod: Mapping[str, Any]) -> bool:
    """It runs, or will: neither finished nor on its way out."""
    phase = get_path(pod, "status", "phase")
    return phase not in ("Succeeded", "Failed") and not is_deleting(pod)


def is_ready(pod: Mapping[str, Any]) -> bool:
    return is_condition_true(pod, "Ready")


def ready_since(pod: Mapping[str, Any]) -> float | None:
    """POSIX seconds, None when not ready."""
    condition = find_condition(pod, "Ready")
    if condition is None or condition.get("status") != "True":
        return None
    moment = condition.get("lastTransitionTime")
    return parse_time(moment).timestamp() if moment else 0.0


def seconds_until_available(
    pod: Mapping[str, Any], min_ready_seconds: int, now: float
) -> float | None:
    """0 when available, None when not ready, else how long it still has to stay ready."""
    since = ready_since(pod)
    if since is None:
        return None
    if min_ready_seconds == 0:
        return 0.0
    return max(0.0, since + min_ready_seconds - now)


def sort_for_deletion(pods: Sequence[Object], related: Sequence[Object] = ()) -> list[Object]:
    """Those that are missed least come first. `related` (default: `pods`) are the pods of the
    same workload, to tell which node is crowded.
    """
    per_node: dict[str, int] = {}
    for pod in related or pods:
        if is_active(pod) and (node := get_path(pod, "spec", "nodeName", default="")):
            per_node[node] = per_node.get(node, 0) + 1
    return sorted(pods, key=lambda pod: _importance(pod, per_node))


def _importance(pod: Object, per_node: Mapping[str, int]) -> tuple[Any, ...]:
    node = get_path(pod, "spec", "nodeName", default="")
    created = get_path(pod, "metadata", "creationTimestamp")
    return (
        bool(node),
        _PHASE_RANK.get(get_path(pod, "status", "phase", default="Pending"), 1),
        is_ready(pod),
        _deletion_cost(pod),
        -per_node.get(node, 0),
        -(ready_since(pod) or 0.0),
        -_restarts(pod),
        -(parse_time(created).timestamp() if created else float("inf")),
        uid_of(pod),
    )


def _deletion_cost(pod: Object) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _restarts(pod: Object) -> int:
    statuses = get_path(pod, "status", "containerStatuses", default=[])
    return max((status.get("restartCount", 0) for status in statuses), default=0)
