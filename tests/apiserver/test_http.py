"""HTTP as clients speak it besides the plain request: kept connections, pipelines, pieces."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.apiserver.serving import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"


class Connection:
    """One TLS connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, text: str) -> None:
        self._writer.write(text.replace("\n", "\r\n").encode())
        await self._writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(5):
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers

    async def answer(self) -> tuple[int, bytes]:
        code, headers = await self.head()
        async with asyncio.timeout(5):
            return code, await self._reader.readexactly(int(headers["content-length"]))

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@asynccontextmanager
async def connected(cluster: Cluster) -> AsyncIterator[Connection]:
    port = int(cluster.url.rpartition(":")[2])
    context = cluster.certificates.client_context("admin")
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port, ssl=context))
    try:
        yield connection
    finally:
        await connection.close()


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\nHost: mk\n\n"


async def test_one_connection_serves_many_requests(cluster: Cluster) -> None:
    async with connected(cluster) as connection:
        for path in ("/version", MAPS, f"{MAPS}/none", "/version"):
            await connection.send(get(path))
            code, body = await connection.answer()
            assert code == (404 if path.endswith("none") else 200)
            assert json.loads(body)


async def test_requests_sent_ahead_are_answered_in_their_order(cluster: Cluster) -> None:
    async with connected(cluster) as connection:
        await connection.send(get("/version") + get(f"{MAPS}/a") + get(f"{MAPS}/b"))

        assert "gitVersion" in (await connection.answer())[1].decode()
        assert '"a\\" not found' in (await connection.answer())[1].decode()
        assert '"b\\" not found' in (await connection.answer())[1].decode()


async def test_a_client_may_ask_before_it_sends_its_body(cluster: Cluster) -> None:
    body = json.dumps({"metadata": {"name": "a"}})
    async with connected(cluster) as connection:
        await connection.send(
            f"POST {MAPS} HTTP/1.1\nHost: mk\nContent-Type: application/json\n"
            f"Content-Length: {len(body)}\nExpect: 100-continue\n\n"
        )
        assert (await connection.head())[0] == 100
        await connection.send(body)
        assert (await connection.answer())[0] == 201


async def test_a_body_may_come_in_pieces(cluster: Cluster) -> None:
    pieces = ['{"metadata": {"na', 'me": "a"}}']
    chunks = "".join(f"{len(piece):x}\n{piece}\n" for piece in pieces) + "0\n\n"
    async with connected(cluster) as connection:
        await connection.send(
            f"POST {MAPS} HTTP/1.1\nHost: mk\nContent-Type: application/json\n"
            f"Transfer-Encoding: chunked\n\n{chunks}"
        )
        assert (await connection.answer())[0] == 201
        await connection.send(get(f"{MAPS}/a"))
        assert (await connection.answer())[0] == 200


@pytest.mark.parametrize("path", ["configmaps/a%2eb", "config%6daps/a.b", "configmaps/a.b/"])
async def test_escaped_paths_are_the_same_paths(cluster: Cluster, path: str) -> None:
    async with cluster.http.post(MAPS, json={"metadata": {"name": "a.b"}}) as made:
        assert made.status == 201
    async with connected(cluster) as connection:
        await connection.send(get(f"/api/v1/namespaces/default/{path}"))
        assert (await connection.answer())[0] == 200


async def test_long_selectors_are_read_and_endless_ones_refused(cluster: Cluster) -> None:
    values = ",".join(f"value-{number}" for number in range(3000))
    async with connected(cluster) as connection:
        await connection.send(get(f"{MAPS}?labelSelector=a%20in%20({values})"))
        assert (await connection.answer())[0] == 200
        await connection.send(get(f"{MAPS}?labelSelector=a%3D{'x' * 100_000}"))
        assert (await connection.head())[0] in (400, 414)


async def test_half_a_request_holds_up_nobody(cluster: Cluster) -> None:
    async with connected(cluster) as half, connected(cluster) as other:
        await half.send(f"POST {MAPS} HTTP/1.1\nHost: mk\nContent-Length: 1000\n\n{{")
        await other.send(get("/version"))
        assert (await other.answer())[0] == 200


async def test_what_is_no_http_is_refused(cluster: Cluster) -> None:
    async with connected(cluster) as connection:
        await connection.send("BREW coffee\n\n")
        assert (await connection.head())[0] == 400


async def test_a_body_beyond_the_limit_is_refused_unread(cluster: Cluster) -> None:
    async with connected(cluster) as connection:
        await connection.send(
            f"POST {MAPS} HTTP/1.1\nHost: mk\nContent-Type: application/json\n"
            f"Content-Length: {4 * 1024 * 1024}\n\n"
        )
        code, headers = await connection.head()
        assert (code, headers["content-type"]) == (413, "application/json")
