"""What a claim for devices asks for: requests, what their devices have in common, configuration."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_unique,
    invalid,
    not_supported,
    required,
)
from minikube_py.kinds.resource.devices import (
    MAX_ITEMS,
    check_name,
    check_size,
    validate_configuration,
    validate_selectors,
    validate_toleration,
)
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_MAX_ALTERNATIVES = 8
_ONE_KIND = "exactly one of `exactly` or `firstAvailable` is required"
_NO_SUCH_REQUEST = (
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'"
)
_ONE_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required'


def default_claim_spec(spec: Mapping[str, Any] | None) -> None:
    for asked in _asked(spec):
        if not asked.get("allocationMode"):
            asked["allocationMode"] = "ExactCount"
        if asked["allocationMode"] == "ExactCount" and not asked.get("count"):
            asked["count"] = 1
        for toleration in asked.get("tolerations") or []:
            if not toleration.get("operator"):
                toleration["operator"] = "Equal"


def _asked(spec: Mapping[str, Any] | None) -> Iterator[Object]:
    for request in ((spec or {}).get("devices") or {}).get("requests") or []:
        if request.get("exactly") is not None:
            yield request["exactly"]
        yield from request.get("firstAvailable") or []


def validate_claim_spec(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    devices, at = spec.get("devices") or {}, f"{path}.devices"
    requests = devices.get("requests") or []
    known = {request.get("name") or "": _alternatives(request) for request in requests}
    errors = check_size(requests, MAX_ITEMS, f"{at}.requests")
    for index, request in enumerate(requests):
        errors += _validate_request(request, f"{at}.requests[{index}]")
    errors += check_unique(f"{at}.requests", requests, "name")
    for field, validate in (("constraints", _validate_constraint), ("config", _validate_config)):
        items = devices.get(field) or []
        errors += check_size(items, MAX_ITEMS, f"{at}.{field}")
        for index, item in enumerate(items):
            place = f"{at}.{field}[{index}]"
            errors += _validate_references(item.get("requests") or [], known, place)
            errors += validate(item, place)
    return errors


def _alternatives(request: Object) -> frozenset[str]:
    return frozenset(each.get("name") or "" for each in request.get("firstAvailable") or [])


def _validate_request(request: Object, path: str) -> list[FieldError]:
    errors = check_name(request.get("name"), f"{path}.name")
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable") or []
    if exactly is None and not alternatives:
        return [*errors, required(path, _ONE_KIND)]
    if exactly is not None and alternatives:
        return [*errors, invalid(path, None, f"{_ONE_KIND}, but multiple fields are set")]
    if exactly is not None:
        return errors + _validate_asked(exactly, f"{path}.exactly")
    at = f"{path}.firstAvailable"
    errors += check_size(alternatives, _MAX_ALTERNATIVES, at)
    for index, alternative in enumerate(alternatives):
        errors += check_name(alternative.get("name"), f"{at}[{index}].name")
        errors += _validate_asked(alternative, f"{at}[{index}]")
    return errors + check_unique(at, alternatives, "name")


def _validate_asked(asked: Object, path: str) -> list[FieldError]:
    class_name = asked.get("deviceClassName") or ""
    at = f"{path}.deviceClassName"
    errors = check(at, class_name, names.subdomain_problem) if class_name else [required(at)]
    errors += validate_selectors(asked.get("selectors") or [], f"{path}.selectors")
    errors += _validate_count(asked.get("allocationMode") or "", asked.get("count") or 0, path)
    for index, toleration in enumerate(asked.get("tolerations") or []):
        errors += validate_toleration(toleration, f"{path}.tolerations[{index}]")
    return errors


def _validate_count(mode: str, count: int, path: str) -> list[FieldError]:
    if mode == "All":
        detail = "must not be specified when allocationMode is 'All'"
        return [invalid(f"{path}.count", count, detail)] if count else []
    if mode == "ExactCount":
        return [] if count > 0 else [invalid(f"{path}.count", count, "must be greater than zero")]
    return [not_supported(f"{path}.allocationMode", mode, ("All", "ExactCount"))]


def _validate_constraint(constraint: Object, path: str) -> list[FieldError]:
    given = [field for field in ("matchAttribute", "distinctAttribute") if constraint.get(field)]
    if len(given) != 1:
        detail = f"{_ONE_ATTRIBUTE}, but multiple fields are set" if given else _ONE_ATTRIBUTE
        return [required(path, detail)]
    name, at = constraint[given[0]], f"{path}.{given[0]}"
    if "/" not in name:
        return [invalid(at, name, "must include a domain")]
    return check(at, name.partition("/")[0], names.subdomain_problem)


def _validate_config(configuration: Object, path: str) -> list[FieldError]:
    return validate_configuration(configuration, path)


def _validate_references(
    references: Sequence[str], known: Mapping[str, frozenset[str]], path: str
) -> list[FieldError]:
    errors = []
    for index, reference in enumerate(references):
        request, slash, alternative = reference.partition("/")
        if request in known and (not slash or alternative in known[request]):
            continue
        errors.append(invalid(f"{path}.requests[{index}]", reference, _NO_SUCH_REQUEST))
    return errors + check_unique(f"{path}.requests", references)
