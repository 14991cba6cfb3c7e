"""Validation of containers: main, init and ephemeral."""

from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_choice,
    duplicate,
    forbidden,
    invalid,
    required,
)
from minikube_py.kinds.pod_template.environment import validate_env, validate_env_from
from minikube_py.kinds.pod_template.mounts import Mountable, validate_mounts
from minikube_py.kinds.pod_template.probes import (
    PROBES,
    validate_lifecycle,
    validate_probes,
    validate_sleeps,
)
from minikube_py.kinds.pod_template.resources import validate_claims, validate_resize_policy
from minikube_py.kinds.pod_template.restarts import validate_restarts, validate_stop_signals
from minikube_py.kinds.pod_template.security import validate_container_security
from minikube_py.kinds.quantities import validate_resource_requirements
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_EPHEMERAL_FORBIDDEN = (
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
)


def validate_containers(spec: Mapping[str, Any], volumes: Mountable, path: str) -> list[FieldError]:
    """All containers of a PodSpec; `volumes` are the names that mounts may use."""
    containers = spec.get("containers") or []
    errors = [] if containers else [required(f"{path}.containers")]
    for index, container in enumerate(containers):
        at = f"{path}.containers[{index}]"
        errors += _validate_container(container, volumes, at)
        errors += validate_restarts(container, at)
    for index, container in enumerate(spec.get("initContainers") or []):
        errors += _validate_init(container, volumes, f"{path}.initContainers[{index}]")
    for index, container in enumerate(spec.get("ephemeralContainers") or []):
        at = f"{path}.ephemeralContainers[{index}]"
        errors += _validate_ephemeral(container, volumes, at)
    errors += _validate_names(spec, path)
    errors += validate_claims(spec, path)
    errors += validate_sleeps(spec, path)
    errors += validate_stop_signals(spec, path)
    return errors + _validate_host_ports(spec, path)


def _validate_names(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors, seen = [], set()
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or []):
            name = container.get("name")
            if name and name in seen:
                errors.append(duplicate(f"{path}.{field}[{index}].name", name))
            seen.add(name)
    return errors


def _validate_init(container: Object, volumes: Mountable, path: str) -> list[FieldError]:
    errors = _validate_container(container, volumes, path)
    errors += validate_restarts(container, path)
    if container.get("restartPolicy") != "Always":
        errors += [
            forbidden(
                f"{path}.{field}", "may not be set for init containers without restartPolicy=Always"
            )
            for field in (*PROBES, "lifecycle")
            if container.get(field) is not None
        ]
    return errors


def _validate_ephemeral(container: Object, volumes: Mountable, path: str) -> list[FieldError]:
    errors = _validate_container(container, volumes, path)
    resources = container.get("resources") or {}
    wrong = [field for field in _EPHEMERAL_FORBIDDEN if container.get(field)]
    wrong += ["resources"] if any(resources.values()) else []
    wrong += [
        f"volumeMounts[{index}].{field}"
        for index, mount in enumerate(container.get("volumeMounts") or [])
        for field in ("subPath", "subPathExpr")
        if mount.get(field)
    ]
    return errors + [
        forbidden(f"{path}.{field}", "cannot be set for an Ephemeral Container") for field in wrong
    ]


def _validate_container(container: Object, volumes: Mountable, path: str) -> list[FieldError]:
    policy = container.get("imagePullPolicy")
    message_policy = container.get("terminationMessagePolicy")
    messages = ("File", "FallbackToLogsOnError")
    return [
        *_validate_name(container.get("name"), f"{path}.name"),
        *_validate_image(container.get("image"), f"{path}.image"),
        *check_choice(f"{path}.imagePullPolicy", policy, _PULL_POLICIES),
        *check_choice(f"{path}.terminationMessagePolicy", message_policy, messages),
        *_validate_ports(container.get("ports") or [], f"{path}.ports"),
        *validate_env(container.get("env") or [], f"{path}.env"),
        *validate_env_from(container.get("envFrom") or [], f"{path}.envFrom"),
        *validate_mounts(container, volumes, path),
        *validate_probes(container, path),
        *validate_lifecycle(container.get("lifecycle"), f"{path}.lifecycle"),
        *validate_resource_requirements(container.get("resources"), f"{path}.resources"),
        *validate_resize_policy(container.get("resizePolicy") or [], f"{path}.resizePolicy"),
        *validate_container_security(container.get("securityContext"), f"{path}.securityContext"),
    ]


def _validate_name(name: str | None, path: str) -> list[FieldError]:
    return check(path, name, names.label_problem) if name else [required(path)]


def _validate_image(image: str | None, path: str) -> list[FieldError]:
    if not image:
        return [required(path)]
    if image != image.strip():
        return [invalid(path, image, "must not have leading or trailing whitespace")]
    return []


def _validate_ports(ports: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    seen = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        name = port.get("name")
        if name:
            errors += check(f"{at}.name", name, names.port_name_problem)
            if name in seen:
                errors.append(duplicate(f"{at}.name", name))
            seen.add(name)
        if not port.get("containerPort"):
            errors.append(required(f"{at}.containerPort"))
        for field in ("containerPort", "hostPort"):
            number = port.get(field)
            if number and not 1 <= number <= 65535:
                detail = "must be between 1 and 65535, inclusive"
                errors.append(invalid(f"{at}.{field}", number, detail))
        errors += check_choice(f"{at}.protocol", port.get("protocol"), _PROTOCOLS)
    return errors


def _validate_host_ports(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors, seen = [], set()
    for index, container in enumerate(spec.get("containers") or []):
        for number, port in enumerate(container.get("ports") or []):
            at = f"{path}.containers[{index}].ports[{number}]"
            host_port = port.get("hostPort")
            if not host_port:
                continue
            key = (port.get("protocol"), port.get("hostIP") or "", host_port)
            if key in seen:
                errors.append(duplicate(f"{at}.hostPort", "/".join(str(part) for part in key)))
            seen.add(key)
            if spec.get("hostNetwork") and host_port != port.get("containerPort"):
                detail = "must match `containerPort` when `hostNetwork` is true"
                errors.append(invalid(f"{at}.containerPort", port.get("containerPort"), detail))
    return errors
