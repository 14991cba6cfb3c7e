import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.network.http.forward import Client, request_to_send, response_to_send
from minikube_py.network.http.head import BadMessage, parse_request, parse_response

INSIDE = Client(b"10.244.0.9", b"http", trusted=True)
EDGE = Client(b"192.0.2.9", b"https", trusted=False)


def request(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def test_a_plain_request_passes_through_with_who_asked() -> None:
    head = parse_request(request("GET /a?b=c HTTP/1.1", "Host: Shop.local", "X-Foo:  bar "))

    assert head.host == b"shop.local"
    assert head.keep_alive
    assert request_to_send(head, INSIDE).split(b"\r\n") == [
        b"GET /a?b=c HTTP/1.1",
        b"Host: Shop.local",
        b"X-Foo:  bar ",
        b"X-Forwarded-For: 10.244.0.9",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: shop.local",
        b"",
        b"",
    ]


def test_inside_the_chain_of_who_asked_grows_and_at_the_edge_it_starts_anew() -> None:
    lines = ("GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https")
    head = parse_request(request(*lines, "X-Real-IP: 1.1.1.1"))

    inside = request_to_send(head, INSIDE)
    edge = request_to_send(head, EDGE)

    assert b"X-Forwarded-For: 1.1.1.1, 10.244.0.9\r\nX-Forwarded-Proto: https\r\n" in inside
    assert b"X-Real-IP: 1.1.1.1\r\n" in inside
    assert b"1.1.1.1" not in edge
    assert b"X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n" in edge
    assert b"X-Real-IP: 192.0.2.9\r\n" in edge


def test_headers_for_the_next_hop_end_here() -> None:
    head = parse_request(
        request(
            "GET / HTTP/1.1",
            "Host: a",
            "Connection: close, X-Secret, Host, Content-Length",
            "Keep-Alive: 5",
            "TE: trailers",
            "X-Secret: 1",
            "X-Open: 2",
        )
    )

    sent = request_to_send(head, INSIDE)

    assert not head.keep_alive
    assert b"X-Open" in sent
    assert b"Host: a" in sent
    for gone in (b"X-Secret", b"Keep-Alive", b"TE:", b"Connection"):
        assert gone not in sent


def test_an_upgrade_is_asked_for_anew_but_never_to_another_http() -> None:
    lines = ("GET / HTTP/1.1", "Host: a", "Connection: keep-alive, Upgrade")

    websocket = parse_request(request(*lines, "Upgrade: websocket"))
    http2 = parse_request(request(*lines, "Upgrade: h2c", "HTTP2-Settings: x"))

    assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in request_to_send(websocket, INSIDE)
    assert b"pgrade" not in request_to_send(http2, INSIDE)


def test_an_absolute_target_is_made_a_path_and_its_host_counts() -> None:
    head = parse_request(request("GET http://Real:81?q HTTP/1.1", "Host: other"))

    assert (head.host, head.target) == (b"real:81", b"/?q")
    assert b"other" not in request_to_send(head, INSIDE)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param(("GET  / HTTP/1.1", "Host: a"), 400, id="two spaces"),
        pytest.param(("GET / HTTP/1.1 x", "Host: a"), 400, id="four words"),
        pytest.param(("G@T / HTTP/1.1", "Host: a"), 400, id="no method"),
        pytest.param(("GET \x01 HTTP/1.1", "Host: a"), 400, id="control character in target"),
        pytest.param(("GET path HTTP/1.1", "Host: a"), 400, id="relative target"),
        pytest.param(("GET / HTTP/2.0", "Host: a"), 505, id="another version"),
        pytest.param(("CONNECT a:1 HTTP/1.1", "Host: a"), 400, id="connect"),
        pytest.param(("GET / HTTP/1.1",), 400, id="no host"),
        pytest.param(("GET / HTTP/1.1", "Host: a", "Host: a"), 400, id="two hosts"),
        pytest.param(("GET / HTTP/1.1", "Host: a b"), 400, id="bad host"),
        pytest.param(("GET / HTTP/1.1", "Host : a"), 400, id="space before colon"),
        pytest.param(("GET / HTTP/1.1", "Host: a", " folded"), 400, id="folded line"),
        pytest.param(("GET / HTTP/1.1", "Host: a\nX: y"), 400, id="bare line feed"),
        pytest.param(("GET / HTTP/1.1", "Host: a\rX: y"), 400, id="bare carriage return"),
        pytest.param(("GET / HTTP/1.1", "Host: a", "X: \x00"), 400, id="nul"),
        pytest.param(("GET / HTTP/1.1", "Host: a", "no colon"), 400, id="no colon"),
        pytest.param(("POST / HTTP/1.1", "Host: a", "Content-Length: +1"), 400, id="signed length"),
        pytest.param(("POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1"), 400, id="length list"),
        pytest.param(
            ("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 1"),
            400,
            id="two lengths",
        ),
        pytest.param(
            ("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Transfer-Encoding: chunked"),
            400,
            id="length and chunks",
        ),
        pytest.param(
            ("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"), 400, id="chunks in 1.0"
        ),
        pytest.param(
            ("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"), 501, id="gzip"
        ),
        pytest.param(
            ("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: \x0bchunked"), 400, id="odd space"
        ),
        pytest.param(
            ("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: x"),
            501,
            id="two codings",
        ),
    ],
)
def test_what_two_servers_could_read_in_two_ways_is_refused(
    lines: tuple[str, ...], status: int
) -> None:
    with pytest.raises(BadMessage) as raised:
        parse_request(request(*lines))

    assert raised.value.status == status


def test_an_answer_loses_its_hop_headers_and_says_when_the_connection_closes() -> None:
    asked = parse_request(request("GET / HTTP/1.1", "Host: a"))
    head = parse_response(
        request("HTTP/1.0 200 OK", "Content-Length: 3", "Connection: keep-alive", "Keep-Alive: 5")
    )

    assert head.keep_alive
    assert response_to_send(head, asked, keep_alive=True) == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    )
    assert b"Connection: close" in response_to_send(head, asked, keep_alive=False)


def test_an_old_client_is_told_that_it_may_go_on() -> None:
    asked = parse_request(request("GET / HTTP/1.0", "Connection: Keep-Alive"))
    head = parse_response(request("HTTP/1.1 200 OK", "Content-Length: 3"))

    assert asked.keep_alive
    assert b"Connection: keep-alive" in response_to_send(head, asked, keep_alive=True)


@pytest.mark.parametrize(
    "line", ["HTTP/1.1 20 OK", "HTTP/2 200", "200 OK", "HTTP/1.1 099 x", "HTTP/1.1  200 OK", ""]
)
def test_a_strange_status_line_is_the_pods_fault(line: str) -> None:
    with pytest.raises(BadMessage) as raised:
        parse_response(request(line, "A: b"))

    assert raised.value.status == 502


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(noise: bytes) -> None:
    for parse in (parse_request, parse_response):
        try:
            parse(b"GET / HTTP/1.1\r\n" + noise)
            parse(noise)
        except BadMessage:
            continue


NAMES = st.sampled_from(["A", "Accept", "x-y", "Cookie", "Content-Type"])
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_ordinary_headers_pass_unchanged_and_in_order(headers: list[tuple[str, str]]) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    head = parse_request(request("GET / HTTP/1.1", "Host: a", *lines))

    sent = request_to_send(head, INSIDE).decode().split("\r\n")

    assert sent[1 : 2 + len(lines)] == ["Host: a", *lines]
