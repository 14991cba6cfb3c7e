import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minikube_py.meta.errors import Expired
from minikube_py.store.change_log import ChangeLog, Logged
from minikube_py.store.compaction import Retention
from minikube_py.store.interface import (
    Delete,
    StoreCannotOpen,
    StoreEvent,
    StoreUnavailable,
    WriteConflict,
)
from minikube_py.store.sqlite import SqliteStore
from tests.store.conftest import OpenStore, put, text


async def test_a_write_is_readable_when_it_returns(store: SqliteStore) -> None:
    revision = await store.write(put("/a/1"))

    item = store.get("/a/1")
    assert item is not None
    assert (item.value, item.revision, item.create_revision) == (b"v@2", revision, revision)
    assert store.revision == revision == 2


async def test_create_revision_stays_when_a_value_changes(store: SqliteStore) -> None:
    first = await store.write(put("/a/1"))
    second = await store.write(put("/a/1", "w"))

    item = store.get("/a/1")
    assert item is not None
    assert (item.create_revision, item.revision) == (first, second)


async def test_creating_what_exists_conflicts_and_names_it(store: SqliteStore) -> None:
    await store.write(put("/a/1"))

    with pytest.raises(WriteConflict) as caught:
        await store.write(put("/a/2"), put("/a/1", expected=0))

    assert caught.value.actual == store.get("/a/1")
    assert store.get("/a/2") is None


async def test_deleting_a_missing_key_conflicts(store: SqliteStore) -> None:
    with pytest.raises(WriteConflict):
        await store.write(Delete("/a/1", text("gone")))


async def test_preconditions_see_writes_that_are_still_on_their_way(store: SqliteStore) -> None:
    results = await asyncio.gather(
        *(store.write(put("/a/1", str(number), expected=0)) for number in range(5)),
        return_exceptions=True,
    )

    assert isinstance(results[0], int)
    assert all(isinstance(result, WriteConflict) for result in results[1:])


async def test_what_a_precondition_met_is_on_disk_once_settled(store: SqliteStore) -> None:
    writing = asyncio.ensure_future(store.write(put("/a/1")))
    await asyncio.sleep(0)
    with pytest.raises(WriteConflict):
        await store.write(put("/a/1", "other", expected=0))
    assert store.get("/a/1") is None

    await store.settled()

    assert store.get("/a/1") is not None
    await writing


async def test_with_nothing_on_its_way_all_is_settled_at_once(store: SqliteStore) -> None:
    await store.write(put("/a/1"))

    async with asyncio.timeout(0):
        await store.settled()


async def test_reads_show_only_what_is_on_disk(store: SqliteStore) -> None:
    writing = asyncio.ensure_future(store.write(put("/a/1")))
    await asyncio.sleep(0)

    assert store.get("/a/1") is None

    await writing
    assert store.get("/a/1") is not None


async def test_operations_of_one_write_see_each_other(store: SqliteStore) -> None:
    watch = store.watch("/", store.revision)

    await store.write(put("/a/1"), put("/a/1", "w"), Delete("/a/1", text("gone")), put("/a/1", "x"))

    events = await watch.next_batch()
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert events[2].previous == b"w@2"


async def test_an_encoder_that_fails_leaves_nothing_behind(store: SqliteStore) -> None:
    def fail(_revision: int) -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(put("/a/1"), Delete("/a/1", fail))

    assert await store.write(put("/a/1", expected=0)) == 2


async def test_a_cancelled_writer_does_not_undo_its_write(store: SqliteStore) -> None:
    writer = asyncio.ensure_future(store.write(put("/a/1")))
    await asyncio.sleep(0)
    writer.cancel()

    await store.write(put("/a/2"))

    assert store.get("/a/1") is not None


async def test_pages_follow_each_other_at_one_revision(store: SqliteStore) -> None:
    await asyncio.gather(*(store.write(put(f"/a/{number}")) for number in range(5)))
    await store.write(put("/b/1"))
    first = store.range("/a/", limit=2)
    await store.write(Delete("/a/3", text("gone")), put("/a/9"), put("/a/4", "new"))

    second = store.range("/a/", start_key=first.next_key, limit=2, revision=first.revision)
    third = store.range("/a/", start_key=second.next_key, revision=first.revision)

    pages = [first, second, third]
    assert [item.key for page in pages for item in page.items] == [f"/a/{n}" for n in range(5)]
    # How much is left of the past is not counted: that would read all of it for every page.
    assert [page.remaining for page in pages] == [3, None, 0]
    assert third.next_key is None
    assert third.items[0].value.startswith(b"v@")


