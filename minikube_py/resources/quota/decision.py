"""Whether a write fits its namespace's quotas. Pure (apiserver's admission/plugin/resourcequota).

What a write would add is `requested`; what is held already, writes on their way included, is
`used`. Only what grows is asked about, so an object may always shrink, also where a quota is
exceeded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, get_path, name_of
from minikube_py.meta.quantity import format_quantity, parse_quantity
from minikube_py.resources.pod_totals import Quantities, parsed
from minikube_py.resources.quota.scopes import Traits, is_in_scope, traits_of
from minikube_py.resources.quota.usage import MUST_BE_SET, Usage, compute_usage, usage_of


@dataclass(frozen=True)
class Charge:
    """All of an object that quotas ask about."""

    usage: Usage
    traits: Traits


NOTHING = Charge({}, {})


def charge_of(kind: Kind, obj: Object | None) -> Charge:
    return Charge(usage_of(kind, obj), traits_of(kind, obj)) if obj is not None else NOTHING


def held(quota: Object, charge: Charge) -> Quantities:
    """What of an object's usage this quota counts."""
    hard = hard_of(quota)
    counted = {name: value for name, value in charge.usage.items() if name in hard}
    return counted if counted and is_in_scope(quota, charge.traits) else {}


def growth(quota: Object, new: Charge, old: Charge) -> Quantities:
    """By how much `new` uses more than `old`; what shrinks or stays is left out."""
    before = held(quota, old)
    grown = {name: value - before.get(name, Decimal(0)) for name, value in held(quota, new).items()}
    return {name: value for name, value in grown.items() if value > 0}


def missing_requests(quota: Object, pod: Object) -> str | None:
    """Why the Pod can't be counted: containers that don't say what the quota limits."""
    wanted = MUST_BE_SET & set(hard_of(quota))
    if not wanted:
        return None
    wanted -= set(_usage_of_resources(get_path(pod, "spec", "resources")))
    spec = pod.get("spec") or {}
    lacking: dict[str, set[str]] = {}
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for name in wanted - set(_usage_of_resources(container.get("resources"))):
            lacking.setdefault(name, set()).add(container.get("name", ""))
    if not lacking:
        return None
    said = [f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking)]
    return f"failed quota: {name_of(quota)}: must specify {'; '.join(said)}"


def excess(quota: Object, requested: Usage, used: Usage) -> str | None:
    """Why `requested` is too much, in Kubernetes' words."""
    hard = {name: parse_quantity(value) for name, value in hard_of(quota).items()}
    over = sorted(
        name for name, value in requested.items() if used.get(name, Decimal(0)) + value > hard[name]
    )
    if not over:
        return None
    return (
        f"exceeded quota: {name_of(quota)}, requested: {_listed(quota, requested, over)}, "
        f"used: {_listed(quota, used, over)}, limited: {_listed(quota, hard, over)}"
    )


def hard_of(quota: Object) -> Mapping[str, str]:
    hard: Mapping[str, str] = get_path(quota, "spec", "hard", default={})
    return hard


def in_words_of(hard: str, value: Decimal) -> str:
    """In the family of suffixes that the limit is written in."""
    return format_quantity(value, binary=hard.endswith("i") and abs(value) >= 1024)


def _listed(quota: Object, amounts: Usage, names: Iterable[str]) -> str:
    hard = hard_of(quota)
    zero = Decimal(0)
    return ",".join(f"{name}={in_words_of(hard[name], amounts.get(name, zero))}" for name in names)


def _usage_of_resources(resources: Mapping[str, Mapping[str, str]] | None) -> Quantities:
    resources = resources or {}
    return compute_usage(parsed(resources.get("requests")), parsed(resources.get("limits")))
