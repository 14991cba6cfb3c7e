"""Clients at work while the daemon is killed with SIGKILL, again and again: what they saw of each
object can have happened one request at a time, and nothing acknowledged is lost, no watch event
either.

`MK_KILLS` sets the rounds for a longer run by hand.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.machines import killed_daemon
from tests.machines.history import (
    ABSENT,
    Deletion,
    History,
    Read,
    State,
    Superseded,
    Write,
    problems,
)

KILLS = int(os.environ.get("MK_KILLS", "200"))
SECONDS = float(os.environ.get("MK_KILLS_SECONDS", "100"))
NAMES = [f"register-{number}" for number in range(4)]
PATH = "/api/v1/namespaces/default/configmaps"
_GONE = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)


@dataclass
class Clients:
    """Tasks that ask for the same few objects; each notes what it asked and was told."""

    url: str
    context: ssl.SSLContext
    chance: random.Random
    histories: dict[str, History] = field(
        default_factory=lambda: {name: History() for name in NAMES}
    )
    logs: list[list[tuple[str, int, str, str]]] = field(default_factory=lambda: [[], []])
    since: list[str] = field(default_factory=list)
    acknowledged: int = 0
    _values: Iterator[int] = field(default_factory=lambda: count(1))
    _last: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def work(self, session: aiohttp.ClientSession) -> None:
        asks = (self.read, self.list, self.create, self.replace, self.replace, self.patch)
        while True:
            ask = self.chance.choice((*asks, *asks, self.delete))
            with contextlib.suppress(*_GONE):
                await ask(session, self.chance.choice(NAMES))

    async def read(self, session: aiohttp.ClientSession, name: str) -> None:
        start = time.monotonic()
        async with session.get(f"{self.url}{PATH}/{name}") as answer:
            body = await answer.json()
        if answer.status == 404:
            self._note_absent(name, start)
        else:
            assert answer.status == 200, body
            self._note_seen(name, body, start)

    async def list(self, session: aiohttp.ClientSession, _name: str) -> None:
        start = time.monotonic()
        async with session.get(self.url + PATH) as answer:
            body = await answer.json()
        assert answer.status == 200, body
        seen = {item["metadata"]["name"]: item for item in body["items"]}
        for name in NAMES:
            if name in seen:
                self._note_seen(name, seen[name], start)
            else:
                self._note_absent(name, start)

    async def create(self, session: aiohttp.ClientSession, name: str) -> None:
        await self._write(session, name, "POST", PATH, None)

    async def replace(self, session: aiohttp.ClientSession, name: str) -> None:
        """Only the state this client knows."""
        revision, _ = self._last.get(name, (0, ""))
        if revision:
            await self._write(session, name, "PUT", f"{PATH}/{name}", revision)

    async def patch(self, session: aiohttp.ClientSession, name: str) -> None:
        await self._write(session, name, "PATCH", f"{PATH}/{name}", None)

    async def delete(self, session: aiohttp.ClientSession, name: str) -> None:
        start = time.monotonic()
        async with session.delete(f"{self.url}{PATH}/{name}") as answer:
            body = await answer.json()
        if answer.status == 404:
            self._note_absent(name, start)
        else:
            assert answer.status == 200, body
            self.acknowledged += 1
            end = time.monotonic()
            self.histories[name].deletions.append(Deletion(body["details"]["uid"], start, end))

    async def _write(
        self,
        session: aiohttp.ClientSession,
        name: str,
        method: str,
        path: str,
        replaced: int | None,
    ) -> None:
        value, start = f"{name} {next(self._values)}", time.monotonic()
        metadata = {"name": name, **({"resourceVersion": str(replaced)} if replaced else {})}
        try:
            async with session.request(
                method,
                self.url + path,
                data=json.dumps({"metadata": metadata, "data": {"value": value}}),
                headers={"Content-Type": _MEDIA[method]},
            ) as answer:
                body = await answer.json()
        except _GONE:
            self._note_write(name, Write(value, start, time.monotonic(), "unknown"))
            raise
        end = time.monotonic()
        if answer.status in (200, 201):
            revision = int(body["metadata"]["resourceVersion"])
            self._last[name] = (revision, value)
            self.acknowledged += 1
            self._note_write(name, Write(value, start, end, "done", revision, replaced))
            return
        assert answer.status in (404, 409, 503), body
        # 503: the store went down under the write, which may be on the disk all the same.
        outcome: Any = "unknown" if answer.status == 503 else "refused"
        self._note_write(name, Write(value, start, end, outcome))
        if answer.status == 404:
            self._note_absent(name, start)
        elif replaced and answer.status == 409:
            self.histories[name].superseded.append(Superseded(replaced, end))

    def _note_write(self, name: str, write: Write) -> None:
        self.histories[name].writes.append(write)

    def _note_seen(self, name: str, body: Any, start: float) -> None:
        revision, value = int(body["metadata"]["resourceVersion"]), body["data"]["value"]
        self._last[name] = (revision, value)
        self.histories[name].reads.append(Read(value, start, time.monotonic(), revision))

    def _note_absent(self, name: str, start: float) -> None:
        self.histories[name].reads.append(Read(ABSENT, start, time.monotonic(), None))

    async def watch(self, session: aiohttp.ClientSession, number: int) -> None:
        """Goes on where the last watch of this number was cut off."""
        while True:
            with contextlib.suppress(*_GONE):
                query = {"watch": "1", "resourceVersion": self.since[number]}
                async with session.get(self.url + PATH, params=query) as answer:
                    assert answer.status == 200, await answer.text()
                    async for line in answer.content:
                        self._note_event(number, json.loads(line))
            await asyncio.sleep(0.01)

    def _note_event(self, number: int, event: Any) -> None:
        assert event["type"] != "ERROR", event
        obj = event["object"]
        name, revision = obj["metadata"]["name"], int(obj["metadata"]["resourceVersion"])
        self.since[number] = str(revision)
        if name in NAMES:
            value = ABSENT if event["type"] == "DELETED" else obj["data"]["value"]
            self.logs[number].append((name, revision, value, obj["metadata"]["uid"]))


_MEDIA = {
    "POST": "application/json",
    "PUT": "application/json",
    "PATCH": "application/merge-patch+json",
}


@dataclass
class Daemon:
    """The whole daemon of a simulated cluster, started and killed by its parent."""

    folder: Path
    parent: "subprocess.Popen[bytes]"

    def start(self) -> int:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(b"go\n")
        words = self.parent.stdout.readline().split()
        assert words[:1] == [b"pid"], (self.folder / "log").read_text()[-3000:]
        return int(words[1])

    def kill(self, pid: int) -> None:
        assert self.parent.stdout is not None
        os.kill(pid, signal.SIGKILL)
        assert self.parent.stdout.readline() == b"dead\n"

    def access(self) -> tuple[str, ssl.SSLContext]:
        config = yaml.safe_load((self.folder / "data" / "kubeconfig").read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        pair = self.folder / "client.pem"
        pair.write_bytes(
            base64.b64decode(user["client-certificate-data"])
            + base64.b64decode(user["client-key-data"])
        )
        context.load_cert_chain(pair)
        return cluster["server"], context


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with subprocess.Popen(
        [
            sys.executable,
            killed_daemon.__file__,
            *("--cluster", "killed", "--runtime", "simulated"),
            *("--data-dir", str(tmp_path / "data")),
            str(tmp_path / "log"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(killed_daemon.__file__).parents[2]),
            "MK_STATE_ROOT": str(tmp_path / "state"),
            "MK_RUN_ROOT": str(tmp_path / "run"),
        },
    ) as parent:
        yield Daemon(tmp_path, parent)
        assert parent.stdin is not None
        parent.stdin.close()


async def until(check: Callable[[], bool], *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110 - many things are waited for
            await asyncio.sleep(random.uniform(0.001, 0.02))


async def answers(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(*_GONE):
                async with session.get(f"{url}{PATH}") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.01)


@pytest.mark.e2e
@pytest.mark.timeout(SECONDS + 90)
async def test_histories_with_kills_are_linearizable_and_lose_nothing(daemon: Daemon) -> None:
    chance = random.Random()
    pid = daemon.start()
    await until((daemon.folder / "data" / "kubeconfig").exists, seconds=30)
    url, context = daemon.access()
    clients = Clients(url, context, chance)
    began, kills = time.monotonic(), 0
    # One connection a request under way: none waits behind another's dead one.
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        timeout=aiohttp.ClientTimeout(total=20, sock_connect=2),
    ) as session:
        # aiohttp asks a second time when a connection breaks: a write would happen twice.
        session._retry_connection = False
        await answers(session, url)
        clients.since = [await _newest(session, url)] * 2
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(clients.work(session)) for _ in range(6)]
            tasks += [group.create_task(clients.watch(session, number)) for number in range(2)]
            while kills < KILLS and time.monotonic() - began < SECONDS:
                wanted = clients.acknowledged + chance.randrange(1, 60)
                await until(lambda: clients.acknowledged >= wanted, seconds=60)  # noqa: B023
                await asyncio.to_thread(daemon.kill, pid)
                kills += 1
                pid = await asyncio.to_thread(daemon.start)
            for task in tasks[:6]:
                task.cancel()
            await answers(session, url)
            await clients.list(session, "")
            await _until_all_seen(clients, int(await _newest(session, url)))
            for task in tasks[6:]:
                task.cancel()
    await asyncio.to_thread(daemon.kill, pid)

    assert kills >= min(KILLS, 20), f"only {kills} kills in {SECONDS} s"
    assert clients.logs[0] == clients.logs[1]
    found = []
    for name in NAMES:
        states = [State(*event[1:]) for event in clients.logs[0] if event[0] == name]
        found += problems(states, clients.histories[name])
    assert not found, "\n".join(found)
    writes = [write for each in clients.histories.values() for write in each.writes]
    assert sum(write.outcome == "done" for write in writes) > kills
    print(f"{kills} kills, {clients.acknowledged} acknowledged writes of {len(writes)}")


async def _newest(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url + PATH) as answer:
        return str((await answer.json())["metadata"]["resourceVersion"])


async def _until_all_seen(clients: Clients, revision: int) -> None:
    """Until both watches have every change up to `revision`; a last write shows when they have."""
    marker = f"{NAMES[0]} end"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=clients.context)
    ) as session:
        for method, path in (("POST", PATH), ("PATCH", f"{PATH}/{NAMES[0]}")):
            body = {"metadata": {"name": NAMES[0]}, "data": {"value": f"{marker} {method}"}}
            await session.request(
                method,
                clients.url + path,
                data=json.dumps(body),
                headers={"Content-Type": _MEDIA[method]},
            )
    last = f"{marker} PATCH"
    await until(lambda: all(log and log[-1][2] == last for log in clients.logs), seconds=20)
    assert all(int(since) > revision for since in clients.since)
