"""The database's tables, and how an older database becomes a newer one.

One table holds everything: a change stays until compaction, and the last change of a live key is
its current state. So a value is written once, and history needs no second copy.
"""

import sqlite3
from pathlib import Path

from minikube_py.store.interface import StoreCannotOpen

ORDINAL_BITS = 16
"""A row's id is its revision with the operation's place in the write below it: the rowid is the
order of the log, and one integer range is a range of revisions.
"""

_MIGRATIONS = (
    """
    CREATE TABLE changes (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        type INTEGER NOT NULL,
        create_revision INTEGER NOT NULL,
        time INTEGER NOT NULL,
        value BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX changes_by_key ON changes (key, id, type);
    CREATE TABLE marks (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO marks VALUES ('compacted', 0), ('swept', 0);
    """,
)


def first_id(revision: int) -> int:
    """The id of the first operation of `revision`."""
    return revision << ORDINAL_BITS


def revision_of(row_id: int) -> int:
    return row_id >> ORDINAL_BITS


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only what it is told to, durably. Any thread may use it, one at a
    time.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(
            """
            PRAGMA auto_vacuum = INCREMENTAL;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA journal_size_limit = 16777216;
            PRAGMA cache_size = -4096;
            """
        )
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the tables to this program's version, one transaction a step; raises StoreCannotOpen
    on a newer one.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        raise StoreCannotOpen(
            f"{path} was written by a newer minikube_py (format {version}, this one knows "
            f"{len(_MIGRATIONS)}): install that version again, or `mk purge` to start afresh"
        )
    for step, script in enumerate(_MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {step}; COMMIT;")
