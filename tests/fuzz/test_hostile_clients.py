"""Clients that do everything wrong, some of them on purpose: each is refused or cut off, the others
are served meanwhile, and nothing of it stays.
"""

import gzip
import io
import json
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest
import trustme

from tests.fuzz.client import Answer, check
from tests.fuzz.conftest import Server

TIMES = float(os.environ.get("MK_FUZZ", "1"))
MAPS = "/api/v1/namespaces/default/configmaps"
MEANWHILE_SECONDS = 3.0
"""The longest that anybody else may wait: the machine has other things to do too."""
ANSWER_SECONDS = 10.0
BODY_SECONDS = 2.0
"""What the server of these tests was told (conftest); 60 otherwise."""
MANIFEST = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n"
_CUT = (ssl.SSLError, ConnectionError, TimeoutError, OSError)


def connect(server: Server, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=ANSWER_SECONDS)
    return (context or server.context).wrap_socket(plain, server_hostname="127.0.0.1")


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: mk", *lines, "", "")).encode()


def exchange(server: Server, *pieces: bytes) -> bytes:
    """What comes back until the server closes, or says nothing more for a moment."""
    with connect(server) as line:
        with suppress(*_CUT):  # it may close before everything is sent
            for piece in pieces:
                line.sendall(piece)
        return received(line)


def received(line: socket.socket, *, quiet: float = 0.3) -> bytes:
    data = b""
    with suppress(*_CUT):
        while piece := line.recv(65536):
            data += piece
            line.settimeout(quiet)
    return data


def answer_in(data: bytes, asked: str) -> Answer:
    """The first answer in what was received, checked as every answer is."""
    top, _, body = data.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    size = int(headers.get("content-length", len(body)))
    answer = Answer(status, headers.get("content-type", ""), body[:size], asked)
    assert answer.status < 500 or answer.status in (501, 504, 505), str(answer)
    return answer


@contextmanager
def others_served(server: Server) -> Iterator[None]:
    """Somebody well-behaved asks all the time."""
    done, waits, problems = threading.Event(), [0.0], []

    def ask() -> None:
        client = server.client()
        while not done.wait(0.02):
            began = time.monotonic()
            try:
                assert client.ask("GET", "/api/v1/namespaces/default").ok
            except Exception as error:
                problems.append(error)
                return
            waits.append(time.monotonic() - began)
        client.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert not problems, problems
    assert max(waits) < MEANWHILE_SECONDS


# -- bodies ------------------------------------------------------------------------------------


def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(server: Server) -> None:
    asked = head("POST", MAPS, "Content-Type: application/json", "Content-Length: 1000000000")

    with others_served(server):
        answer = answer_in(exchange(server, asked), "huge")

    assert answer.status == 413
    check(answer)


def test_chunks_without_end_are_refused_at_the_limit(server: Server) -> None:
    start = head("POST", MAPS, "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    with others_served(server):
        answer = answer_in(exchange(server, start, *[chunk] * 800), "chunks")

    assert answer.status == 413
    check(answer)


@cache
def _packed_zeros() -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as stream:
        for _ in range(300):
            stream.write(bytes(2**20))
    return packed.getvalue()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense"])
def test_what_unpacks_to_more_than_the_limit_is_refused(server: Server, encoding: str) -> None:
    body = _packed_zeros()
    start = head(
        *("POST", MAPS, "Content-Type: application/json"),
        *(f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}"),
    )

    with others_served(server):
        answer = answer_in(exchange(server, start, body), encoding)

    assert 400 <= answer.status < 500, str(answer)


def _laughs() -> bytes:
    levels = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 12):
        below = b", ".join([b"*a%d" % (number - 1)] * 10)
        levels.append(b"a%d: &a%d [%s]" % (number, number, below))
    return MANIFEST + b"\n".join(levels)


def _same_text_again() -> bytes:
    return MANIFEST + b"a: &a " + b"x" * 1_000_000 + b"\nb: [" + b"*a," * 300_000 + b"]"


def _merge_keys() -> bytes:
    levels = [b"a0: &a0 {" + b",".join(b"k%d: x" % n for n in range(50)) + b"}"]
    for number in range(1, 30):
        merged = b",".join([b"*a%d" % (number - 1)] * 10)
        levels.append(b"a%d: &a%d {<<: [%s], n%d: x}" % (number, number, merged, number))
    return MANIFEST + b"\n".join(levels)


