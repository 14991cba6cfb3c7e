"""Validation of what containers say about resources besides amounts: claims of devices, and what a
change of an amount takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    duplicate,
    invalid,
    not_found,
    required,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_RESIZED = ("cpu", "memory")
_RESTARTS = ("NotRequired", "RestartContainer")
_CLAIM_SOURCES = ("resourceClaimName", "resourceClaimTemplateName")
_EITHER = "`resourceClaimName` or `resourceClaimTemplateName`"
_CONTAINERS = ("containers", "initContainers")


def validate_resize_policy(policies: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    for index, policy in enumerate(policies):
        at = f"{path}[{index}]"
        errors += check_choice(f"{at}.resourceName", policy.get("resourceName"), _RESIZED)
        errors += check_choice(f"{at}.restartPolicy", policy.get("restartPolicy"), _RESTARTS)
    return errors + check_unique(path, policies, "resourceName")


def validate_claims(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """resourceClaims of the Pod, and that its containers use no others."""
    claims = spec.get("resourceClaims") or []
    errors = check_unique(f"{path}.resourceClaims", claims, "name")
    for index, claim in enumerate(claims):
        errors += _validate_claim(claim, f"{path}.resourceClaims[{index}]")
    known = {claim.get("name") for claim in claims}
    for field in _CONTAINERS:
        for index, container in enumerate(spec.get(field) or []):
            used = get_path(container, "resources", "claims", default=[])
            at = f"{path}.{field}[{index}].resources.claims"
            errors += _validate_uses(used, known, at)
    return errors


def _validate_claim(claim: Object, path: str) -> list[FieldError]:
    errors = _name_errors(claim.get("name"), f"{path}.name", names.label_problem)
    sources = [
        name for name in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(name)
    ]
    if len(sources) > 1:
        detail = (
            "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
        )
        errors.append(invalid(path, claim, detail))
    elif not sources:
        detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
        errors.append(invalid(path, claim, detail))
    for name in sources:
        errors += check(f"{path}.{name}", claim[name], names.subdomain_problem)
    return errors


def _name_errors(name: str | None, path: str, problem_of: Any) -> list[FieldError]:
    return check(path, name, problem_of) if name else [required(path)]


def _validate_uses(used: Sequence[Object], known: set[Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[tuple[Any, Any]] = set()
    for index, use in enumerate(used):
        name, pair = use.get("name"), (use.get("name"), use.get("request"))
        if not name:
            errors.append(required(f"{path}[{index}]"))
        elif pair in seen:
            errors.append(duplicate(f"{path}[{index}]", name))
        elif name not in known:
            errors.append(not_found(f"{path}[{index}]", name))
        seen.add(pair)
    return errors
