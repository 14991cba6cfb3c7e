"""Durations of annotations."""

import pytest

from minikube_py.meta.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("5s", 5),
        ("1m30s", 90),
        ("2h", 7200),
        ("1m500ms", 60.5),
        ("0s", 0),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1", "5 s", "1d", "s", "1e3", "\u0663s"])
def test_what_is_no_duration_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write e\.g\. 500ms, 5s or 1m30s"):
        parse_duration(text)
