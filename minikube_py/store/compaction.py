"""How much history is kept: decided here, carried out by the store.

A window by age and by count, and a bound on the file: the databases of other single-host
distributions grow to gigabytes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """History older than `max_age` seconds or more than `max_revisions` back is forgotten; above
    `max_bytes` of database file, half of what is left too. `period` seconds between two looks.
    """

    max_age: float = 3600.0
    max_revisions: int = 20_000
    max_bytes: int = 256 * 1024 * 1024
    period: float = 60.0


def compaction_target(
    retention: Retention, *, revision: int, compacted: int, aged: int, used_bytes: int
) -> int:
    """The revision to compact at; `compacted` when there is nothing to do.

    `aged` is the last revision that is older than the window.
    """
    target = max(compacted, aged, revision - retention.max_revisions)
    if used_bytes > retention.max_bytes:
        target = max(target, compacted + (revision - compacted + 1) // 2)
    return target
