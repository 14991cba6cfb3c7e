"""An Event: what happened to an object, told once and counted when it repeats.

core/v1 and events.k8s.io/v1 are two views of the same stored objects, with other names for some
fields; the first is the one that is kept.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from minikube_py.kinds.columns import NAME, UNKNOWN, age_of, from_object, from_path
from minikube_py.kinds.core import event_validation
from minikube_py.kinds.kind import Column, Kind, StoredAs
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

# (field of core/v1, field of events.k8s.io/v1)
_RENAMED = (
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
)


def _as_core(obj: Object) -> Object:
    """The object with core/v1's field names, whichever view it is in."""
    if obj.get("apiVersion") != "events.k8s.io/v1":
        return obj
    return _to_core(obj)


def _to_core(obj: Object) -> Object:
    names_in_core = {new: old for old, new in _RENAMED}
    return {names_in_core.get(field, field): value for field, value in obj.items()}


def _from_core(obj: Object) -> Object:
    return {dict(_RENAMED).get(field, field): value for field, value in obj.items()}


def validate_create(obj: Object) -> Sequence[FieldError]:
    core = _as_core(obj)
    return event_validation.creation_errors(core, strict=core is not obj)


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    core = _as_core(new)
    return event_validation.update_errors(core, _as_core(old), strict=core is not new)


def selectable_fields(obj: Object) -> Mapping[str, str]:
    core = _as_core(obj)
    involved, source = core.get("involvedObject") or {}, core.get("source") or {}
    fields = {
        f"involvedObject.{field}": involved.get(field) or ""
        for field in (
            "kind",
            "namespace",
            "name",
            "uid",
            "apiVersion",
            "resourceVersion",
            "fieldPath",
        )
    }
    reporting = core.get("reportingComponent") or ""
    return {
        **fields,
        "reason": core.get("reason") or "",
        "reportingComponent": reporting,
        "source": source.get("component") or reporting,
        "type": core.get("type") or "",
    }


def new_selectable_fields(obj: Object) -> Mapping[str, str]:
    fields = {
        name.replace("involvedObject.", "regarding."): value
        for name, value in selectable_fields(obj).items()
    }
    return {**fields, "reportingController": fields["reportingComponent"]}


def _last_seen(obj: Object, now: datetime) -> str:
    moment = (
        get_path(obj, "series", "lastObservedTime")
        or _as_core(obj).get("lastTimestamp")
        or obj.get("eventTime")
    )
    return age_of(str(moment), now) if moment else UNKNOWN


def _first_seen(obj: Object, now: datetime) -> str:
    moment = _as_core(obj).get("firstTimestamp") or obj.get("eventTime")
    return age_of(str(moment), now) if moment else UNKNOWN


def _object(obj: Object) -> str:
    involved = _as_core(obj).get("involvedObject") or {}
    return f"{(involved.get('kind') or '').lower()}/{involved.get('name') or ''}"


def _subobject(obj: Object) -> str:
    return str(get_path(_as_core(obj), "involvedObject", "fieldPath", default=""))


def _source(obj: Object) -> str:
    source = _as_core(obj).get("source")
    component = source.get("component") if isinstance(source, dict) else ""
    host = source.get("host") if isinstance(source, dict) else ""
    name = component or str(_as_core(obj).get("reportingComponent") or "")
    return f"{name}, {host}" if host else name


def _count(obj: Object) -> int:
    count = get_path(obj, "series", "count") or _as_core(obj).get("count")
    return count if isinstance(count, int) else 1


_COLUMNS = (
    Column("Last Seen", _last_seen, description="When the event was last recorded."),
    Column("Type", from_path("type"), description="Normal or Warning."),
    Column("Reason", from_path("reason"), description="Why, in one word for machines."),
    Column("Object", from_object(_object), description="The object that the event is about."),
    Column("Subobject", from_object(_subobject), priority=1, description="The part of the object."),
    Column("Source", from_object(_source), priority=1, description="Who reports the event."),
    Column(
        "Message",
        from_object(lambda obj: str(_as_core(obj).get("message") or "").strip()),
        description="What happened, for people.",
    ),
    Column("First Seen", _first_seen, priority=1, description="When it was first recorded."),
    Column(
        "Count", from_object(_count), type="integer", priority=1, description="How often it was."
    ),
    Column(
        NAME.name,
        NAME.value,
        format=NAME.format,
        priority=1,
        description=NAME.description,
    ),
)

KIND = Kind(
    group="",
    version="v1",
    kind="Event",
    plural="events",
    columns=_COLUMNS,
    short_names=("ev",),
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
    update_repeats_create=False,
    selectable_fields=selectable_fields,
)

EVENTS_KIND = Kind(
    group="events.k8s.io",
    version="v1",
    kind="Event",
    plural="events",
    columns=_COLUMNS,
    short_names=("ev",),
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
    update_repeats_create=False,
    selectable_fields=new_selectable_fields,
    stored_as=StoredAs("", "v1", _to_core, _from_core),
)