YAML_BOMBS = {
    "laughs": _laughs(),
    "same text again": _same_text_again(),
    "merge keys": _merge_keys(),
    "itself": MANIFEST + b"a: &a [*a]",
    "itself as key": MANIFEST + b"a: &a {*a : b}",
    "deep": MANIFEST + b"a: " + b"[" * 100_000,
    "deep blocks": MANIFEST + b"a:\n" + b"".join(b" " * n + b"-\n" for n in range(1, 1500)),
    "many documents": (MANIFEST + b"---\n") * 20_000,
    "a number": MANIFEST + b"a: " + b"9" * 1_000_000,
    "sixties": MANIFEST + b"a: " + b":".join([b"59"] * 200_000),
    "binary": MANIFEST + b"data: !!binary aGFsbG8=",
    "object": MANIFEST + b"data: !!python/object/apply:os.system ['true']",
    "set": MANIFEST + b"data: !!set {a, b}",
    "pairs": MANIFEST + b"data: !!omap [a: b]",
    "infinite": MANIFEST + b"data: {a: .inf, b: .nan, c: -.inf}",
    "directive": b"%YAML 9.9\n---\n" + MANIFEST,
    "not text": b"\xff\xfe\x00a\x00",
}


@pytest.mark.parametrize("name", YAML_BOMBS)
@pytest.mark.parametrize("way", ["POST", "PATCH"])
def test_yaml_bombs_are_refused_cheaply(server: Server, name: str, way: str) -> None:
    client = server.client()
    path = MAPS if way == "POST" else f"{MAPS}/bomb?fieldManager=a"
    type_ = "application/yaml" if way == "POST" else "application/apply-patch+yaml"

    with others_served(server):
        answer = client.ask(way, path, YAML_BOMBS[name], type_)

    assert 400 <= answer.status < 500, str(answer)
    client.close()


def _in_data(value: bytes) -> bytes:
    return b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"odd"},"data":' + value + b"}"


JSON_BOMBS = {
    "deep lists": _in_data(b"[" * 100_000 + b"]" * 100_000),
    "deep maps": _in_data(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep but within the parser": _in_data(b"[" * 900 + b"]" * 900),
    "a number": _in_data(b'{"a":' + b"9" * 1_000_000 + b"}"),
    "a long number": _in_data(b'{"a":' + b"9" * 5000 + b"}"),
    "an exponent": _in_data(b'{"a":1e999999999}'),
    "many numbers": _in_data(b"[" + b"1," * 1_000_000 + b"1]"),
    "many lists": _in_data(b"[" + b"[]," * 900_000 + b"1]"),
    "invalid UTF-8": _in_data(b'{"a":"\xff\xfe"}'),
    "NUL": _in_data(b'{"a":"\x00"}'),
    "half a pair": _in_data(b'{"a":"\\ud800"}'),
    "a byte order mark": b"\xef\xbb\xbf" + _in_data(b"{}"),
    "nothing": b"",
    "null": b"null",
    "text": b'"text"',
    "more behind it": _in_data(b"{}") + b"}",
    "NaN": _in_data(b'{"a":NaN}'),
    "a bad key": _in_data(b'{"a/b\\u0000":"x"}'),
    "too long a value": _in_data(b'{"a":"' + b"x" * 2_900_000 + b'"}'),
    "too many keys": _in_data(b"{" + b",".join(b'"/%d":"x"' % n for n in range(20_000)) + b"}"),
}


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_json_bombs_are_refused_cheaply(server: Server, name: str) -> None:
    client = server.client()

    with others_served(server):
        answer = client.ask("POST", MAPS, JSON_BOMBS[name])

    assert 400 <= answer.status < 500, str(answer)
    client.close()


def test_a_hundred_thousand_doubled_keys_are_reported_in_measure(server: Server) -> None:
    client = server.client()
    doubled = _in_data(b"{" + b'"a":"x",' * 100_000 + b'"a":"y"}')

    strict = client.ask("POST", f"{MAPS}?fieldValidation=Strict", doubled)
    warned = client.ask("POST", f"{MAPS}?fieldValidation=Warn", doubled)

    assert strict.status == 400, str(strict)
    assert warned.status == 201, str(warned)
    client.ask("DELETE", f"{MAPS}/odd")
    client.close()


# -- connections -------------------------------------------------------------------------------


def test_half_of_everything_leaves_nothing_behind(server: Server) -> None:
    """Connections that only open, that stop in the handshake, in the head, in the body."""
    body = head("POST", MAPS, "Content-Type: application/json", "Content-Length: 1000") + b'{"a"'
    with ExitStack() as opened:
        for start in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            for _ in range(100):
                plain = socket.create_connection(("127.0.0.1", server.port))
                opened.enter_context(plain)
                plain.sendall(start)
        for start in (b"", b"GET /api", head("GET", "/api", "X-Slow: 1")[:-2], body):
            for _ in range(15):
                opened.enter_context(connect(server)).sendall(start)

        with others_served(server):
            time.sleep(0.5)


def test_a_body_that_stops_is_waited_for_only_so_long(server: Server) -> None:
    asked = head("POST", MAPS, "Content-Type: application/json", "Content-Length: 1000")
    with connect(server) as line:
        line.sendall(asked + b'{"kind"')

        began = time.monotonic()
        answer = answer_in(received(line), "half a body")

    assert answer.status == 504
    check(answer)
    assert time.monotonic() - began < BODY_SECONDS + 3


def test_a_body_byte_by_byte_is_waited_for_only_so_long(server: Server) -> None:
    asked = head("PUT", f"{MAPS}/x", "Content-Type: application/json", "Content-Length: 1000")
    with connect(server) as line:
        line.sendall(asked)
        line.settimeout(0.1)
        data, deadline = b"", time.monotonic() + BODY_SECONDS + 5
        while not data and time.monotonic() < deadline:
            line.sendall(b" ")
            with suppress(TimeoutError):
                data = line.recv(65536)

    assert answer_in(data, "byte by byte").status == 504


def test_thousands_of_idle_connections_are_held_and_let_go(server: Server) -> None:
    with ExitStack() as opened, others_served(server):
        for _ in range(int(400 * TIMES)):
            opened.enter_context(connect(server))
        for _ in range(2000):
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=ANSWER_SECONDS)
            opened.enter_context(plain)

        until(lambda: server.vitals().descriptors > 2000)


