"""How many pods each ReplicaSet of a Deployment should have next.

Pure. The rules are those of Kubernetes' pkg/controller/deployment/{rolling,sync}.go, with one
difference: a ReplicaSet whose status lags behind its spec does not count as available, so that an
old status cannot lead below the minimum.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from minikube_py.meta.objects import Object, get_path


@dataclass(frozen=True)
class Bounds:
    """At most `surge` pods above `desired`, at most `unavailable` below."""

    desired: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """0 pods are wanted: no surge either."""
        return self.desired + self.surge if self.desired else 0

    @property
    def fewest_available(self) -> int:
        return self.desired - self.unavailable


@dataclass(frozen=True)
class Sized:
    """One ReplicaSet: spec.replicas, status.availableReplicas, and the most pods its Deployment
    could have when it was last sized (0: unknown). `settled`: its status is about its size as it is
    now, else nothing of it counts. Order in a sequence is age, oldest first.
    """

    name: str
    replicas: int
    available: int = 0
    most_when_sized: int = 0
    settled: bool = True

    @property
    def surely_available(self) -> int:
        return min(self.available, self.replicas) if self.settled else 0

    @property
    def surely_unhealthy(self) -> int:
        return self.replicas - self.surely_available if self.settled else 0


Sizes = Mapping[str, int]
"""ReplicaSet name → replicas, only those that change."""


def bounds_of(deployment: Object) -> Bounds:
    spec = deployment.get("spec") or {}
    desired = replicas_of(deployment)
    if get_path(spec, "strategy", "type") == "Recreate":
        return Bounds(desired, 0, desired)
    rolling = get_path(spec, "strategy", "rollingUpdate", default={})
    surge = _share(rolling.get("maxSurge", "25%"), desired, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), desired, math.floor)
    if surge == 0 and unavailable == 0:
        # Both may round to nothing; then nothing could ever move.
        unavailable = 1
    return Bounds(desired, surge, min(unavailable, desired))


def replicas_of(obj: Object) -> int:
    """spec.replicas, 1 when unset."""
    replicas = get_path(obj, "spec", "replicas")
    return 1 if replicas is None else int(replicas)


def first_size(bounds: Bounds, existing: Sequence[Sized], *, rolling: bool) -> int:
    """Replicas of a ReplicaSet about to be created beside `existing`."""
    return _grown(bounds, Sized("", 0), existing) if rolling else bounds.desired


def plan_rolling_update(bounds: Bounds, new: Sized, old: Sequence[Sized]) -> Sizes:
    """The next step of a rolling update: the new one grows, the old ones make room."""
    grown = replace(new, replicas=_grown(bounds, new, old))
    shrunk = _shrunk(bounds, grown, old)
    return _differences([new, *old], {grown.name: grown.replicas, **shrunk})


def plan_recreate(bounds: Bounds, new: Sized | None, old: Sequence[Sized]) -> Sizes:
    """All old pods go; the new ReplicaSet grows once nothing old is left to wait for."""
    sizes = {sized.name: 0 for sized in old}
    if new is not None and not any(sized.replicas for sized in old):
        sizes[new.name] = bounds.desired
    return _differences([*old, *([new] if new else [])], sizes)


def plan_scale(
    bounds: Bounds, new: Sized | None, old: Sequence[Sized], *, rolling: bool, saturated: bool
) -> Sizes:
    """A changed spec.replicas (or a paused Deployment): sizes change in proportion, without a
    step of the rollout. `saturated`: the new ReplicaSet already does all the work.
    """
    everyone = [*old, *([new] if new else [])]
    active = [sized for sized in everyone if sized.replicas > 0]
    if len(active) <= 1:
        target = active[0] if active else new or (old[-1] if old else None)
        return {} if target is None else _differences([target], {target.name: bounds.desired})
    if saturated:
        return _differences(old, {sized.name: 0 for sized in old})
    if not rolling:
        return {}
    return _differences(active, _in_proportion(bounds, active))


def _grown(bounds: Bounds, new: Sized, old: Sequence[Sized]) -> int:
    if new.replicas > bounds.desired:
        return bounds.desired
    total = new.replicas + sum(sized.replicas for sized in old)
    room = max(0, bounds.desired + bounds.surge - total)
    return min(bounds.desired, new.replicas + room)


def _shrunk(bounds: Bounds, new: Sized, old: Sequence[Sized]) -> dict[str, int]:
    """Unhealthy old pods first: they are not missed. Then healthy ones, oldest revision first."""
    sizes = {sized.name: sized.replicas for sized in old}
    total = new.replicas + sum(sizes.values())
    unavailable_new = new.replicas - new.surely_available
    room = total - bounds.fewest_available - unavailable_new
    for sized in old:
        taken = max(0, min(room, sized.surely_unhealthy))
        sizes[sized.name] -= taken
        room -= taken
    available = new.surely_available + sum(sized.surely_available for sized in old)
    room = min(room, available - bounds.fewest_available)
    for sized in old:
        taken = max(0, min(room, sizes[sized.name]))
        sizes[sized.name] -= taken
        room -= taken
    return sizes


def _in_proportion(bounds: Bounds, active: Sequence[Sized]) -> Sizes:
    """Spread what is to be added or taken over the active ones by size; the largest takes the
    rest.
    """
    to_add = bounds.most - sum(sized.replicas for sized in active)
    # On a tie the newer one grows first and the older one shrinks first.
    by_age = list(reversed(active)) if to_add > 0 else list(active)
    ordered = sorted(by_age, key=lambda sized: -sized.replicas)
    sizes: dict[str, int] = {}
    added = 0
    for sized in ordered:
        share = _proportion(bounds, sized, to_add - added)
        sizes[sized.name] = sized.replicas + share
        added += share
    first = ordered[0].name
    sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes


def _proportion(bounds: Bounds, sized: Sized, left: int) -> int:
    if left == 0:
        return 0
    if bounds.desired == 0:
        return -sized.replicas
    base = sized.most_when_sized or bounds.most
    exact = Decimal(sized.replicas) * bounds.most / base
    share = int(exact.quantize(Decimal(1), ROUND_HALF_UP)) - sized.replicas
    return max(0, min(share, left)) if left > 0 else min(0, max(share, left))


def _differences(sized: Sequence[Sized], sizes: Sizes) -> Sizes:
    return {
        each.name: sizes[each.name]
        for each in sized
        if each.name in sizes and sizes[each.name] != each.replicas
    }


def _share(value: int | str, whole: int, rounded: Callable[[float], int]) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return rounded(int(value[:-1]) * whole / 100)
    return int(value)
