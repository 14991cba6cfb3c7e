"""One process and one remote client, wired together; the same for every wire protocol.

Output flows until the process closes it, then the client learns how it ended. Input flows until the
client closes it or goes away.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from minikube_py.apiserver.streams.interface import StreamSession
from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.meta.errors import ApiError, InternalError

logger = logging.getLogger(__name__)
# A process that has ended takes no input and has no size, but what it said still has to arrive.
_PROCESS_GONE = (OSError, RuntimeError, RuntimeFailure)


@dataclass(frozen=True)
class Stdin:
    data: bytes


@dataclass(frozen=True)
class StdinClosed:
    pass


@dataclass(frozen=True)
class Resize:
    """In characters."""

    width: int
    height: int


Input = Stdin | StdinClosed | Resize


class Remote(Protocol):
    """The client's end, whatever it is spoken over."""

    async def receive(self) -> Input | None:
        """None when the client is gone."""
        ...

    async def send(self, stream: Literal["stdout", "stderr"], data: bytes) -> None: ...

    async def finish(self, status: dict[str, Any]) -> None:
        """Tells how it ended and closes."""
        ...


async def run_session(session: StreamSession, remote: Remote, *, reports_exit: bool) -> None:
    """`reports_exit`: exec tells the exit code, attach only that it is over."""
    output = asyncio.ensure_future(_pump_output(session, remote, reports_exit=reports_exit))
    input_ = asyncio.ensure_future(_pump_input(session, remote))
    try:
        # Input that ends means the client is gone: nobody hears what the process still says.
        done, _ = await asyncio.wait({output, input_}, return_when=asyncio.FIRST_COMPLETED)
        if output in done:
            await remote.finish(output.result())
    finally:
        output.cancel()
        input_.cancel()
        await asyncio.gather(output, input_, return_exceptions=True)
        await session.close()


async def _pump_output(
    session: StreamSession, remote: Remote, *, reports_exit: bool
) -> dict[str, Any]:
    """The Status to end with."""
    try:
        while (output := await session.read()) is not None:
            await remote.send(*output)
        return exit_status(await session.exit_code() if reports_exit else 0)
    except ApiError as error:
        return error.as_status()
    except ConnectionError:
        raise
    except Exception as error:
        logger.exception("Stream broke")
        return InternalError(f"the stream broke: {error}").as_status()


async def _pump_input(session: StreamSession, remote: Remote) -> None:
    open_ = True
    while (event := await remote.receive()) is not None:
        if isinstance(event, Resize):
            with contextlib.suppress(*_PROCESS_GONE):
                await session.resize(event.width, event.height)
        elif not open_:
            continue
        elif isinstance(event, StdinClosed):
            open_ = False
            with contextlib.suppress(*_PROCESS_GONE):
                await session.close_stdin()
        else:
            open_ = await _write(session, event.data)


async def _write(session: StreamSession, data: bytes) -> bool:
    """False when the process no longer reads: its output still counts."""
    try:
        await session.write(data)
    except _PROCESS_GONE:
        return False
    return True


def exit_status(code: int) -> dict[str, Any]:
    """What kubectl turns into its own exit code (remotecommand's NonZeroExitCode)."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
