"""Processes started in containers, and main processes attached to."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from minikube_py.container_runtime.engine_calls import Call
from minikube_py.container_runtime.engine_socket import EngineSocket
from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.container_runtime.sessions import EngineSession, UntilEnd

_OUTPUT_LIMIT = 10 * 1024  # kubelet's for probes and hooks
_EXIT_POLL_SECONDS = (0.001, 0.005, 0.02, 0.1)


class Processes:
    def __init__(self, call: Call, socket: EngineSocket) -> None:
        self._call = call
        self._socket = socket

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> EngineSession:
        exec_id = await self._create(container_id, command, stdin=stdin, tty=tty)
        return await self._start(exec_id, tty=tty)

    async def exec_sync(
        self, container_id: str, command: Sequence[str], timeout_seconds: float
    ) -> tuple[int, bytes]:
        exec_id = await self._create(container_id, command, stdin=False, tty=False)
        session = await self._start(exec_id, tty=False)
        output = bytearray()
        try:
            async with asyncio.timeout(timeout_seconds):
                while (piece := await session.read()) is not None:
                    output += piece[1][: _OUTPUT_LIMIT - len(output)]
                return await session.exit_code(), bytes(output)
        except TimeoutError:
            await self._kill(exec_id, container_id)
            raise
        finally:
            await session.close()

    async def attach(
        self, container_id: str, wait: Callable[[], Awaitable[int]], *, stdin: bool, tty: bool
    ) -> EngineSession:
        """`wait` answers the main process's exit code. Raises RuntimeFailure when it is over: the
        engine would hold whoever attaches until the container is started again.
        """
        query = {"stream": 1, "stdout": 1, "stderr": 1, "stdin": int(stdin)}
        stream = await self._socket.upgrade(f"/containers/{container_id}/attach", query=query)
        if not await self._runs(container_id):
            await stream.close()
            raise RuntimeFailure(f"container {container_id} is not running")
        return EngineSession(
            UntilEnd(stream, wait),
            tty=tty,
            resize=lambda width, height: self._call(
                lambda api: api.resize(container_id, height=height, width=width)
            ),
            wait=wait,
        )

    async def _runs(self, container_id: str) -> bool:
        inspected = await self._call(lambda api: api.inspect_container(container_id))
        return bool(inspected["State"]["Running"])

    async def _create(
        self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> str:
        made = await self._call(
            lambda api: api.exec_create(container_id, list(command), stdin=stdin, tty=tty)
        )
        return str(made["Id"])

    async def _start(self, exec_id: str, *, tty: bool) -> EngineSession:
        body = {"Detach": False, "Tty": tty}
        stream = await self._socket.upgrade(f"/exec/{exec_id}/start", body=body)
        return EngineSession(
            stream,
            tty=tty,
            resize=lambda width, height: self._call(
                lambda api: api.exec_resize(exec_id, height=height, width=width)
            ),
            wait=lambda: self._exit_code(exec_id),
        )

    async def _exit_code(self, exec_id: str) -> int:
        """The streams have ended or are about to; the engine knows the code moments later."""
        tries = 0
        while True:
            state = await self._call(lambda api: api.exec_inspect(exec_id))
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            await asyncio.sleep(_EXIT_POLL_SECONDS[min(tries, len(_EXIT_POLL_SECONDS) - 1)])
            tries += 1

    async def _kill(self, exec_id: str, container_id: str) -> None:
        """The engine has no word for it."""
        state = await self._call(lambda api: api.exec_inspect(exec_id))
        if state["Running"]:
            _kill_if_in(container_id, int(state.get("Pid") or 0))


def _kill_if_in(container_id: str, pid: int) -> None:
    """A process that has ended meanwhile, or runs on another host, is let be."""
    with contextlib.suppress(OSError):
        if container_id in Path(f"/proc/{pid}/cgroup").read_text():
            os.kill(pid, signal.SIGKILL)
