import io
from typing import Any

import pytest

from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import CliError
from minikube_py.cli.output import (
    TablePrinter,
    custom_columns,
    layout,
    parse_format,
    sort_objects,
    to_yaml,
)

TABLE: dict[str, Any] = {
    "columnDefinitions": [{"name": "Name"}, {"name": "Age"}, {"name": "Node", "priority": 1}],
    "rows": [
        {
            "cells": ["a", "5s", "vm"],
            "object": {"metadata": {"namespace": "x", "labels": {"l": "1"}}},
        },
        {"cells": ["longer-name", "5m", None], "object": {"metadata": {"namespace": "y"}}},
    ],
}


def printed(table: dict[str, Any], **settings: Any) -> str:
    stream = io.StringIO()
    TablePrinter(stream=stream, **settings).print(table)
    return stream.getvalue()


def test_columns_stand_under_each_other_without_trailing_spaces() -> None:
    assert printed(TABLE) == "NAME          AGE\na             5s\nlonger-name   5m\n"


def test_wide_shows_all_columns_and_none_for_null() -> None:
    assert printed(TABLE, wide=True).splitlines()[2] == "longer-name   5m    <none>"


def test_namespace_prefix_and_labels_are_added() -> None:
    text = printed(TABLE, with_namespace=True, kind_prefix="pod", show_labels=True)

    assert text.splitlines()[:2] == [
        "NAMESPACE   NAME              AGE   LABELS",
        "x           pod/a             5s    l=1",
    ]


def test_rows_of_a_watch_keep_the_first_lists_columns() -> None:
    stream = io.StringIO()
    printer = TablePrinter(stream=stream)
    printer.print(TABLE)

    printer.print({"rows": [{"cells": ["b", "1s", "vm"]}]})

    assert stream.getvalue().splitlines()[-1] == "b             1s"


def test_layout_takes_fewer_widths_than_columns() -> None:
    assert layout([["a", "b"]], [3]) == "a     b\n"


def test_custom_columns_join_lists_and_show_none() -> None:
    text = custom_columns("N:.a,M:{.b[*].c}", [{"a": 1, "b": [{"c": "x"}, {"c": "y"}]}, {}])

    assert text == "N        M\n1        x,y\n<none>   <none>\n"


def test_sorting_puts_missing_first_and_numbers_by_size() -> None:
    objects: list[dict[str, Any]] = [{"n": 10}, {"n": 9}, {}, {"n": "x"}]

    assert sort_objects(objects, ".n") == [{}, {"n": 9}, {"n": 10}, {"n": "x"}]


def test_text_of_several_lines_is_a_yaml_block() -> None:
    assert to_yaml({"b": "one\ntwo\n", "a": "1"}) == "a: '1'\nb: |\n  one\n  two\n"


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(CliError, match="wide, yaml, json"):
        parse_format("xml")


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m30s", 90), ("2h", 7200), ("5", 5)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(CliError, match=r"write e\.g\. 30s"):
        parse_duration(text)
