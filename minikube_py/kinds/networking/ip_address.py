"""An IPAddress: one address of a Service range, and whose it is."""

import ipaddress
from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import NAME, from_object
from minikube_py.kinds.fields import check, check_immutable, ip_problem, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def name_problem(name: str) -> str | None:
    """The name is the address, in the one form that everybody writes alike."""
    problem = ip_problem(name)
    if problem:
        return problem
    canonical = str(ipaddress.ip_address(name))
    return None if name == canonical else f'must be in canonical form ("{canonical}")'


def validate_create(obj: Object) -> Sequence[FieldError]:
    reference, path = _parent(obj), "spec.parentRef"
    if reference is None:
        return [required(path)]
    errors = []
    if reference.get("group"):
        errors += check(f"{path}.group", reference["group"], names.subdomain_problem)
    for field in ("resource", "name", "namespace"):
        value = reference.get(field)
        if value:
            errors += check(f"{path}.{field}", value, names.path_segment_problem)
        elif field != "namespace":
            errors.append(required(f"{path}.{field}"))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("spec.parentRef", _parent(new), _parent(old))


def _parent(obj: Object) -> Mapping[str, str] | None:
    found: Mapping[str, str] | None = get_path(obj, "spec", "parentRef")
    return found


def _parent_text(obj: Object) -> str:
    parent = _parent(obj) or {}
    resource = ".".join(filter(None, (parent.get("resource"), parent.get("group"))))
    return "/".join(filter(None, (resource, parent.get("namespace"), parent.get("name"))))


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IPAddress",
    plural="ipaddresses",
    columns=(
        NAME,
        Column("ParentRef", from_object(_parent_text), description="Whose address it is."),
    ),
    short_names=("ip",),
    namespaced=False,
    has_status=False,
    has_generation=False,
    name_problem=name_problem,
    validate_create=validate_create,
    validate_update=validate_update,
)
