"""Run by conftest in a process of its own: the API with the daemon's own sockets, TLS and store, or
(`--whole`) the whole daemon on paper. A Unix socket beside it tells how it is doing.

    server.py FOLDER [--whole] [--body-seconds S] [--patience S]
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import socket
import time
from pathlib import Path

import uvloop

from minikube_py.apiserver import bodies, watch_line
from minikube_py.apiserver.app import build_app
from minikube_py.daemon.api import ApiEndpoint, server_context
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.daemon.garbage import collect_in_small_portions, new_trim
from minikube_py.daemon.run import configure_logging, run
from minikube_py.daemon.settings import parse_settings
from minikube_py.kinds.catalog import NAMESPACE, builtin_catalog
from minikube_py.meta.errors import AlreadyExists
from minikube_py.meta.timestamps import system_clock
from minikube_py.resources.resources import Resources, ServiceAllocator
from minikube_py.store.sqlite import SqliteStore
from minikube_py.store.watchers import Watcher
from tests.apiserver.fake_streams import EchoStreams

_NAMESPACES = ("default", "kube-system")


class Vitals:
    """What must come back to where it was, and the longest turn of the loop since last asked, in
    seconds of CPU time: the wall clock also counts what the machine's other processes took.
    """

    def __init__(self) -> None:
        self._longest = 0.0
        self._trim = new_trim()

    async def run(self, path: Path) -> None:
        async with await asyncio.start_unix_server(self._answer, path):
            while True:
                before = time.thread_time()
                await asyncio.sleep(0.001)
                self._longest = max(self._longest, time.thread_time() - before)

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        longest = self._longest
        gc.unfreeze()
        gc.collect()
        self._trim()
        gc.unfreeze()  # what the daemon's own settings have frozen again is not listed
        found = {
            "longest": longest,
            "tasks": len(asyncio.all_tasks()),
            "watchers": sum(isinstance(each, Watcher) for each in gc.get_objects()),
            "descriptors": _descriptors(),
            "memory": _resident(),
        }
        gc.freeze()
        writer.write(json.dumps(found).encode())
        writer.close()
        await asyncio.sleep(0.01)
        self._longest = 0.0


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def serve(folder: Path) -> None:
    store = await SqliteStore.open(folder / "state.db")
    allocator = ServiceAllocator("10.96.0.0/16")
    resources = Resources(store, builtin_catalog(), allocator=allocator)
    for name in _NAMESPACES:
        with contextlib.suppress(AlreadyExists):
            await resources.create(NAMESPACE, None, {"metadata": {"name": name}})
    authority = CertificateAuthority.open(folder / "pki", name="fuzz", clock=system_clock)
    admin = authority.issue_client("admin", ["system:masters"])
    (folder / "admin.pem").write_bytes(admin.certificate + admin.key)
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    port = _free_port()
    context = server_context(authority, ["127.0.0.1", "localhost"])
    app = build_app(resources, streams=EchoStreams())
    endpoint = ApiEndpoint(app, context, ["127.0.0.1"], port)
    async with asyncio.TaskGroup() as group:
        group.create_task(Vitals().run(folder / "vitals"))
        group.create_task(store.run())
        group.create_task(endpoint.run())
        await endpoint.is_listening()
        collect_in_small_portions(asyncio.get_running_loop().call_soon)
        print(f"https://127.0.0.1:{port}", flush=True)


async def whole_daemon(folder: Path) -> None:
    words = ("--cluster", "fuzz", "--runtime", "simulated", "--data-dir", str(folder / "data"))
    async with asyncio.TaskGroup() as group:
        group.create_task(Vitals().run(folder / "vitals"))
        await run(parse_settings(words))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--body-seconds", type=float, default=bodies.BODY_SECONDS)
    parser.add_argument("--patience", type=float, default=watch_line.PATIENCE_SECONDS)
    asked = parser.parse_args()
    bodies.BODY_SECONDS, watch_line.PATIENCE_SECONDS = asked.body_seconds, asked.patience
    configure_logging(verbose=False)
    uvloop.run(whole_daemon(asked.folder) if asked.whole else serve(asked.folder))


if __name__ == "__main__":
    main()
