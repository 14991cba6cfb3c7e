"""Validation of a Service (pkg/apis/core/validation: ValidateService)."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    IMMUTABLE,
    check,
    check_choice,
    check_port_number,
    check_port_number_or_name,
    cidr_problem,
    duplicate,
    forbidden,
    invalid,
    ip_problem,
    not_supported,
    required,
    validate_labels,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MAX_AFFINITY_SECONDS = 86400
_POLICIES = ("Cluster", "Local")


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    return [
        *check_choice("spec.type", spec.get("type"), _TYPES),
        *_validate_ports(spec),
        *validate_labels(spec.get("selector"), "spec.selector"),
        *_validate_cluster_ip(spec),
        *_validate_by_type(spec),
        *_validate_affinity(spec),
        *_validate_external_ips(spec.get("externalIPs") or []),
        *_validate_policies(spec),
    ]


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    fresh, stored = new.get("spec") or {}, old.get("spec") or {}
    return [
        *_validate_class_update(fresh, stored),
        *_validate_health_port_update(fresh, stored),
        *_validate_address_update(fresh, stored),
    ]


def _validate_class_update(fresh: Object, stored: Object) -> list[FieldError]:
    """Only while it is a load balancer's; one may be given when a Service becomes one."""
    at = "spec.loadBalancerClass"
    if "LoadBalancer" == fresh.get("type") == stored.get("type") and (
        fresh.get("loadBalancerClass") != stored.get("loadBalancerClass")
    ):
        return [invalid(at, fresh.get("loadBalancerClass"), "may not change once set")]
    return []


def _validate_health_port_update(fresh: Object, stored: Object) -> list[FieldError]:
    before, after = stored.get("healthCheckNodePort"), fresh.get("healthCheckNodePort")
    if before and after and before != after:
        return [invalid("spec.healthCheckNodePort", after, IMMUTABLE)]
    return []


def _validate_address_update(fresh: Object, stored: Object) -> list[FieldError]:
    if "ExternalName" in (fresh.get("type"), stored.get("type")):
        return []
    if not stored.get("clusterIP") or fresh.get("clusterIP") == stored.get("clusterIP"):
        return []
    shown = fresh.get("clusterIPs") or [fresh.get("clusterIP") or ""]
    return [invalid("spec.clusterIPs[0]", shown, "may not change once set")]


def _validate_ports(spec: Mapping[str, Any]) -> list[FieldError]:
    ports = spec.get("ports") or []
    headless = spec.get("clusterIP") == "None"
    if not ports and not headless and spec.get("type") != "ExternalName":
        return [required("spec.ports")]
    errors = []
    for index, port in enumerate(ports):
        errors += _validate_port(port, spec, f"spec.ports[{index}]", named=len(ports) > 1)
    return errors + _validate_unique_ports(ports)


def _validate_port(
    port: Object, spec: Mapping[str, Any], path: str, *, named: bool
) -> list[FieldError]:
    errors = []
    if port.get("name"):
        errors += check(f"{path}.name", port["name"], names.label_problem)
    elif named:
        errors.append(required(f"{path}.name"))
    errors += check_port_number(f"{path}.port", port.get("port", 0))
    errors += check_choice(f"{path}.protocol", port.get("protocol"), _PROTOCOLS)
    errors += check_port_number_or_name(f"{path}.targetPort", port.get("targetPort", 0))
    if port.get("appProtocol"):
        errors += check(f"{path}.appProtocol", port["appProtocol"], names.qualified_name_problem)
    node_port = port.get("nodePort")
    if node_port:
        if spec.get("type") not in ("NodePort", "LoadBalancer"):
            detail = "may not be used when `type` is '" + str(spec.get("type")) + "'"
            errors.append(forbidden(f"{path}.nodePort", detail))
        else:
            errors += check_port_number(f"{path}.nodePort", node_port)
    return errors


def _validate_unique_ports(ports: Sequence[Object]) -> list[FieldError]:
    errors = []
    seen_names, seen_ports, seen_node_ports = set(), set(), set()
    for index, port in enumerate(ports):
        at, name = f"spec.ports[{index}]", port.get("name")
        if name and name in seen_names:
            errors.append(duplicate(f"{at}.name", name))
        seen_names.add(name)
        number = (port.get("protocol"), port.get("port"))
        if number in seen_ports:
            shown = {"port": port.get("port"), "protocol": port.get("protocol")}
            errors.append(duplicate(at, shown))
        seen_ports.add(number)
        node_port = (port.get("protocol"), port.get("nodePort"))
        if port.get("nodePort") and node_port in seen_node_ports:
            errors.append(duplicate(f"{at}.nodePort", port["nodePort"]))
        seen_node_ports.add(node_port)
    return errors


