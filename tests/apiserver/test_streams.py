"""Log, exec, attach and port-forward over WebSocket, with small programs in place of containers."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from minikube_py.resources.rbac.attributes import Attributes, Decision
from tests.apiserver.serving import Certificates, Cluster, serve

POD = "/api/v1/namespaces/default/pods/web"
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"


@asynccontextmanager
async def exec_socket(
    cluster: Cluster, *command: str, protocol: str = V5, **flags: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    wanted = {"stdout": "true", "stderr": "true", **flags}
    query = [*wanted.items(), *(("command", word) for word in command)]
    async with cluster.http.ws_connect(f"{POD}/exec", params=query, protocols=[protocol]) as socket:
        yield socket


async def everything(socket: aiohttp.ClientWebSocketResponse) -> dict[int, bytes]:
    """All that comes, by channel."""
    found: dict[int, bytes] = {}
    async with asyncio.timeout(5):
        async for message in socket:
            found[message.data[0]] = found.get(message.data[0], b"") + message.data[1:]
    return found


async def test_output_comes_on_its_channels_and_the_end_on_the_third(cluster: Cluster) -> None:
    async with exec_socket(cluster, "both") as socket:
        found = await everything(socket)

    assert socket.protocol == V5
    assert found[1] == b"out\n"
    assert found[2] == b"err\n"
    assert json.loads(found[3]) == {"metadata": {}, "status": "Success"}
    await asyncio.wait_for(cluster.streams.sessions[0].closed.wait(), 5)


async def test_the_exit_code_travels_as_a_cause(cluster: Cluster) -> None:
    async with exec_socket(cluster, "exit", "7", protocol=V4) as socket:
        status = json.loads((await everything(socket))[3])

    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]


async def test_stdin_is_closed_by_the_client_in_v5(cluster: Cluster) -> None:
    async with exec_socket(cluster, "count", stdin="true") as socket:
        await socket.send_bytes(b"\x00hello")
        await socket.send_bytes(b"\x00 world")
        await socket.send_bytes(b"\xff\x00")
        found = await everything(socket)

    assert found[1] == b"11\n"


async def test_a_terminal_is_told_its_size(cluster: Cluster) -> None:
    async with exec_socket(cluster, "size", tty="true", stdin="true") as socket:
        await socket.send_bytes(b"\x04nonsense")
        await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
        found = await everything(socket)

    assert found[1] == b"80x24\n"


async def test_the_base64_protocol_is_text(cluster: Cluster) -> None:
    async with exec_socket(cluster, "echo", "hi", protocol="v4.base64.channel.k8s.io") as socket:
        message = await socket.receive_str()

    assert message[0] == "1"
    assert base64.b64decode(message[1:]) == b"hi\n"


async def test_a_client_that_leaves_ends_the_session(cluster: Cluster) -> None:
    async with exec_socket(cluster, "sleep") as socket:
        await socket.close()

    await asyncio.wait_for(cluster.streams.sessions[0].closed.wait(), 5)


async def test_megabytes_pass(cluster: Cluster) -> None:
    async with exec_socket(cluster, "flood", "200") as socket:
        found = await everything(socket)

    assert len(found[1]) == 200 * 32768


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        pytest.param(f"{POD}/exec", {"command": "echo"}, 400, id="no-streams"),
        pytest.param(f"{POD}/exec", {"stdout": "1"}, 400, id="no-command"),
        pytest.param(
            f"{POD}/exec", {"stdout": "1", "command": "x", "container": "none"}, 400, id="container"
        ),
        pytest.param(f"{POD}x/attach", {"stdout": "1"}, 404, id="no-pod"),
        pytest.param(f"{POD}/portforward", {}, 400, id="no-ports"),
    ],
)
async def test_what_fails_before_the_upgrade_is_a_status(
    cluster: Cluster, path: str, params: dict[str, str], code: int
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await cluster.http.ws_connect(path, params=params, protocols=[V5])

    assert caught.value.status == code


async def test_a_plain_get_of_exec_is_refused_with_advice(cluster: Cluster) -> None:
    answer = await cluster.http.get(f"{POD}/exec", params={"command": "x", "stdout": "1"})

    assert answer.status == 400
    assert "WebSocket" in (await answer.json())["message"]


async def test_attach_reaches_the_running_process(cluster: Cluster) -> None:
    async with cluster.http.ws_connect(
        f"{POD}/attach", params={"stdin": "1", "stdout": "1"}, protocols=[V5]
    ) as socket:
        await socket.send_bytes(b"\x00ping")
        echoed = await socket.receive_bytes(timeout=5)

    assert echoed == b"\x01ping"


@pytest.mark.parametrize(
    ("protocol", "first"),
    [("binary.k8s.io", b"two\n"), ("base64.binary.k8s.io", "dHdvCg==")],
)
async def test_logs_come_over_a_websocket_too(
    cluster: Cluster, protocol: str, first: str | bytes
) -> None:
    async with cluster.http.ws_connect(
        f"{POD}/log", params={"tailLines": "2"}, protocols=[protocol]
    ) as socket:
        message = await socket.receive(timeout=5)
        rest = [message async for message in socket]

    assert message.data == first
    assert len(rest) == 1


async def test_logs_are_read_with_their_options(cluster: Cluster) -> None:
    answer = await cluster.http.get(
        f"{POD}/log",
        params={"tailLines": "2", "timestamps": "true", "sinceSeconds": "60", "limitBytes": "99"},
    )

    wanted = cluster.streams.log_requests[0]
    assert await answer.text() == "two\nthree\n"
    assert (wanted.tail, wanted.timestamps, wanted.since_seconds, wanted.limit_bytes) == (
        2,
        True,
        60,
        99,
    )


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        pytest.param(f"{POD}/log", {"tailLines": "-1"}, 422, id="tail"),
        pytest.param(f"{POD}/log", {"tailLines": "few"}, 400, id="no-number"),
        pytest.param(f"{POD}/log", {"limitBytes": "0"}, 422, id="limit"),
        pytest.param(f"{POD}/log", {"sinceSeconds": "0"}, 422, id="since"),
        pytest.param(f"{POD}/log", {"stream": "Both"}, 422, id="stream"),
        pytest.param(
            f"{POD}/log", {"stream": "Stderr", "tailLines": "1"}, 422, id="tail-of-a-stream"
        ),
        pytest.param(f"{POD}/log", {"sinceTime": "noon"}, 400, id="time"),
        pytest.param(
            f"{POD}/log", {"sinceTime": "2026-01-01T00:00:00Z", "sinceSeconds": "1"}, 422, id="both"
        ),
        pytest.param(f"{POD}x/log", {}, 404, id="no-pod"),
    ],
)
async def test_log_requests_that_are_refused(
    cluster: Cluster, path: str, params: dict[str, str], code: int
) -> None:
    answer = await cluster.http.get(path, params=params)

    assert answer.status == code
    assert (await answer.json())["kind"] == "Status"


async def test_followed_logs_end_with_their_reader(cluster: Cluster) -> None:
    answer = await cluster.http.get(f"{POD}/log", params={"follow": "true", "tailLines": "1"})
    first = await answer.content.readline()
    cluster.streams.more_lines.put_nowait(b"four\n")
    second = await answer.content.readline()

    answer.close()

    assert (first, second) == (b"three\n", b"four\n")
    await asyncio.wait_for(cluster.streams.left.wait(), 5)


@pytest.fixture
async def echo_server(cluster: Cluster) -> AsyncIterator[None]:
    """What port-forward leads to: answers in capitals."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data.upper())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    cluster.streams.forward_to = ("127.0.0.1", server.sockets[0].getsockname()[1])
    yield
    server.close()
    await server.wait_closed()


