"""Events of both APIs: what makes sense, and what may change."""

from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.meta.objects import Object
from tests.kinds.builders import creation_errors, of, update_errors

AT = "2026-01-01T00:00:00.000000Z"


def old_event(**fields: Any) -> Object:
    return of(catalog.EVENT, **{"involvedObject": {"namespace": "default"}, **fields})


def new_event(**fields: Any) -> Object:
    sound = {
        "regarding": {"namespace": "default"},
        "eventTime": AT,
        "type": "Normal",
        "reason": "R",
        "note": "N",
        "action": "A",
        "reportingController": "example.com/c",
        "reportingInstance": "i",
    }
    given = {**sound, **fields}
    return of(catalog.EVENTS_EVENT, **{k: v for k, v in given.items() if v is not None})


def test_old_events_need_little() -> None:
    assert creation_errors(catalog.EVENT, old_event()) == []
    assert creation_errors(catalog.EVENT, of(catalog.EVENT)) == []


def test_new_events_say_who_did_what() -> None:
    event = new_event(series={"count": 2, "lastObservedTime": AT})

    assert creation_errors(catalog.EVENTS_EVENT, event) == []
    fields = catalog.EVENTS_EVENT.selectable_fields(event)
    assert (fields["regarding.namespace"], fields["reason"]) == ("default", "R")
    assert fields["reportingController"] == "example.com/c"


def test_an_event_is_where_its_object_is() -> None:
    elsewhere = old_event(involvedObject={"namespace": "other"})

    assert creation_errors(catalog.EVENT, elsewhere) == [
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
    ]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("eventTime", None, "eventTime: Required value"),
        ("type", "Odd", 'type: Invalid value: "": has invalid value: Odd'),
        ("reason", None, "reason: Required value"),
        ("action", None, "action: Required value"),
        ("action", "x" * 129, 'action: Invalid value: "": can have at most 128 characters'),
        ("note", "x" * 1025, 'message: Invalid value: "": can have at most 1024 characters'),
        ("reportingInstance", None, "reportingInstance: Required value"),
        ("reportingController", None, "reportingController: Required value"),
        ("deprecatedCount", 1, 'count: Invalid value: "": needs to be unset'),
        ("deprecatedSource", {"host": "h"}, 'source: Invalid value: "": needs to be unset'),
        (
            "series",
            {"count": 1, "lastObservedTime": AT},
            'series.count: Invalid value: "": should be at least 2',
        ),
        ("series", {"count": 2}, "series.lastObservedTime: Required value"),
    ],
)
def test_new_events_that_make_no_sense_are_refused(field: str, value: Any, error: str) -> None:
    assert error in creation_errors(catalog.EVENTS_EVENT, new_event(**{field: value}))


def test_of_a_new_event_only_the_series_may_change() -> None:
    kind, old = catalog.EVENTS_EVENT, new_event()
    seen_again = new_event(series={"count": 2, "lastObservedTime": AT})

    assert update_errors(kind, seen_again, old) == []
    assert update_errors(kind, new_event(note="other"), old) == [
        'message: Invalid value: "other": field is immutable'
    ]
    assert update_errors(kind, new_event(series={"count": 1, "lastObservedTime": AT}), old)


def test_of_an_old_event_everything_may_change() -> None:
    assert update_errors(catalog.EVENT, old_event(message="x", count=2), old_event()) == []
