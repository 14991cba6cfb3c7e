from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.network.http.body import Chunked, Fixed, UntilClose, response_body
from minikube_py.network.http.head import BadMessage


def chunked(chunks: list[bytes], trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + trailer + b"\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=5)
CUTS = st.lists(st.integers(0, 300), max_size=10)


@given(CHUNKS, CUTS, st.sampled_from([b"", b"X-Sum: 1\r\n"]), st.binary(max_size=10))
def test_chunks_end_where_they_end_however_they_arrive(
    chunks: list[bytes], cuts: list[int], trailer: bytes, after: bytes
) -> None:
    wire = chunked(chunks, trailer)
    body = Chunked()
    passed = rest = b""
    for piece in pieces(wire + after, cuts):
        if body.done:
            rest += piece
        else:
            passed += body.feed(piece)
            rest = body.rest

    assert body.done
    assert passed == wire
    assert rest == after


@given(st.binary(max_size=60), st.binary(max_size=10), CUTS)
def test_a_length_ends_where_it_says(content: bytes, after: bytes, cuts: list[int]) -> None:
    body = Fixed(len(content))
    passed = rest = b""
    for piece in pieces(content + after, cuts):
        if body.done:
            rest += piece
        else:
            passed += body.feed(piece)
            rest = body.rest

    assert body.done
    assert (passed, rest) == (content, after)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"5\nhello\r\n0\r\n\r\n", id="bare line feed"),
        pytest.param(b"5;\nhello\r\n0\r\n\r\n", id="line feed in extension"),
        pytest.param(b"0x5\r\nhello\r\n0\r\n\r\n", id="prefix"),
        pytest.param(b"-5\r\nhello\r\n", id="sign"),
        pytest.param(b" 5\r\nhello\r\n", id="space first"),
        pytest.param(b"\r\n", id="no size"),
        pytest.param(b"4\r\nhello\r\n0\r\n\r\n", id="size too small"),
        pytest.param(b"6\r\nhello\r\n0\r\n\r\n", id="size too large"),
        pytest.param(b"1" * 17 + b"\r\n", id="size beyond reason"),
        pytest.param(b"5;" + b"a" * 5000, id="endless extension"),
        pytest.param(b"0\r\nbad trailer\r\n\r\n", id="bad trailer"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * 4000 + b"\r\n", id="endless trailer"),
    ],
)
def test_unusual_chunks_are_refused_and_not_a_byte_of_the_bad_line_passed_on(wire: bytes) -> None:
    passed = bytearray()

    with pytest.raises(BadMessage):
        _feed_bytewise(wire, passed)

    assert b"\n" not in passed.replace(b"\r\n", b"")


def _feed_bytewise(wire: bytes, passed: bytearray) -> None:
    body = Chunked()
    for number in range(len(wire)):
        passed += body.feed(wire[number : number + 1])


@pytest.mark.parametrize(
    ("method", "status", "length", "is_chunked", "kind"),
    [
        (b"HEAD", 200, 5, False, type(None)),
        (b"GET", 204, None, False, type(None)),
        (b"GET", 304, 5, False, type(None)),
        (b"GET", 200, 0, False, type(None)),
        (b"GET", 200, 5, False, Fixed),
        (b"GET", 200, None, True, Chunked),
        (b"GET", 200, None, False, UntilClose),
    ],
)
def test_an_answer_has_the_body_its_head_says(
    method: bytes, status: int, length: int | None, is_chunked: bool, kind: type
) -> None:
    assert isinstance(response_body(method, status, length, chunked=is_chunked), kind)
