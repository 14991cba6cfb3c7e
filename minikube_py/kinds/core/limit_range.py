"""A LimitRange: what each container, Pod or claim of a namespace may and does ask for."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from minikube_py.kinds.columns import NAME, from_path
from minikube_py.kinds.core.resource_names import (
    may_overcommit,
    validate_container_resource_name,
    validate_resource_name,
)
from minikube_py.kinds.fields import check, check_unique, forbidden, invalid, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.quantities import default_resource_list
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity

_TYPES = frozenset({"Pod", "Container", "PersistentVolumeClaim"})
_BOUNDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
# (bound that is too large, bound it must fit below, where it is said, words for both)
_ORDER = (
    ("min", "max", "min", ("min", "max")),
    ("min", "defaultRequest", "defaultRequest", ("min", "default request")),
    ("defaultRequest", "max", "defaultRequest", ("default request", "max")),
    ("defaultRequest", "default", "defaultRequest", ("default request", "default limit")),
    ("min", "default", "default", ("min", "default")),
    ("default", "max", "default", ("default", "max")),
)


def default_limit_range(obj: Object) -> None:
    """A container's limit is the most it may have; its request is its limit, or the least."""
    spec = obj["spec"] = obj.get("spec") or {}
    for item in spec.get("limits") or []:
        for bound in _BOUNDS:
            default_resource_list(item.get(bound))
        if item.get("type") == "Container":
            limits = {**(item.get("max") or {}), **(item.get("default") or {})}
            least = item.get("min") or {}
            requests = {**least, **limits, **(item.get("defaultRequest") or {})}
            if limits:
                item["default"] = limits
            if requests:
                item["defaultRequest"] = requests


def validate_create(obj: Object) -> Sequence[FieldError]:
    limits = get_path(obj, "spec", "limits", default=[])
    errors = []
    for index, item in enumerate(limits):
        errors += _validate_item(item, f"spec.limits[{index}]")
    return errors + check_unique("spec.limits", limits, "type")


def _validate_item(item: Object, path: str) -> list[FieldError]:
    errors = check(f"{path}.type", item.get("type") or "", _type_problem)
    bounds = [bound for bound in _BOUNDS if item.get(bound)]
    if item.get("type") == "Pod":
        for bound in ("default", "defaultRequest"):
            if bound in bounds:
                errors.append(
                    forbidden(f"{path}.{bound}", "may not be specified when `type` is 'Pod'")
                )
                bounds.remove(bound)
    if item.get("type") == "PersistentVolumeClaim":
        errors += _validate_claim(item, path)
    for bound in bounds:
        for name in item[bound]:
            errors += _validate_name(item, name, f"{path}.{bound}[{name}]")
    for name in dict.fromkeys(name for bound in bounds for name in item[bound]):
        texts = {bound: item[bound][name] for bound in bounds if name in item[bound]}
        errors += _validate_order(name, texts, path)
    return errors


def _type_problem(name: str) -> str | None:
    problem = names.qualified_name_problem(name)
    if problem or "/" in name or name in _TYPES:
        return problem
    return "must be a standard limit type or fully qualified"


def _validate_claim(item: Object, path: str) -> list[FieldError]:
    if any("storage" in (item.get(bound) or {}) for bound in ("min", "max")):
        return []
    detail = "either minimum or maximum storage value is required, but neither was provided"
    return [required(f"{path}.limits", detail)]


def _validate_name(item: Object, name: str, path: str) -> list[FieldError]:
    if item.get("type") in ("Pod", "Container"):
        return validate_container_resource_name(name, path)
    return validate_resource_name(name, path)


def _validate_order(name: str, texts: dict[str, Any], path: str) -> list[FieldError]:
    """`texts`: the quantity of each bound that is set for this resource."""
    values = {bound: parse_quantity(text) for bound, text in texts.items()}
    errors = []
    for low, high, place, words in _ORDER:
        if low in values and high in values and values[low] > values[high]:
            detail = f"{words[0]} value {texts[low]} is greater than {words[1]} value {texts[high]}"
            errors.append(invalid(f"{path}.{place}[{name}]", str(texts[low]), detail))
    errors += _validate_ratio(values, texts, f"{path}.maxLimitRequestRatio[{name}]")
    limit, request = values.get("default"), values.get("defaultRequest")
    if not may_overcommit(name) and None not in (limit, request) and limit != request:
        detail = (
            f"default value {texts['default']} must equal to defaultRequest value "
            f"{texts['defaultRequest']} in {name}"
        )
        at = f"{path}.defaultRequest[{name}]"
        errors.append(invalid(at, str(texts["defaultRequest"]), detail))
    return errors


def _validate_ratio(
    values: dict[str, Decimal], texts: dict[str, Any], path: str
) -> list[FieldError]:
    ratio, errors = values.get("maxLimitRequestRatio"), []
    if ratio is None:
        return []
    text = str(texts["maxLimitRequestRatio"])
    if ratio < 1:
        errors.append(invalid(path, text, f"ratio {text} is less than 1"))
    least, most = values.get("min"), values.get("max")
    if least and most is not None and ratio > most / least:
        detail = f"ratio {text} is greater than max/min = {most / least:f}"
        errors.append(invalid(path, text, detail))
    return errors


KIND = Kind(
    group="",
    version="v1",
    kind="LimitRange",
    plural="limitranges",
    columns=(
        NAME,
        Column(
            "Created At",
            from_path("metadata", "creationTimestamp", default="<unknown>"),
            description="When the object was created, metadata.creationTimestamp.",
        ),
    ),
    short_names=("limits",),
    has_status=False,
    has_generation=False,
    default=default_limit_range,
    validate_create=validate_create,
)
