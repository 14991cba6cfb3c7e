"""kubectl's streams: the installed one speaks WebSocket, older ones SPDY/3.1."""

import asyncio

import pytest

from minikube_py.kinds.catalog import POD
from tests.api.conftest import Kubectl
from tests.api.test_kubectl import pod

WEBSOCKET, SPDY = "websockets", "spdy"


@pytest.fixture(params=[WEBSOCKET, SPDY])
async def streaming(kubectl: Kubectl, request: pytest.FixtureRequest) -> Kubectl:
    """kubectl with a running pod, made to speak one protocol or the other."""
    on = "true" if request.param == WEBSOCKET else "false"
    kubectl.environment = {
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": on,
        "KUBECTL_PORT_FORWARD_WEBSOCKETS": on,
    }
    await kubectl.apply(pod())

    def running(obj: dict[str, object]) -> None:
        obj["status"] = {"phase": "Running"}

    await kubectl.cluster.resources.update_status(POD, "default", "web", running)
    return kubectl


async def test_exec_shows_both_outputs_and_the_exit_code(streaming: Kubectl) -> None:
    code, out, err = await streaming.run("exec", "web", "--", "both")
    failed = await streaming.run("exec", "web", "--", "exit", "7")

    assert (code, out, err) == (0, "out\n", "err\n")
    assert failed[0] == 7


async def test_exec_passes_stdin_and_its_end(streaming: Kubectl) -> None:
    text = "x" * 300_000

    assert await streaming("exec", "-i", "web", "--", "cat", stdin=text) == text
    assert await streaming("exec", "-i", "web", "--", "count", stdin=text) == "300000\n"


async def test_exec_in_a_container_that_is_not_there_says_so(streaming: Kubectl) -> None:
    code, _, error = await streaming.run("exec", "web", "-c", "none", "--", "echo")

    assert code == 1
    assert "none" in error


async def test_much_output_arrives_whole(streaming: Kubectl) -> None:
    assert len(await streaming("exec", "web", "--", "flood", "100")) == 100 * 32768


async def test_attach_echoes(streaming: Kubectl) -> None:
    assert "hello" in await streaming("attach", "-i", "web", stdin="hello\n")


async def test_logs_are_followed(streaming: Kubectl) -> None:
    streaming.cluster.streams.more_lines.put_nowait(b"four\n")
    streaming.cluster.streams.more_lines.put_nowait(None)

    assert await streaming("logs", "-f", "web", "--tail=1") == "three\nfour\n"


async def test_ports_are_forwarded(streaming: Kubectl) -> None:
    async def capitals(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(capitals, "127.0.0.1", 0)
    streaming.cluster.streams.forward_to = ("127.0.0.1", server.sockets[0].getsockname()[1])
    process = await streaming.start("port-forward", "pod/web", ":80")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
            port = int(line.split(" -> ")[0].rsplit(":", 1)[1])
            answers = await asyncio.gather(*(_ask(port, f"hello {n} " * 5000) for n in range(5)))
    finally:
        process.kill()
        await process.communicate()
        server.close()
        await server.wait_closed()

    assert answers == [f"HELLO {n} " * 5000 for n in range(5)]


async def _ask(port: int, text: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def say() -> None:
        writer.write(text.encode())
        await writer.drain()
        writer.write_eof()

    saying = asyncio.ensure_future(say())
    answer = await reader.read()
    await saying
    writer.close()
    await writer.wait_closed()
    return answer.decode()
