"""Addresses in redirects and pages, and the headers of a proxied exchange."""

import gzip
import time
import zlib

import pytest

from minikube_py.apiserver.proxy.rewriting import (
    Rewriter,
    decoded_page,
    forwarded_headers,
    returned_headers,
)

PREFIX = "/api/v1/namespaces/n/pods/p/proxy"
REWRITER = Rewriter(PREFIX, ("api:6443", "10.0.0.9"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("/", f"{PREFIX}/", id="root"),
        pytest.param("/a/b/?q=1#f", f"{PREFIX}/a/b/?q=1#f", id="path"),
        pytest.param("/a/../b", f"{PREFIX}/b", id="dots"),
        pytest.param(f"{PREFIX}/x", f"{PREFIX}/x", id="has-it-already"),
        pytest.param("a/b", "a/b", id="relative"),
        pytest.param("#top", "#top", id="fragment"),
        pytest.param("http://10.0.0.9/a", f"{PREFIX}/a", id="the-pod-itself"),
        pytest.param("https://api:6443/a", f"https://api:6443{PREFIX}/a", id="as-the-client-says"),
        pytest.param("https://example.com/a", "https://example.com/a", id="elsewhere"),
        pytest.param("http://[bad/a", "http://[bad/a", id="unreadable"),
    ],
)
def test_addresses_lead_back_through_the_proxy(target: str, expected: str) -> None:
    assert REWRITER.url(target) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        pytest.param('<a href="/x">', f'<a href="{PREFIX}/x">', id="double"),
        pytest.param(
            "<A class=b HREF='/x' id=c>", f'<A class=b HREF="{PREFIX}/x" id=c>', id="case"
        ),
        pytest.param("<img src=/x.png>", f'<img src="{PREFIX}/x.png">', id="bare"),
        pytest.param(
            '<a href="/x?a=1&amp;b=2">', f'<a href="{PREFIX}/x?a=1&amp;b=2">', id="entities"
        ),
        pytest.param('<p title="/x">', '<p title="/x">', id="no-address"),
        pytest.param('<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->', id="comment"),
        pytest.param(
            '<script src="/x">var a = "<a href=\'/y\'>"</script><a href="/z">',
            f'<script src="{PREFIX}/x">var a = "<a href=\'/y\'>"</script><a href="{PREFIX}/z">',
            id="script",
        ),
        pytest.param('a < b <a href="/x"', 'a < b <a href="/x"', id="never-ends"),
        pytest.param("<a href>", "<a href>", id="no-value"),
    ],
)
def test_pages_lead_back_through_the_proxy(page: str, expected: str) -> None:
    assert "".join(REWRITER.page(page)) == expected


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("<a ", id="tags"),
        pytest.param('<a "', id="quotes"),
        pytest.param("<!--", id="comments"),
        pytest.param("<script>", id="scripts"),
        pytest.param("a=", id="attributes"),
        pytest.param(" ", id="spaces"),
        pytest.param("a", id="letters"),
    ],
)
def test_a_hostile_page_takes_no_longer_than_its_length(piece: str) -> None:
    page = "<a " + piece * 100_000 + ">"

    started = time.process_time()
    "".join(REWRITER.page(page))

    assert time.process_time() - started < 2


def test_a_request_loses_its_credentials_and_says_where_it_came_from() -> None:
    headers = forwarded_headers(
        [
            ("Host", "api:6443"),
            ("Authorization", "Bearer x"),
            ("Impersonate-User", "root"),
            ("X-Remote-User", "root"),
            ("Connection", "keep-alive, X-Secret"),
            ("X-Secret", "1"),
            ("Cookie", "a=b"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.eA, chat"),
        ],
        client="192.0.2.2",
        uri="/x",
    )

    assert headers == [
        ("Host", "api:6443"),
        ("Cookie", "a=b"),
        ("Sec-WebSocket-Protocol", "chat"),
        ("X-Forwarded-Uri", "/x"),
        ("X-Forwarded-For", "192.0.2.1, 192.0.2.2"),
    ]


def test_an_answer_loses_what_is_between_two_hops() -> None:
    assert returned_headers(
        [("Transfer-Encoding", "chunked"), ("Access-Control-Allow-Origin", "*"), ("ETag", "1")]
    ) == [("ETag", "1")]


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        pytest.param(b"x", "", b"x", id="plain"),
        pytest.param(gzip.compress(b"x"), "gzip", b"x", id="gzip"),
        pytest.param(zlib.compress(b"x", wbits=-15), "deflate", b"x", id="deflate"),
        pytest.param(b"x", "br", None, id="unknown"),
        pytest.param(b"x", "gzip", None, id="not-gzip"),
        pytest.param(gzip.compress(b"x" * 101), "gzip", None, id="too-long"),
    ],
)
def test_pages_are_read_as_they_are_encoded(
    body: bytes, encoding: str, expected: bytes | None
) -> None:
    assert decoded_page(body, encoding, limit=100) == expected
