"""What the kinds of device allocation share: names, selectors, configuration, taints.

Devices are kept and shown; this cluster has none to give.
"""

from collections.abc import Sequence

from minikube_py.kinds.fields import (
    check,
    check_choice,
    invalid,
    required,
    show,
    too_long,
    too_many,
)
from minikube_py.kinds.stamps import written_at
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

GROUP = "resource.k8s.io"
MAX_ITEMS = 32
_MAX_DRIVER, _MAX_POOL = 63, 253
_MAX_TEXT = 10 * 1024
_EFFECTS = ("NoExecute", "NoSchedule", "None")


def check_size(items: Sequence[object], limit: int, path: str) -> list[FieldError]:
    return [too_many(path, len(items), limit)] if len(items) > limit else []


def check_name(name: str | None, path: str) -> list[FieldError]:
    """Of a request, a device, a set of counters: a DNS label."""
    return check(path, name, names.label_problem) if name else [required(path)]


def validate_driver(name: str | None, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    if len(name) > _MAX_DRIVER:
        return [too_long(path, _MAX_DRIVER)]
    return check(path, name, names.subdomain_problem)


def validate_pool_name(name: str | None, path: str) -> list[FieldError]:
    """Subdomains with slashes between them."""
    if not name:
        return [required(path)]
    if len(name) > _MAX_POOL:
        return [too_long(path, _MAX_POOL)]
    errors = []
    for part in name.split("/"):
        errors += check(path, part, names.subdomain_problem)
    return errors


def validate_selectors(selectors: Sequence[Object], path: str) -> list[FieldError]:
    """Expressions are CEL; what is checked is that they are there and not too long."""
    errors = check_size(selectors, MAX_ITEMS, path)
    for index, selector in enumerate(selectors):
        at = f"{path}[{index}].cel"
        expression = (selector.get("cel") or {}).get("expression") or ""
        if selector.get("cel") is None:
            errors.append(required(at))
        elif not expression.strip():
            errors.append(required(f"{at}.expression"))
        elif len(expression) > _MAX_TEXT:
            errors.append(too_long(f"{at}.expression", _MAX_TEXT))
    return errors


def validate_configuration(configuration: Object, path: str) -> list[FieldError]:
    opaque = configuration.get("opaque")
    if opaque is None:
        return [required(f"{path}.opaque")]
    errors = validate_driver(opaque.get("driver"), f"{path}.opaque.driver")
    parameters, at = opaque.get("parameters"), f"{path}.opaque.parameters"
    if parameters is None:
        errors.append(required(at))
    elif len(show(parameters).encode()) > _MAX_TEXT:
        errors.append(too_long(at, _MAX_TEXT))
    return errors


def stamp_taint(taint: Object, obj: Object) -> None:
    """A taint that doesn't say since when is as old as the write that brings it."""
    if not taint.get("timeAdded"):
        taint["timeAdded"] = written_at(obj)


def validate_taint(taint: Object, path: str) -> list[FieldError]:
    key, value = taint.get("key") or "", taint.get("value") or ""
    errors = check(f"{path}.key", key, names.qualified_name_problem)
    if value:
        errors += check(f"{path}.value", value, names.label_value_problem)
    return errors + check_choice(f"{path}.effect", taint.get("effect"), _EFFECTS)


def validate_toleration(toleration: Object, path: str) -> list[FieldError]:
    key, value = toleration.get("key") or "", toleration.get("value") or ""
    operator, effect = toleration.get("operator"), toleration.get("effect")
    errors = check(f"{path}.key", key, names.qualified_name_problem) if key else []
    errors += check_choice(f"{path}.operator", operator, ("Equal", "Exists"))
    if operator == "Exists" and value:
        detail = "must be empty for operator `Exists`"
        errors.append(invalid(f"{path}.value", value, detail))
    elif operator == "Equal":
        errors += check(f"{path}.value", value, names.label_value_problem)
        if not key:
            detail = "must be set when the operator is Equal: an empty key matches with Exists only"
            errors.append(required(f"{path}.key", detail))
    return errors + check_choice(f"{path}.effect", effect, _EFFECTS[:2], must_be_set=False)
