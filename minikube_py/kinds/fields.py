"""Words and rules that validation of every kind shares (apimachinery's validation/field and
api/validation).

Paths are plain strings, `spec.containers[0].image`; every check returns a list, so that callers
join them.
"""

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

NameProblem = Callable[[str], str | None]

IMMUTABLE = "field is immutable"
_MAX_ANNOTATIONS_BYTES = 256 * 1024
_RESERVED_FINALIZERS = frozenset(
    {
        "orphan",
        "foregroundDeletion",
        "kubernetes",
        "customresourcecleanup.apiextensions.k8s.io",  # which has no slash
    }
)


def required(path: str, detail: str = "") -> FieldError:
    return FieldError(path, "FieldValueRequired", _joined("Required value", detail))


def invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {show(value)}: {detail}")


def not_supported(path: str, value: Any, supported: Iterable[str]) -> FieldError:
    allowed = ", ".join(f'"{name}"' for name in sorted(supported))
    message = f"Unsupported value: {show(value)}: supported values: {allowed}"
    return FieldError(path, "FieldValueNotSupported", message)


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(path, "FieldValueDuplicate", f"Duplicate value: {show(value)}")


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(path, "FieldValueForbidden", f"Forbidden: {detail}")


def not_found(path: str, value: Any) -> FieldError:
    return FieldError(path, "FieldValueNotFound", f"Not found: {show(value)}")


def too_long(path: str, limit: int) -> FieldError:
    message = f"Too long: may not be more than {limit} bytes"
    return FieldError(path, "FieldValueTooLong", message)


def too_many(path: str, count: int, limit: int) -> FieldError:
    noun = "item" if limit == 1 else "items"
    message = f"Too many: {count}: must have at most {limit} {noun}"
    return FieldError(path, "FieldValueTooMany", message)


def type_invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(path, "FieldValueTypeInvalid", f"Invalid value: {show(value)}: {detail}")


def show(value: Any) -> str:
    """A value as messages quote it: JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def joined_path(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# --- checks of one value -------------------------------------------------------------------------


def check(path: str, value: str, problem_of: NameProblem) -> list[FieldError]:
    """`invalid` when `problem_of` finds one."""
    problem = problem_of(value)
    return [invalid(path, value, problem)] if problem else []


def check_choice(
    path: str, value: Any, supported: Iterable[str], *, must_be_set: bool = True
) -> list[FieldError]:
    if not value:
        return [required(path)] if must_be_set else []
    return [] if value in frozenset(supported) else [not_supported(path, value, supported)]


def check_not_negative(path: str, value: Any) -> list[FieldError]:
    """None passes."""
    if value is None or value >= 0:
        return []
    return [invalid(path, value, "must be greater than or equal to 0")]


def check_port_number(path: str, value: Any) -> list[FieldError]:
    if isinstance(value, int) and 1 <= value <= 65535:
        return []
    return [invalid(path, value, "must be between 1 and 65535, inclusive")]


def check_port_number_or_name(path: str, value: Any) -> list[FieldError]:
    """A port as probes and Services target it: 1-65535 or an IANA service name."""
    if isinstance(value, str):
        return check(path, value, names.port_name_problem)
    return check_port_number(path, value)


def check_immutable(path: str, new: Any, old: Any) -> list[FieldError]:
    """Missing, null and empty count as the same."""
    if (new or None) == (old or None):
        return []
    return [invalid(path, new, IMMUTABLE)]


def check_unique(path: str, items: Sequence[Any], field: str = "") -> list[FieldError]:
    """Each repeat of an item, or of its `field`, is a Duplicate at its index."""
    seen: list[Any] = []
    errors = []
    for index, item in enumerate(items):
        value = item.get(field) if field else item
        if value in (None, ""):
            continue
        if value in seen:
            at = f"{path}[{index}]"
            errors.append(duplicate(joined_path(at, field) if field else at, value))
        seen.append(value)
    return errors


def ip_problem(text: str) -> str | None:
    """Why `text` is no IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    return None


def cidr_problem(text: str) -> str | None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
    return None


# --- metadata ------------------------------------------------------------------------------------


def validate_object_meta(
    obj: Object,
    *,
    namespaced: bool,
    name_problem: NameProblem | None = None,
    custom: bool = False,
) -> list[FieldError]:
    """metadata as the API takes it on every write, names of generated objects included."""
    metadata = obj.get("metadata") or {}
    problem_of = name_problem or names.subdomain_problem
    return [
        *_validate_names(metadata, problem_of),
        *_validate_namespace(metadata, namespaced=namespaced),
        *validate_labels(metadata.get("labels"), "metadata.labels"),
        *validate_annotations(metadata.get("annotations"), "metadata.annotations"),
        *_validate_owner_references(metadata.get("ownerReferences") or []),
        *validate_finalizers(
            metadata.get("finalizers") or [], "metadata.finalizers", standard=not custom
        ),
        *check_not_negative("metadata.generation", metadata.get("generation")),
    ]


