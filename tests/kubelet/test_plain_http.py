"""The small HTTP client of probes, against servers that answer byte by byte as told."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest

from minikube_py.kubelet.plain_http import MalformedAnswer, get_status


async def ask(
    answer: list[bytes], *, stays_open: bool = False, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """(status, what the server was sent)."""
    asked, over = b"", asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = await reader.readuntil(b"\r\n\r\n")
        for part in answer:
            writer.write(part)
            with suppress(OSError):
                await writer.drain()
            await asyncio.sleep(0.005)
        with suppress(OSError):
            if stays_open:
                await reader.read()
            writer.close()
            await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(2):
        port = server.sockets[0].getsockname()[1]
        try:
            status = await get_status("127.0.0.1", port, "/a?b=c", headers or {})
        finally:
            await over.wait()
    return status, asked.replace(str(port).encode(), b"PORT")


@pytest.mark.parametrize(
    ("answer", "stays_open"),
    [
        ([b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"], True),
        ([b"HTTP/1.1 503", b" No\r\n", b"content-length:0\r\n", b"\r\n"], True),
        ([b"HTTP/1.0 503 No\r\n\r\n", b"until the end"], False),
        ([b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n", b"0\r\n\r\n"], True),
        ([b"HTTP/1.1 503 No\r\nContent-Length: 99999999\r\n\r\n", b"x" * 20000], True),
    ],
    ids=["length", "in pieces", "until closed", "chunks", "only the first 10 KiB"],
)
async def test_an_answer_is_read_to_its_end_and_told_by_its_status(
    answer: list[bytes], stays_open: bool
) -> None:
    assert (await ask(answer, stays_open=stays_open))[0] == 503


async def test_headers_are_sent_and_a_host_replaces_the_own() -> None:
    plain = (await ask([b"HTTP/1.1 204 OK\r\n\r\n"]))[1]
    named = (await ask([b"HTTP/1.1 204 OK\r\n\r\n"], headers={"host": "shop", "X-A": "1"}))[1]

    assert plain == b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
    assert b"\r\nHost: shop\r\nX-A: 1\r\n" in named


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"], "malformed HTTP response"),
        ([b"HTTP/1.1 200 OK\r\nX: "], "EOF"),
        ([], "EOF"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000], "too long"),
    ],
    ids=["another protocol", "half an answer", "none", "endless headers"],
)
async def test_what_is_no_answer_is_an_error(answer: list[bytes], message: str) -> None:
    with pytest.raises(OSError, match=message):
        await ask(answer)


async def test_headers_can_not_smuggle_lines() -> None:
    with pytest.raises(ValueError, match="line break"):
        await get_status("127.0.0.1", 1, "/", {"X": "a\r\nY: b"})


def test_a_malformed_answer_is_a_connection_error() -> None:
    assert issubclass(MalformedAnswer, ConnectionError)
