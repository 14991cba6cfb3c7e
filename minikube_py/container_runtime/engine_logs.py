"""A container's output as the engine keeps it (json-file): whole lines, also after it has ended."""

from collections.abc import AsyncIterator
from typing import Any

from minikube_py.container_runtime import observe
from minikube_py.container_runtime.engine_calls import Call
from minikube_py.container_runtime.engine_socket import EngineSocket
from minikube_py.container_runtime.frames import Frames, Lines
from minikube_py.container_runtime.interface import LogOptions, LogStream


async def read_logs(
    call: Call, socket: EngineSocket, container_id: str, options: LogOptions
) -> AsyncIterator[tuple[LogStream, bytes]]:
    """Ends with the container when following. Raises NoSuchContainer."""
    inspected = await call(lambda api: api.inspect_container(container_id))
    frames = Frames(raw=bool(inspected["Config"]["Tty"]))
    lines = Lines(timestamps=options.timestamps)
    path = f"/containers/{inspected['Id']}/logs"
    async with socket.request("GET", path, query=_query(options)) as stream:
        while chunk := await stream.read():
            for source, piece in frames.feed(chunk):
                for line in lines.feed(source, piece):
                    yield line
        for line in lines.end():
            yield line


def _query(options: LogOptions) -> dict[str, Any]:
    query: dict[str, Any] = {
        "stdout": 1,
        "stderr": 1,
        "follow": int(options.follow),
        "timestamps": int(options.timestamps),
        "tail": "all" if options.tail is None else options.tail,
    }
    if options.since is not None:
        query["since"] = observe.engine_time(options.since)
    if options.until is not None:
        query["until"] = observe.engine_time(options.until)
    return query