async def test_ports_are_forwarded_over_channels(cluster: Cluster, echo_server: None) -> None:
    params: Any = [("ports", "80"), ("ports", "81")]
    async with cluster.http.ws_connect(
        f"{POD}/portforward", params=params, protocols=[V4]
    ) as socket:
        heads = [await socket.receive_bytes(timeout=5) for _ in range(4)]
        await socket.send_bytes(b"\x00hello")
        rest = {message[0]: message[1:] for message in [await socket.receive_bytes() for _ in "ab"]}

    assert heads == [b"\x00P\x00", b"\x01P\x00", b"\x02Q\x00", b"\x03Q\x00"]
    assert rest[0] == b"HELLO"
    assert b"nothing listens on port 81" in rest[3]


class OnlyLooking:
    """Everyone may get, nobody may create."""

    def authorize(self, asked: Attributes) -> Decision:
        return Decision(asked.verb == "get")


@pytest.mark.parametrize("stream", ["exec", "attach", "portforward"])
async def test_who_may_only_look_gets_no_stream(
    tmp_path: Path, certificates: Certificates, stream: str
) -> None:
    async with serve(tmp_path, certificates, authorizer=OnlyLooking()) as cluster:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await cluster.http.ws_connect(
                f"{POD}/{stream}", params={"command": "echo", "stdout": "1", "ports": "80"}
            )
        log = await (await cluster.http.get(f"{POD}/log")).text()

    assert caught.value.status == 403
    assert log.startswith("one")