async def test_count_is_by_prefix(store: SqliteStore) -> None:
    await store.write(put("/a/1"), put("/a/2"), put("/a0"), put("/b/1"))

    assert (store.count("/a/"), store.count("/a"), store.count(""), store.count("/c")) == (
        2,
        3,
        4,
        0,
    )


async def test_a_watch_replays_the_log_then_goes_live(store: SqliteStore) -> None:
    start = await store.write(put("/a/1"))
    await store.write(put("/b/1"))
    await store.write(put("/a/1", "w"))
    watch = store.watch("/a/", start)
    await store.write(Delete("/a/1", text("gone")))

    events = [*await watch.next_batch()]
    await store.write(put("/a/2"))
    events += await watch.next_batch()

    assert [(event.type, event.value, event.previous) for event in events] == [
        ("MODIFIED", b"w@4", b"v@2"),
        ("DELETED", b"gone@5", b"w@4"),
        ("ADDED", b"v@6", None),
    ]


async def test_a_long_replay_comes_in_pages_without_gap_or_double(store: SqliteStore) -> None:
    await asyncio.gather(*(store.write(put(f"/a/{n}"), put(f"/b/{n}")) for n in range(1200)))
    watch = store.watch("/", 0)

    seen: list[StoreEvent] = []
    while len(seen) < 2400:
        batch = await watch.next_batch()
        assert len(batch) <= 500
        seen += batch

    assert len({(event.revision, event.key) for event in seen}) == 2400
    assert [event.revision for event in seen] == sorted(event.revision for event in seen)


async def test_a_watch_from_a_coming_revision_begins_after_it(store: SqliteStore) -> None:
    watch = store.watch("/", store.revision + 1)

    await store.write(put("/a/1"))
    await store.write(put("/a/2"))

    assert [event.key for event in await watch.next_batch()] == ["/a/2"]


async def test_iteration_ends_when_the_watch_is_closed(store: SqliteStore) -> None:
    watch = store.watch("/", store.revision)

    async def collect() -> list[str]:
        return [event.key async for event in watch]

    collecting = asyncio.ensure_future(collect())
    await store.write(put("/a/1"))
    await asyncio.sleep(0)
    watch.close()

    assert await collecting == ["/a/1"]


async def test_a_watcher_that_never_reads_expires(store: SqliteStore) -> None:
    slow = store.watch("/", store.revision)
    for _ in range(3):
        await asyncio.gather(*(store.write(put(f"/a/{number}")) for number in range(4000)))

    with pytest.raises(Expired):
        await slow.next_batch()


async def test_compaction_forgets_history_and_keeps_live_items(store: SqliteStore) -> None:
    start = store.revision
    await store.write(put("/a/1"), put("/a/2"))
    middle = await store.write(put("/a/1", "w"))
    await store.write(Delete("/a/2", text("gone")))
    await store.write(put("/a/1", "x"))

    await store.compact(middle)

    assert store.compacted_revision == middle
    with pytest.raises(Expired):
        store.watch("/", start)
    with pytest.raises(Expired):
        store.range("/", revision=middle - 1)
    assert [item.value for item in store.range("/", revision=middle).items] == [b"w@3", b"v@2"]
    events = await store.watch("/", middle).next_batch()
    assert [(event.type, event.previous) for event in events] == [
        ("DELETED", b"v@2"),
        ("MODIFIED", b"w@3"),
    ]


async def test_compaction_overtaking_a_replay_expires_it(store: SqliteStore) -> None:
    await asyncio.gather(*(store.write(put(f"/a/{number}")) for number in range(1200)))
    watch = store.watch("/", 1)
    await watch.next_batch()

    await store.compact(store.revision)

    with pytest.raises(Expired):
        await watch.next_batch()


async def test_everything_is_there_after_reopening(
    store: SqliteStore, open_store: OpenStore
) -> None:
    start = store.revision
    await store.write(put("/a/1"), put("/a/2"))
    await store.write(put("/a/1", "w"))
    await store.write(Delete("/a/2", text("gone")))
    items, revision = store.range("/").items, store.revision
    await store.close()

    again = await open_store()

    assert (again.revision, again.range("/").items) == (revision, items)
    assert len(await again.watch("/", start).next_batch()) == 4


