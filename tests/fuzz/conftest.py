"""One server for the folder, in a process of its own, and what it must look like afterwards."""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fuzz import server as program
from tests.fuzz.client import Client

_START_SECONDS = 60
_STALL_SECONDS = 0.5
_SETTLE_SECONDS = 20
_MEMORY = 80 * 2**20
"""More than this must not stay after a run: what was stored is small."""


@dataclass(frozen=True)
class Vitals:
    """See server.Vitals."""

    longest: float
    tasks: int
    watchers: int
    descriptors: int
    memory: int


@dataclass
class Server:
    """`options` are the program's."""

    folder: Path
    options: tuple[str, ...] = ()
    url: str = ""
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def is_whole(self) -> bool:
        return "--whole" in self.options

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def start(self) -> None:
        (self.folder / "vitals").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, program.__file__, str(self.folder), *self.options],
                stdout=subprocess.PIPE,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(Path(program.__file__).parents[2]),
                    "MK_STATE_ROOT": str(self.folder / "state"),
                    "MK_RUN_ROOT": str(self.folder / "run"),
                },
            )
        if self.is_whole:
            self._wait_ready()
        else:
            assert self._process.stdout is not None
            self.url = self._process.stdout.readline().decode().strip()
            assert self.url, self.log[-3000:]
            pair = self.folder / "admin.pem"
            authority = (self.folder / "ca.pem").read_text()
            self.context = _context(authority, pair)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        record = self.folder / "run" / "fuzz.json"
        while time.monotonic() < deadline:
            if record.exists() and json.loads(record.read_text() or "{}").get("ready"):
                break
            time.sleep(0.02)
        config = yaml.safe_load((self.folder / "data" / "kubeconfig").read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        pair = self.folder / "admin.pem"
        pair.write_bytes(
            base64.b64decode(user["client-certificate-data"])
            + base64.b64decode(user["client-key-data"])
        )
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.url, self.context = cluster["server"], _context(authority, pair)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """Until it is stopped; then its log must tell of no surprise."""
        self.start()
        try:
            yield self
        finally:
            self.stop()
        log = self.log
        assert "Traceback" not in log, log[max(0, log.index("Traceback") - 500) :][:5000]

    def kill(self) -> None:
        """As a power cut would end it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def client(self) -> Client:
        return Client(self.url, self.context)

    def vitals(self) -> Vitals:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(self.folder / "vitals"))
            data = b""
            while piece := line.recv(65536):
                data += piece
        return Vitals(**json.loads(data))

    def check_back_to(self, before: Vitals, *, stall: float = _STALL_SECONDS) -> None:
        """Nothing that was opened, started or kept is left, and nobody had to wait for long."""
        longest, deadline = 0.0, time.monotonic() + _SETTLE_SECONDS
        while True:
            now = self.vitals()
            longest = max(longest, now.longest)
            left = _left(before, now)
            if not left or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        assert not left, left
        assert longest < stall, f"the loop stood still for {longest:.3f} s"


def _left(before: Vitals, now: Vitals) -> dict[str, Any]:
    """A connection or two may be kept open by a client that will ask again."""
    allowed = {"tasks": 6, "watchers": 0, "descriptors": 4, "memory": _MEMORY}
    return {
        name: (getattr(before, name), getattr(now, name))
        for name, more in allowed.items()
        if getattr(now, name) > getattr(before, name) + more
    }


def _context(authority: str, pair: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    context.load_cert_chain(pair)
    return context


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ("--body-seconds", "2", "--patience", "4")
    with Server(tmp_path_factory.mktemp("api"), options).running() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """After each test it answers, and is as it was."""
    client = running.client()
    assert client.ask("GET", "/readyz").ok
    before = running.vitals()
    yield running
    assert client.ask("GET", "/readyz").ok
    running.check_back_to(before)
    client.close()
