"""The Docker Engine itself is stopped or killed and comes back: the node says so, the pods return.

The engine is one of the tests' own, with its own folder and socket; nobody else's stops.
"""

import asyncio
import gc
import logging
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from minikube_py.daemon.mounts import unmount_below
from minikube_py.kinds.catalog import EVENT
from minikube_py.kinds.catalog import NODE as NODES
from minikube_py.kubelet import node_agent
from minikube_py.meta.objects import find_condition
from tests.kubelet.conftest import (
    BUSYBOX,
    NODE,
    World,
    container,
    sleeper,
    state_of,
    world_on_docker,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    # The SDK leaves a socket that found nobody to the garbage collector, which complains.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


BRIDGE = f"mk-eng-{secrets.token_hex(3)}"
"""A default bridge of its own: an engine that is told to have none removes the host's docker0."""


@dataclass
class Engine:
    """A dockerd that may be ended; what it keeps is in `folder`."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/sock"

    def start(self) -> None:
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "dockerd", "--data-root", f"{self.folder}/data",
                    "--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid",
                    "-H", self.url, "--bridge", BRIDGE, "--iptables=false",
                ],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while self.docker("version", check=False).returncode:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def end(self, how: signal.Signals) -> None:
        """A killed dockerd leaves its containerd; the next one can't start beside it."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)
        path = self.folder / "exec/containerd/containerd.pid"
        if how == signal.SIGKILL and path.exists():
            os.kill(int(path.read_text()), signal.SIGTERM)
            while Path(f"/proc/{path.read_text()}").exists():
                time.sleep(0.05)
            path.unlink(missing_ok=True)

    def docker(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
        command = ["docker", "-H", self.url, *words]
        return subprocess.run(command, capture_output=True, check=check)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # Not below pytest's folder: a socket's path has an upper limit of 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="mk-engine-"))
    engine = Engine(folder)
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("address", "add", "100.127.213.1/28", "dev", BRIDGE)
        engine.start()
        saved = subprocess.run(["docker", "save", BUSYBOX], capture_output=True, check=True).stdout
        subprocess.run(["docker", "-H", engine.url, "load", "-q"], input=saved, check=True)
        yield engine
    finally:
        engine.end(signal.SIGTERM)
        asyncio.run(unmount_below(folder))
        shutil.rmtree(folder, ignore_errors=True)
        _ip("link", "delete", BRIDGE)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
async def world(
    tmp_path: Path,
    mounts_gone: None,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    monkeypatch.setattr(node_agent, "HEARTBEAT_SECONDS", 0.5)
    logging.disable()  # pytest keeps what is logged: errors, and with them those sockets
    async with world_on_docker(tmp_path, engine.url) as world:
        yield world
    del world
    logging.disable(logging.NOTSET)
    gc.collect()


async def _node_is(world: World, status: str) -> None:
    def is_so() -> bool:
        node = world.resources.get(NODES, None, NODE)
        return bool((find_condition(node, "Ready") or {})["status"] == status)

    await world.eventually(is_so, f"the node's Ready to be {status}", 10)


def _told(world: World) -> set[str]:
    events = world.resources.list(EVENT, "default").objects()
    return {event["reason"] for event in events}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
async def test_pods_come_back_with_their_engine(
    world: World, engine: Engine, how: signal.Signals
) -> None:
    await world.pod(
        "web",
        initContainers=[sleeper("proxy", restartPolicy="Always"), container("prepare", "true")],
        containers=[sleeper(), sleeper("other")],
    )
    before = await world.ready("web")

    await asyncio.to_thread(engine.end, how)
    await _node_is(world, "False")
    await asyncio.to_thread(engine.start)
    await _node_is(world, "True")

    def is_back(pod: dict[str, object]) -> bool:
        now, then = state_of(pod), state_of(before)
        ready = now["ready"] and state_of(pod, "other")["ready"]
        return bool(ready and now["containerID"] != then["containerID"])

    await world.until("web", is_back, "back", 30)
    running = [c.name for c in await world.containers("web") if c.state == "running"]
    assert sorted(running) == ["app", "other", "proxy"]
    reasons = {"ContainerRuntimeDown", "NodeNotReady", "NodeReady"}
    await world.eventually(lambda: reasons <= _told(world), f"{reasons} to be told", 10)
    await world.delete("web")
    await world.gone("web")
    await world.nothing_left()
