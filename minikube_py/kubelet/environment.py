"""A container's environment, command and arguments, as kubelet makes them. Pure but for `look_up`,
which reads ConfigMaps and Secrets.

Order: service variables, envFrom, env; later ones win, and `$(NAME)` sees what stands before it.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.pod_template.references import SourceKind
from minikube_py.kubelet.expansion import expand
from minikube_py.kubelet.field_refs import (
    BadFieldRef,
    PodPlace,
    field_value,
    needs_address,
    resource_value,
)
from minikube_py.meta.names import env_name_problem
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of

LookUp = Callable[[SourceKind, str, str], Object | None]
"""(kind, namespace, name) → the object or None."""

_NO_ADDRESS = ("", "None")


class EnvironmentProblem(Exception):
    """The container can't be created yet; the message is its status' message."""


@dataclass(frozen=True)
class Environment:
    """`skipped`: envFrom keys that are no names of variables."""

    variables: Mapping[str, str]
    skipped: tuple[str, ...] = ()


def environment(
    pod: Object,
    container: Mapping[str, Any],
    place: PodPlace,
    look_up: LookUp,
    services: Iterable[Object],
) -> Environment:
    """`services` are those of all namespaces; raises EnvironmentProblem naming what is missing."""
    values = service_variables(pod, services)
    skipped: list[str] = []
    for source in container.get("envFrom") or []:
        for name, value in _from_source(pod, source, look_up):
            if env_name_problem(name):
                skipped.append(name)
            else:
                values[name] = value
    for entry in container.get("env") or []:
        found = _entry_value(pod, container, entry, values, place, look_up)
        if found is not None:
            values[entry["name"]] = found
    return Environment(values, tuple(skipped))


def wants_address(container: Mapping[str, Any]) -> bool:
    """Whether the environment shows the pod's IP, so that it must be known first."""
    return any(
        needs_address(str(get_path(entry, "valueFrom", "fieldRef", "fieldPath", default="")))
        for entry in container.get("env") or []
    )


# -- env and envFrom -----------------------------------------------------------------------------


def _entry_value(
    pod: Object,
    container: Mapping[str, Any],
    entry: Mapping[str, Any],
    values: Mapping[str, str],
    place: PodPlace,
    look_up: LookUp,
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(str(entry.get("value") or ""), values)
    try:
        if "fieldRef" in source:
            return field_value(pod, source["fieldRef"]["fieldPath"], place)
        if "resourceFieldRef" in source:
            return resource_value(pod, source["resourceFieldRef"], place, own=container)
    except BadFieldRef as error:
        raise EnvironmentProblem(f"env {entry['name']}: {error}") from error
    if "configMapKeyRef" in source:
        return _key(pod, "ConfigMap", source["configMapKeyRef"], look_up)
    if "secretKeyRef" in source:
        return _key(pod, "Secret", source["secretKeyRef"], look_up)
    names = ", ".join(source)
    raise EnvironmentProblem(f"env {entry['name']}: valueFrom.{names} is not supported")


def _key(pod: Object, kind: SourceKind, ref: Mapping[str, Any], look_up: LookUp) -> str | None:
    namespace, name, key = namespace_of(pod), ref.get("name", ""), ref["key"]
    found = look_up(kind, namespace, name)
    if found is None:
        if ref.get("optional"):
            return None
        raise EnvironmentProblem(f'{kind.lower()} "{name}" not found')
    values = string_data(kind, found)
    if key not in values and not ref.get("optional"):
        raise EnvironmentProblem(f"couldn't find key {key} in {kind} {namespace}/{name}")
    return values.get(key)


def _from_source(
    pod: Object, source: Mapping[str, Any], look_up: LookUp
) -> Iterable[tuple[str, str]]:
    prefix = source.get("prefix") or ""
    kinds: tuple[tuple[SourceKind, str], ...] = (
        ("ConfigMap", "configMapRef"),
        ("Secret", "secretRef"),
    )
    for kind, field in kinds:
        ref = source.get(field)
        if not ref:
            continue
        found = look_up(kind, namespace_of(pod), ref.get("name", ""))
        if found is None:
            if ref.get("optional"):
                continue
            raise EnvironmentProblem(f'{kind.lower()} "{ref.get("name", "")}" not found')
        for key, value in sorted(string_data(kind, found).items()):
            yield prefix + key, value


def string_data(kind: SourceKind, obj: Object) -> dict[str, str]:
    data = obj.get("data") or {}
    if kind == "ConfigMap":
        return dict(data)
    return {key: base64.b64decode(text).decode(errors="replace") for key, text in data.items()}


# -- services ------------------------------------------------------------------------------------


def service_variables(pod: Object, services: Iterable[Object]) -> dict[str, str]:
    """Docker-link style variables: of `kubernetes` always, of the pod's own namespace unless
    enableServiceLinks is false.
    """
    links = get_path(pod, "spec", "enableServiceLinks", default=True)
    found: dict[str, Object] = {}
    for service in services:
        if get_path(service, "spec", "clusterIP", default="") in _NO_ADDRESS:
            continue
        name, namespace = name_of(service), namespace_of(service)
        if namespace == "default" and name == "kubernetes":
            found.setdefault(name, service)
        elif links and namespace == namespace_of(pod):
            found[name] = service
    variables: dict[str, str] = {}
    for name in sorted(found):
        variables.update(_variables_of(name, found[name]["spec"]))
    return variables


def _variables_of(name: str, spec: Mapping[str, Any]) -> dict[str, str]:
    prefix = name.upper().replace("-", "_")
    address, ports = spec["clusterIP"], spec.get("ports") or []
    if not ports:
        return {}
    variables = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            suffix = port["name"].upper().replace("-", "_")
            variables[f"{prefix}_SERVICE_PORT_{suffix}"] = str(port["port"])
    first = ports[0]
    variables[f"{prefix}_PORT"] = _url(address, first)
    for port in ports:
        protocol = port.get("protocol") or "TCP"
        link = f"{prefix}_PORT_{port['port']}_{protocol}"
        variables[link] = _url(address, port)
        variables[f"{link}_PROTO"] = protocol.lower()
        variables[f"{link}_PORT"] = str(port["port"])
        variables[f"{link}_ADDR"] = address
    return variables


def _url(address: str, port: Mapping[str, Any]) -> str:
    return f"{(port.get('protocol') or 'TCP').lower()}://{address}:{port['port']}"
