"""The policies of a Job: which failures of Pods count, and when it has succeeded early
(pkg/apis/batch/validation).
"""

from collections.abc import Iterable, Sequence

from minikube_py.kinds.batch.indexes import count_indexes
from minikube_py.kinds.fields import (
    check,
    check_not_negative,
    check_unique,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MAX_RULES = 20
_MAX_PATTERNS = 20
_MAX_EXIT_CODES = 255
_MAX_INDEXES_TEXT = 64 * 1024


def default_failure_policy(spec: Object) -> None:
    """Of a JobSpec."""
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or []:
        for pattern in rule.get("onPodConditions") or []:
            if not pattern.get("status"):
                pattern["status"] = "True"


def validate_failure_policy(spec: Object, path: str) -> list[FieldError]:
    """`spec` is the JobSpec, `path` that of its podFailurePolicy."""
    rules = spec["podFailurePolicy"].get("rules") or []
    pod = (spec.get("template") or {}).get("spec") or {}
    containers = {
        container.get("name")
        for field in ("containers", "initContainers")
        for container in pod.get(field) or []
    }
    errors = [too_many(f"{path}.rules", len(rules), _MAX_RULES)] if len(rules) > _MAX_RULES else []
    for index, rule in enumerate(rules):
        at = f"{path}.rules[{index}]"
        errors += _validate_action(spec, rule.get("action"), f"{at}.action")
        errors += _validate_rule(rule, containers, at)
    return errors


def _validate_action(spec: Object, action: str | None, path: str) -> list[FieldError]:
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        return [invalid(path, action, "requires the backoffLimitPerIndex to be set")]
    return _check_choice(path, action, _ACTIONS)


def _validate_rule(rule: Object, containers: Iterable[str], path: str) -> list[FieldError]:
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    errors = []
    if codes is not None:
        errors += _validate_exit_codes(codes, containers, f"{path}.onExitCodes")
    if conditions:
        errors += _validate_conditions(conditions, f"{path}.onPodConditions")
    if codes is not None and conditions:
        detail = "specifying both OnExitCodes and OnPodConditions is not supported"
        errors.append(_invalid_rule(path, detail))
    if codes is None and not conditions:
        detail = "specifying one of OnExitCodes and OnPodConditions is required"
        errors.append(_invalid_rule(path, detail))
    return errors


def _invalid_rule(path: str, detail: str) -> FieldError:
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {detail}")


def _validate_exit_codes(codes: Object, containers: Iterable[str], path: str) -> list[FieldError]:
    operator, name, values = codes.get("operator"), codes.get("containerName"), codes.get("values")
    errors = _check_choice(f"{path}.operator", operator, _OPERATORS)
    if name is not None and name not in containers:
        detail = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid(f"{path}.containerName", name, detail))
    at = f"{path}.values"
    if not values:
        return [*errors, invalid(at, values, "at least one value is required")]
    if len(values) > _MAX_EXIT_CODES:
        errors.append(too_many(at, len(values), _MAX_EXIT_CODES))
    if operator == "In":
        errors += [
            invalid(f"{at}[{index}]", 0, "must not be 0 for the In operator")
            for index, value in enumerate(values)
            if value == 0
        ]
    errors += check_unique(at, values)
    if sorted(values) != values:
        errors.append(invalid(at, values, "must be ordered"))
    return errors


def _validate_conditions(conditions: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    if len(conditions) > _MAX_PATTERNS:
        errors.append(too_many(path, len(conditions), _MAX_PATTERNS))
    for index, pattern in enumerate(conditions):
        at = f"{path}[{index}]"
        errors += check(f"{at}.type", pattern.get("type") or "", names.qualified_name_problem)
        errors += _check_choice(f"{at}.status", pattern.get("status"), _STATUSES)
    return errors


def _check_choice(path: str, value: str | None, supported: Sequence[str]) -> list[FieldError]:
    """As fields.check_choice, but what is missing is told what it might be."""
    if not value:
        listed = " ".join(f'"{name}"' for name in supported)
        return [required(path, f"valid values: [{listed}]")]
    return [] if value in supported else [not_supported(path, value, supported)]


def validate_success_policy(spec: Object, path: str) -> list[FieldError]:
    """`spec` is the JobSpec, `path` that of its successPolicy."""
    at, rules = f"{path}.rules", spec["successPolicy"].get("rules") or []
    if spec.get("completionMode") != "Indexed":
        return [invalid(path, spec["successPolicy"], "requires indexed completion mode")]
    if not rules:
        detail = "at least one rules must be specified when the successPolicy is specified"
        return [required(at, detail)]
    errors = [too_many(at, len(rules), _MAX_RULES)] if len(rules) > _MAX_RULES else []
    for index, rule in enumerate(rules):
        errors += _validate_success(rule, spec.get("completions") or 0, f"{at}[{index}]")
    return errors


def _validate_success(rule: Object, completions: int, path: str) -> list[FieldError]:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        detail = "at least one of succeededCount or succeededIndexes must be specified"
        return [required(path, detail)]
    errors, named = [], 0
    if indexes is not None:
        at = f"{path}.succeededIndexes"
        if len(indexes) > _MAX_INDEXES_TEXT:
            errors.append(too_long(at, _MAX_INDEXES_TEXT))
        try:
            named = count_indexes(indexes, completions)
        except ValueError as problem:
            errors.append(invalid(at, indexes, f"error parsing succeededIndexes: {problem}"))
    if count is None:
        return errors
    at = f"{path}.succeededCount"
    errors += check_not_negative(at, count)
    if count > completions:
        detail = (
            f"must be less than or equal to {completions} (the number of specified completions)"
        )
        errors.append(invalid(at, count, detail))
    if indexes is not None and count > named:
        detail = (
            f"must be less than or equal to {named} (the number of indexes in the specified "
            "succeededIndexes field)"
        )
        errors.append(invalid(at, count, detail))
    return errors
