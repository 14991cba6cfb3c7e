"""What goes on until it is stopped, as a process of its own: port-forward, logs -f, get -w."""

import asyncio
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.apiserver.serving import Cluster
from tests.cli.conftest import Mk
from tests.cli.test_commands import CONFIG, make_pod

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(mk: Mk) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "minikube_py.cli.main", "--kubeconfig", str(mk.kubeconfig)]
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [*command, *words], stdout=subprocess.PIPE, text=True, env=environment
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


async def serve_hello(cluster: Cluster) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    cluster.streams.forward_to = server.sockets[0].getsockname()[:2]
    return server


async def stop_serving(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()


def test_a_forwarded_port_reaches_the_pod(mk: Mk, start: Start) -> None:
    mk.server.call(make_pod)
    server = mk.server.call(serve_hello)

    process = start("port-forward", "pod/web", ":80")
    address = line(process).split()[2]

    assert address.startswith("127.0.0.1:")
    for _ in range(2):
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
            assert answer.read() == b"hello"

    mk.server.call(lambda _: stop_serving(server))


def test_a_watch_shows_changes_as_they_come(mk: Mk, start: Start) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)
    process = start("get", "configmaps", "-w")
    first = [line(process).split()[:2], line(process).split()[:2]]

    mk("apply", "-f", "-", stdin=CONFIG.replace("name: conf", "name: other"))

    assert first == [["NAME", "DATA"], ["conf", "1"]]
    assert line(process).split()[:2] == ["other", "1"]


def test_stdin_reaches_the_command_and_its_end_too(mk: Mk) -> None:
    mk.server.call(make_pod)

    done = subprocess.run(
        [
            *(sys.executable, "-m", "minikube_py.cli.main", "--kubeconfig", str(mk.kubeconfig)),
            *("exec", "-i", "web", "--", "count"),
        ],
        input="x" * 100_000,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (done.returncode, done.stdout.strip()) == (0, "100000")
