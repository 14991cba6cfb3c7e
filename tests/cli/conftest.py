"""`mk` run in process against a real API server (no kubelet) that lives in a thread of its own."""

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from minikube_py.cli.main import main
from tests.apiserver.serving import Certificates, Cluster, serve

_T = TypeVar("_T")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Server:
    """A cluster on loopback; `call` runs a coroutine in its loop."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.cluster: Cluster
        self._folder = folder
        self._certificates = certificates
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Server":
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def call(self, work: Callable[[Cluster], Awaitable[_T]]) -> _T:
        async def run() -> _T:
            return await work(self.cluster)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with serve(self._folder, self._certificates) as self.cluster:
            self._started.set()
            await self._stop.wait()


@dataclass
class Mk:
    """`mk("get", "pods")`; never raises, shows what a user would see."""

    server: Server
    kubeconfig: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *words: str, stdin: str = "") -> Done:
        self.capture.readouterr()
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        try:
            code = main(["--kubeconfig", str(self.kubeconfig), *words])
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        shown = self.capture.readouterr()
        return Done(code, shown.out, shown.err)


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates.new()


@pytest.fixture
def server(tmp_path: Path, certificates: Certificates) -> Iterator[Server]:
    with Server(tmp_path, certificates) as serving:
        yield serving


@pytest.fixture
def mk(server: Server, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Mk:
    monkeypatch.setenv("NO_COLOR", "1")
    return Mk(server, server.cluster.kubeconfig(), capfd, monkeypatch)