def _validate_cluster_ip(spec: Mapping[str, Any]) -> list[FieldError]:
    address, addresses = spec.get("clusterIP"), spec.get("clusterIPs") or []
    if spec.get("type") == "ExternalName":
        if address:
            detail = "may not be set for ExternalName services"
            return [forbidden("spec.clusterIPs", detail)]
        return []
    errors = []
    if len(addresses) > 2:
        errors.append(invalid("spec.clusterIPs", addresses, "may only hold up to 2 values"))
    if addresses and addresses[0] != (address or ""):
        detail = "first value must match `clusterIP`"
        errors.append(invalid("spec.clusterIPs", addresses, detail))
    for index, one in enumerate(addresses or ([address] if address else [])):
        if one == "None":
            if spec.get("type") not in (None, "ClusterIP"):
                detail = f"may not be set to 'None' for {spec.get('type')} services"
                errors.append(invalid(f"spec.clusterIPs[{index}]", one, detail))
        else:
            errors += check(f"spec.clusterIPs[{index}]", one, ip_problem)
    return errors


def _validate_by_type(spec: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    if spec.get("type") == "ExternalName":
        name = (spec.get("externalName") or "").removesuffix(".")
        if not name:
            return [required("spec.externalName")]
        errors += check("spec.externalName", name, names.subdomain_problem)
    if spec.get("type") != "LoadBalancer":
        errors += [
            forbidden(f"spec.{field}", "may only be used when `type` is 'LoadBalancer'")
            for field in ("loadBalancerClass", "loadBalancerSourceRanges")
            if spec.get(field)
        ]
        if spec.get("allocateLoadBalancerNodePorts") is not None:
            at = "spec.allocateLoadBalancerNodePorts"
            errors.append(forbidden(at, "may only be used when `type` is 'LoadBalancer'"))
    if spec.get("loadBalancerClass"):
        at = "spec.loadBalancerClass"
        errors += check(at, spec["loadBalancerClass"], names.qualified_name_problem)
    local = spec.get("externalTrafficPolicy") == "Local"
    if spec.get("healthCheckNodePort") and not (spec.get("type") == "LoadBalancer" and local):
        detail = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        at = "spec.healthCheckNodePort"
        errors.append(invalid(at, spec["healthCheckNodePort"], detail))
    for index, cidr in enumerate(spec.get("loadBalancerSourceRanges") or []):
        errors += check(f"spec.loadBalancerSourceRanges[{index}]", cidr.strip(), cidr_problem)
    return errors


def _validate_affinity(spec: Mapping[str, Any]) -> list[FieldError]:
    affinity = spec.get("sessionAffinity")
    errors = check_choice("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    seconds = get_path(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds")
    if affinity == "ClientIP" and not 0 < (seconds or 0) <= _MAX_AFFINITY_SECONDS:
        at = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        detail = f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}"
        errors.append(invalid(at, seconds, detail))
    return errors


def _validate_external_ips(addresses: Sequence[str]) -> list[FieldError]:
    errors = []
    for index, address in enumerate(addresses):
        at = f"spec.externalIPs[{index}]"
        problems = check(at, address, ip_problem)
        errors += problems
        if not problems and ipaddress.ip_address(address).is_loopback:
            detail = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            errors.append(invalid(at, address, detail))
    return errors


def _validate_policies(spec: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    for field in ("internalTrafficPolicy", "externalTrafficPolicy"):
        value = spec.get(field)
        errors += check_choice(f"spec.{field}", value, _POLICIES, must_be_set=False)
    outside = spec.get("type") in ("NodePort", "LoadBalancer") or spec.get("externalIPs")
    if spec.get("externalTrafficPolicy") and not outside:
        detail = "may only be set for externally-accessible services"
        errors.append(invalid("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], detail))
    distribution = spec.get("trafficDistribution")
    supported = ("PreferClose", "PreferSameNode", "PreferSameZone")
    errors += check_choice("spec.trafficDistribution", distribution, supported, must_be_set=False)
    families = spec.get("ipFamilies") or []
    errors += [
        not_supported(f"spec.ipFamilies[{index}]", family, ("IPv4", "IPv6"))
        for index, family in enumerate(families)
        if family not in ("IPv4", "IPv6")
    ]
    policies = ("PreferDualStack", "RequireDualStack", "SingleStack")
    policy = spec.get("ipFamilyPolicy")
    return errors + check_choice("spec.ipFamilyPolicy", policy, policies, must_be_set=False)
