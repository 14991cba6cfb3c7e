"""Logs, exec, attach and port-forward: which container is meant, and what comes of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import pytest

from minikube_py.kubelet.streams import PodStreams
from minikube_py.meta.errors import BadRequest, NotFound
from minikube_py.meta.timestamps import system_clock
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of


@dataclass(frozen=True)
class Request:
    follow: bool = False
    previous: bool = False
    tail: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None
    timestamps: bool = False
    limit_bytes: int | None = None
    stream: str = "All"


def streams_of(world: World) -> PodStreams:
    def read(namespace: str, name: str) -> dict[str, object] | None:
        return world.get(name) if world.has(name) else None

    return PodStreams(world.runtime, read, system_clock)


async def logs(world: World, container: str | None = None, **options: object) -> str:
    request = Request(**options)  # type: ignore[arg-type]
    lines = await streams_of(world).logs("default", "web", container, request)
    return b"".join([line async for line in lines]).decode()


async def talking(world: World) -> None:
    command = ("sh", "-c", "echo one; echo two; echo three; sleep 600")
    await world.pod("web", containers=[container("app", *command)])
    await world.ready("web")


async def test_logs_are_cut_as_asked(paper_world: World) -> None:
    await talking(paper_world)

    assert await logs(paper_world) == "one\ntwo\nthree\n"
    assert await logs(paper_world, tail=1) == "three\n"
    assert await logs(paper_world, limit_bytes=6) == "one\ntw"
    assert await logs(paper_world, since_seconds=600) == "one\ntwo\nthree\n"


async def test_previous_logs_are_those_of_the_container_before(paper_world: World) -> None:
    await talking(paper_world)
    with pytest.raises(BadRequest, match='previous terminated container "app" in pod "web" not'):
        await logs(paper_world, previous=True)

    [first] = await paper_world.containers("web")
    await paper_world.runtime.stop_container(first.id, grace_seconds=0)
    await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "restarted"
    )

    assert await logs(paper_world, previous=True) == "one\ntwo\nthree\n"


async def test_following_ends_with_the_container(paper_world: World) -> None:
    await paper_world.pod(
        "web",
        restartPolicy="Never",
        containers=[container("app", "sh", "-c", "echo one; sleep 0.2; echo two")],
    )
    await paper_world.phase("web", "Running")

    assert await logs(paper_world, follow=True) == "one\ntwo\n"


async def test_the_container_must_be_named_when_there_are_several(paper_world: World) -> None:
    await paper_world.pod(
        "web", initContainers=[container("init", "true")], containers=[sleeper("a"), sleeper("b")]
    )
    await paper_world.ready("web")

    with pytest.raises(BadRequest, match=r"choose one of: \[a b\] or one of the init.*\[init\]"):
        await logs(paper_world)
    with pytest.raises(BadRequest, match="container nope is not valid for pod web"):
        await logs(paper_world, "nope")
    assert await logs(paper_world, "a") == ""


async def test_a_default_container_may_be_annotated(paper_world: World) -> None:
    await paper_world.pod(
        "web",
        annotations={"kubectl.kubernetes.io/default-container": "b"},
        containers=[sleeper("a"), container("b", "sh", "-c", "echo b; sleep 600")],
    )
    await paper_world.ready("web")

    assert await logs(paper_world) == "b\n"


async def test_a_container_that_waits_says_for_what(paper_world: World) -> None:
    await paper_world.pod("web", containers=[container(image="missing:1")])
    await paper_world.waiting("web", "ImagePullBackOff")

    with pytest.raises(BadRequest, match="is waiting to start: ImagePullBackOff"):
        await logs(paper_world)


async def test_a_pod_that_is_not_there_is_not_found(paper_world: World) -> None:
    with pytest.raises(NotFound, match='pods "web" not found'):
        await logs(paper_world)


async def test_commands_run_in_the_container(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")

    session = await streams_of(paper_world).exec(
        "default", "web", None, ["echo", "hi"], stdin=False, tty=False
    )

    assert await session.read() == ("stdout", b"hi\n")
    assert await session.exit_code() == 0


async def test_a_pod_that_has_ended_takes_no_commands(paper_world: World) -> None:
    await paper_world.pod("web", restartPolicy="Never", containers=[container("app", "true")])
    await paper_world.phase("web", "Succeeded")

    with pytest.raises(BadRequest, match="completed pod; current phase is Succeeded"):
        await streams_of(paper_world).exec("default", "web", None, ["true"], stdin=False, tty=False)


@pytest.mark.docker
@pytest.mark.root
async def test_ports_are_reached_also_those_only_the_pod_itself_sees(docker_world: World) -> None:
    server = "trap 'exit 0' TERM; httpd -f -p 127.0.0.1:7000 & wait $!"
    listens = {"exec": {"command": ["sh", "-c", "nc 127.0.0.1 7000 < /dev/null"]}}
    await docker_world.pod(
        "web", containers=[container("app", "sh", "-c", server, readinessProbe=listens)]
    )
    await docker_world.ready("web")

    async with asyncio.timeout(5):
        reader, writer = await streams_of(docker_world).port_forward("default", "web", 7000)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        greeting = await reader.readline()
    writer.close()

    assert greeting.startswith(b"HTTP/1.")
    with pytest.raises(BadRequest, match="error forwarding port 7001 to pod web"):
        await streams_of(docker_world).port_forward("default", "web", 7001)
