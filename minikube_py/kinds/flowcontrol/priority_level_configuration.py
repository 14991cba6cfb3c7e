"""A PriorityLevelConfiguration: how many requests of a level are served at once. Kept."""

import math
from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.columns import AGE, NAME, NONE, Cell, from_object, from_path
from minikube_py.kinds.fields import (
    check_choice,
    check_not_negative,
    forbidden,
    invalid,
    required,
)
from minikube_py.kinds.flowcontrol.flow_schema import EXEMPT, GROUP
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, name_of

_SHARES = "nominalConcurrencyShares"
_QUEUING = (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50))
_MAX_QUEUES, _MAX_HASH_BITS = 10 * 1000 * 1000, 60


def default_level(obj: Object) -> None:
    spec = obj.get("spec") or {}
    for field, shares in (("limited", 30), ("exempt", 0)):
        settings = spec.get(field)
        if settings is None:
            continue
        for name, value in ((_SHARES, shares), ("lendablePercent", 0)):
            if settings.get(name) is None:
                settings[name] = value
    queuing = get_path(spec, "limited", "limitResponse", "queuing")
    for name, value in _QUEUING if queuing is not None else ():
        if not queuing.get(name):
            queuing[name] = value


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    type_ = spec.get("type")
    errors = []
    if (name_of(obj) == EXEMPT) != (type_ == "Exempt"):
        detail = "type must be 'Exempt' if and only if name is 'exempt'"
        errors.append(invalid("spec.type", type_ or "", detail))
    errors += check_choice("spec.type", type_, ("Exempt", "Limited"))
    limited, exempt = spec.get("limited"), spec.get("exempt")
    if type_ == "Exempt":
        if limited is not None:
            detail = "must be nil if the type is not Limited"
            errors.append(forbidden("spec.limited", detail))
        return errors + _validate_shares(exempt or {}, "spec.exempt")
    if exempt is not None:
        errors.append(forbidden("spec.exempt", "must be nil if the type is Limited"))
    if limited is None:
        detail = "must not be empty when type is Limited"
        return [*errors, required("spec.limited", detail)]
    return errors + _validate_limited(limited, "spec.limited")


def _validate_shares(settings: Object, path: str) -> list[FieldError]:
    shares, lent = settings.get(_SHARES) or 0, settings.get("lendablePercent") or 0
    errors = []
    if shares < 0:
        detail = "must be a non-negative integer"
        errors.append(invalid(f"{path}.{_SHARES}", shares, detail))
    if not 0 <= lent <= 100:
        errors.append(invalid(f"{path}.lendablePercent", lent, "must be between 0 and 100"))
    return errors


def _validate_limited(limited: Object, path: str) -> list[FieldError]:
    errors = _validate_shares(limited, path)
    borrowed = limited.get("borrowingLimitPercent")
    errors += check_not_negative(f"{path}.borrowingLimitPercent", borrowed)
    response, at = limited.get("limitResponse") or {}, f"{path}.limitResponse"
    type_, queuing = response.get("type"), response.get("queuing")
    errors += check_choice(f"{at}.type", type_, ("Queue", "Reject"))
    if type_ == "Reject" and queuing is not None:
        detail = "must be nil if limited.limitResponse.type is not Limited"
        errors.append(forbidden(f"{at}.queuing", detail))
    if type_ == "Queue" and queuing is None:
        detail = "must not be empty if limited.limitResponse.type is Limited"
        errors.append(required(f"{at}.queuing", detail))
    if type_ == "Queue" and queuing is not None:
        errors += _validate_queuing(queuing, f"{at}.queuing")
    return errors


def _validate_queuing(queuing: Object, path: str) -> list[FieldError]:
    queues, hand = queuing["queues"], queuing["handSize"]
    errors = [
        invalid(f"{path}.{field}", queuing[field], "must be positive")
        for field, _ in _QUEUING
        if queuing[field] <= 0
    ]
    if queues > _MAX_QUEUES:
        detail = f"must not be greater than {_MAX_QUEUES}"
        errors.append(invalid(f"{path}.queues", queues, detail))
    if errors:
        return errors
    if hand > queues:
        detail = f"should not be greater than queues ({queues})"
        return [invalid(f"{path}.handSize", hand, detail)]
    bits = math.ceil(sum(math.log2(queues - drawn) for drawn in range(min(hand, _MAX_HASH_BITS))))
    if bits > _MAX_HASH_BITS:
        detail = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater "
            f"than {_MAX_HASH_BITS}"
        )
        return [invalid(f"{path}.handSize", hand, detail)]
    return []


def _shares(obj: Object) -> Any:
    for field in ("limited", "exempt"):
        shares = get_path(obj, "spec", field, _SHARES)
        if shares is not None:
            return shares
    return NONE


def _queuing(field: str) -> Cell:
    return from_path("spec", "limited", "limitResponse", "queuing", field, default=NONE)


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    columns=(
        NAME,
        Column("Type", from_path("spec", "type"), description="Whether it is limited."),
        Column(
            "NominalConcurrencyShares",
            from_object(_shares),
            description="Its part of the requests that are served at once.",
        ),
        Column("Queues", _queuing("queues"), description="How many queues it has."),
        Column("HandSize", _queuing("handSize"), description="How many of them a flow uses."),
        Column("QueueLengthLimit", _queuing("queueLengthLimit"), description="How long they get."),
        AGE,
    ),
    namespaced=False,
    default=default_level,
    validate_create=validate_create,
)
