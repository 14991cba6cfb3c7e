"""Endpoints: the addresses behind a Service, in their first form."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object, limited
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_port_number,
    invalid,
    ip_problem,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


def default_endpoints(obj: Object) -> None:
    for subset in obj.get("subsets") or []:
        for port in subset.get("ports") or []:
            if not port.get("protocol"):
                port["protocol"] = "TCP"


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = []
    for index, subset in enumerate(obj.get("subsets") or []):
        errors += _validate_subset(subset, f"subsets[{index}]")
    return errors


def _validate_subset(subset: Object, path: str) -> list[FieldError]:
    ready, unready = subset.get("addresses") or [], subset.get("notReadyAddresses") or []
    errors = []
    if not ready and not unready:
        errors.append(required(path, "must specify `addresses` or `notReadyAddresses`"))
    for field, addresses in (("addresses", ready), ("notReadyAddresses", unready)):
        for index, address in enumerate(addresses):
            errors += _validate_address(address, f"{path}.{field}[{index}]")
    ports = subset.get("ports") or []
    for index, port in enumerate(ports):
        at = f"{path}.ports[{index}]"
        if port.get("name"):
            errors += check(f"{at}.name", port["name"], names.label_problem)
        elif len(ports) > 1:
            errors.append(required(f"{at}.name"))
        errors += check_port_number(f"{at}.port", port.get("port", 0))
        errors += check_choice(f"{at}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
    return errors


def _validate_address(address: Object, path: str) -> list[FieldError]:
    ip = address.get("ip") or ""
    errors = check(f"{path}.ip", ip, ip_problem)
    if ip.startswith(("127.", "169.254.")):
        detail = "may not be in the loopback range (127.0.0.0/8, ::1/128) or link-local"
        errors.append(invalid(f"{path}.ip", ip, detail))
    if address.get("hostname"):
        errors += check(f"{path}.hostname", address["hostname"], names.label_problem)
    return errors


def _text(obj: Object) -> str:
    shown = []
    for subset in obj.get("subsets") or []:
        addresses = [address.get("ip", "") for address in subset.get("addresses") or []]
        ports = subset.get("ports") or []
        if not ports:
            shown += addresses
        shown += [f"{address}:{port.get('port')}" for port in ports for address in addresses]
    return limited(shown)


KIND = Kind(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    columns=(
        NAME,
        Column("Endpoints", from_object(_text), description="Addresses and ports that are ready."),
        AGE,
    ),
    singular="endpoints",
    short_names=("ep",),
    has_status=False,
    has_generation=False,
    default=default_endpoints,
    validate_create=validate_create,
)