async def test_revisions_never_go_back_even_when_all_was_compacted(
    store: SqliteStore, open_store: OpenStore
) -> None:
    await store.write(put("/a/1"))
    last = await store.write(Delete("/a/1", text("gone")))
    await store.compact(last)
    await store.close()

    again = await open_store()

    assert (again.revision, again.compacted_revision) == (last, last)
    assert await again.write(put("/a/1", expected=0)) == last + 1


async def test_closing_waits_for_writes_and_refuses_new_ones(store: SqliteStore) -> None:
    writing = asyncio.ensure_future(store.write(put("/a/1")))
    await asyncio.sleep(0)

    await store.close()

    assert await writing == 2
    with pytest.raises(StoreUnavailable, match="mk up"):
        await store.write(put("/a/2"))


class FailingLog(ChangeLog):
    """A log whose disk is full while `full` says so."""

    full = False
    may_go_on = threading.Event()

    def append(self, changes: Sequence[Logged]) -> None:
        if self.full:
            self.may_go_on.wait(10)
            self._writer.execute("PRAGMA max_page_count = 1")
        else:
            self._writer.execute("PRAGMA max_page_count = 1000000")
        super().append(changes)


async def test_a_full_disk_fails_what_waits_and_the_store_goes_on_afterwards(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minikube_py.store.sqlite.ChangeLog", FailingLog)
    store = await SqliteStore.open(database)
    watch = store.watch("/", store.revision)
    await store.write(put("/a/1"))
    FailingLog.full = True

    first = asyncio.ensure_future(store.write(put("/a/2", "x" * 100_000)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    behind = asyncio.ensure_future(store.write(put("/a/2", expected=3)))
    await asyncio.sleep(0)
    settled = asyncio.ensure_future(store.settled())
    await asyncio.sleep(0)
    FailingLog.may_go_on.set()
    results = await asyncio.gather(first, behind, settled, return_exceptions=True)
    FailingLog.full = False
    revision = await store.write(put("/a/3"))

    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert "free some space" in str(results[0])
    assert store.get("/a/2") is None
    assert revision == 3
    assert [event.key for event in await watch.next_batch()] == ["/a/1", "/a/3"]
    await store.close()


class MovingClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_history_older_than_the_window_is_compacted(open_store: OpenStore) -> None:
    clock = MovingClock()
    store = await open_store(clock=clock, retention=Retention(max_age=60))
    old = await store.write(put("/a/1"))
    clock.now += timedelta(seconds=50)
    await store.write(put("/a/1"))
    await store.compact_by_retention()
    before = store.compacted_revision
    clock.now += timedelta(seconds=20)

    await store.compact_by_retention()

    assert before < old == store.compacted_revision


async def test_the_database_stays_bounded_however_much_is_written(
    open_store: OpenStore, database: Path
) -> None:
    bound = 2 * 1024 * 1024
    store = await open_store(retention=Retention(max_bytes=bound))
    sizes = []
    for _ in range(8):
        await asyncio.gather(*(store.write(put(f"/a/{n}", "x" * 5000)) for n in range(200)))
        await store.compact_by_retention()
        sizes.append(size_of(database))
    await store.close()

    assert max(sizes[4:]) < bound + 4 * 1024 * 1024
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def size_of(path: Path) -> int:
    return path.stat().st_size


def overwrite(path: Path, offset: int, data: bytes) -> None:
    path.touch()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


async def test_a_second_daemon_on_the_same_database_is_refused(
    store: SqliteStore, database: Path
) -> None:
    with pytest.raises(StoreCannotOpen, match="in use by another daemon"):
        await SqliteStore.open(database)


async def test_a_file_that_is_no_database_is_reported(database: Path) -> None:
    overwrite(database, 0, b"something else entirely" * 500)

    with pytest.raises(StoreCannotOpen, match=r"damaged.*mk purge"):
        await SqliteStore.open(database)


async def test_a_torn_database_is_reported(store: SqliteStore, database: Path) -> None:
    await asyncio.gather(*(store.write(put(f"/a/{n}", "x" * 5000)) for n in range(50)))
    await store.close()
    overwrite(database, 4096, b"\xff" * (size_of(database) // 2))

    with pytest.raises(StoreCannotOpen, match="damaged"):
        await SqliteStore.open(database)


async def test_a_database_of_a_newer_version_is_refused(store: SqliteStore, database: Path) -> None:
    await store.close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StoreCannotOpen, match="newer minikube_py"):
        await SqliteStore.open(database)


async def test_only_the_owner_can_read_the_files(store: SqliteStore, database: Path) -> None:
    await store.write(put("/a/1"))

    modes = {file.name: file.stat().st_mode & 0o777 for file in database.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
