"""Validation of what steers scheduling: tolerations, affinity, topology spread."""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_choice,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    validate_labels,
    validate_selector,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NODE_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"})
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def validate_placement(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    affinity, at = spec.get("affinity") or {}, f"{path}.affinity"
    return [
        *validate_labels(spec.get("nodeSelector"), f"{path}.nodeSelector"),
        *validate_tolerations(spec.get("tolerations") or [], f"{path}.tolerations"),
        *_validate_node_affinity(affinity.get("nodeAffinity") or {}, f"{at}.nodeAffinity"),
        *_validate_pod_affinity(affinity.get("podAffinity") or {}, f"{at}.podAffinity"),
        *_validate_pod_affinity(affinity.get("podAntiAffinity") or {}, f"{at}.podAntiAffinity"),
        *_validate_spread(
            spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints"
        ),
    ]


def validate_tolerations(tolerations: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    for index, toleration in enumerate(tolerations):
        errors += _validate_toleration(toleration, f"{path}[{index}]")
    return errors


def _validate_toleration(toleration: Object, path: str) -> list[FieldError]:
    errors = []
    key, operator = toleration.get("key"), toleration.get("operator") or "Equal"
    value, effect = toleration.get("value") or "", toleration.get("effect")
    if key:
        errors += check(f"{path}.key", key, names.qualified_name_problem)
    elif operator != "Exists":
        detail = (
            'operator must be Exists when `key` is empty, which means "match all values and all '
            'keys"'
        )
        errors.append(invalid(f"{path}.operator", toleration.get("operator") or "", detail))
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(invalid(f"{path}.effect", effect or "", detail))
    if operator == "Equal":
        errors += check(f"{path}.operator", value, names.label_value_problem)
    elif operator == "Exists":
        if value:
            detail = "value must be empty when `operator` is 'Exists'"
            errors.append(invalid(f"{path}.operator", value, detail))
    else:
        errors.append(not_supported(f"{path}.operator", operator, ("Equal", "Exists")))
    return errors + check_choice(f"{path}.effect", effect, _EFFECTS, must_be_set=False)


def _validate_node_affinity(affinity: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    wanted = affinity.get(_REQUIRED)
    if wanted is not None:
        errors += validate_node_selector(wanted, f"{path}.{_REQUIRED}")
    for index, term in enumerate(affinity.get(_PREFERRED) or []):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += _validate_weight(term, at)
        errors += _validate_node_term(term.get("preference") or {}, f"{at}.preference")
    return errors


def validate_node_selector(selector: Mapping[str, Any], path: str) -> list[FieldError]:
    """A v1.NodeSelector, as node affinity and PersistentVolumes have it."""
    terms = selector.get("nodeSelectorTerms") or []
    if not terms:
        detail = "must have at least one node selector term"
        return [required(f"{path}.nodeSelectorTerms", detail)]
    errors = []
    for index, term in enumerate(terms):
        errors += _validate_node_term(term, f"{path}.nodeSelectorTerms[{index}]")
    return errors


def _validate_node_term(term: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    for index, expression in enumerate(term.get("matchExpressions") or []):
        at = f"{path}.matchExpressions[{index}]"
        errors += _validate_node_expression(expression, at)
        errors += check(f"{at}.key", expression.get("key") or "", names.qualified_name_problem)
    for index, expression in enumerate(term.get("matchFields") or []):
        errors += _validate_match_field(expression, f"{path}.matchFields[{index}]")
    return errors


def _validate_node_expression(expression: Object, path: str) -> list[FieldError]:
    operator, values = expression.get("operator"), expression.get("values") or []
    at = f"{path}.values"
    if operator not in _NODE_OPERATORS:
        return [invalid(f"{path}.operator", operator, "not a valid selector operator")]
    if operator in ("In", "NotIn") and not values:
        return [required(at, "must be specified when `operator` is 'In' or 'NotIn'")]
    if operator in ("Exists", "DoesNotExist") and values:
        detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        return [forbidden(at, detail)]
    if operator in ("Gt", "Lt") and len(values) != 1:
        detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
        return [required(at, detail)]
    return []


def _validate_match_field(expression: Object, path: str) -> list[FieldError]:
    values = expression.get("values") or []
    if expression.get("key") != "metadata.name":
        return [invalid(f"{path}.key", expression.get("key"), "not a valid field selector key")]
    if expression.get("operator") not in ("In", "NotIn"):
        detail = "not a valid selector operator"
        return [invalid(f"{path}.operator", expression.get("operator"), detail)]
    if len(values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        return [required(f"{path}.values", detail)]
    return check(f"{path}.values[0]", values[0], names.subdomain_problem)


def _validate_weight(term: Object, path: str) -> list[FieldError]:
    weight = term.get("weight") or 0
    if 1 <= weight <= 100:
        return []
    return [invalid(f"{path}.weight", weight, "must be in the range 1-100")]


def _validate_pod_affinity(affinity: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    for index, term in enumerate(affinity.get(_REQUIRED) or []):
        errors += _validate_pod_term(term, f"{path}.{_REQUIRED}[{index}]")
    for index, weighted in enumerate(affinity.get(_PREFERRED) or []):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += _validate_weight(weighted, at)
        errors += _validate_pod_term(weighted.get("podAffinityTerm") or {}, f"{at}.podAffinityTerm")
    return errors


def _validate_pod_term(term: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = validate_selector(term.get("labelSelector"), f"{path}.labelSelector")
    errors += validate_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for index, namespace in enumerate(term.get("namespaces") or []):
        errors += check(f"{path}.namespaces[{index}]", namespace, names.label_problem)
    errors += _validate_label_keys(term, ("matchLabelKeys", "mismatchLabelKeys"), path)
    key = term.get("topologyKey")
    if not key:
        errors.append(required(f"{path}.topologyKey", "can not be empty"))
        return errors
    return errors + check(f"{path}.topologyKey", key, names.qualified_name_problem)


def _validate_spread(constraints: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    seen = set()
    for index, constraint in enumerate(constraints):
        at = f"{path}[{index}]"
        errors += _validate_constraint(constraint, at)
        pair = (constraint.get("topologyKey"), constraint.get("whenUnsatisfiable"))
        if pair in seen:
            shown = f"{{{pair[0]}, {pair[1]}}}"
            errors.append(duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", shown))
        seen.add(pair)
    return errors


def _validate_constraint(constraint: Object, path: str) -> list[FieldError]:
    errors = []
    skew, minimum = constraint.get("maxSkew") or 0, constraint.get("minDomains")
    when = constraint.get("whenUnsatisfiable")
    if skew <= 0:
        errors.append(invalid(f"{path}.maxSkew", skew, "must be greater than zero"))
    if not constraint.get("topologyKey"):
        errors.append(required(f"{path}.topologyKey", "can not be empty"))
    errors += check_choice(f"{path}.whenUnsatisfiable", when, ("DoNotSchedule", "ScheduleAnyway"))
    if minimum is not None and minimum <= 0:
        errors.append(invalid(f"{path}.minDomains", minimum, "must be greater than zero"))
    if minimum is not None and when != "DoNotSchedule":
        detail = 'can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "ScheduleAnyway"'
        errors.append(invalid(f"{path}.minDomains", minimum, detail))
    for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        policy = constraint.get(field)
        errors += check_choice(f"{path}.{field}", policy, ("Ignore", "Honor"), must_be_set=False)
    errors += _validate_spread_keys(constraint, path)
    return errors + validate_selector(constraint.get("labelSelector"), f"{path}.labelSelector")


def _validate_label_keys(
    term: Mapping[str, Any], fields: Sequence[str], path: str
) -> list[FieldError]:
    """Labels whose values are the Pod's own; they add to a selector, so there must be one."""
    errors = []
    for field in fields:
        keys = term.get(field) or []
        if keys and term.get("labelSelector") is None:
            detail = "must not be specified when labelSelector is not set"
            errors.append(forbidden(f"{path}.{field}", detail))
        for index, key in enumerate(keys):
            errors += check(f"{path}.{field}[{index}]", key, names.qualified_name_problem)
    return errors


def _validate_spread_keys(constraint: Mapping[str, Any], path: str) -> list[FieldError]:
    selector = constraint.get("labelSelector") or {}
    selected = {one.get("key") for one in selector.get("matchExpressions") or []}
    selected |= set(selector.get("matchLabels") or {})
    return _validate_label_keys(constraint, ("matchLabelKeys",), path) + [
        invalid(
            f"{path}.matchLabelKeys[{index}]",
            key,
            "exists in both matchLabelKeys and labelSelector",
        )
        for index, key in enumerate(constraint.get("matchLabelKeys") or [])
        if key in selected
    ]
