"""Validation of a container's environment: env and envFrom, and what fieldRef may name."""

import re
from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import check, invalid, not_supported, required
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

ENV_FIELD_PATHS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    }
)
VOLUME_FIELD_PATHS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.labels",
        "metadata.annotations",
    }
)
_RESOURCES = frozenset(
    f"{kind}.{name}"
    for kind in ("limits", "requests")
    for name in ("cpu", "memory", "ephemeral-storage")
)
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(?P<key>[^']*)'\]")
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def validate_env(variables: list[Object], path: str) -> list[FieldError]:
    errors = []
    for index, variable in enumerate(variables):
        at = f"{path}[{index}]"
        if variable.get("name"):
            errors += check(f"{at}.name", variable["name"], names.env_name_problem)
        else:
            errors.append(required(f"{at}.name"))
        if variable.get("valueFrom") is not None:
            errors += _validate_env_source(variable, f"{at}.valueFrom")
    return errors


def _validate_env_source(variable: Object, path: str) -> list[FieldError]:
    source = variable["valueFrom"]
    chosen = [name for name in _ENV_SOURCES if source.get(name) is not None]
    if not chosen:
        listed = ", ".join(f"`{name}`" for name in _ENV_SOURCES[:-1])
        detail = f"must specify one of: {listed} or `{_ENV_SOURCES[-1]}`"
        return [invalid(path, "", detail)]
    errors = []
    if variable.get("value"):
        errors.append(invalid(path, "", "may not be specified when `value` is not empty"))
    if len(chosen) > 1:
        errors.append(invalid(path, "", "may not have more than one field specified at a time"))
    for name in chosen:
        errors += _validate_one_source(name, source[name], f"{path}.{name}")
    return errors


def _validate_one_source(name: str, source: Object, path: str) -> list[FieldError]:
    if name == "fieldRef":
        return validate_field_ref(source, path, ENV_FIELD_PATHS)
    if name == "resourceFieldRef":
        return validate_resource_field_ref(source, path, in_volume=False)
    if name == "fileKeyRef":
        wanted = ("volumeName", "path", "key")
        return [required(f"{path}.{field}") for field in wanted if not source.get(field)]
    if not source.get("key"):
        return [required(f"{path}.key")]
    return check(f"{path}.key", source["key"], names.config_key_problem)


def validate_field_ref(source: Object, path: str, supported: frozenset[str]) -> list[FieldError]:
    """`supported` holds the plain paths; single labels and annotations always are."""
    field_path = source.get("fieldPath")
    if not source.get("apiVersion"):
        return [required(f"{path}.apiVersion")]
    if not field_path:
        return [required(f"{path}.fieldPath")]
    if match := _SUBSCRIPT.fullmatch(field_path):
        problem = names.qualified_name_problem(match["key"])
        return [invalid(path, match["key"], problem)] if problem else []
    if field_path in supported:
        return []
    if field_path in ENV_FIELD_PATHS | VOLUME_FIELD_PATHS:
        return [not_supported(f"{path}.fieldPath", field_path, supported)]
    detail = f"error converting fieldPath: field label not supported: {field_path}"
    return [invalid(f"{path}.fieldPath", field_path, detail)]


def validate_resource_field_ref(source: Object, path: str, *, in_volume: bool) -> list[FieldError]:
    errors = []
    if in_volume and not source.get("containerName"):
        errors.append(required(f"{path}.containerName"))
    resource = source.get("resource")
    if not resource:
        errors.append(required(f"{path}.resource"))
    elif resource not in _RESOURCES and "hugepages-" not in resource:
        errors.append(not_supported(f"{path}.resource", resource, _RESOURCES))
    return errors


def validate_env_from(sources: list[Object], path: str) -> list[FieldError]:
    errors = []
    for index, source in enumerate(sources):
        at = f"{path}[{index}]"
        if source.get("prefix"):
            errors += check(f"{at}.prefix", source["prefix"], names.env_name_problem)
        chosen = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        if not chosen:
            errors.append(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(chosen) > 1:
            errors.append(invalid(at, "", "may not have more than one field specified at a time"))
        for name in chosen:
            errors += _validate_reference(source[name], f"{at}.{name}")
    return errors


def _validate_reference(reference: Mapping[str, Any], path: str) -> list[FieldError]:
    if not reference.get("name"):
        return [required(f"{path}.name")]
    return check(f"{path}.name", reference["name"], names.subdomain_problem)
