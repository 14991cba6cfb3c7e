"""The store on SQLite: checks and numbers writes in the event loop, commits them in groups on one
writer thread, shows and fans them out when they are on disk.

A write is checked against the *head*: what is committed plus what is on its way. Reads show only
what is committed. So no two writes need to wait for each other, all that wait share one fsync, and
a reader never sees what a crash could take back.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from minikube_py.meta.errors import Expired
from minikube_py.meta.timestamps import Clock, system_clock
from minikube_py.store.change_log import MAX_OPERATIONS, ChangeLog, Logged, Snapshot
from minikube_py.store.compaction import Retention, compaction_target
from minikube_py.store.interface import (
    Cipher,
    Delete,
    Item,
    Page,
    Put,
    StoreEvent,
    StoreUnavailable,
    WriteConflict,
)
from minikube_py.store.items import ItemTable
from minikube_py.store.schema import first_id, revision_of
from minikube_py.store.watchers import REPLAY_PAGE, ReplayPage, Watcher, Watchers

_log = logging.getLogger(__name__)
_WRITES_PER_COMMIT = 512
_SWEEP_ROWS = 500
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class _Write:
    """A checked and encoded write on its way to disk."""

    revision: int
    changes: Sequence[Logged]
    done: asyncio.Future[int]


@dataclass(frozen=True, slots=True)
class _Head:
    """A key as the newest write on its way leaves it; `item` None = deleted."""

    revision: int
    item: Item | None


def _open_log(path: Path, cipher: Cipher | None) -> tuple[ChangeLog, Snapshot]:
    log = ChangeLog(path, cipher)
    try:
        return log, log.load()
    except BaseException:
        log.close()
        raise


def _close_again(opening: Future[tuple[ChangeLog, Snapshot]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()


class SqliteStore:
    """Satisfies store.interface.Store. Belongs to the event loop that opened it."""

    def __init__(
        self, log: ChangeLog, snapshot: Snapshot, thread: ThreadPoolExecutor, clock: Clock
    ) -> None:
        self._log = log
        self._thread = thread
        self._clock = clock
        self._retention = Retention()
        self._items = ItemTable(snapshot.items)
        self._revision = snapshot.revision
        self._compacted = snapshot.compacted
        self._watchers = Watchers(self._replay)
        self._head_revision = snapshot.revision
        self._head: dict[str, _Head] = {}
        self._waiting: list[_Write] = []
        self._settling: list[tuple[int, asyncio.Future[None]]] = []
        self._committing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        cipher: Cipher | None = None,
        clock: Clock = system_clock,
        retention: Retention | None = None,
    ) -> "SqliteStore":
        """Opens or creates the database at `path`; raises StoreCannotOpen with advice."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mk-store")
        opening = thread.submit(_open_log, path, cipher)
        try:
            log, snapshot = await asyncio.wrap_future(opening)
        except BaseException:
            # Cancelled, the thread may still be reading: it closes what it opened after that.
            opening.add_done_callback(_close_again)
            thread.shutdown(wait=False)
            raise
        store = cls(log, snapshot, thread, clock)
        store._retention = retention or Retention()
        return store

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def compacted_revision(self) -> int:
        return self._compacted

    def get(self, key: str) -> Item | None:
        return self._items.get(key)

    def count(self, prefix: str) -> int:
        return self._items.count(prefix)

    def range(
        self,
        prefix: str,
        *,
        start_key: str | None = None,
        limit: int | None = None,
        revision: int | None = None,
    ) -> Page:
        if revision is None or revision >= self._revision:
            items, next_key, remaining = self._items.page(prefix, start_key, limit)
            return Page(items, self._revision, next_key, remaining)
        self._require_history(revision)
        one_more = None if limit is None else limit + 1
        keys = self._log.keys_at(prefix, start_key or "", revision, one_more)
        items = self._log.items([row_id for _, row_id in keys[:limit]])
        next_key = keys[-1][0] if limit is not None and len(keys) > limit else None
        return Page(items, revision, next_key, None if next_key else 0)

    async def write(self, *operations: Put | Delete) -> int:
        if self._closed:
            raise StoreUnavailable("the store is closed; start the daemon again (`mk up`)")
        if not operations:
            return self._revision
        if len(operations) > MAX_OPERATIONS:
            raise ValueError(f"one write holds at most {MAX_OPERATIONS} operations")
        write = self._stage(operations)
        self._waiting.append(write)
        self._idle.clear()
        if not self._committing:
            self._committing = True
            # In the loop's next turn: whoever else writes in this one shares the commit.
            asyncio.get_running_loop().call_soon(self._commit_waiting)
        return await write.done

    async def settled(self) -> None:
        if self._head_revision == self._revision:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._settling.append((self._head_revision, waiter))
        await waiter

    def watch(self, prefix: str, since: int) -> Watcher:
        self._require_history(since)
        behind = since < self._revision
        return self._watchers.add(prefix, since, first_id(since + 1) - 1 if behind else None)

    async def compact(self, revision: int) -> None:
        if revision > self._revision:
            raise ValueError(f"revision {revision} is not reached yet, {self._revision} is")
        # First in memory: nobody may read history while it is being removed.
        self._compacted = max(self._compacted, revision)
        await self._on_thread(partial(self._log.mark_compacted, revision))
        while await self._on_thread(partial(self._log.sweep, _SWEEP_ROWS)):
            pass
        while await self._on_thread(self._log.vacuum):
            pass

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._retention.period)
            try:
                await self.compact_by_retention()
            except StoreUnavailable as error:
                _log.warning("compaction put off reason=%s", error)

    async def compact_by_retention(self) -> None:
        """What `run` does each period."""
        cutoff = _milliseconds(self._clock) - int(self._retention.max_age * 1000)
        revision, compacted = self._revision, self._compacted
        aged = await self._on_thread(
            partial(self._log.last_revision_before, cutoff, after=compacted, until=revision)
        )
        target = compaction_target(
            self._retention,
            revision=revision,
            compacted=compacted,
            aged=aged,
            used_bytes=await self._on_thread(self._log.used_bytes),
        )
        if target > compacted:
            _log.debug("compacting revision=%d", target)
            await self.compact(target)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._idle.wait()
        self._watchers.close()
        await self._on_thread(self._log.close)
        self._thread.shutdown(wait=False)

    def _require_history(self, revision: int) -> None:
        if revision < self._compacted:
            raise Expired(f"too old resource version: {revision} ({self._compacted})")

    def _replay(self, prefix: str, position: int) -> ReplayPage:
        self._require_history(revision_of(position))
        found = self._log.history(prefix, position, self._revision, REPLAY_PAGE)
        events = [event for _, event in found]
        if len(found) < REPLAY_PAGE:
            return ReplayPage(events, position, caught_up=True)
        return ReplayPage(events, found[-1][0], caught_up=False)

    def _stage(self, operations: Sequence[Put | Delete]) -> _Write:
        """Checks and encodes; the head changes only when all of it went well."""
        revision = self._head_revision + 1
        now = _milliseconds(self._clock)
        staged: dict[str, _Head] = {}
        changes = []
        for operation in operations:
            current = self._current(operation.key, staged)
            _check(operation, current)
            change = _apply(operation, current, revision, now)
            changes.append(change)
            staged[operation.key] = _Head(revision, _item_after(change))
        self._head.update(staged)
        self._head_revision = revision
        return _Write(revision, changes, asyncio.get_running_loop().create_future())

    def _current(self, key: str, staged: dict[str, _Head]) -> Item | None:
        head = staged.get(key) or self._head.get(key)
        return head.item if head is not None else self._items.get(key)

    def _commit_waiting(self) -> None:
        batch = self._waiting[:_WRITES_PER_COMMIT]
        del self._waiting[:_WRITES_PER_COMMIT]
        changes = [change for write in batch for change in write.changes]
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._log.append, changes)
        future.add_done_callback(partial(self._committed, batch))

    def _committed(self, batch: Sequence[_Write], commit: asyncio.Future[None]) -> None:
        error = commit.exception()
        if error is None:
            self._show(batch)
        else:
            self._fail(batch, error)
        if self._waiting:
            self._commit_waiting()
        else:
            self._committing = False
            self._idle.set()

    def _show(self, batch: Sequence[_Write]) -> None:
        events: list[StoreEvent] = []
        for write in batch:
            for change in write.changes:
                self._show_change(change)
                events.append(change.event)
        self._revision = batch[-1].revision
        self._watchers.publish(events)
        for write in batch:
            if not write.done.done():  # cancelled writers: the write happened all the same
                write.done.set_result(write.revision)
        self._settle(self._revision, None)

    def _settle(self, revision: int, error: Exception | None) -> None:
        """Wakes those who wait for writes up to `revision`."""
        reached = [waiter for wanted, waiter in self._settling if wanted <= revision]
        self._settling = [each for each in self._settling if each[0] > revision]
        for waiter in reached:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _show_change(self, change: Logged) -> None:
        key = change.event.key
        item = _item_after(change)
        if item is None:
            self._items.remove(key)
        else:
            self._items.put(item)
        head = self._head.get(key)
        if head is not None and head.revision == change.event.revision:
            del self._head[key]

    def _fail(self, batch: Sequence[_Write], error: BaseException) -> None:
        """Everything behind the batch was checked against it and has its revisions: it fails
        too.
        """
        _log.error("commit failed writes=%d error=%s", len(batch) + len(self._waiting), error)
        failed = [*batch, *self._waiting]
        self._waiting.clear()
        self._head.clear()
        self._head_revision = self._revision
        for write in failed:
            if not write.done.done():
                write.done.set_exception(_unavailable(error))
        self._settle(failed[-1].revision, _unavailable(error))

    async def _on_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _unavailable(error: BaseException) -> StoreUnavailable:
    reason = StoreUnavailable(str(error))
    reason.__cause__ = error
    return reason


def _check(operation: Put | Delete, current: Item | None) -> None:
    if isinstance(operation, Delete) and current is None:
        raise WriteConflict(operation.key, None)
    actual = 0 if current is None else current.revision
    if operation.expected is not None and operation.expected != actual:
        raise WriteConflict(operation.key, current)


def _apply(operation: Put | Delete, current: Item | None, revision: int, now: int) -> Logged:
    value = operation.encode(revision)
    if current is None:
        return Logged(StoreEvent("ADDED", operation.key, value, None, revision), revision, now)
    event = StoreEvent(
        "MODIFIED" if isinstance(operation, Put) else "DELETED",
        operation.key,
        value,
        current.value,
        revision,
    )
    return Logged(event, current.create_revision, now)


def _item_after(change: Logged) -> Item | None:
    event = change.event
    if event.type == "DELETED":
        return None
    return Item(event.key, event.value, change.create_revision, event.revision)


def _milliseconds(clock: Clock) -> int:
    return int(clock().timestamp() * 1000)