def _validate_names(metadata: Mapping[str, Any], problem_of: NameProblem) -> list[FieldError]:
    errors: list[FieldError] = []
    base = metadata.get("generateName")
    if base:
        # A trailing dash is what the random suffix follows.
        stem = base[:-1] + "a" if base.endswith("-") else base
        problem = problem_of(stem)
        if problem:
            errors.append(invalid("metadata.generateName", base, problem))
    name = metadata.get("name")
    if name:
        errors += check("metadata.name", name, problem_of)
    else:
        errors.append(required("metadata.name", "name or generateName is required"))
    return errors


def _validate_namespace(metadata: Mapping[str, Any], *, namespaced: bool) -> list[FieldError]:
    namespace = metadata.get("namespace")
    if not namespaced:
        if namespace:
            return [forbidden("metadata.namespace", "not allowed on this type")]
        return []
    if not namespace:
        return [required("metadata.namespace")]
    return check("metadata.namespace", namespace, names.label_problem)


def validate_object_meta_update(new: Object, old: Object) -> list[FieldError]:
    """What no write may change in metadata."""
    fresh, stored = new.get("metadata") or {}, old.get("metadata") or {}
    errors = []
    for name in ("name", "namespace", "uid", "creationTimestamp"):
        errors += check_immutable(f"metadata.{name}", fresh.get(name), stored.get(name))
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if fresh.get(name) != stored.get(name):
            detail = f"{IMMUTABLE}; may only be changed via deletion"
            errors.append(invalid(f"metadata.{name}", fresh.get(name), detail))
    if stored.get("deletionTimestamp"):
        added = sorted(set(fresh.get("finalizers") or []) - set(stored.get("finalizers") or []))
        if added:
            errors.append(
                forbidden(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new "
                    f"finalizers {show(added)}",
                )
            )
    return errors


def validate_labels(labels: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    errors = []
    for key, value in (labels or {}).items():
        errors += check(path, key, names.qualified_name_problem)
        errors += check(path, value, names.label_value_problem)
    return errors


def validate_annotations(annotations: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    errors = []
    size = 0
    for key, value in (annotations or {}).items():
        errors += check(path, key.lower(), names.qualified_name_problem)
        size += len(key.encode()) + len(value.encode())
    if size > _MAX_ANNOTATIONS_BYTES:
        errors.append(too_long(path, _MAX_ANNOTATIONS_BYTES))
    return errors


def _validate_owner_references(references: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors = []
    controllers = []
    for index, reference in enumerate(references):
        path = f"metadata.ownerReferences[{index}]"
        errors += [
            invalid(f"{path}.{name}", "", "must not be empty")
            for name in ("apiVersion", "kind", "name", "uid")
            if not reference.get(name)
        ]
        if reference.get("apiVersion") == "v1" and reference.get("kind") == "Event":
            errors.append(invalid(path, "/v1, Kind=Event", "is disallowed from being an owner"))
        if reference.get("controller"):
            controllers.append(reference.get("name"))
    if len(controllers) > 1:
        errors.append(
            invalid(
                "metadata.ownerReferences",
                list(references),
                "Only one reference can have Controller set to true. Found "
                f'"true" in references for {controllers[0]} and {controllers[1]}',
            )
        )
    return errors


def validate_finalizers(
    finalizers: Sequence[str], path: str, *, standard: bool = True
) -> list[FieldError]:
    """`standard`: names without a domain must be Kubernetes' own; custom kinds take any."""
    errors = []
    for index, finalizer in enumerate(finalizers):
        problem = names.qualified_name_problem(finalizer)
        if problem:
            errors.append(invalid(f"{path}[{index}]", finalizer, problem))
        elif standard and "/" not in finalizer and finalizer not in _RESERVED_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid(f"{path}[{index}]", finalizer, detail))
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(invalid(path, list(finalizers), detail))
    return errors


# --- label selectors -----------------------------------------------------------------------------


def validate_selector(selector: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    """A LabelSelector (metav1/validation); None passes."""
    if not selector:
        return []
    errors = validate_labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or []):
        errors += _validate_expression(expression, f"{path}.matchExpressions[{index}]")
    return errors


def _validate_expression(expression: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(required(f"{path}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden(f"{path}.values", detail))
    else:
        errors.append(invalid(f"{path}.operator", operator, "not a valid selector operator"))
    errors += check(f"{path}.key", expression.get("key") or "", names.qualified_name_problem)
    for index, value in enumerate(values):
        errors += check(f"{path}.values[{index}]", value, names.label_value_problem)
    return errors


def _joined(head: str, detail: str) -> str:
    return f"{head}: {detail}" if detail else head