def test_uploads_broken_off_leave_nothing_behind(server: Server) -> None:
    asked = head("POST", MAPS, "Content-Type: application/json", "Content-Length: 100000")
    with others_served(server):
        for _ in range(100):
            with connect(server) as line:
                line.sendall(asked + b"x" * 5000)
                linger = struct.pack("ii", 1, 0)  # closing says RST, not FIN
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def test_answers_nobody_reads_are_not_waited_for_by_others(server: Server) -> None:
    client = server.client()
    text = "x" * 500_000
    for number in range(6):
        body = {"metadata": {"name": f"large-{number}"}, "data": {"a": text}}
        assert client.ask("POST", MAPS, body).ok
    with ExitStack() as opened, others_served(server):
        for _ in range(10):
            line = opened.enter_context(connect(server))
            line.sendall(head("GET", MAPS) * 20)
        time.sleep(0.5)
    for number in range(6):
        client.ask("DELETE", f"{MAPS}/large-{number}")
    client.close()


def test_watchers_that_never_read_are_cut_off(server: Server) -> None:
    """What is told to them stays in bounds meanwhile."""
    client = server.client()
    assert client.ask("POST", MAPS, {"metadata": {"name": "told"}}).ok
    before = server.vitals()
    watch = head("GET", f"{MAPS}?watch=1")
    with ExitStack() as opened:
        for _ in range(30):
            opened.enter_context(connect(server)).sendall(watch)
        until(lambda: server.vitals().watchers == before.watchers + 30)

        with others_served(server):
            for number in range(150):
                text = f"{number}-" + "x" * 100_000
                answer = client.ask(
                    *("PATCH", f"{MAPS}/told", {"data": {"a": text}}),
                    "application/merge-patch+json",
                )
                assert answer.ok, str(answer)
            until(lambda: server.vitals().watchers == before.watchers)

        assert server.vitals().memory < before.memory + 150 * 2**20
    client.ask("DELETE", f"{MAPS}/told")
    client.close()


def until(check_: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check_():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# -- TLS ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(head("GET", "/api"), id="plain HTTP"),
        pytest.param(b"\x00" * 20_000, id="zeros"),
        pytest.param(bytes(range(256)) * 100, id="bytes"),
        pytest.param(b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000, id="too long a record"),
        pytest.param(b"\x80\x2e\x01\x00\x02" + b"\x00" * 50, id="SSL 2"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP 2"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
    ],
)
def test_what_is_no_tls_is_closed(server: Server, garbage: bytes) -> None:
    with others_served(server):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
                with suppress(*_CUT):
                    line.sendall(garbage)
                data = received(line)

            assert b"HTTP/1.1 2" not in data


