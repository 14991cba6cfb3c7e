"""Validation of a whole PodSpec (pkg/apis/core/validation: ValidatePodSpec)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    forbidden,
    invalid,
    ip_problem,
    required,
    too_many,
)
from minikube_py.kinds.pod_template.containers import validate_containers
from minikube_py.kinds.pod_template.placement import validate_placement
from minikube_py.kinds.pod_template.pod_resources import validate_pod_resources
from minikube_py.kinds.pod_template.security import validate_host_sysctls, validate_pod_security
from minikube_py.kinds.pod_template.volumes import validate_volumes
from minikube_py.kinds.quantities import validate_resource_requirements
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_MAX_INT32 = 2147483647
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_NAMES = (
    ("serviceAccountName", names.subdomain_problem),
    ("nodeName", names.subdomain_problem),
    ("priorityClassName", names.subdomain_problem),
    ("runtimeClassName", names.subdomain_problem),
    ("hostname", names.label_problem),
    ("subdomain", names.label_problem),
)


def validate_pod_spec(
    spec: Object, path: str, *, more_volumes: Collection[str] = ()
) -> list[FieldError]:
    """`spec` after defaulting; `path` is where it stands, `spec` or `spec.template.spec`.

    `more_volumes` names what mounts may use besides its volumes: a StatefulSet's claim templates.
    """
    volumes = spec.get("volumes") or []
    mountable = {
        volume["name"]: bool(volume.get("persistentVolumeClaim") or volume.get("ephemeral"))
        for volume in volumes
        if volume.get("name")
    }
    mountable |= dict.fromkeys(more_volumes, True)
    return [
        *validate_volumes(volumes, f"{path}.volumes"),
        *validate_containers(spec, mountable, path),
        *check_choice(f"{path}.restartPolicy", spec.get("restartPolicy"), _RESTART_POLICIES),
        *check_choice(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES),
        *_validate_numbers(spec, path),
        *_validate_names(spec, path),
        *validate_pod_security(spec.get("securityContext"), f"{path}.securityContext"),
        *validate_placement(spec, path),
        *_validate_dns_config(spec, f"{path}.dnsConfig"),
        *_validate_host_aliases(spec.get("hostAliases") or [], f"{path}.hostAliases"),
        *_validate_gates(spec, path),
        *validate_resource_requirements(spec.get("resources"), f"{path}.resources"),
        *validate_pod_resources(spec, path),
        *validate_resource_requirements({"limits": spec.get("overhead")}, f"{path}.overhead"),
        *validate_host_sysctls(spec, path),
        *_validate_host_users(spec, path),
        *_validate_os(spec.get("os"), f"{path}.os"),
    ]


def _validate_numbers(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        detail = f"must be between 1 and {_MAX_INT32}, inclusive"
        errors.append(invalid(f"{path}.activeDeadlineSeconds", deadline, detail))
    preemption = spec.get("preemptionPolicy")
    choices = ("PreemptLowerPriority", "Never")
    errors += check_choice(f"{path}.preemptionPolicy", preemption, choices, must_be_set=False)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        at = f"{path}.securityContext.shareProcessNamespace"
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid(at, True, detail))
    return errors


def _validate_names(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    for field, problem_of in _NAMES:
        if spec.get(field):
            errors += check(f"{path}.{field}", spec[field], problem_of)
    for index, reference in enumerate(spec.get("imagePullSecrets") or []):
        if reference.get("name"):
            at = f"{path}.imagePullSecrets[{index}].name"
            errors += check(at, reference["name"], names.subdomain_problem)
    if not spec.get("schedulerName"):
        errors.append(required(f"{path}.schedulerName"))
    return errors


def _validate_dns_config(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    config = spec.get("dnsConfig") or {}
    servers = config.get("nameservers") or []
    errors = []
    if spec.get("dnsPolicy") == "None":
        if not spec.get("dnsConfig"):
            return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not servers:
            detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [required(f"{path}.nameservers", detail)]
    if len(servers) > 3:
        errors.append(
            invalid(f"{path}.nameservers", servers, "must not have more than 3 nameservers")
        )
    for index, server in enumerate(servers):
        errors += check(f"{path}.nameservers[{index}]", server, ip_problem)
    searches = config.get("searches") or []
    if len(searches) > 32:
        errors.append(too_many(f"{path}.searches", len(searches), 32))
    for index, search in enumerate(searches):
        if search != ".":
            at = f"{path}.searches[{index}]"
            errors += check(at, search.removesuffix("."), _search_problem)
    return errors + [
        required(f"{path}.options[{index}]", "must not be empty")
        for index, option in enumerate(config.get("options") or [])
        if not option.get("name")
    ]


def _search_problem(search: str) -> str | None:
    return names.subdomain_problem(search.replace("_", "a"))


def _validate_host_aliases(aliases: Sequence[Object], path: str) -> list[FieldError]:
    errors = []
    for index, alias in enumerate(aliases):
        errors += check(f"{path}[{index}].ip", alias.get("ip") or "", ip_problem)
        for number, hostname in enumerate(alias.get("hostnames") or []):
            at = f"{path}[{index}].hostnames[{number}]"
            errors += check(at, hostname, names.subdomain_problem)
    return errors


def _validate_gates(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    for index, gate in enumerate(spec.get("readinessGates") or []):
        at = f"{path}.readinessGates[{index}].conditionType"
        errors += check(at, gate.get("conditionType") or "", names.qualified_name_problem)
    gates = spec.get("schedulingGates") or []
    for index, gate in enumerate(gates):
        at = f"{path}.schedulingGates[{index}]"
        errors += check(at, gate.get("name") or "", names.qualified_name_problem)
    if gates and spec.get("nodeName"):
        detail = "cannot be set until all schedulingGates have been cleared"
        errors.append(forbidden(f"{path}.nodeName", detail))
    return errors + check_unique(f"{path}.schedulingGates", gates, "name")


def _validate_host_users(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """A Pod with users of its own can't share other things with the host."""
    if spec.get("hostUsers") is not False:
        return []
    return [
        forbidden(f"{path}.{field}", "when `hostUsers` is false")
        for field in ("hostNetwork", "hostPID", "hostIPC")
        if spec.get(field)
    ]


def _validate_os(system: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    if system is None:
        return []
    return check_choice(f"{path}.name", system.get("name"), ("linux", "windows"))
