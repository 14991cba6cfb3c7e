"""What bodies may not do to the server that reads them."""

import pytest

from minikube_py.apiserver.bodies import MAX_UNFOLDED, parse
from minikube_py.meta.errors import BadRequest


def test_aliases_that_stand_for_too_much_are_refused_before_they_are_followed() -> None:
    text = b"a: &a " + b"x" * 1_000_000 + b"\nb: [" + b"*a," * 100 + b"]"

    with pytest.raises(BadRequest, match="aliases are unfolded"):
        parse(text, "yaml")


def test_aliases_of_aliases_count_for_all_that_they_stand_for() -> None:
    levels = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [
        b"a%d: &a%d [%s]" % (number, number, b",".join([b"*a%d" % (number - 1)] * 10))
        for number in range(1, 9)
    ]

    with pytest.raises(BadRequest, match="aliases are unfolded"):
        parse(b"\n".join(levels), "yaml")


def test_a_few_aliases_are_followed() -> None:
    assert parse(b"a: &a {b: c}\nd: *a\ne: {<<: *a}", "yaml").value == {
        "a": {"b": "c"},
        "d": {"b": "c"},
        "e": {"b": "c"},
    }
    assert MAX_UNFOLDED > 1_000_000


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_numbers_that_json_has_no_word_for_are_refused(number: str) -> None:
    with pytest.raises(BadRequest, match="no number in JSON"):
        parse(f"a: {number}".encode(), "yaml")
