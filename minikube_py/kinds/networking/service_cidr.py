"""A ServiceCIDR: ranges that Services get their addresses from."""

import ipaddress
from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object, joined
from minikube_py.kinds.fields import check_immutable, cidr_problem, invalid, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_PATH = "spec.cidrs"
_ONE_OF_EACH = (
    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
)


def validate_create(obj: Object) -> Sequence[FieldError]:
    cidrs = _cidrs(obj)
    if not cidrs:
        return [required(_PATH, "at least one CIDR required")]
    if len(cidrs) > 2:
        return [invalid(_PATH, cidrs, "may only hold up to 2 values")]
    errors = []
    for index, cidr in enumerate(cidrs):
        problem = _problem(cidr)
        if problem:
            errors.append(invalid(f"{_PATH}[{index}]", cidr, problem))
    if not errors and len({":" in cidr for cidr in cidrs}) < len(cidrs):
        errors.append(invalid(_PATH, cidrs, _ONE_OF_EACH))
    return errors


def _problem(cidr: str) -> str | None:
    problem = cidr_problem(cidr)
    if problem:
        return problem
    canonical = str(ipaddress.ip_network(cidr, strict=False))
    return None if cidr == canonical else f'must be in canonical form ("{canonical}")'


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    """The other family may join; nothing else changes."""
    ahead, before = _cidrs(new), _cidrs(old)
    if len(before) == 1 and ahead[:1] == before:
        return []
    return check_immutable(_PATH, ahead, before)


def _cidrs(obj: Object) -> list[str]:
    found: list[str] = get_path(obj, "spec", "cidrs", default=[])
    return found


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="ServiceCIDR",
    plural="servicecidrs",
    columns=(
        NAME,
        Column("CIDRs", from_object(lambda obj: joined(_cidrs(obj))), description="The ranges."),
        AGE,
    ),
    namespaced=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
)
