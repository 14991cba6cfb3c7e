"""Validation of what acts on a container: probes and lifecycle hooks."""

from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_not_negative,
    check_port_number,
    check_port_number_or_name,
    forbidden,
    invalid,
    required,
)
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_PROBE_NUMBERS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def validate_probes(container: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    for name in PROBES:
        if container.get(name) is not None:
            errors += _validate_probe(container[name], name, f"{path}.{name}")
    return errors


def _validate_probe(probe: Object, name: str, path: str) -> list[FieldError]:
    errors = _validate_handler(probe, _PROBE_HANDLERS, path)
    for field in _PROBE_NUMBERS:
        errors += check_not_negative(f"{path}.{field}", probe.get(field))
    grace = probe.get("terminationGracePeriodSeconds")
    if name == "readinessProbe":
        if grace is not None:
            at = f"{path}.terminationGracePeriodSeconds"
            errors.append(invalid(at, grace, "must not be set for readinessProbes"))
        return errors
    if probe.get("successThreshold") not in (None, 1):
        errors.append(invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1"))
    if grace is not None and grace <= 0:
        at = f"{path}.terminationGracePeriodSeconds"
        errors.append(invalid(at, grace, "must be greater than 0"))
    return errors


def validate_lifecycle(lifecycle: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    errors = []
    for name in ("postStart", "preStop"):
        handler = (lifecycle or {}).get(name)
        if handler is not None:
            errors += _validate_handler(handler, _HOOK_HANDLERS, f"{path}.{name}")
    return errors


def validate_sleeps(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """A hook that sleeps must be over before the Pod is killed."""
    grace = spec.get("terminationGracePeriodSeconds")
    errors = []
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or []):
            for hook in ("postStart", "preStop"):
                seconds = get_path(container, "lifecycle", hook, "sleep", "seconds")
                if seconds is None or grace is None or 0 <= seconds <= grace:
                    continue
                at = f"{path}.{field}[{index}].lifecycle.{hook}.sleep"
                detail = (
                    f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                )
                errors.append(invalid(at, seconds, detail))
    return errors


def _validate_handler(handler: Object, names: tuple[str, ...], path: str) -> list[FieldError]:
    chosen = [name for name in names if handler.get(name) is not None]
    if not chosen:
        return [required(path, "must specify a handler type")]
    errors = [
        forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
        for name in chosen[1:]
    ]
    action = handler[chosen[0]]
    return errors + _ACTIONS[chosen[0]](action, f"{path}.{chosen[0]}")


def _validate_exec(action: Object, path: str) -> list[FieldError]:
    return [] if action.get("command") else [required(f"{path}.command")]


def _validate_http_get(action: Object, path: str) -> list[FieldError]:
    errors = [] if action.get("path") else [required(f"{path}.path")]
    errors += check_port_number_or_name(f"{path}.port", action.get("port", 0))
    errors += check_choice(f"{path}.scheme", action.get("scheme"), ("HTTP", "HTTPS"))
    for index, header in enumerate(action.get("httpHeaders") or []):
        errors += check(f"{path}.httpHeaders[{index}]", header.get("name") or "", _header_problem)
    return errors


def _header_problem(name: str) -> str | None:
    if name and all(
        character.isascii() and (character.isalnum() or character == "-") for character in name
    ):
        return None
    return (
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
        "regex used for validation is '[-A-Za-z0-9]+')"
    )


def _validate_tcp_socket(action: Object, path: str) -> list[FieldError]:
    return check_port_number_or_name(f"{path}.port", action.get("port", 0))


def _validate_grpc(action: Object, path: str) -> list[FieldError]:
    return check_port_number(f"{path}.port", action.get("port", 0))


def _validate_sleep(_action: Object, _path: str) -> list[FieldError]:
    return []  # validate_sleeps knows how long it may be


_ACTIONS = {
    "exec": _validate_exec,
    "httpGet": _validate_http_get,
    "tcpSocket": _validate_tcp_socket,
    "grpc": _validate_grpc,
    "sleep": _validate_sleep,
}
