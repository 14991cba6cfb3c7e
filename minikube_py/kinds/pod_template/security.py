"""Validation of security contexts, of the Pod and of one container."""

import re
from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import check_choice, check_unique, invalid, required
from minikube_py.kinds.pod_template.volumes import check_relative
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_MAX_ID = 2147483647
_ID_RULE = f"must be between 0 and {_MAX_ID}, inclusive"
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL_WORD = r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_HOST_NAMESPACES = {
    "hostNetwork": ("net.",),
    "hostIPC": ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."),
}
_SYSCTL = re.compile(rf"({_SYSCTL_WORD}[./])*{_SYSCTL_WORD}")


def validate_pod_security(context: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    context = context or {}
    errors = _validate_shared(context, path)
    errors += _validate_id(context.get("fsGroup"), f"{path}.fsGroup")
    for index, group in enumerate(context.get("supplementalGroups") or []):
        errors += _validate_id(group, f"{path}.supplementalGroups[{index}]")
    errors += check_choice(
        f"{path}.fsGroupChangePolicy",
        context.get("fsGroupChangePolicy"),
        ("Always", "OnRootMismatch"),
        must_be_set=False,
    )
    errors += check_choice(
        f"{path}.supplementalGroupsPolicy",
        context.get("supplementalGroupsPolicy"),
        ("Merge", "Strict"),
        must_be_set=False,
    )
    return errors + _validate_sysctls(context.get("sysctls") or [], f"{path}.sysctls")


def validate_container_security(context: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    context = context or {}
    errors = _validate_shared(context, path)
    procfs = context.get("procMount")
    errors += check_choice(f"{path}.procMount", procfs, ("Default", "Unmasked"), must_be_set=False)
    if context.get("allowPrivilegeEscalation") is False:
        at, escalation = f"{path}.allowPrivilegeEscalation", False
        added = (context.get("capabilities") or {}).get("add") or []
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.append(invalid(path, escalation, detail))
        if {"CAP_SYS_ADMIN", "SYS_ADMIN"} & set(added):
            detail = (
                "cannot set `allowPrivilegeEscalation` to false and "
                "`capabilities.Add` CAP_SYS_ADMIN"
            )
            errors.append(invalid(at, escalation, detail))
    return errors


def _validate_shared(context: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    for field in ("runAsUser", "runAsGroup"):
        errors += _validate_id(context.get(field), f"{path}.{field}")
    for field in ("seccompProfile", "appArmorProfile"):
        profile = context.get(field)
        if profile is not None:
            errors += _validate_profile(profile, f"{path}.{field}")
    return errors


def _validate_profile(profile: Object, path: str) -> list[FieldError]:
    errors = check_choice(f"{path}.type", profile.get("type"), _PROFILES)
    local = profile.get("localhostProfile")
    if profile.get("type") == "Localhost" and not local:
        detail = "must be set when profile type is Localhost"
        errors.append(required(f"{path}.localhostProfile", detail))
    if profile.get("type") != "Localhost" and local:
        detail = "can only be set when profile type is Localhost"
        errors.append(invalid(f"{path}.localhostProfile", local, detail))
    if local and path.endswith("seccompProfile"):
        errors += check_relative(local, f"{path}.localhostProfile")
    return errors


def _validate_id(number: int | None, path: str) -> list[FieldError]:
    if number is None or 0 <= number <= _MAX_ID:
        return []
    return [invalid(path, number, _ID_RULE)]


def _validate_sysctls(sysctls: list[Object], path: str) -> list[FieldError]:
    errors = []
    for index, sysctl in enumerate(sysctls):
        at, name = f"{path}[{index}].name", sysctl.get("name")
        if not name:
            errors.append(required(at))
        elif len(name) > 253 or not _SYSCTL.fullmatch(name):
            detail = "must have at most 253 characters and match regex " + _SYSCTL.pattern
            errors.append(invalid(at, name, detail))
    return errors + check_unique(path, sysctls, "name")


def validate_host_sysctls(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """Settings of a namespace that is the host's are the host's."""
    errors = []
    sysctls = (spec.get("securityContext") or {}).get("sysctls") or []
    for index, sysctl in enumerate(sysctls):
        name = (sysctl.get("name") or "").replace("/", ".")
        for field, prefixes in _HOST_NAMESPACES.items():
            if spec.get(field) and name.startswith(prefixes):
                at = f"{path}.securityContext.sysctls[{index}].name"
                errors.append(invalid(at, name, f"may not be set when '{field}' is true"))
    return errors
