"""Streams against a server that plays the engine on a Unix socket."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.engine_socket import (
    START_IT,
    EngineAddress,
    EngineRefused,
    EngineSocket,
    parse_address,
)
from minikube_py.container_runtime.interface import RuntimeFailure, RuntimeUnavailable
from minikube_py.container_runtime.observer import Observer
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import system_clock

Answer = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def engine(path: Path, answer: Answer) -> AsyncIterator[EngineSocket]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, path / "docker.sock")
    async with server:
        yield EngineSocket(EngineAddress(path=str(path / "docker.sock")), version)


async def version() -> str:
    return "1.41"


async def test_a_body_is_read_to_its_end(tmp_path: Path) -> None:
    heads = []

    async def answer(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\none\ntwo\nthr")
        await writer.drain()
        writer.write(b"ee")

    async with (
        engine(tmp_path, answer) as socket,
        socket.request("GET", "/containers/x/logs", query={"tail": 3}) as stream,
    ):
        lines = [line async for line in stream.lines()]

    assert lines == [b"one", b"two", b"three"]
    assert heads[0].startswith(b"GET /v1.41/containers/x/logs?tail=3 HTTP/1.0\r\n")


async def test_what_follows_an_upgrade_at_once_is_not_lost(tmp_path: Path) -> None:
    async def answer(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nfirst ")
        writer.write(await reader.read())

    async with engine(tmp_path, answer) as socket:
        stream = await socket.upgrade("/exec/1/start")
        await stream.write(b"and typed")
        stream.end_input()
        said = await stream.read_all()
        await stream.close()

    assert said == b"first and typed"


async def test_a_refusal_has_the_engines_words(tmp_path: Path) -> None:
    async def answer(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 409 Conflict\r\n\r\n1f\r\n{"message":"already running"}\r\n0\r\n')

    async with engine(tmp_path, answer) as socket:
        with pytest.raises(EngineRefused, match="already running") as refused:
            await socket.upgrade("/exec/1/start")

    assert refused.value.status == 409


async def test_an_answer_that_breaks_off_is_the_engine_gone(tmp_path: Path) -> None:
    async def answer(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 20")

    async with engine(tmp_path, answer) as socket:
        with pytest.raises(RuntimeUnavailable, match=re.escape(START_IT)):
            await socket.upgrade("/exec/1/start")


async def test_an_engine_that_stops_while_it_answers_is_told_of_with_advice(tmp_path: Path) -> None:
    async def answer(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    async with engine(tmp_path, answer):
        made = DockerEngine(
            Cluster("c"), clock=system_clock, base_url=f"unix://{tmp_path}/docker.sock"
        )
        with pytest.raises(RuntimeUnavailable, match=re.escape(START_IT)):
            await made.ping()
        await made.close()


async def test_events_are_taken_up_again_after_the_engine_was_away(tmp_path: Path) -> None:
    connections = 0
    event = (
        b'{"Action":"die","Actor":{"ID":"c%d","Attributes":'
        b'{"name":"k8s_main_web_default_uid-1_0_mk"}}}\n'
    )

    async def answer(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + event % connections)

    def no_calls(_: object) -> Awaitable[None]:
        raise AssertionError

    observer = Observer(no_calls, "mk", system_clock)  # type: ignore[arg-type]
    async with engine(tmp_path, answer) as socket:
        events = observer.events(socket)
        seen = [await anext(events) for _ in range(4)]
        await events.aclose()  # type: ignore[attr-defined]

    assert [(one.pod_uid, one.container_id) for one in seen] == [
        ("", ""),
        ("uid-1", "c1"),
        ("", ""),
        ("uid-1", "c2"),
    ]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", EngineAddress(path="/var/run/docker.sock")),
        ("unix:///run/user/0/docker.sock", EngineAddress(path="/run/user/0/docker.sock")),
        ("tcp://127.0.0.1:2375", EngineAddress(host="127.0.0.1", port=2375)),
    ],
)
def test_addresses_are_dockers(url: str, address: EngineAddress) -> None:
    assert parse_address(url) == address


def test_an_engine_elsewhere_is_refused_by_name() -> None:
    with pytest.raises(RuntimeFailure, match="ssh://host"):
        parse_address("ssh://host")
