"""What validating and mutating webhooks share: defaults, checks and the table."""

from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.client_config import (
    default_client_config,
    validate_client_config,
)
from minikube_py.kinds.admissionregistration.rules import (
    FAILURE_POLICIES,
    default_selection,
    validate_conditions,
    validate_rule,
    validate_selection,
)
from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    invalid,
    not_supported,
    required,
)
from minikube_py.kinds.kind import Column
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_DEFAULT_TIMEOUT, _MAX_TIMEOUT = 10, 30
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_REVIEW_VERSIONS = ("v1", "v1beta1")


def default_webhooks(obj: Object) -> None:
    for hook in obj.get("webhooks") or []:
        if not hook.get("failurePolicy"):
            hook["failurePolicy"] = "Fail"
        if hook.get("timeoutSeconds") is None:
            hook["timeoutSeconds"] = _DEFAULT_TIMEOUT
        default_selection(hook, ("rules",))
        default_client_config(hook.get("clientConfig"))


def validate_webhooks(obj: Object) -> Sequence[FieldError]:
    hooks = obj.get("webhooks") or []
    errors = []
    for index, hook in enumerate(hooks):
        errors += _validate_webhook(hook, f"webhooks[{index}]")
    return errors + check_unique("webhooks", hooks, "name")


def _validate_webhook(hook: Object, path: str) -> list[FieldError]:
    errors = check_qualified_domain(hook.get("name") or "", f"{path}.name")
    for index, rule in enumerate(hook.get("rules") or []):
        errors += validate_rule(rule, f"{path}.rules[{index}]")
    errors += check_choice(f"{path}.failurePolicy", hook["failurePolicy"], FAILURE_POLICIES)
    errors += _validate_side_effects(hook.get("sideEffects"), f"{path}.sideEffects")
    if not 1 <= hook["timeoutSeconds"] <= _MAX_TIMEOUT:
        detail = "the timeout value must be between 1 and 30 seconds"
        errors.append(invalid(f"{path}.timeoutSeconds", hook["timeoutSeconds"], detail))
    errors += validate_selection(hook, path)
    errors += validate_client_config(hook.get("clientConfig") or {}, f"{path}.clientConfig")
    errors += validate_conditions(hook.get("matchConditions") or [], f"{path}.matchConditions")
    field = "admissionReviewVersions"
    return errors + _validate_review_versions(hook.get(field) or [], f"{path}.{field}")


def check_qualified_domain(name: str, path: str) -> list[FieldError]:
    """`hook.example.com`: a domain of three parts at least."""
    if not name:
        return [required(path)]
    errors = check(path, name, names.subdomain_problem)
    if not errors and name.count(".") < 2:
        detail = "should be a domain with at least three segments separated by dots"
        errors.append(invalid(path, name, detail))
    return errors


def _validate_side_effects(value: str | None, path: str) -> list[FieldError]:
    if not value:
        return [required(path, f"must specify one of {', '.join(_SIDE_EFFECTS)}")]
    return [] if value in _SIDE_EFFECTS else [not_supported(path, value, _SIDE_EFFECTS)]


def _validate_review_versions(versions: Sequence[str], path: str) -> list[FieldError]:
    known = ", ".join(_REVIEW_VERSIONS)
    if not versions:
        return [required(path, f"must specify one of {known}")]
    errors = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(invalid(f"{path}[{index}]", version, "duplicate version"))
        else:
            errors += check(f"{path}[{index}]", version, names.dns1035_problem)
    if not set(versions) & set(_REVIEW_VERSIONS):
        errors.append(invalid(path, versions, f"must include at least one of {known}"))
    return errors


WEBHOOK_COLUMNS = (
    NAME,
    Column(
        "Webhooks",
        from_object(lambda obj: len(obj.get("webhooks") or [])),
        type="integer",
        description="Webhooks indicates the number of webhooks registered in this configuration",
    ),
    AGE,
)
