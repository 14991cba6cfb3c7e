import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta import names

_LABEL_TEXT = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=70)


@given(_LABEL_TEXT)
def test_a_label_is_short_and_has_no_dash_at_its_ends(text: str) -> None:
    is_label = len(text) <= 63 and not text.startswith("-") and not text.endswith("-")

    assert (names.label_problem(text) is None) == is_label


@given(st.lists(_LABEL_TEXT, min_size=1, max_size=4))
def test_a_subdomain_is_made_of_words_without_dashes_at_their_ends(words: list[str]) -> None:
    text = ".".join(words)
    good = len(text) <= 253 and all(not w.startswith("-") and not w.endswith("-") for w in words)

    assert (names.subdomain_problem(text) is None) == good


def test_a_long_label_is_no_label() -> None:
    assert names.label_problem("a" * 64)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", "a\n", "ä", "a" * 254])
def test_bad_subdomains_are_explained(name: str) -> None:
    assert names.subdomain_problem(name)


@pytest.mark.parametrize("name", ["1a", "a" * 64, ""])
def test_a_service_name_starts_with_a_letter_and_is_short(name: str) -> None:
    assert names.dns1035_problem(name)
    assert names.dns1035_problem("a1") is None


@pytest.mark.parametrize("key", ["a", "A.b_c-d", "example.com/a", "a.b/C"])
def test_good_label_keys(key: str) -> None:
    assert names.qualified_name_problem(key) is None


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "A.com/a", "a/b/c", "a b", "-a", "a" * 64, "ä", "example.com/" + "a" * 64],
)
def test_bad_label_keys(key: str) -> None:
    assert names.qualified_name_problem(key)


def test_label_values_may_be_empty_but_not_long() -> None:
    assert names.label_value_problem("") is None
    assert names.label_value_problem("a.B_c-1") is None
    assert names.label_value_problem("a" * 64)
    assert names.label_value_problem("-a")


@pytest.mark.parametrize("name", ["http", "a-1", "1a"])
def test_good_port_names(name: str) -> None:
    assert names.port_name_problem(name) is None


@pytest.mark.parametrize("name", ["", "80", "a--b", "-a", "a-", "HTTP", "a" * 16])
def test_bad_port_names(name: str) -> None:
    assert names.port_name_problem(name)


def test_environment_names_are_printable_without_equals() -> None:
    assert names.env_name_problem("my var-1") is None
    assert names.env_name_problem("a=b")
    assert names.env_name_problem("")
    assert names.env_name_problem("a\n")


@pytest.mark.parametrize("key", ["a.b", "A_b-c", ".dockercfg"])
def test_good_config_keys(key: str) -> None:
    assert names.config_key_problem(key) is None


@pytest.mark.parametrize("key", ["", ".", "..", "..a", "a/b", "a b", "a" * 254])
def test_bad_config_keys(key: str) -> None:
    assert names.config_key_problem(key)


@pytest.mark.parametrize("name", [".", "..", "a/b", "a%b"])
def test_path_segments_fit_into_a_path(name: str) -> None:
    assert names.path_segment_problem(name)
    assert names.path_segment_problem("system:node") is None


@given(_LABEL_TEXT, st.integers())
def test_generated_names_fit_and_differ(base: str, seed: int) -> None:
    source = random.Random(seed)

    first, second = names.generate_name(base, source), names.generate_name(base, source)

    assert len(first) <= 63
    assert first != second
    assert first[:-5] == second[:-5] == base[:58]


@given(st.integers(min_value=0))
def test_hashes_become_name_parts(number: int) -> None:
    encoded = names.safe_encode(number)

    assert names.label_problem(encoded[:63]) is None
    assert len(encoded) == len(str(number))
