"""A ResourceQuota: how much of everything a namespace may have."""

from collections.abc import Collection, Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.core.resource_names import is_counted, is_quota_name, validate_quota_name
from minikube_py.kinds.fields import IMMUTABLE, invalid, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.quantities import default_resource_list, validate_not_negative
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity

_POD_RESOURCES = frozenset(
    {"pods", "cpu", "memory"}
    | {f"{prefix}.{name}" for prefix in ("limits", "requests") for name in ("cpu", "memory")}
)
# What each scope can limit.
SCOPES: Mapping[str, Collection[str]] = {
    "Terminating": _POD_RESOURCES,
    "NotTerminating": _POD_RESOURCES,
    "BestEffort": frozenset({"pods"}),
    "NotBestEffort": _POD_RESOURCES,
    "PriorityClass": _POD_RESOURCES,
    "CrossNamespacePodAffinity": _POD_RESOURCES,
    "VolumeAttributesClass": frozenset({"persistentvolumeclaims", "requests.storage"}),
}
_EXISTS_ONLY = frozenset(
    {"Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity"}
)
_CONFLICTING = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})


def default_resource_quota(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    default_resource_list(spec.get("hard"))


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    hard = spec.get("hard") or {}
    errors = []
    for name, value in hard.items():
        at = f"spec.hard[{name}]"
        errors += validate_quota_name(name, at)
        errors += validate_not_negative(at, value)
        number = parse_quantity(value)
        if is_counted(name) and number != number.to_integral_value():
            errors.append(invalid(at, str(value), "must be an integer"))
    errors += _validate_scopes(spec.get("scopes") or [], hard)
    return errors + _validate_selector(spec.get("scopeSelector"), hard)


def _validate_scopes(scopes: Sequence[str], hard: Collection[str]) -> list[FieldError]:
    at, errors = "spec.scopes", []
    for scope in scopes:
        if scope not in SCOPES:
            errors.append(invalid(at, scopes, "unsupported scope"))
        elif not _fits(scope, hard):
            errors.append(invalid(at, scopes, "unsupported scope applied to resource"))
    return errors + _validate_pairs(scopes, at)


def _fits(scope: str, hard: Collection[str]) -> bool:
    return all(name in SCOPES[scope] for name in hard if is_quota_name(name))


def _validate_pairs(scopes: Sequence[str], path: str) -> list[FieldError]:
    if any(pair <= set(scopes) for pair in _CONFLICTING):
        return [invalid(path, scopes, "conflicting scopes")]
    return []


def _validate_selector(selector: Object | None, hard: Collection[str]) -> list[FieldError]:
    at, expressions = "spec.scopeSelector.matchExpressions", []
    errors: list[FieldError] = []
    for expression in (selector or {}).get("matchExpressions") or []:
        scope = expression.get("scopeName") or ""
        expressions.append(scope)
        if scope not in SCOPES:
            errors.append(invalid(f"{at}.scopeName", scope, "unsupported scope"))
        elif not _fits(scope, hard):
            errors.append(invalid(at, selector, "unsupported scope applied to resource"))
        errors += _validate_expression(expression, at)
    return errors + _validate_pairs(expressions, at)


def _validate_expression(expression: Object, path: str) -> list[FieldError]:
    operator, values = expression.get("operator"), expression.get("values") or []
    errors = []
    if expression.get("scopeName") in _EXISTS_ONLY and operator != "Exists":
        detail = (
            "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, "
            "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
            "ResourceQuotaScopeNotBestEffort and ResourceQuotaScopeCrossNamespacePodAffinity"
        )
        errors.append(invalid(f"{path}.operator", operator, detail))
    if operator in ("In", "NotIn"):
        if not values:
            detail = (
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            )
            errors.append(required(f"{path}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = (
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            )
            errors.append(invalid(f"{path}.values", values, detail))
    else:
        errors.append(invalid(f"{path}.operator", operator, "not a valid selector operator"))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    fresh = get_path(new, "spec", "scopes", default=[])
    if set(fresh) == set(get_path(old, "spec", "scopes", default=[])):
        return []
    return [invalid("spec.scopes", fresh, IMMUTABLE)]


def _used(obj: Object, *, limits: bool) -> str:
    hard = get_path(obj, "status", "hard", default={})
    used = get_path(obj, "status", "used", default={})
    return ", ".join(
        f"{name}: {used.get(name, '0')}/{hard[name]}"
        for name in sorted(hard)
        if name.startswith("limits.") is limits
    )


KIND = Kind(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    columns=(
        NAME,
        Column(
            "Request",
            from_object(lambda obj: _used(obj, limits=False)),
            description="What is asked for of what may be, limits left out.",
        ),
        Column(
            "Limit",
            from_object(lambda obj: _used(obj, limits=True)),
            description="The limits that are set, of those that may be.",
        ),
        AGE,
    ),
    short_names=("quota",),
    has_generation=False,
    default=default_resource_quota,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
)
