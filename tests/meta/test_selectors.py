import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.errors import BadRequest
from minikube_py.meta.selectors import (
    EVERYTHING,
    FieldRequirement,
    Selector,
    fields_match,
    format_label_selector,
    from_label_selector,
    from_map,
    parse_field_selector,
    parse_label_selector,
)

_WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6)
_LABELS = st.dictionaries(_WORDS, _WORDS, max_size=5)
_EXPRESSIONS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "key": _WORDS,
                "operator": st.sampled_from(["In", "NotIn"]),
                "values": st.lists(_WORDS, min_size=1, max_size=3),
            }
        ),
        st.fixed_dictionaries(
            {"key": _WORDS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}
        ),
    ),
    max_size=3,
)
LABELS = {"app": "web", "tier": "front", "version": "7"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app",
        "app=web",
        "app==web",
        "app!=db",
        "app in (web, db)",
        "app notin (db)",
        "!missing",
        "! missing",
        "missing!=x",
        "missing notin (x)",
        "version>6,version<8",
        " app = web , tier ",
    ],
)
def test_selectors_that_choose_the_labels(text: str) -> None:
    assert parse_label_selector(text).matches(LABELS)


@pytest.mark.parametrize(
    "text",
    [
        "missing",
        "app=db",
        "app!=web",
        "app in (db)",
        "app notin (web)",
        "!app",
        "version>7",
        "app>1",
    ],
)
def test_selectors_that_pass_the_labels_by(text: str) -> None:
    assert not parse_label_selector(text).matches(LABELS)


@pytest.mark.parametrize(
    "text",
    [
        "a=b,",
        ",a",
        "a=b=c",
        "a in b",
        "a in (b",
        "-a=b",
        "a=-b",
        "a>x",
        "a/b/c=d",
        "=b",
        "a b",
        "x y (z)",
    ],
)
def test_a_broken_selector_names_what_it_can_not_read(text: str) -> None:
    with pytest.raises(BadRequest, match="unable to parse requirement"):
        parse_label_selector(text)


@given(_LABELS, _LABELS)
def test_match_labels_choose_what_holds_them_all(
    wanted: dict[str, str], has: dict[str, str]
) -> None:
    selector = from_label_selector({"matchLabels": wanted})

    assert selector is not None
    assert selector.matches(has) == (wanted.items() <= has.items())


@given(_LABELS, _EXPRESSIONS, _LABELS)
def test_the_text_of_a_selector_chooses_the_same(
    labels: dict[str, str], expressions: list[dict[str, object]], has: dict[str, str]
) -> None:
    spec = {"matchLabels": labels, "matchExpressions": expressions}
    selector = from_label_selector(spec)

    assert selector is not None
    assert parse_label_selector(format_label_selector(spec)).matches(has) == selector.matches(has)


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert from_label_selector(None) is None
    assert from_map({}) is None
    assert from_label_selector({}) == EVERYTHING
    assert not Selector()
    assert EVERYTHING.matches({})


def test_a_plain_map_selects_by_equality() -> None:
    selector = from_map({"app": "web"})

    assert selector
    assert selector.matches(LABELS)
    assert not selector.matches({"app": "db"})


def test_selectors_print_in_the_order_of_their_keys() -> None:
    expressions = [
        {"key": "b", "operator": "In", "values": ["2", "1"]},
        {"key": "d", "operator": "Exists"},
        {"key": "c", "operator": "NotIn", "values": ["3"]},
        {"key": "e", "operator": "DoesNotExist"},
    ]

    text = format_label_selector({"matchLabels": {"z": "1"}, "matchExpressions": expressions})

    assert text == "b in (1,2),c notin (3),d,!e,z=1"
    assert format_label_selector(None) == "<none>"


def test_field_selectors_compare_and_negate() -> None:
    wanted = parse_field_selector("status.phase=Running,metadata.name!=x,spec.nodeName==")

    assert wanted == (
        FieldRequirement("status.phase", "Running"),
        FieldRequirement("metadata.name", "x", negate=True),
        FieldRequirement("spec.nodeName", ""),
    )
    assert fields_match(wanted, {"status.phase": "Running", "metadata.name": "y"})
    assert not fields_match(wanted, {"status.phase": "Running", "metadata.name": "x"})


@given(st.text(max_size=12))
def test_escaped_values_of_field_selectors_come_back(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")

    assert parse_field_selector(f"a.b={escaped},c=d") == (
        FieldRequirement("a.b", value),
        FieldRequirement("c", "d"),
    )


@pytest.mark.parametrize("text", ["status.phase", "=x", "a b=c"])
def test_a_broken_field_selector_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid selector"):
        parse_field_selector(text)


def test_empty_clauses_of_field_selectors_are_passed_over() -> None:
    assert parse_field_selector("") == ()
    assert parse_field_selector("a=b, ,") == (FieldRequirement("a", "b"),)
