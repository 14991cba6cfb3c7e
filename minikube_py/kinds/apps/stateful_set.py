"""A StatefulSet: numbered Pods with stable names, each with claims of its own."""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.claim_spec import default_claim_spec, validate_claim_spec
from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_not_negative,
    check_unique,
    forbidden,
    invalid,
    required,
)
from minikube_py.kinds.int_or_percent import check_int_or_percent, is_zero
from minikube_py.kinds.kind import Column, Kind, Scale
from minikube_py.kinds.pod_template import (
    default_template,
    template_containers_columns,
    validate_selector_and_template,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.selectors import format_label_selector

_ROLLING = "RollingUpdate"
_POLICIES = ("Delete", "Retain")
_MUTABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_ONLY = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)


def default_stateful_set(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if not spec.get("podManagementPolicy"):
        spec["podManagementPolicy"] = "OrderedReady"
    for field, value in (("replicas", 1), ("revisionHistoryLimit", 10)):
        if spec.get(field) is None:
            spec[field] = value
    _default_strategy(spec)
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    spec["persistentVolumeClaimRetentionPolicy"] = {
        "whenDeleted": retention.get("whenDeleted") or "Retain",
        "whenScaled": retention.get("whenScaled") or "Retain",
    }
    default_template(spec)
    for claim in spec.get("volumeClaimTemplates") or []:
        _default_claim(claim)


def _default_strategy(spec: Object) -> None:
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    if not strategy.get("type"):
        strategy["type"] = _ROLLING
    if strategy["type"] == _ROLLING:
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        if rolling.get("partition") is None:
            rolling["partition"] = 0


def _default_claim(claim: Object) -> None:
    claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"
    claim["spec"] = claim.get("spec") or {}
    default_claim_spec(claim["spec"])
    claim["status"] = {"phase": "Pending"}


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"replicas": 0, "availableReplicas": 0}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    management = spec.get("podManagementPolicy")
    at = "spec.persistentVolumeClaimRetentionPolicy"
    errors = check_choice("spec.podManagementPolicy", management, ("OrderedReady", "Parallel"))
    errors += _validate_strategy(spec.get("updateStrategy") or {})
    for field in ("whenDeleted", "whenScaled"):
        errors += check_choice(f"{at}.{field}", retention.get(field), _POLICIES)
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        errors += check_not_negative(f"spec.{field}", spec.get(field))
    start = get_path(spec, "ordinals", "start")
    errors += check_not_negative("spec.ordinals.start", start)
    if spec.get("serviceName"):
        errors += check("spec.serviceName", spec["serviceName"], names.dns1035_problem)
    claims = spec.get("volumeClaimTemplates") or []
    claimed = {get_path(claim, "metadata", "name", default="") for claim in claims}
    errors += validate_selector_and_template(spec, "statefulset", more_volumes=claimed)
    return errors + _validate_claims(claims)


def _validate_strategy(strategy: Object) -> list[FieldError]:
    type_, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    at = "spec.updateStrategy.rollingUpdate"
    if type_ == "OnDelete":
        detail = "only allowed for updateStrategy 'RollingUpdate'"
        return [invalid(at, rolling, detail)] if rolling else []
    errors = check_choice("spec.updateStrategy.type", type_, ("OnDelete", _ROLLING))
    if errors or not rolling:
        return errors
    errors += check_not_negative(f"{at}.partition", rolling.get("partition"))
    most = rolling.get("maxUnavailable")
    errors += check_int_or_percent(f"{at}.maxUnavailable", most, at_most_all=True)
    if is_zero(most):
        errors.append(invalid(f"{at}.maxUnavailable", most, "cannot be 0"))
    return errors


def _validate_claims(claims: Sequence[Object]) -> list[FieldError]:
    """Kubernetes finds out when the first claim can't be made; here it is said at once."""
    errors = []
    for index, claim in enumerate(claims):
        at = f"spec.volumeClaimTemplates[{index}]"
        name = get_path(claim, "metadata", "name")
        if name:
            errors += check(f"{at}.metadata.name", name, names.label_problem)
        else:
            errors.append(required(f"{at}.metadata.name"))
        errors += validate_claim_spec(claim.get("spec") or {}, f"{at}.spec")
    metadata = [claim.get("metadata") or {} for claim in claims]
    return errors + check_unique("spec.volumeClaimTemplates", metadata, "name")


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    if _fixed(new) == _fixed(old):
        return []
    return [forbidden("spec", _ONLY)]


def _fixed(obj: Object) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    return {name: value for name, value in spec.items() if name not in _MUTABLE}


def _ready(obj: Object) -> str:
    ready = get_path(obj, "status", "readyReplicas", default=0)
    return f"{ready}/{get_path(obj, 'spec', 'replicas', default=0)}"


KIND = Kind(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    columns=(
        NAME,
        Column("Ready", from_object(_ready), description="Number of the pod with ready state"),
        AGE,
        *template_containers_columns(),
    ),
    short_names=("sts",),
    categories=("all",),
    scale=Scale(
        selector=lambda obj: format_label_selector(get_path(obj, "spec", "selector")),
    ),
    default=default_stateful_set,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
)
