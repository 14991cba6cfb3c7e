"""When an Event makes sense: loosely for core/v1, as ever; strictly for events.k8s.io/v1
(Kubernetes' validation/events.go). Fields have their names of core/v1, whichever view is asked for.
"""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.fields import check, check_immutable, invalid, required
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_TYPES = ("Normal", "Warning")
_MAX_WORD = 128
_MAX_MESSAGE = 1024
_UNSET_WHEN_NEW = ("firstTimestamp", "lastTimestamp", "count", "source")
_IMMUTABLE = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)


def creation_errors(event: Object, *, strict: bool) -> Sequence[FieldError]:
    """`event` has core/v1's field names; `strict` is events.k8s.io/v1."""
    errors = _sense_errors(event)
    if not strict:
        return errors
    errors += _series_errors(event)
    if not event.get("eventTime"):
        errors.append(required("eventTime"))
    if event.get("type") not in _TYPES:
        errors.append(invalid("type", "", f"has invalid value: {event.get('type') or ''}"))
    for field in _UNSET_WHEN_NEW:
        if event.get(field):
            errors.append(invalid(field, "", "needs to be unset"))
    return errors


def update_errors(new: Object, old: Object, *, strict: bool) -> Sequence[FieldError]:
    errors = _sense_errors(new)
    if not strict:
        return errors
    if new.get("series") != old.get("series"):
        errors += _series_errors(new)
    for field in _IMMUTABLE:
        errors += check_immutable(_shown(field), _value(new, field), _value(old, field))
    return errors


def _sense_errors(event: Object) -> list[FieldError]:
    """An Event with an eventTime is one of the new sort, also through the old API."""
    is_new = bool(event.get("eventTime"))
    errors = _namespace_errors(event, is_new=is_new)
    return errors + _new_event_errors(event) if is_new else errors


def _namespace_errors(event: Object, *, is_new: bool) -> list[FieldError]:
    namespace = (event.get("metadata") or {}).get("namespace") or ""
    involved = (event.get("involvedObject") or {}).get("namespace") or ""
    error = invalid("involvedObject.namespace", involved, "does not match event.namespace")
    if is_new:
        wrong = not involved and namespace not in ("default", "kube-system")
    elif involved:
        wrong = involved != namespace
    else:
        wrong = namespace not in ("", "default")
    return [error] if wrong else []


def _new_event_errors(event: Object) -> list[FieldError]:
    controller = event.get("reportingComponent") or ""
    errors = [] if controller else [required("reportingController")]
    errors += check("reportingController", controller, names.qualified_name_problem)
    for field in ("reportingInstance", "action", "reason"):
        value = event.get(field) or ""
        if not value:
            errors.append(required(field))
        errors += _length_errors(field, value, _MAX_WORD)
    return errors + _length_errors("message", event.get("message") or "", _MAX_MESSAGE)


def _length_errors(field: str, value: str, limit: int) -> list[FieldError]:
    if len(value.encode()) <= limit:
        return []
    return [invalid(field, "", f"can have at most {limit} characters")]


def _series_errors(event: Object) -> list[FieldError]:
    series = event.get("series")
    if series is None:
        return []
    errors = []
    if (series.get("count") or 0) < 2:
        errors.append(invalid("series.count", "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        errors.append(required("series.lastObservedTime"))
    return errors


def _value(event: Object, field: str) -> Any:
    """Null, empty and missing mean the same."""
    return event.get(field) or None


def _shown(field: str) -> str:
    return "reportingController" if field == "reportingComponent" else field
