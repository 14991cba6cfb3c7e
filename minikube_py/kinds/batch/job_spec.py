"""The spec of a Job, as Jobs and the templates of CronJobs share it (pkg/apis/batch/validation)."""

from typing import Any

from minikube_py.kinds.batch.job_policies import validate_failure_policy, validate_success_policy
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_not_negative,
    invalid,
    not_supported,
    required,
    too_long,
)
from minikube_py.kinds.pod_template import validate_any_template
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

INDEXED = "Indexed"
_NOT_NEGATIVE = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MAX_INDEXED = 100_000
_MAX_BESIDE_MANY_COMPLETIONS = 10_000
_MAX_MANAGED_BY = 63


def validate_job_spec(spec: Object, path: str) -> list[FieldError]:
    """After defaulting. Without the selector, which a CronJob's template has not."""
    errors: list[FieldError] = []
    for field in _NOT_NEGATIVE:
        errors += check_not_negative(f"{path}.{field}", spec.get(field))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.append(
            required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
        )
    errors += _validate_manager(spec.get("managedBy"), f"{path}.managedBy")
    errors += _validate_mode(spec, path)
    if spec.get("podFailurePolicy") is not None:
        errors += validate_failure_policy(spec, f"{path}.podFailurePolicy")
    if spec.get("successPolicy") is not None:
        errors += validate_success_policy(spec, f"{path}.successPolicy")
    errors += _validate_replacement(spec, f"{path}.podReplacementPolicy")
    errors += validate_any_template(spec.get("template") or {}, f"{path}.template")
    return errors + _validate_restart(spec, f"{path}.template.spec.restartPolicy")


def _validate_manager(manager: str | None, path: str) -> list[FieldError]:
    if manager is None:
        return []
    errors = check(path, manager, _domain_prefix_problem)
    if len(manager) > _MAX_MANAGED_BY:
        errors.append(too_long(path, _MAX_MANAGED_BY))
    return errors


def _domain_prefix_problem(text: str) -> str | None:
    domain, _, rest = text.partition("/")
    if not domain or not rest:
        return 'must be a domain-prefixed path (such as "acme.io/foo")'
    return names.subdomain_problem(domain)


def _validate_mode(spec: Object, path: str) -> list[FieldError]:
    mode = spec.get("completionMode")
    modes = ("NonIndexed", INDEXED)
    errors = check_choice(f"{path}.completionMode", mode, modes, must_be_set=False)
    if mode == INDEXED:
        return errors + _validate_indexed(spec, path)
    if errors:
        return errors
    return [
        invalid(f"{path}.{field}", spec[field], "requires indexed completion mode")
        for field in ("backoffLimitPerIndex", "maxFailedIndexes")
        if spec.get(field) is not None
    ]


def _validate_indexed(spec: Object, path: str) -> list[FieldError]:
    completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
    errors = []
    if completions is None:
        errors.append(required(f"{path}.completions", f"when completion mode is {INDEXED}"))
    detail = f"must be less than or equal to {_MAX_INDEXED} when completion mode is {INDEXED}"
    errors += _check_most(f"{path}.parallelism", spec.get("parallelism"), _MAX_INDEXED, detail)
    at = f"{path}.maxFailedIndexes"
    detail = "must be less than or equal to completions"
    errors += _check_most(at, failed, completions, detail)
    errors += _check_most(at, failed, _MAX_INDEXED, f"must be less than or equal to {_MAX_INDEXED}")
    if (completions or 0) > _MAX_INDEXED and spec.get("backoffLimitPerIndex") is not None:
        errors += _validate_many_completions(spec, path)
    return errors


def _validate_many_completions(spec: Object, path: str) -> list[FieldError]:
    errors = []
    if spec.get("maxFailedIndexes") is None:
        detail = f"must be specified when completions is above {_MAX_INDEXED}"
        errors.append(required(f"{path}.maxFailedIndexes", detail))
    most = _MAX_BESIDE_MANY_COMPLETIONS
    detail = (
        f"must be less than or equal to {most} when completions are above {_MAX_INDEXED} and used "
        "with backoff limit per index"
    )
    for field in ("parallelism", "maxFailedIndexes"):
        errors += _check_most(f"{path}.{field}", spec.get(field), most, detail)
    return errors


def _check_most(path: str, value: Any, most: int | None, detail: str) -> list[FieldError]:
    if value is None or most is None or value <= most:
        return []
    return [invalid(path, value, detail)]


def _validate_replacement(spec: Object, path: str) -> list[FieldError]:
    supported = ["Failed"] if spec.get("podFailurePolicy") else ["Failed", "TerminatingOrFailed"]
    return check_choice(path, spec.get("podReplacementPolicy"), supported, must_be_set=False)


def _validate_restart(spec: Object, path: str) -> list[FieldError]:
    """Always, which is what a template gets that says nothing, would never let a Job end."""
    policy = get_path(spec, "template", "spec", "restartPolicy")
    if policy in (None, "", "Always"):
        return [required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(path, policy, ("OnFailure", "Never"))]
    if spec.get("podFailurePolicy") and policy != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        return [invalid(path, policy, detail)]
    return []
