"""A writing process killed with SIGKILL, again and again: nothing acknowledged is lost, no revision
is torn, no secret is in the files.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from minikube_py.store.cipher import AesGcmCipher
from minikube_py.store.interface import StoreEvent
from minikube_py.store.sqlite import SqliteStore
from tests.store import crash_writer

ROUNDS = 300
SECONDS = 60.0


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    began, rounds = time.monotonic(), 0
    with subprocess.Popen(
        [sys.executable, crash_writer.__file__, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, "PYTHONPATH": str(Path(crash_writer.__file__).parents[2])},
    ) as parent:
        for number in range(ROUNDS):
            acknowledged = write_and_kill(parent, seed=number)
            assert acknowledged, "a round without a write proves nothing"
            asyncio.run(check(tmp_path, acknowledged))
            rounds += 1
            if time.monotonic() - began > SECONDS:
                break
        assert parent.stdin is not None
        parent.stdin.close()
    assert rounds >= 100, f"only {rounds} rounds in {SECONDS} s"
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"open-payload" in raw
    assert b"s3cret-payload" not in raw


def write_and_kill(parent: "subprocess.Popen[bytes]", *, seed: int) -> dict[str, tuple[int, int]]:
    """The last acknowledged (revision, counter) of each writer's key."""
    chance = random.Random(seed)
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(b"go\n")
    wanted_acks = chance.randrange(1, 40)
    acknowledged: dict[str, tuple[int, int]] = {}
    pid, acks = 0, 0
    for line in parent.stdout:
        words = line.split()
        if words[0] == b"pid":
            pid = int(words[1])
        elif words[0] == b"ack":
            acks += 1
            acknowledged[words[3].decode()] = (int(words[1]), int(words[2]))
        elif words[0] == b"dead":
            break
        if acks >= wanted_acks and pid:
            time.sleep(chance.random() * 0.004)
            os.kill(pid, signal.SIGKILL)
            pid, wanted_acks = 0, sys.maxsize
    return acknowledged


async def check(folder: Path, acknowledged: dict[str, tuple[int, int]]) -> None:
    cipher = AesGcmCipher.from_key_file(folder / "key", ("/sealed/",), create=False)
    store = await SqliteStore.open(folder / "state.db", cipher=cipher)
    try:
        for key, (revision, counter) in acknowledged.items():
            left, sealed = store.get("/left/" + key), store.get("/sealed/" + key)
            assert left is not None
            assert sealed is not None
            assert left.revision == sealed.revision >= revision
            assert counter_in(left.value, left.revision) >= counter
        for item in store.range("/left/").items:
            twin = store.get(item.key.replace("/left/", "/sealed/"))
            assert twin is not None
            assert counter_in(item.value, item.revision) == counter_in(twin.value, twin.revision)
        await check_log(store)
    finally:
        await store.close()


async def check_log(store: SqliteStore) -> None:
    """The log is whole: every revision after compaction once for each of its two keys, and its
    end is the state.
    """
    if store.revision == store.compacted_revision:
        return
    watch = store.watch("", store.compacted_revision)
    events: list[StoreEvent] = []
    while not events or events[-1].revision < store.revision:
        events += await watch.next_batch()
    first = store.compacted_revision + 1
    wanted = [revision for revision in range(max(2, first), store.revision + 1) for _ in range(2)]
    assert [event.revision for event in events] == wanted
    for event in events:
        counter_in(event.value, event.revision)
    newest = {event.key: event.value for event in events}
    live = {item.key: item.value for item in store.range("").items}
    assert newest.items() <= live.items()


def counter_in(value: bytes, revision: int) -> int:
    written, counter, *_ = value.split()
    assert int(written) == revision
    return int(counter)
