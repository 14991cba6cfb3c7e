"""The race for a container's hostname, with a task directory and processes made for the test."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from minikube_py.container_runtime.hostnames import HostnameWriter, task_directory
from minikube_py.container_runtime.interface import StartFailed

pytestmark = pytest.mark.root

HELD = "read -r go; hostname"


class Task:
    """Plays containerd, shim and runc for one container."""

    def __init__(self, tasks: Path) -> None:
        self.folder = tasks / "c1"
        self.process: subprocess.Popen[str] | None = None

    def write_config(self, *, already_read: bool = False) -> None:
        self.folder.mkdir()
        if already_read:
            self.open_log()
        (self.folder / "config.json").write_text('{"hostname": "warm", "ociVersion": "1.0"}')

    @property
    def hostname(self) -> str:
        return str(json.loads((self.folder / "config.json").read_text())["hostname"])

    async def edited(self) -> None:
        async with asyncio.timeout(10):
            while self.hostname == "warm":  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.001)

    def open_log(self) -> None:
        (self.folder / "log.json").touch()

    def run(self, words: str) -> None:
        """A process in a UTS namespace of its own, held until it is told to go on."""
        command = ["unshare", "--uts", "bash", "-c", f'exec -a {words.split()[0]} "$@"', "-"]
        self.process = subprocess.Popen(
            [*command, "bash", *words.split()[1:]],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 10
        while _uts_of(self.process.pid) == _uts_of(os.getpid()):
            assert time.monotonic() < deadline, "unshare made no namespace"

    def write_pid(self) -> None:
        assert self.process is not None
        (self.folder / ".init.pid").write_text(str(self.process.pid))
        (self.folder / ".init.pid").rename(self.folder / "init.pid")

    def write_own_pid(self) -> None:
        """As when the process has ended and its number is that of one on the host by now."""
        (self.folder / "init.pid").write_text(str(os.getpid()))

    def go_on(self) -> str:
        assert self.process is not None
        return self.process.communicate("go\n", timeout=10)[0].strip()

    def remove(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def _uts_of(pid: int) -> str:
    """ "" for a process that has ended."""
    try:
        return str(Path(f"/proc/{pid}/ns/uts").readlink())
    except OSError:
        return ""


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Task]:
    made = Task(tmp_path)
    yield made
    made.remove()


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[HostnameWriter]:
    made = HostnameWriter(tmp_path)
    yield made
    made.close()


async def nothing() -> None:
    """Nothing to kill."""


async def test_the_name_is_in_the_configuration_before_runc_reads_it(
    task: Task, writer: HostnameWriter
) -> None:
    async def start() -> None:
        task.write_config()
        await task.edited()
        task.open_log()
        task.run("sh -c true")  # the user's process: it read the right name
        task.write_pid()

    await writer.start("c1", "db-0", start=start, kill=nothing)

    assert task.hostname == "db-0"


async def test_a_late_writer_sets_the_name_while_runc_still_waits(
    task: Task, writer: HostnameWriter
) -> None:
    async def start() -> None:
        task.write_config(already_read=True)
        (task.folder / "init").write_text(HELD)
        task.run("runc init")
        await asyncio.sleep(0.2)  # until it is what it says it is
        task.write_pid()

    await writer.start("c1", "db-0", start=start, kill=nothing)

    assert task.go_on() == "db-0"


async def test_a_container_that_may_have_run_too_early_is_killed_and_started_again(
    task: Task, writer: HostnameWriter
) -> None:
    starts, kills = 0, 0

    async def start() -> None:
        nonlocal starts
        starts += 1
        task.write_config(already_read=starts == 1)
        await task.edited()
        task.run("sh -c 1")
        task.write_pid()

    async def kill() -> None:
        nonlocal kills
        kills += 1
        task.remove()

    await writer.start("c1", "db-0", start=start, kill=kill)

    assert (starts, kills) == (2, 1)


async def test_a_start_that_can_never_be_named_fails_and_says_why(
    task: Task, writer: HostnameWriter
) -> None:
    async def start() -> None:
        task.folder.mkdir()
        task.open_log()
        task.run("sh -c 1")
        task.write_pid()

    async def kill() -> None:
        task.remove()

    with pytest.raises(StartFailed, match="db-0"):
        await writer.start("c1", "db-0", start=start, kill=kill)


async def test_the_host_is_never_renamed(task: Task, writer: HostnameWriter) -> None:
    before = socket.gethostname()

    async def start() -> None:
        task.write_config()
        await task.edited()
        task.write_own_pid()

    await writer.start("c1", "db-0", start=start, kill=nothing)

    assert socket.gethostname() == before


async def test_an_error_of_the_start_is_passed_on_and_the_next_start_works(
    task: Task, writer: HostnameWriter
) -> None:
    async def fail() -> None:
        raise StartFailed("no such program")

    async def start() -> None:
        task.write_config()
        await task.edited()
        task.run("sh -c 1")
        task.write_pid()

    with pytest.raises(StartFailed, match="no such program"):
        await writer.start("c1", "db-0", start=fail, kill=nothing)
    await writer.start("c1", "db-1", start=start, kill=nothing)

    assert task.hostname == "db-1"


async def test_a_writer_that_died_is_replaced(task: Task, writer: HostnameWriter) -> None:
    starts = 0

    async def start() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            process = writer._process
            assert process is not None
            process.kill()
        else:
            task.write_config()
            await task.edited()
            task.run("sh -c 1")
            task.write_pid()

    await writer.start("c1", "db-0", start=start, kill=nothing)

    assert (starts, task.hostname) == (2, "db-0")


async def test_other_containers_are_left_alone(
    task: Task, writer: HostnameWriter, tmp_path: Path
) -> None:
    other = tmp_path / "other"

    async def start() -> None:
        other.mkdir()
        (other / "config.json").write_text('{"hostname": "mine"}')
        task.write_config()
        await task.edited()
        task.run("sh -c 1")
        task.write_pid()

    await writer.start("c1", "db-0", start=start, kill=nothing)

    assert json.loads((other / "config.json").read_text()) == {"hostname": "mine"}


def test_the_task_directory_is_unknown_when_the_parent_is_no_shim() -> None:
    assert task_directory(os.getpid(), "c1") is None
    assert task_directory(1 << 30, "c1") is None
