"""An EndpointSlice: a part of the addresses behind a Service."""

import ipaddress
from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, UNSET, from_object, from_path, limited
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_immutable,
    check_port_number,
    duplicate,
    invalid,
    required,
    too_many,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_MAX_ENDPOINTS = 1000
_MAX_ADDRESSES = 100
_MAX_PORTS = 20000
_TYPES = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")


def default_slice(obj: Object) -> None:
    for port in obj.get("ports") or []:
        if port.get("name") is None:
            port["name"] = ""
        if not port.get("protocol"):
            port["protocol"] = "TCP"


def validate_create(obj: Object) -> Sequence[FieldError]:
    endpoints, ports = obj.get("endpoints") or [], obj.get("ports") or []
    errors = check_choice("addressType", obj.get("addressType"), _TYPES)
    if len(endpoints) > _MAX_ENDPOINTS:
        errors.append(too_many("endpoints", len(endpoints), _MAX_ENDPOINTS))
    if len(ports) > _MAX_PORTS:
        errors.append(too_many("ports", len(ports), _MAX_PORTS))
    for index, endpoint in enumerate(endpoints):
        at = f"endpoints[{index}]"
        errors += _validate_endpoint(endpoint, obj.get("addressType") or "", at)
    return errors + _validate_ports(ports)


def _validate_endpoint(endpoint: Object, type_: str, path: str) -> list[FieldError]:
    addresses = endpoint.get("addresses") or []
    errors = []
    if not addresses:
        errors.append(required(f"{path}.addresses", "must contain at least 1 endpoint"))
    if len(addresses) > _MAX_ADDRESSES:
        errors.append(too_many(f"{path}.addresses", len(addresses), _MAX_ADDRESSES))
    for index, address in enumerate(addresses):
        problem = _address_problem(address, type_)
        if problem:
            errors.append(invalid(f"{path}.addresses[{index}]", address, problem))
    if endpoint.get("hostname"):
        errors += check(f"{path}.hostname", endpoint["hostname"], names.label_problem)
    if endpoint.get("nodeName"):
        errors += check(f"{path}.nodeName", endpoint["nodeName"], names.subdomain_problem)
    return errors


def _address_problem(address: str, type_: str) -> str | None:
    if type_ == "FQDN":
        return names.subdomain_problem(address)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        parsed = None
    if type_ in ("IPv4", "IPv6") and (parsed is None or f"IPv{parsed.version}" != type_):
        return f"must be a valid {type_} address"
    if parsed is not None and (parsed.is_loopback or parsed.is_unspecified):
        return "may not be unspecified or in the loopback range (127.0.0.0/8, ::1/128)"
    return None


def _validate_ports(ports: Sequence[Object]) -> list[FieldError]:
    errors, seen = [], set()
    for index, port in enumerate(ports):
        at, name = f"ports[{index}]", port.get("name") or ""
        if name:
            errors += check(f"{at}.name", name, names.label_problem)
        if name in seen:
            errors.append(duplicate(f"{at}.name", name))
        seen.add(name)
        errors += check_choice(f"{at}.protocol", port.get("protocol"), _PROTOCOLS)
        if port.get("port") is not None:
            errors += check_port_number(f"{at}.port", port["port"])
        if port.get("appProtocol"):
            errors += check(f"{at}.appProtocol", port["appProtocol"], names.qualified_name_problem)
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("addressType", new.get("addressType"), old.get("addressType"))


def _ports(obj: Object) -> str:
    ports = obj.get("ports") or []
    shown = [str(port["port"]) if port.get("port") else "*" for port in ports]
    return limited(list(dict.fromkeys(shown))) if shown else UNSET


def _endpoints(obj: Object) -> str:
    endpoints = obj.get("endpoints") or []
    addresses = [address for one in endpoints for address in one.get("addresses") or []]
    return limited(addresses) if addresses else UNSET


KIND = Kind(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    columns=(
        NAME,
        Column("AddressType", from_path("addressType"), description="IPv4, IPv6 or FQDN."),
        Column("Ports", from_object(_ports), description="Ports of every endpoint."),
        Column("Endpoints", from_object(_endpoints), description="Addresses of the endpoints."),
        AGE,
    ),
    has_status=False,
    default=default_slice,
    validate_create=validate_create,
    validate_update=validate_update,
)
