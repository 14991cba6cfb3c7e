"""The official Python client doing real work; it blocks, so it works on a thread of its own."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from kubernetes import client, config, stream
from kubernetes import watch as client_watch

from minikube_py.kinds.catalog import POD
from tests.apiserver.serving import Cluster

# The client leaves closing its sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
T = TypeVar("T")
untyped: Any = stream
Watch: Any = client_watch.Watch


class Threaded:
    """Calls of the blocking client, awaited."""

    def __init__(self, api: Any, thread: ThreadPoolExecutor) -> None:
        self.api = api
        self.core = client.CoreV1Api(api)
        self.apps = client.AppsV1Api(api)
        self._thread = thread

    async def __call__(self, call: Callable[[], T]) -> T:
        async with asyncio.timeout(20):
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)


@pytest.fixture
async def python(cluster: Cluster) -> AsyncIterator[Threaded]:
    with ThreadPoolExecutor(1) as thread:
        new_client: Any = config.new_client_from_config
        api = new_client(str(cluster.kubeconfig()))
        yield Threaded(api, thread)
        api.rest_client.pool_manager.clear()
        api.close()
    gc.collect()  # what the client left open is closed here, where its warnings are expected


def pod(name: str = "web") -> Any:
    container = client.V1Container(name="main", image="nginx:1.25")
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, labels={"app": name}),
        spec=client.V1PodSpec(containers=[container]),
    )


async def test_objects_live_and_die(python: Threaded) -> None:
    core = python.core

    made = await python(lambda: core.create_namespaced_pod("default", pod()))
    patch = {"metadata": {"labels": {"more": "yes"}}}
    await python(lambda: core.patch_namespaced_pod("web", "default", patch))
    listed = await python(lambda: core.list_pod_for_all_namespaces(label_selector="more=yes"))
    await python(lambda: core.delete_namespaced_pod("web", "default", grace_period_seconds=0))
    with pytest.raises(client.ApiException) as missing:
        await python(lambda: core.read_namespaced_pod("web", "default"))

    assert made.spec
    assert made.spec.restart_policy == "Always"
    assert [item.metadata and item.metadata.name for item in listed.items] == ["web"]
    assert missing.value.status == 404


async def test_a_watch_sees_what_others_do(cluster: Cluster, python: Threaded) -> None:
    def first_two() -> list[tuple[str, str]]:
        watcher, seen = Watch(), []
        for event in watcher.stream(python.core.list_namespaced_pod, "default", timeout_seconds=10):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 2:
                watcher.stop()
        return seen

    watching = asyncio.ensure_future(python(first_two))
    for name in ("a", "b"):
        spec = {"containers": [{"name": "main", "image": "x"}]}
        await cluster.resources.create(POD, "default", {"metadata": {"name": name}, "spec": spec})

    assert await watching == [("ADDED", "a"), ("ADDED", "b")]


async def test_exec_runs_and_tells_the_exit_code(cluster: Cluster, python: Threaded) -> None:
    await python(lambda: python.core.create_namespaced_pod("default", pod()))

    def run(*command: str) -> tuple[str, int]:
        socket = untyped.stream(
            python.core.connect_get_namespaced_pod_exec,
            "web",
            "default",
            command=list(command),
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
        try:
            socket.run_forever(timeout=10)
            return socket.read_stdout(), socket.returncode
        finally:
            socket.close()

    assert await python(lambda: run("echo", "hello")) == ("hello\n", 0)
    assert await python(lambda: run("exit", "3")) == ("", 3)


async def test_a_deployment_is_scaled(python: Threaded) -> None:
    labels = {"app": "web"}
    body = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="web"),
        spec=client.V1DeploymentSpec(
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels), spec=pod().spec
            ),
        ),
    )
    await python(lambda: python.apps.create_namespaced_deployment("default", body))

    scale = {"spec": {"replicas": 7}}
    await python(lambda: python.apps.patch_namespaced_deployment_scale("web", "default", scale))

    made = await python(lambda: python.apps.read_namespaced_deployment("web", "default"))
    assert made.spec.replicas == 7


async def test_logs_are_read(python: Threaded) -> None:
    text = await python(lambda: python.core.read_namespaced_pod_log("web", "default", tail_lines=1))

    assert text == "three\n"


async def test_ports_are_forwarded(cluster: Cluster, python: Threaded) -> None:
    async def capitals(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read(1024)).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(capitals, "127.0.0.1", 0)
    cluster.streams.forward_to = ("127.0.0.1", server.sockets[0].getsockname()[1])

    def ask() -> bytes:
        forward = untyped.portforward(
            python.core.connect_get_namespaced_pod_portforward, "web", "default", ports="80"
        )
        socket = forward.socket(80)
        socket.settimeout(10)
        socket.sendall(b"hello")
        try:
            return bytes(socket.recv(1024))
        finally:
            socket.close()

    try:
        assert await python(ask) == b"HELLO"
    finally:
        server.close()
        await server.wait_closed()
