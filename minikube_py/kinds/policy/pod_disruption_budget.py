"""A PodDisruptionBudget: how many Pods of an application have to stay when others may wait."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.fields import check_choice, invalid, validate_selector
from minikube_py.kinds.int_or_percent import check_int_or_percent
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.status_counts import status_counts
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_BOUNDS = ("minAvailable", "maxUnavailable")
_COUNTS = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
_UNHEALTHY = ("AlwaysAllow", "IfHealthyBudget")


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = dict.fromkeys(_COUNTS, 0)


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    if all(spec.get(bound) is not None for bound in _BOUNDS):
        detail = "minAvailable and maxUnavailable cannot be both set"
        errors.append(invalid("spec", spec, detail))
    for bound in _BOUNDS:
        errors += check_int_or_percent(f"spec.{bound}", spec.get(bound), at_most_all=True)
    errors += validate_selector(spec.get("selector"), "spec.selector")
    at, policy = "spec.unhealthyPodEvictionPolicy", spec.get("unhealthyPodEvictionPolicy")
    return errors + check_choice(at, policy, _UNHEALTHY, must_be_set=False)


KIND = Kind(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    columns=(
        NAME,
        Column(
            "Min Available",
            from_path("spec", "minAvailable", default="N/A"),
            description="How many of its Pods have to be available.",
        ),
        Column(
            "Max Unavailable",
            from_path("spec", "maxUnavailable", default="N/A"),
            description="How many of its Pods may be unavailable.",
        ),
        Column(
            "Allowed Disruptions",
            from_path("status", "disruptionsAllowed", default=0),
            type="integer",
            description="How many Pods may be evicted now.",
        ),
        AGE,
    ),
    short_names=("pdb",),
    prepare=prepare,
    validate_create=validate_create,
    validate_status=status_counts(*_COUNTS),
)
