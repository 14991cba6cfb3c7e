"""Which requests a webhook or a policy is asked about: rules, selectors and conditions.

The expressions of conditions are CEL; what is checked of them here is that they are there.
"""

from collections.abc import Callable, Iterable, Sequence

from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    invalid,
    not_supported,
    required,
    too_many,
    validate_selector,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

GROUP = "admissionregistration.k8s.io"
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
MUTATING_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
REINVOCATION_POLICIES = ("IfNeeded", "Never")
_SCOPES = ("*", "Cluster", "Namespaced")
_MAX_CONDITIONS = 64


def default_selection(obj: Object, rule_fields: Iterable[str]) -> None:
    """`obj` has matchPolicy, both selectors, and rules in the named fields."""
    if not obj.get("matchPolicy"):
        obj["matchPolicy"] = "Equivalent"
    for field in ("namespaceSelector", "objectSelector"):
        if obj.get(field) is None:
            obj[field] = {}
    for field in rule_fields:
        for rule in obj.get(field) or []:
            if not rule.get("scope"):
                rule["scope"] = "*"


def validate_selection(obj: Object, path: str) -> list[FieldError]:
    """matchPolicy and both selectors, after defaults."""
    errors = check_choice(f"{path}.matchPolicy", obj.get("matchPolicy"), MATCH_POLICIES)
    for field in ("namespaceSelector", "objectSelector"):
        errors += validate_selector(obj.get(field), f"{path}.{field}")
    return errors


def validate_rule(rule: Object, path: str) -> list[FieldError]:
    operations = rule.get("operations") or []
    errors = [] if operations else [required(f"{path}.operations")]
    errors += _alone(operations, f"{path}.operations", "operations")
    errors += [
        not_supported(f"{path}.operations[{index}]", operation, OPERATIONS)
        for index, operation in enumerate(operations)
        if operation not in OPERATIONS
    ]
    for field, noun in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(field) or []
        if not values:
            errors.append(required(f"{path}.{field}"))
        errors += _alone(values, f"{path}.{field}", noun)
    errors += [
        required(f"{path}.apiVersions[{index}]")
        for index, version in enumerate(rule.get("apiVersions") or [])
        if not version
    ]
    errors += _validate_resources(rule.get("resources") or [], f"{path}.resources")
    return errors + check_choice(f"{path}.scope", rule.get("scope"), _SCOPES)


def _alone(values: Sequence[str], path: str, noun: str) -> list[FieldError]:
    if len(values) < 2 or "*" not in values:
        return []
    return [invalid(path, values, f"if '*' is present, must not specify other {noun}")]


def _validate_resources(resources: Sequence[str], path: str) -> list[FieldError]:
    if not resources:
        return [required(path)]
    errors = []
    all_of: set[str] = set()  # x of "x/*"
    of_all: set[str] = set()  # x of "*/x"
    for index, name in enumerate(resources):
        at = f"{path}[{index}]"
        if not name:
            errors.append(required(at))
        resource, slash, sub = name.partition("/")
        if not slash:
            continue
        if resource in all_of:
            detail = f"if '{resource}/*' is present, must not specify {name}"
            errors.append(invalid(at, name, detail))
        if sub in of_all:
            errors.append(invalid(at, name, f"if '*/{sub}' is present, must not specify {name}"))
        if sub == "*":
            all_of.add(resource)
        if resource == "*":
            of_all.add(sub)
    return errors + _validate_wildcards(resources, path)


def _validate_wildcards(resources: Sequence[str], path: str) -> list[FieldError]:
    errors = []
    if len(resources) > 1 and "*/*" in resources:
        detail = "if '*/*' is present, must not specify other resources"
        errors.append(invalid(path, resources, detail))
    if "*" in resources and any(name != "*" and "/" not in name for name in resources):
        detail = "if '*' is present, must not specify other resources without subresources"
        errors.append(invalid(path, resources, detail))
    return errors


def validate_conditions(conditions: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    if len(conditions) > _MAX_CONDITIONS:
        errors.append(too_many(path, len(conditions), _MAX_CONDITIONS))
    for index, condition in enumerate(conditions):
        at = f"{path}[{index}]"
        if not (condition.get("expression") or "").strip():
            errors.append(required(f"{at}.expression"))
        errors += check_required(f"{at}.name", condition.get("name"), names.qualified_name_problem)
    return errors + check_unique(path, conditions, "name")


def check_required(
    path: str, value: str | None, problem_of: Callable[[str], str | None]
) -> list[FieldError]:
    return check(path, value, problem_of) if value else [required(path)]
