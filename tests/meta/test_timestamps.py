from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.timestamps import (
    format_micro_time,
    format_time,
    human_age,
    parse_time,
    system_clock,
)

_MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(_MOMENTS)
def test_micro_times_come_back_as_they_went(moment: datetime) -> None:
    assert parse_time(format_micro_time(moment)) == moment


@given(_MOMENTS)
def test_times_are_cut_to_the_second(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)


@given(_MOMENTS, _MOMENTS)
def test_texts_sort_as_moments_do(first: datetime, second: datetime) -> None:
    texts_in_order = format_micro_time(first) <= format_micro_time(second)

    assert texts_in_order == (first <= second)


def test_docker_never_is_written_with_four_digits() -> None:
    never = parse_time("0001-01-01T00:00:00Z")

    assert format_time(never) == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00.123456789Z", datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-31T12:00:00.5+01:00", datetime(2026, 1, 31, 11, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-31t12:00:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_every_rfc3339_form_is_read(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "20260131T120000Z",
        "2026-13-01T00:00:00Z",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+05:00",
    ],
)
def test_what_is_no_rfc3339_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (303, "5m3s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600 + 12 * 60, "3h12m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (52 * 3600, "2d4h"),
        (8 * 86400 + 3600, "8d"),
        (400 * 86400, "400d"),
        ((3 * 365 + 20) * 86400, "3y20d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_read_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert human_age(timedelta(seconds=seconds)) == text


def test_the_system_clock_knows_its_zone() -> None:
    assert system_clock().tzinfo is UTC
