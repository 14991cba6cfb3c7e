"""An Ingress: HTTP hosts and paths, and the Services they lead to."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path, joined
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
from minikube_py.meta.objects import Object, get_path

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDINGS = ("/..", "/.")
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character (e.g. '*.example.com')"
)


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    errors = []
    if not rules and backend is None:
        detail = "either `defaultBackend` or `rules` must be specified"
        errors.append(invalid("spec", rules, detail))
    if backend is not None:
        errors += _validate_backend(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        errors += _validate_rule(rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.get("tls") or []):
        errors += _validate_tls(tls, f"spec.tls[{index}]")
    if spec.get("ingressClassName") is not None:
        at = "spec.ingressClassName"
        errors += check(at, spec["ingressClassName"], names.subdomain_problem)
    return errors


def _validate_rule(rule: Object, path: str) -> list[FieldError]:
    errors = []
    host = rule.get("host")
    if host:
        if ip_problem(host) is None:
            errors.append(invalid(f"{path}.host", host, "must be a DNS name, not an IP address"))
        else:
            errors += check(f"{path}.host", host, _host_problem)
    if rule.get("http") is None:
        return errors
    paths = rule["http"].get("paths") or []
    if not paths:
        errors.append(required(f"{path}.http.paths"))
    for index, one in enumerate(paths):
        errors += _validate_path(one, f"{path}.http.paths[{index}]")
    return errors


def _host_problem(host: str) -> str | None:
    if "*" not in host:
        return names.subdomain_problem(host)
    is_wildcard = host.startswith("*.") and names.subdomain_problem(host[2:]) is None
    return None if is_wildcard else _WILDCARD_RULE


def _validate_path(rule: Object, at: str) -> list[FieldError]:
    type_, path = rule.get("pathType"), rule.get("path") or ""
    if not type_:
        return [required(f"{at}.pathType", "pathType must be specified")]
    errors = check_choice(f"{at}.pathType", type_, _PATH_TYPES)
    if type_ in ("Exact", "Prefix"):
        errors += _validate_clean_path(path, f"{at}.path")
    elif path and not path.startswith("/"):
        errors.append(invalid(f"{at}.path", path, "must be an absolute path"))
    return errors + _validate_backend(rule.get("backend") or {}, f"{at}.backend")


def _validate_clean_path(path: str, at: str) -> list[FieldError]:
    if not path.startswith("/"):
        return [invalid(at, path, "must be an absolute path")]
    errors = [
        invalid(at, path, f"must not contain '{sequence}'")
        for sequence in _BAD_SEQUENCES
        if sequence in path
    ]
    return errors + [
        invalid(at, path, f"cannot end with '{ending}'")
        for ending in _BAD_ENDINGS
        if path.endswith(ending)
    ]


def _validate_backend(backend: Object, path: str) -> list[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None and service is not None:
        return [invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return [
            required(f"{path}.resource.{field}")
            for field in ("kind", "name")
            if not resource.get(field)
        ]
    if service is None:
        return [required(path, "either `service` or `resource` is required")]
    return _validate_service(service, f"{path}.service")


def _validate_service(service: Object, path: str) -> list[FieldError]:
    errors = []
    if service.get("name"):
        errors += check(f"{path}.name", service["name"], names.dns1035_problem)
    else:
        errors.append(required(f"{path}.name"))
    port = service.get("port") or {}
    if port.get("name") and port.get("number"):
        errors.append(invalid(path, "", "cannot set both port name & port number"))
    elif port.get("name"):
        errors += check(f"{path}.port.name", port["name"], names.port_name_problem)
    elif port.get("number"):
        errors += check_port_number(f"{path}.port.number", port["number"])
    else:
        errors.append(required(path, "port name or number is required"))
    return errors


def _validate_tls(tls: Object, path: str) -> list[FieldError]:
    errors = []
    for index, host in enumerate(tls.get("hosts") or []):
        errors += check(f"{path}.hosts[{index}]", host, _host_problem)
    if tls.get("secretName"):
        errors += check(f"{path}.secretName", tls["secretName"], names.subdomain_problem)
    return errors


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"loadBalancer": {}}


def _hosts(obj: Object) -> str:
    hosts = [
        rule["host"] for rule in get_path(obj, "spec", "rules", default=[]) if rule.get("host")
    ]
    if len(hosts) > 3:
        return f"{','.join(hosts[:3])} + {len(hosts) - 3} more..."
    return joined(hosts, empty="*")


def _address(obj: Object) -> str:
    entries = get_path(obj, "status", "loadBalancer", "ingress", default=[])
    return ",".join(entry.get("ip") or entry.get("hostname") or "" for entry in entries)


def _ports(obj: Object) -> str:
    return "80, 443" if get_path(obj, "spec", "tls") else "80"


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    columns=(
        NAME,
        Column(
            "Class",
            from_path("spec", "ingressClassName", default=NONE),
            description="The name of the IngressClass resource that should be used",
        ),
        Column(
            "Hosts",
            from_object(_hosts),
            description="Hosts that incoming requests are matched against before the ingress rule",
        ),
        Column("Address", from_object(_address), description="Where requests are taken in."),
        Column("Ports", from_object(_ports), description="Ports of TLS configurations that open"),
        AGE,
    ),
    short_names=("ing",),
    prepare=prepare,
    validate_create=validate_create,
)
