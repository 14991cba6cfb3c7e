"""Checks against real servers on loopback."""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import web

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.kubelet.probe_actions import Outcome, ProbeActions, ProbeTarget


class Exec:
    """A runtime that only runs commands."""

    async def exec_sync(
        self, container_id: str, command: list[str], *, timeout_seconds: float
    ) -> tuple[int, bytes]:
        if command == ["sleep"]:
            await asyncio.sleep(60)
        if command == ["pg_isready"]:
            return (127, b"pg_isready: not found")
        return (0, b"fine") if command == ["true"] else (3, b"")


@pytest.fixture
async def actions() -> AsyncIterator[ProbeActions]:
    made = ProbeActions(cast(ContainerRuntime, Exec()))
    yield made
    await made.close()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """An HTTP server with a few manners."""

    async def answer(request: web.Request) -> web.Response:
        path = request.path
        if path == "/slow":
            await asyncio.sleep(1)
        if path == "/away":
            raise web.HTTPFound("http://elsewhere.invalid/")
        if path == "/moved":
            raise web.HTTPFound("/broken")
        if path == "/header":
            return web.Response(status=200 if request.headers.get("X-A") == "1" else 400)
        return web.Response(status=500 if path == "/broken" else 200, text="x" * 100_000)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def target(port: int = 0) -> ProbeTarget:
    container = {"name": "app", "ports": [{"name": "http", "containerPort": port}]}
    return ProbeTarget("c0", container, "127.0.0.1")


async def http(actions: ProbeActions, port: int, path: str, **more: Any) -> Outcome:
    action = {"httpGet": {"path": path, "port": "http", **more}}
    return await actions.check(action, target(port), 0.3)


async def test_http_is_judged_by_its_status(actions: ProbeActions, port: int) -> None:
    good = await http(actions, port, "/")
    bad = await http(actions, port, "/broken")

    assert good.ok
    assert bad == Outcome(False, "HTTP probe failed with statuscode: 500")


async def test_http_follows_redirects_on_the_same_host_only(
    actions: ProbeActions, port: int
) -> None:
    assert not (await http(actions, port, "/moved")).ok
    assert (await http(actions, port, "/away")).ok


async def test_a_hook_takes_any_answer_but_wants_one(actions: ProbeActions, port: int) -> None:
    def hook(path: str, port: int) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": port}}

    assert (await actions.run_hook(hook("/nothing-here", port), target(), 1)).ok
    assert not (await actions.run_hook(hook("/", 1), target(), 1)).ok


async def test_http_sends_its_headers(actions: ProbeActions, port: int) -> None:
    assert (await http(actions, port, "/header", httpHeaders=[{"name": "X-A", "value": "1"}])).ok
    assert not (await http(actions, port, "/header")).ok


SLOW = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


async def test_slow_answers_time_out(actions: ProbeActions, port: int) -> None:
    outcome = await http(actions, port, "/slow")

    assert outcome == Outcome(False, f'Get "http://127.0.0.1:{port}/slow": {SLOW}')


async def test_nobody_listening_is_told(actions: ProbeActions) -> None:
    http_outcome = await http(actions, 1, "/")
    tcp_outcome = await actions.check({"tcpSocket": {"port": 1}}, target(), 1)

    assert http_outcome.message.endswith("dial tcp 127.0.0.1:1: connect: connection refused")
    assert tcp_outcome.message == "dial tcp 127.0.0.1:1: connect: connection refused"


async def test_tcp_only_connects(actions: ProbeActions, port: int) -> None:
    assert (await actions.check({"tcpSocket": {"port": port}}, target(), 1)).ok


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            {"exec": {"command": ["pg_isready", "-q"]}},
            'command timed out: "pg_isready -q" timed out after 2s',
        ),
        ({"tcpSocket": {"port": 80}}, "dial tcp 127.0.0.1:80: i/o timeout"),
        (
            {"grpc": {"port": 5000}},
            'timeout: failed to connect service "127.0.0.1:5000" within 2s: context deadline '
            "exceeded",
        ),
        ({"sleep": {"seconds": 9}}, "timed out after 2s"),
    ],
    ids=["exec", "tcp", "grpc", "sleep"],
)
@pytest.mark.looptime
async def test_what_takes_too_long_is_told_in_kubelets_words(
    actions: ProbeActions, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any], message: str
) -> None:
    async def never(*_: object) -> Outcome:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(actions, "_run", never)

    assert await actions.check(action, target(), 2) == Outcome(False, message)


async def test_an_unknown_port_name_is_told(actions: ProbeActions) -> None:
    outcome = await actions.check({"tcpSocket": {"port": "nope"}}, target(), 1)

    assert outcome.message == 'couldn\'t find port "nope" in container "app"'


async def test_commands_are_judged_by_their_exit_code(actions: ProbeActions) -> None:
    assert await actions.check({"exec": {"command": ["true"]}}, target(), 1) == Outcome(True)
    assert await actions.check({"exec": {"command": ["false"]}}, target(), 1) == Outcome(
        False, "command exited with 3"
    )
    assert not (await actions.check({"exec": {"command": ["pg_isready"]}}, target(), 1)).ok
    assert not (await actions.check({"exec": {"command": ["sleep"]}}, target(), 0.05)).ok


async def test_on_paper_every_port_answers_and_every_unknown_program() -> None:
    actions = ProbeActions(cast(ContainerRuntime, Exec()), on_paper=True)

    assert (await actions.check({"httpGet": {"port": 1}}, target(), 1)).ok
    assert not (await actions.check({"exec": {"command": ["false"]}}, target(), 1)).ok
    assert (await actions.check({"exec": {"command": ["pg_isready"]}}, target(), 1)).ok


def frame(type_: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([type_, flags]) + stream.to_bytes(4, "big")
    return head + payload


@pytest.mark.parametrize(
    ("status", "ok"), [(b"\x08\x01", True), (b"\x08\x02", False), (b"", False), (None, False)]
)
async def test_grpc_health_is_read_from_the_answer(
    actions: ProbeActions, status: bytes | None, ok: bool
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(24)
        writer.write(frame(4, 0, 0, b"") + frame(6, 0, 0, b"12345678"))
        writer.write(frame(1, 4, 1, b"\x88"))
        if status is not None:
            body = b"\x00" + struct.pack(">I", len(status)) + status
            writer.write(frame(0, 0, 1, body))
        writer.write(frame(1, 5, 1, b"\x88"))
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    outcome = await actions.check({"grpc": {"port": port}}, target(), 1)

    server.close()
    assert outcome.ok is ok