def test_old_versions_of_tls_are_refused(server: Server) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    # Asking for what is old is what this is about, and what the warning is about.
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(_CUT):
        connect(server, context).close()


def test_a_certificate_of_another_authority_is_refused(server: Server) -> None:
    leaf = trustme.CA().issue_cert("admin", common_name="admin", organization_name="system:masters")
    context = ssl.create_default_context(cafile=str(server.folder / "ca.pem"))
    leaf.configure_cert(context)

    with others_served(server), connect(server, context) as line:
        with suppress(*_CUT):
            line.sendall(head("GET", "/api/v1/secrets"))

        assert received(line) == b""


def test_a_forged_certificate_is_nobody(server: Server, tmp_path: Path) -> None:
    """It names the right authority and was signed by nobody the server knows."""
    forger = trustme.CA(organization_name="fuzz")
    leaf = forger.issue_cert("admin", common_name="admin", organization_name="system:masters")
    context = ssl.create_default_context(cafile=str(server.folder / "ca.pem"))
    leaf.configure_cert(context)

    with connect(server, context) as line:
        with suppress(*_CUT):
            line.sendall(head("GET", "/api/v1/secrets"))

        assert b"200 OK" not in received(line)


# -- HTTP --------------------------------------------------------------------------------------

GARBAGE = {
    "binary": bytes(range(256)) * 20,
    "no version": b"GET /api\r\n\r\n",
    "version 9": b"GET /api HTTP/9.9\r\nHost: a\r\n\r\n",
    "HTTP 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a huge path": head("GET", "/api/" + "a" * 200_000),
    "a huge query": head("GET", "/api?a=" + "a" * 200_000),
    "a huge header": head("GET", "/api", "X-Huge: " + "a" * 200_000),
    "many headers": head("GET", "/api", *[f"X-{number}: a" for number in range(5000)]),
    "a header without end": b"GET /api HTTP/1.1\r\nX: " + b"a" * 200_000,
    "NUL in a header": head("GET", "/api", "X: a\x00b"),
    "a header with no name": head("GET", "/api", ": a"),
    "a space in a name": head("GET", "/api", "X Y: a"),
    "folded": head("GET", "/api", "X: a", " b"),
    "negative length": head("POST", MAPS, "Content-Length: -1"),
    "two lengths": head("POST", MAPS, "Content-Length: 1", "Content-Length: 2") + b"ab",
    "an endless length": head("POST", MAPS, f"Content-Length: {'9' * 400}"),
    "length and chunks": head("POST", MAPS, "Content-Length: 5", "Transfer-Encoding: chunked")
    + b"0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\n\r\n",
    "bad chunks": head("POST", MAPS, "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n",
    "an endless chunk": head("POST", MAPS, "Transfer-Encoding: chunked") + b"f" * 100 + b"\r\n",
    "unknown coding": head("POST", MAPS, "Transfer-Encoding: nonsense") + b"abc",
    "no host": b"GET /api HTTP/1.1\r\n\r\n",
    "a bad host": b"GET /api HTTP/1.1\r\nHost: [::\r\n\r\n",
    "a whole URL": b"GET https://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "another's URL": b"GET http://example.com/api HTTP/1.1\r\nHost: a\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "expectation": head("POST", MAPS, "Expect: miracles", "Content-Length: 2") + b"{}",
    "only ends of lines": b"\r\n" * 10_000 + head("GET", "/api", "Connection: close"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_request_is_refused_and_closed(server: Server, name: str) -> None:
    with others_served(server):
        data = exchange(server, GARBAGE[name])

    if data:
        assert answer_in(data, name).status != 500


def test_garbage_behind_a_request_does_not_hurt_the_request(server: Server) -> None:
    asked = head("GET", "/api/v1/namespaces/default")

    data = exchange(server, asked, asked + bytes(range(256)) * 50)

    # What came in one piece with the garbage may be refused with it.
    assert answer_in(data, "pipelined").status in (200, 400)


PATHS = (
    *("/api/v1/../../etc/passwd", "/api/v1/namespaces/%2e%2e/configmaps", "/%00", "/api/%00/x"),
    *(f"{MAPS}/%00", f"{MAPS}/a%00b", f"{MAPS}/%2F", f"{MAPS}/..%2f..", f"{MAPS}/%ff%fe"),
    *(f"{MAPS}/%zz", f"{MAPS}/%", f"{MAPS}/%e4", f"{MAPS}/a%0d%0aX: y", f"{MAPS}/{'a' * 5000}"),
    *("//api//v1", "/api/v1//namespaces//default", "/api/v1/namespaces/default/", "/?%00=%00"),
    *(f"{MAPS}?limit=99999999999999999999", f"{MAPS}?limit=-1", f"{MAPS}?limit=%00"),
    *(f"{MAPS}?continue=%ff%00", f"{MAPS}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"),
    *(f"{MAPS}?resourceVersion=-1", f"{MAPS}?resourceVersion={'9' * 5000}"),
    *(f"{MAPS}?watch=1&resourceVersion={'9' * 30}", f"{MAPS}?watch=1&timeoutSeconds=1e9"),
    *(f"{MAPS}?labelSelector={'a%2C' * 5000}", f"{MAPS}?labelSelector=(((", f"{MAPS}?%ff=%ff"),
    *(f"{MAPS}?fieldSelector={'metadata.name%3Da%2C' * 2000}", f"{MAPS}?fieldSelector=%00"),
    *("/apis/%00/v1/x", "/apis/a/b/c/d/e/f/g/h/i/j", "/openapi/v3/..%2f..%2fetc", "/metrics/%00"),
    *("/readyz/%00", "/healthz/nonsense", "/.well-known/../api", "/openapi/v3/api/v1?hash=%00"),
    *(f"{MAPS}?resourceVersionMatch=Exact&resourceVersion=1&limit=1", "/api/v1/watch/watch/watch"),
    *(f"{MAPS}?timeoutSeconds=-1&watch=1&sendInitialEvents=maybe", "/api/v1/nodes/a/proxy/..%2f"),
)


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_odd_paths_are_answered_as_any_other(server: Server, method: str, path: str) -> None:
    if method == "DELETE" and path.startswith(f"{MAPS}?"):
        path = path.replace(MAPS, f"{MAPS}/nobody")
    data = exchange(server, head(method, path, "Connection: close"))

    answer = answer_in(data, path)
    assert answer.status != 501, str(answer)
    check(answer) if answer.content_type.startswith("application/json") else None


@pytest.mark.parametrize(
    "method", ["BREW", "TRACE", "get", "PROPFIND", "OPTIONS", "X" * 200, "G\t"]
)
def test_methods_nobody_knows_are_refused(server: Server, method: str) -> None:
    data = exchange(server, head(method, MAPS, "Connection: close"))

    assert answer_in(data, method).status in (400, 403, 405)


# -- streams -----------------------------------------------------------------------------------

WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: v5.channel.k8s.io",
)
SPDY = (
    "Connection: Upgrade",
    "Upgrade: SPDY/3.1",
    "X-Stream-Protocol-Version: v4.channel.k8s.io",
    "Content-Length: 0",
)
UPGRADES = {
    "websocket": WEBSOCKET,
    "spdy": SPDY,
    "websocket of no version": (*WEBSOCKET[:2], "Sec-WebSocket-Version: 99"),
    "websocket with no key": WEBSOCKET[:3],
    "another protocol": (*WEBSOCKET[:4], "Sec-WebSocket-Protocol: nonsense"),
    "unknown": ("Connection: Upgrade", "Upgrade: nonsense/1"),
    "http 2": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"),
}


@pytest.fixture
def pod(running: Server) -> Iterator[str]:
    client = running.client()
    body = {"metadata": {"name": "streams"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    assert client.ask("POST", "/api/v1/namespaces/default/pods", body).ok
    path = "/api/v1/namespaces/default/pods/streams"
    yield path
    client.ask("DELETE", f"{path}?gracePeriodSeconds=0")
    client.close()


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize(
    "part", ["exec?command=a&stdin=1", "attach?stdin=1", "portforward?ports=1"]
)
def test_garbage_in_streams_ends_the_stream(
    pod: str, server: Server, upgrade: str, part: str
) -> None:
    asked = head("POST" if "SPDY" in str(UPGRADES[upgrade]) else "GET", f"{pod}/{part}")
    asked = asked[:-2] + "\r\n".join((*UPGRADES[upgrade], "", "")).encode()

    for garbage in streams_garbage():
        data = exchange(server, asked, garbage)

        assert not data.startswith(b"HTTP/1.1 500"), data


def streams_garbage() -> Sequence[bytes]:
    return (
        bytes(range(256)) * 20,
        b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" + b"\x00" * 100,  # a frame of 2**64 bytes
        b"\x80\x03\x00\x01\x01\xff\xff\xff" + b"\x00" * 1000,  # SYN_STREAM of 16 MB
        json.dumps({"a": 1}).encode(),
    )
