"""The change log on disk: the only module that speaks SQL to the tables of schema.py.

Two connections: one writes, on the store's writer thread; one only reads, on the event loop's,
and never waits for the writer (WAL). Values are sealed and opened here.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from minikube_py.store.cipher import KeyProblem, is_sealed, sync_directory
from minikube_py.store.interface import (
    Cipher,
    EventType,
    Item,
    StoreCannotOpen,
    StoreEvent,
    StoreUnavailable,
)
from minikube_py.store.items import prefix_end
from minikube_py.store.schema import ORDINAL_BITS, connect, first_id, migrate, revision_of

_TYPES: tuple[EventType, ...] = get_args(EventType)
_NUMBERS = {name: number for number, name in enumerate(_TYPES)}
_DELETED = _NUMBERS["DELETED"]
_BEYOND_ALL_KEYS = "\U0010ffff" * 4
_FREE_PAGES_KEPT = 256
_VACUUM_PAGES = 500


@dataclass(frozen=True, slots=True)
class Logged:
    """One change on its way to disk; `time` in milliseconds since the epoch."""

    event: StoreEvent
    create_revision: int
    time: int


@dataclass(frozen=True)
class Snapshot:
    """What a restart begins with."""

    items: Sequence[Item]
    revision: int
    compacted: int


class ChangeLog:
    """Blocking calls; `append`, `sweep`, `mark_compacted`, `vacuum` belong to the writer thread."""

    def __init__(self, path: Path, cipher: Cipher | None) -> None:
        """Opens or creates the database (mode 0600); raises StoreCannotOpen."""
        self.path = path
        self._cipher = cipher
        with ExitStack() as opened, _opening(path):
            opened.enter_context(_lock(path))
            if not path.exists():
                path.touch(mode=0o600)
                sync_directory(path.parent)
            self._writer = opened.enter_context(closing(connect(path)))
            migrate(self._writer, path)
            self._reader = opened.enter_context(closing(connect(path)))
            self._reader.execute("PRAGMA query_only = ON")
            self._opened_files = opened.pop_all()

    def load(self) -> Snapshot:
        """The live items; raises StoreCannotOpen on a damaged database or a wrong key."""
        with _opening(self.path):
            rows = self._writer.execute(
                "SELECT key, value, create_revision, id FROM changes "
                "WHERE id IN (SELECT max(id) FROM changes GROUP BY key) AND type != ?",
                (_DELETED,),
            )
            items = [
                Item(key, self._opened(key, value), created, revision_of(row_id))
                for key, value, created, row_id in rows
            ]
            (last,) = self._writer.execute("SELECT max(id) FROM changes").fetchone()
            compacted = self._mark("compacted")
        # 1, not 0, is where an empty store begins: "0" means "any" as a resourceVersion.
        return Snapshot(items, max(1, compacted, revision_of(last or 0)), compacted)

    def append(self, changes: Sequence[Logged]) -> None:
        """One transaction, on disk when it returns; raises StoreUnavailable, then nothing of it is
        kept.
        """
        rows, ordinal, revision = [], 0, -1
        for change in changes:
            event = change.event
            ordinal = ordinal + 1 if event.revision == revision else 0
            revision = event.revision
            rows.append(
                (
                    first_id(revision) + ordinal,
                    event.key,
                    _NUMBERS[event.type],
                    change.create_revision,
                    change.time,
                    self._sealed(event.key, event.value),
                )
            )
        with self._transaction():
            self._writer.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)", rows)

    def history(
        self, prefix: str, after_id: int, last_revision: int, limit: int
    ) -> Sequence[tuple[int, StoreEvent]]:
        """(id, event) of up to `limit` changes after `after_id`, none beyond `last_revision`."""
        rows = self._reader.execute(
            "SELECT id, key, type, value, CASE WHEN type = 0 THEN NULL ELSE ("
            "  SELECT older.value FROM changes AS older"
            "  WHERE older.key = changes.key AND older.id < changes.id"
            "  ORDER BY older.id DESC LIMIT 1) END "
            "FROM changes NOT INDEXED "
            "WHERE id > ? AND id < ? AND key >= ? AND key < ? ORDER BY id LIMIT ?",
            (after_id, first_id(last_revision + 1), prefix, _key_limit(prefix), limit),
        )
        return [
            (row_id, self._event(row_id, key, number, value, previous))
            for row_id, key, number, value, previous in rows.fetchall()
        ]

    def keys_at(
        self, prefix: str, start_key: str, revision: int, limit: int | None
    ) -> list[tuple[str, int]]:
        """(key, id of its row) of the first `limit` that lived at `revision`, in key order; the
        index alone tells.
        """
        rows = self._reader.execute(
            "SELECT key, id FROM ("
            "SELECT key, max(id) AS id, type FROM changes INDEXED BY changes_by_key "
            "WHERE key >= ? AND key < ? AND id < ? GROUP BY key ORDER BY key"
            ") WHERE type != ? LIMIT ?",
            (
                max(prefix, start_key),
                _key_limit(prefix),
                first_id(revision + 1),
                _DELETED,
                -1 if limit is None else limit,
            ),
        )
        return rows.fetchall()

    def items(self, ids: Sequence[int]) -> list[Item]:
        found = []
        for row_id in ids:
            key, value, created = self._reader.execute(
                "SELECT key, value, create_revision FROM changes WHERE id = ?", (row_id,)
            ).fetchone()
            found.append(Item(key, self._opened(key, value), created, revision_of(row_id)))
        return found

    def last_revision_before(self, time: int, *, after: int, until: int) -> int:
        """The last revision in (after, until] written before `time`, or `after`: a binary search,
        for times grow with the log.
        """
        low, high = after, until
        while low < high:
            middle = (low + high + 1) // 2
            row = self._writer.execute(
                "SELECT time FROM changes WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
                (first_id(middle), first_id(until + 1)),
            ).fetchone()
            if row is not None and row[0] < time:
                low = middle
            else:
                high = middle - 1
        return low

    def used_bytes(self) -> int:
        """Of the database file, less what is free for reuse."""
        pages, free, size = (
            self._writer.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def mark_compacted(self, revision: int) -> None:
        with self._transaction():
            self._writer.execute(
                "UPDATE marks SET revision = max(revision, ?) WHERE name = 'compacted'", (revision,)
            )

    def sweep(self, limit: int) -> bool:
        """Removes what compaction made unreadable, looking at `limit` changes; whether more is
        left. A crash between two sweeps loses nothing: the next one goes on where this one was.
        """
        swept, compacted = self._mark("swept"), self._mark("compacted")
        rows = self._writer.execute(
            "SELECT id, key, type FROM changes WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (first_id(swept + 1), first_id(compacted + 1), limit),
        ).fetchall()
        full = len(rows) == limit
        # A revision that the limit cut in two is swept whole the next time.
        reached = revision_of(rows[-1][0]) - 1 if full else compacted
        if full and reached <= swept:
            return self.sweep(limit * 2)
        with self._transaction():
            self._writer.executemany(
                "DELETE FROM changes WHERE key = ? AND id < ?",
                [(key, row_id) for row_id, key, _ in rows],
            )
            self._writer.executemany(
                "DELETE FROM changes WHERE id = ?",
                [
                    (row_id,)
                    for row_id, _, number in rows
                    if number == _DELETED and revision_of(row_id) <= reached
                ],
            )
            self._writer.execute("UPDATE marks SET revision = ? WHERE name = 'swept'", (reached,))
        return reached < compacted

    def vacuum(self) -> bool:
        """Gives free pages back to the file system, a few at a time; whether more are left."""
        (free,) = self._writer.execute("PRAGMA freelist_count").fetchone()
        if free <= _FREE_PAGES_KEPT:
            return False
        with _translated(self.path):
            pages = min(_VACUUM_PAGES, free - _FREE_PAGES_KEPT)
            self._writer.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
            if free - pages <= _FREE_PAGES_KEPT:
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                return False
        return True

    def close(self) -> None:
        self._opened_files.close()

    def _mark(self, name: str) -> int:
        row = self._writer.execute("SELECT revision FROM marks WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def _event(
        self, row_id: int, key: str, number: int, value: bytes, previous: bytes | None
    ) -> StoreEvent:
        before = None if previous is None else self._opened(key, previous)
        return StoreEvent(
            _TYPES[number], key, self._opened(key, value), before, revision_of(row_id)
        )

    def _sealed(self, key: str, value: bytes) -> bytes:
        if self._cipher is not None and self._cipher.covers(key):
            return self._cipher.seal(key, value)
        return value

    def _opened(self, key: str, value: bytes) -> bytes:
        if not is_sealed(value):
            return value
        if self._cipher is None:
            raise KeyProblem(
                f"{key} in {self.path} is sealed, and no key was given: start with the key file "
                "of this cluster"
            )
        return self._cipher.open(key, value)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # some errors have rolled back by themselves
                    self._writer.execute("ROLLBACK")
                raise


MAX_OPERATIONS = 1 << ORDINAL_BITS


def _key_limit(prefix: str) -> str:
    return prefix_end(prefix) or _BEYOND_ALL_KEYS


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Two processes that both hand out revisions would overwrite each other."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StoreCannotOpen(
            f"{path} is in use by another daemon: stop it first (`mk down`)"
        ) from None
    finally:
        os.close(descriptor)


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise StoreCannotOpen(
                f"{path} is damaged ({error}): put back a copy of it, or `mk purge` to start afresh"
            ) from error
        raise StoreCannotOpen(f"cannot open {path}: {_advice(path, error)}") from error
    except OSError as error:
        raise StoreCannotOpen(f"cannot open {path}: {error.strerror}") from error


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"not saved: {_advice(path, error)}") from error


def _advice(path: Path, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return f"the disk that holds {path} is full; free some space and try again"
    if name.startswith("SQLITE_IOERR"):
        return f"the disk that holds {path} fails ({error}); check it (dmesg) and try again"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return f"{path} can't be written ({error}); check its owner and mode"
    return f"{path}: {error}"
