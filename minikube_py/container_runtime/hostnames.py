"""Starts containers with the right hostname, through the process in `hostname_writer`.

Only containers that join a warm sandbox need it. A start that could not be given its name in
time (never seen outside tests that force it) is killed at once and done again.
"""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from minikube_py.container_runtime import hostname_writer
from minikube_py.container_runtime.interface import StartFailed

_LOG = logging.getLogger(__name__)
_ATTEMPTS = 3
_ANSWER_SECONDS = 10.0

Act = Callable[[], Awaitable[None]]


def task_directory(pid: int, container_id: str) -> Path | None:
    """Where the engine's containerd keeps its running containers, found from one of them: the
    parent of a container's first process is its shim, which works in the container's own folder.
    None when this is another layout, or not this host.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        parent = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
        folder = Path(f"/proc/{parent}/cwd").readlink()
    except (OSError, StopIteration):
        return None
    is_known = folder.name == container_id and (folder / "init.pid").exists()
    return folder.parent if is_known and os.access(folder, os.W_OK) else None


class HostnameWriter:
    """Keeps one writer process for `tasks`, started when first needed."""

    def __init__(self, tasks: Path) -> None:
        self._tasks = tasks
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: dict[str, asyncio.Future[str]] = {}
        self._pending = b""

    async def start(self, container_id: str, hostname: str, *, start: Act, kill: Act) -> None:
        """Returns when `start` has, the hostname in place from the first instruction on.

        `kill` ends the container. Raises StartFailed and whatever `start` raises.
        """
        for _ in range(_ATTEMPTS):
            verdict = await self._attempt(container_id, hostname, start)
            if verdict != "missed":
                return
            _LOG.warning("container started too early, again container=%s", container_id[:12])
            await kill()
        raise StartFailed(f"could not set hostname {hostname!r} before the container ran")

    async def _attempt(self, container_id: str, hostname: str, start: Act) -> str:
        await self._ask(container_id, {"id": container_id, "hostname": hostname})
        answer = self._expect(container_id)
        try:
            await start()
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            return "missed"
        finally:
            self._answers.pop(container_id, None)
            self._tell({"id": container_id})

    async def _ask(self, container_id: str, request: dict[str, str]) -> None:
        armed = self._expect(container_id)
        self._tell(request)
        async with asyncio.timeout(_ANSWER_SECONDS):
            await armed

    def _expect(self, container_id: str) -> asyncio.Future[str]:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers[container_id] = answer
        return answer

    def _tell(self, request: dict[str, str]) -> None:
        process = self._running()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-I", "-S", hostname_writer.__file__, str(self._tasks)]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0)
            assert self._process.stdout is not None
            descriptor = self._process.stdout.fileno()
            os.set_blocking(descriptor, False)
            asyncio.get_running_loop().add_reader(descriptor, self._read, descriptor)
        return self._process

    def _read(self, descriptor: int) -> None:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            self._fail()
            return
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        for line in lines:
            said = json.loads(line)
            answer = self._answers.pop(said["id"], None)
            if answer is not None and not answer.done():
                answer.set_result(said["verdict"])

    def _fail(self) -> None:
        """The writer died: what it was to start counts as missed, the next start gets a new one."""
        self.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result("missed")
        self._answers.clear()

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        asyncio.get_running_loop().remove_reader(process.stdout.fileno())
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()
