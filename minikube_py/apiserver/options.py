"""Query options and DeleteOptions bodies as the dataclasses `resources` takes, with Kubernetes'
refusals for values that mean nothing.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from multidict import MultiMapping

from minikube_py.apiserver.targets import is_true
from minikube_py.meta.errors import BadRequest, FieldError, Invalid
from minikube_py.meta.selectors import EVERYTHING, parse_field_selector, parse_label_selector
from minikube_py.meta.users import User
from minikube_py.resources.options import DeleteOptions, FieldValidation, ListOptions, WriteOptions

_META_GROUP = "meta.k8s.io"
_FIELD_VALIDATIONS: dict[str, FieldValidation] = {
    "Ignore": "Ignore",
    "Strict": "Strict",
    "Warn": "Warn",
}
_PROPAGATIONS = ("Background", "Foreground", "Orphan")
_MAX_FIELD_MANAGER = 128
# No in-tree object waits longer than a day to stop; more is refused rather than overflowed.
_MAX_SECONDS = 2**31


def list_options(query: Mapping[str, str]) -> ListOptions:
    """Raises BadRequest for selectors and numbers that can't be read, Invalid for bad
    combinations.
    """
    labels = query.get("labelSelector", "")
    fields = query.get("fieldSelector", "")
    return ListOptions(
        labels=parse_label_selector(labels) if labels else EVERYTHING,
        fields=parse_field_selector(fields) if fields else (),
        limit=_number(query, "limit") or None,
        continue_token=query.get("continue") or None,
        resource_version=query.get("resourceVersion") or None,
        resource_version_match=query.get("resourceVersionMatch") or None,
    )


def check_list(query: Mapping[str, str]) -> None:
    """What only a watch may ask for; `resources` checks the rest."""
    if "sendInitialEvents" in query:
        error = _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
        _raise_invalid("ListOptions", [error])


def check_watch(query: Mapping[str, str]) -> None:
    """apimachinery's validateWatchOptions. Raises Invalid."""
    at, match = "resourceVersionMatch", query.get("resourceVersionMatch", "")
    errors: list[FieldError] = []
    asks_for_initial = "sendInitialEvents" in query
    if asks_for_initial and match != "NotOlderThan":
        errors.append(
            _forbidden(
                at, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            )
        )
    if match and not asks_for_initial:
        errors.append(
            _forbidden(
                at,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
        )
    if match and match != "NotOlderThan":
        errors.append(_unsupported(at, match, ("NotOlderThan",)))
    if match and query.get("continue"):
        errors.append(_forbidden(at, "resourceVersionMatch is forbidden when continue is provided"))
    _raise_invalid("ListOptions", errors)


def write_options(
    query: MultiMapping[str], *, user: User, user_agent: str, name: str = "CreateOptions"
) -> WriteOptions:
    """For create, update and patch. The default manager is the client's name, as Kubernetes has
    it.
    """
    manager = query.get("fieldManager", "")
    errors = _manager_errors(manager)
    wanted = query.get("fieldValidation") or "Warn"
    validation = _FIELD_VALIDATIONS.get(wanted, "Warn")
    if wanted not in _FIELD_VALIDATIONS:
        errors.append(_unsupported("fieldValidation", wanted, _FIELD_VALIDATIONS))
    dry_run = _dry_run(query.getall("dryRun", []), errors)
    _raise_invalid(name, errors)
    return WriteOptions(
        field_manager=manager or _manager_of(user_agent),
        dry_run=dry_run,
        field_validation=validation,
        user=user,
    )


def patch_options(
    query: MultiMapping[str], *, user: User, user_agent: str, is_apply: bool
) -> WriteOptions:
    """As `write_options`, with what apply needs and other patches must not have."""
    errors: list[FieldError] = []
    if is_apply and not query.get("fieldManager"):
        errors.append(
            FieldError(
                "fieldManager", "FieldValueRequired", "Required value: is required for apply patch"
            )
        )
    if not is_apply and query.get("force") is not None:
        errors.append(_forbidden("force", "may not be specified for non-apply patch"))
    _raise_invalid("PatchOptions", errors)
    options = write_options(query, user=user, user_agent=user_agent, name="PatchOptions")
    force = is_apply and is_true(query.get("force"))
    return WriteOptions(
        field_manager=options.field_manager,
        dry_run=options.dry_run,
        field_validation=options.field_validation,
        user=options.user,
        force=force,
    )


def delete_options(
    query: MultiMapping[str], body: Mapping[str, Any] | None, *, user: User
) -> DeleteOptions:
    """A body wins over the query, as in Kubernetes."""
    errors: list[FieldError] = []
    if body:
        grace, orphan = body.get("gracePeriodSeconds"), body.get("orphanDependents")
        propagation, dry_runs = body.get("propagationPolicy"), body.get("dryRun") or []
    else:
        body = {}
        grace = _number(query, "gracePeriodSeconds") if query.get("gracePeriodSeconds") else None
        orphan = is_true(query["orphanDependents"]) if "orphanDependents" in query else None
        propagation, dry_runs = query.get("propagationPolicy"), query.getall("dryRun", [])
    if propagation and orphan is not None:
        errors.append(
            _invalid(
                "propagationPolicy",
                propagation,
                "orphanDependents and deletionPropagation cannot be both set",
            )
        )
    if propagation and propagation not in _PROPAGATIONS:
        errors.append(_unsupported("propagationPolicy", propagation, _PROPAGATIONS))
    if grace is not None and not _is_seconds(grace):
        errors.append(_invalid("gracePeriodSeconds", grace, "must be a whole number of seconds"))
    dry_run = _dry_run(dry_runs, errors)
    _raise_invalid("DeleteOptions", errors)
    if propagation is None and orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    preconditions = body.get("preconditions") or {}
    return DeleteOptions(
        grace_period_seconds=grace,
        propagation=propagation or None,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=dry_run,
        user=user,
    )


def timeout_seconds(query: Mapping[str, str]) -> int | None:
    """The watch's own limit, None when the client has no wish."""
    return _number(query, "timeoutSeconds") or None


def _number(query: Mapping[str, str], option: str) -> int | None:
    text = query.get(option)
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        raise BadRequest(f"{option}: {text!r} is not a whole number") from None
    if abs(value) > _MAX_SECONDS:
        raise BadRequest(f"{option}: {text} is out of range")
    return value


def _is_seconds(value: Any) -> bool:
    """Less than none is one, as in Kubernetes."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_SECONDS


def _dry_run(values: Iterable[str], errors: list[FieldError]) -> bool:
    wanted = [value for value in values if value != ""]
    errors.extend(_unsupported("dryRun", value, ("All",)) for value in wanted if value != "All")
    return bool(wanted)


def _manager_errors(manager: str) -> list[FieldError]:
    errors = []
    if len(manager) > _MAX_FIELD_MANAGER:
        errors.append(
            FieldError(
                "fieldManager",
                "FieldValueTooLong",
                f"Too long: may not be more than {_MAX_FIELD_MANAGER} bytes",
            )
        )
    if not manager.isprintable():
        detail = "should only contain printable characters"
        errors.append(_invalid("fieldManager", manager, detail))
    return errors


def _manager_of(user_agent: str) -> str:
    name = user_agent.partition("/")[0][:_MAX_FIELD_MANAGER]
    return "".join(character for character in name if character.isprintable()) or "unknown"


def _forbidden(field: str, detail: str) -> FieldError:
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


def _invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {json.dumps(value)}: {detail}")


def _unsupported(field: str, value: str, supported: Iterable[str]) -> FieldError:
    listed = ", ".join(f'"{choice}"' for choice in supported)
    return FieldError(
        field,
        "FieldValueNotSupported",
        f'Unsupported value: "{value}": supported values: {listed}',
    )


def _raise_invalid(kind: str, errors: list[FieldError]) -> None:
    if errors:
        raise Invalid.of(_META_GROUP, kind, "", errors)
