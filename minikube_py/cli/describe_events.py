"""Events as lines: core/v1's and those of events.k8s.io look alike."""

from datetime import UTC, datetime

from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import human_age, parse_time

_NEVER = datetime.min.replace(tzinfo=UTC)


def event_time(event: Object) -> datetime:
    """When it was last seen."""
    text = (
        get_path(event, "series", "lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or get_path(event, "metadata", "creationTimestamp")
    )
    return parse_time(text) if text else _NEVER


def event_age(event: Object, now: datetime) -> str:
    """`5s`, or `5s (x3 over 2m)` for one that repeats."""
    last = event_time(event)
    age = "<unknown>" if last == _NEVER else human_age(now - last)
    count = int(get_path(event, "series", "count") or event.get("count") or 1)
    first = event.get("firstTimestamp") or event.get("eventTime")
    if count > 1 and first:
        return f"{age} (x{count} over {human_age(now - parse_time(first))})"
    return age


def event_row(event: Object, now: datetime) -> list[str]:
    subject = event.get("involvedObject") or event.get("regarding") or {}
    return [
        event_age(event, now),
        str(event.get("type") or "Normal"),
        str(event.get("reason") or ""),
        f"{subject.get('kind', '')}/{subject.get('name', '')}",
        " ".join(str(event.get("message") or event.get("note") or "").split()),
    ]
