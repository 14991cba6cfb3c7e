"""Plain words of manifests, as kubectl (Go's YAML 1.1) was seen to read them."""

import pytest

from minikube_py.cli.yaml_scalars import number_or_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("0x10", 16, id="hex"),
        pytest.param("-0B11", -3, id="binary"),
        pytest.param("0o17", 15, id="new-octal"),
        pytest.param("010", 8, id="old-octal"),
        pytest.param("08", 8.0, id="no-octal-but-a-float"),
        pytest.param("1_000", 1000, id="grouped"),
        pytest.param("1_000.5", 1000.5, id="grouped-float"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".5", 0.5, id="no-zero"),
        pytest.param("1e400", "1e400", id="too-large"),
        pytest.param("18446744073709551615", 2**64 - 1, id="uint64"),
        pytest.param("18446744073709551616", 2.0**64, id="over-uint64"),
        pytest.param("0o8", "0o8", id="no-octal"),
        pytest.param("190:20:30", "190:20:30", id="sexagesimal"),
        pytest.param("2001-12-14", "2001-12-14", id="date"),
        pytest.param("1.2.3", "1.2.3", id="version"),
        pytest.param("-", "-", id="dash"),
    ],
)
def test_a_word_is_a_number_only_where_go_says_so(text: str, value: object) -> None:
    read = number_or_text(text)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN"])
def test_what_json_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no number that JSON has"):
        number_or_text(text)
