"""A NetworkPolicy: who may talk to the Pods it selects, and whom they may talk to.

Kept and shown; whether it is enforced is the network's.
"""

import ipaddress
from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object
from minikube_py.kinds.fields import (
    check,
    check_port_number,
    check_port_number_or_name,
    cidr_problem,
    forbidden,
    invalid,
    not_supported,
    required,
    validate_selector,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.selectors import format_label_selector

_TYPES = ("Egress", "Ingress")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_DIRECTIONS = (("ingress", "from"), ("egress", "to"))


def default_policy(obj: Object) -> None:
    spec = obj.get("spec")
    if spec is None:
        return
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for direction, _ in _DIRECTIONS:
        for rule in spec.get(direction) or []:
            for port in rule.get("ports") or []:
                if not port.get("protocol"):
                    port["protocol"] = "TCP"


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = validate_selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in _DIRECTIONS:
        for index, rule in enumerate(spec.get(direction) or []):
            path = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or []):
                errors += _validate_port(port, f"{path}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers) or []):
                errors += _validate_peer(peer, f"{path}.{peers}[{number}]")
    return errors + _validate_types(spec.get("policyTypes") or [], "spec.policyTypes")


def _validate_types(types: Sequence[str], path: str) -> list[FieldError]:
    if len(types) > len(_TYPES):
        return [invalid(path, types, "may not specify more than two policyTypes")]
    return [
        not_supported(f"{path}[{index}]", type_, _TYPES)
        for index, type_ in enumerate(types)
        if type_ not in _TYPES
    ]


def _validate_port(rule: Object, path: str) -> list[FieldError]:
    protocol, port, end = rule.get("protocol"), rule.get("port"), rule.get("endPort")
    errors = []
    if protocol not in _PROTOCOLS:
        errors.append(not_supported(f"{path}.protocol", protocol, _PROTOCOLS))
    if port is not None:
        errors += check_port_number_or_name(f"{path}.port", port)
    return errors if end is None else errors + _validate_end(port, end, f"{path}.endPort")


def _validate_end(port: int | str | None, end: int, path: str) -> list[FieldError]:
    if port is None:
        return [invalid(path, end, "may not be specified when `port` is not specified")]
    if isinstance(port, str):
        return [invalid(path, end, "may not be specified when `port` is non-numeric")]
    errors = []
    if end < port:
        errors.append(invalid(path, port, "must be greater than or equal to `port`"))
    return errors + check_port_number(path, end)


def _validate_peer(peer: Object, path: str) -> list[FieldError]:
    errors = []
    for field in ("podSelector", "namespaceSelector"):
        errors += validate_selector(peer.get(field), f"{path}.{field}")
    block = peer.get("ipBlock")
    if block is not None:
        errors += _validate_block(block, f"{path}.ipBlock")
    given = [name for name, value in peer.items() if value is not None]
    if not given:
        errors.append(required(path, "must specify a peer"))
    elif block is not None and len(given) > 1:
        errors.append(forbidden(path, "may not specify both ipBlock and another peer"))
    return errors


def _validate_block(block: Object, path: str) -> list[FieldError]:
    cidr = block.get("cidr") or ""
    if not cidr:
        return [required(f"{path}.cidr")]
    errors = check(f"{path}.cidr", cidr, cidr_problem)
    if errors:
        return errors
    for index, hole in enumerate(block.get("except") or []):
        at = f"{path}.except[{index}]"
        problem = cidr_problem(hole)
        if problem:
            errors.append(invalid(at, hole, problem))
        elif not _is_strict_subset(hole, cidr):
            errors.append(invalid(at, hole, "must be a strict subset of `cidr`"))
    return errors


def _is_strict_subset(inner: str, outer: str) -> bool:
    small, large = (ipaddress.ip_network(text, strict=False) for text in (inner, outer))
    return (
        small.version == large.version
        and small.prefixlen > large.prefixlen
        and small.network_address in large
    )


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="NetworkPolicy",
    plural="networkpolicies",
    columns=(
        NAME,
        Column(
            "Pod-Selector",
            from_object(
                lambda obj: format_label_selector(get_path(obj, "spec", "podSelector")) or NONE
            ),
            description="The Pods that it is about.",
        ),
        AGE,
    ),
    short_names=("netpol",),
    has_status=False,
    default=default_policy,
    validate_create=validate_create,
)
