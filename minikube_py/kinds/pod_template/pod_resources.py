"""Resources of a Pod as a whole (KEP-2837): its requests where it leaves them out, and that its
containers fit in.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from minikube_py.kinds.fields import forbidden, invalid, not_supported
from minikube_py.kinds.pod_template.needed_at_once import needed_at_once
from minikube_py.kinds.quantities import canonical_resource
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import format_quantity, parse_quantity

_SUPPORTED = ("cpu", "hugepages-", "memory")
_OVERCOMMITTED = ("cpu", "memory")


def default_pod_resources(spec: Object) -> None:
    """After the containers' own: what they request together, else what the Pod is limited to."""
    resources = spec.get("resources") or {}
    limits, requests = resources.get("limits") or {}, dict(resources.get("requests") or {})
    if not limits and not requests:
        return
    together = _requested_together(spec)
    for name in _OVERCOMMITTED:
        if name in together and name not in requests:
            text = format_quantity(together[name], binary=name == "memory")
            requests[name] = canonical_resource(text)
    resources["requests"] = {**{n: v for n, v in limits.items() if _is_supported(n)}, **requests}


def validate_pod_resources(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """`path` is that of the PodSpec; amounts by themselves are valid."""
    resources = spec.get("resources") or {}
    errors = []
    if resources.get("claims"):
        errors.append(forbidden(f"{path}.resources.claims", "may not be set for a Pod as a whole"))
    for field in ("limits", "requests"):
        for name in resources.get(field) or {}:
            if not _is_supported(name):
                at = f"{path}.resources.{field}[{name}]"
                errors.append(not_supported(at, name, _SUPPORTED))
    return errors + _validate_requests(spec, path) + _validate_limits(spec, path)


def _validate_requests(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    together = _requested_together(spec)
    for name, value in get_path(spec, "resources", "requests", default={}).items():
        asked = together.get(name, Decimal(0))
        if parse_quantity(value) < asked:
            said = format_quantity(asked, binary=name == "memory")
            detail = f"must be greater than or equal to aggregate container requests of {said}"
            errors.append(invalid(f"{path}.resources.requests[{name}]", str(value), detail))
    return errors


def _validate_limits(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    most = get_path(spec, "resources", "limits", default={})
    errors = []
    for index, container in enumerate(spec.get("containers") or []):
        limits = get_path(container, "resources", "limits", default={})
        for name in most.keys() & limits.keys():
            if parse_quantity(limits[name]) > parse_quantity(most[name]):
                at = f"{path}.containers[{index}].resources.limits[{name}]"
                detail = f"must be less than or equal to pod limits of {most[name]}"
                errors.append(invalid(at, str(limits[name]), detail))
    return errors


def _requested_together(spec: Mapping[str, Any]) -> dict[str, Decimal]:
    def requests_of(container: Mapping[str, Any]) -> dict[str, Decimal]:
        requests = get_path(container, "resources", "requests", default={})
        return {name: parse_quantity(value) for name, value in requests.items()}

    return needed_at_once({"spec": spec}, requests_of)


def _is_supported(name: str) -> bool:
    return name in _OVERCOMMITTED or name.startswith("hugepages-")
