"""What paper adds to the contract: it survives the daemon, and time may fly."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minikube_py.container_runtime.interface import (
    ContainerSpec,
    LogOptions,
    Mount,
    ObservedContainer,
    PodIdentity,
    SandboxSpec,
    StartFailed,
)
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.meta.cluster import Cluster

POD = PodIdentity("default", "web", "uid-1")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Time:
    """The loop's time as a wall clock."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        seconds = asyncio.get_running_loop().time()
        return START + timedelta(seconds=seconds) + self.ahead


@pytest.fixture
def time() -> Time:
    return Time()


def runtime_with(
    time: Time, folder: Path | None = None, *, start_seconds: float = 0.0
) -> SimulatedRuntime:
    return SimulatedRuntime(
        Cluster("t-paper"), clock=time, state_dir=folder, start_seconds=start_seconds
    )


async def started(
    runtime: SimulatedRuntime, script: str | None, mounts: tuple[Mount, ...] = ()
) -> str:
    sandbox = await runtime.run_sandbox(SandboxSpec(POD, hostname="web-0"))
    command = ["sh", "-c", script] if script is not None else None
    container = await runtime.create_container(
        ContainerSpec(
            POD, sandbox.id, "main", "nginx:1.27", 0, "web-0", command=command, mounts=mounts
        )
    )
    await runtime.start_container(container)
    return container


async def look(runtime: SimulatedRuntime) -> ObservedContainer:
    pod = await runtime.observe_pod(POD.uid)
    assert pod is not None
    return pod.containers[0]


async def said(runtime: SimulatedRuntime, container: str) -> list[bytes]:
    return [line async for _, line in runtime.logs(container, LogOptions())]


@pytest.mark.looptime
async def test_a_sleep_takes_its_time(time: Time) -> None:
    runtime = runtime_with(time)
    container = await started(runtime, "echo before; sleep 1h; echo after; exit 4")

    await asyncio.sleep(3599)
    assert (await look(runtime)).state == "running"
    await asyncio.sleep(2)

    ended = await look(runtime)
    assert (ended.state, ended.exit_code) == ("exited", 4)
    assert ended.started_at is not None
    assert ended.finished_at == ended.started_at + timedelta(hours=1)
    assert await said(runtime, container) == [b"before\n", b"after\n"]


@pytest.mark.looptime
async def test_an_image_without_a_command_serves_until_it_is_stopped(time: Time) -> None:
    runtime = runtime_with(time)
    container = await started(runtime, None)
    await asyncio.sleep(1_000_000)
    assert (await look(runtime)).state == "running"

    await runtime.stop_container(container, grace_seconds=30)

    assert (await look(runtime)).exit_code == 0


@pytest.mark.looptime
async def test_an_endless_loop_goes_on_saying(time: Time) -> None:
    runtime = runtime_with(time)
    container = await started(runtime, "while true; do echo tick; sleep 10; done")

    await asyncio.sleep(95)

    assert await said(runtime, container) == [b"tick\n"] * 10


@pytest.mark.looptime
async def test_a_running_container_outlives_the_daemon(time: Time, tmp_path: Path) -> None:
    first = runtime_with(time, tmp_path)
    container = await started(first, "echo one; sleep 60; echo two; exit 5")
    before = await look(first)
    await first.close()

    second = runtime_with(time, tmp_path)
    assert await look(second) == before
    await asyncio.sleep(61)

    after = await look(second)
    assert (after.id, after.state, after.exit_code) == (container, "exited", 5)
    assert await said(second, container) == [b"one\n", b"two\n"]


@pytest.mark.looptime
async def test_what_ended_while_no_daemon_ran_is_found_ended_at_its_time(
    time: Time, tmp_path: Path
) -> None:
    first = runtime_with(time, tmp_path)
    container = await started(first, "echo one; sleep 60; exit 5")
    started_at = (await look(first)).started_at
    await first.close()
    time.ahead = timedelta(days=1)

    second = runtime_with(time, tmp_path)

    ended = await look(second)
    assert started_at is not None
    assert (ended.exit_code, ended.finished_at) == (5, started_at + timedelta(seconds=60))
    assert await said(second, container) == [b"one\n"]


async def test_what_was_stopped_or_removed_stays_so(time: Time, tmp_path: Path) -> None:
    first = runtime_with(time, tmp_path)
    container = await started(first, "echo up; sleep 1000")
    await first.stop_container(container, grace_seconds=0)
    stopped = await look(first)

    second = runtime_with(time, tmp_path)
    assert await look(second) == stopped
    assert await said(second, container) == [b"up\n"]
    await second.remove_everything(volumes=True)

    assert list(await runtime_with(time, tmp_path).list_pods()) == []


async def test_new_ids_never_repeat_old_ones(time: Time, tmp_path: Path) -> None:
    first = await runtime_with(time, tmp_path).run_sandbox(SandboxSpec(POD, hostname="a"))

    second = await runtime_with(time, tmp_path).run_sandbox(SandboxSpec(POD, hostname="a"))

    assert first.id != second.id


@pytest.mark.looptime
async def test_starting_takes_as_long_as_it_is_told_to(time: Time) -> None:
    runtime = runtime_with(time, start_seconds=2.0)
    begin = time()

    await started(runtime, "true")

    assert time() - begin == timedelta(seconds=4)


async def test_a_container_needs_its_sandbox(time: Time) -> None:
    runtime = runtime_with(time)
    container = await started(runtime, "true")
    await runtime.remove_sandbox((await look(runtime)).sandbox_id)

    with pytest.raises(StartFailed, match="sandbox"):
        await runtime.start_container(container)


async def test_files_that_the_kubelet_mounts_can_be_read(time: Time, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("value\n")
    runtime = runtime_with(time)
    mounts = (Mount(str(tmp_path), "/etc/config"),)

    container = await started(runtime, "cat /etc/config/key /etc/hostname", mounts)

    assert await said(runtime, container) == [b"value\n", b"web-0\n"]


async def test_exec_refuses_what_it_cannot_pretend_by_name(time: Time) -> None:
    runtime = runtime_with(time)
    container = await started(runtime, None)

    code, output = await runtime.exec_sync(container, ["psql", "-l"], timeout_seconds=1)

    assert code == 127
    assert b"psql: not on paper" in output
    assert b"echo" in output


async def test_a_shell_answers_line_by_line(time: Time) -> None:
    runtime = runtime_with(time)
    container = await started(runtime, None)

    session = await runtime.exec(container, ["sh"], stdin=True, tty=True)
    await session.write(b"hostname\necho hi && false || echo other\nexit\n")
    output = b""
    while (piece := await session.read()) is not None:
        output += piece[1]

    assert output == b"web-0\nhi\nother\n"
    assert await session.exit_code() == 0
