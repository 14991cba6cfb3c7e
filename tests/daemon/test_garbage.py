"""Small collections: survivors are set aside, and once in a while all are looked at again."""

import gc
from collections.abc import Iterator

import pytest

from minikube_py.daemon.garbage import Collections, collect_in_small_portions

OLDEST = {"generation": 2}


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks
    gc.unfreeze()


def test_what_outlives_a_collection_is_not_visited_by_the_next() -> None:
    collect_in_small_portions(lambda work: None)
    before = gc.get_freeze_count()
    kept = [[] for _ in range(1000)]  # type: ignore[var-annotated]

    gc.collect()

    assert gc.get_freeze_count() >= before + len(kept)
    assert gc.isenabled()


def test_everything_is_visited_a_few_times_a_day() -> None:
    now, later = 0.0, list[object]()
    collections = Collections(lambda: now, soon=later.append)

    collections("stop", OLDEST)
    assert gc.get_freeze_count() > 0

    now = 7 * 3600.0
    collections("stop", OLDEST)
    assert gc.get_freeze_count() == 0
    assert later == []
    collections("stop", OLDEST)
    assert gc.get_freeze_count() > 0
    assert later == [gc.collect]  # so that the one after it is small again


def test_everything_is_visited_sooner_where_much_has_come_since() -> None:
    now = 0.0
    collections = Collections(lambda: now)
    collections("stop", OLDEST)
    assert gc.get_freeze_count() > 0
    many = [[] for _ in range(gc.get_freeze_count())]  # type: ignore[var-annotated]
    gc.collect()

    now = 500.0
    collections("stop", OLDEST)
    assert gc.get_freeze_count() > 0

    now = 601.0
    collections("stop", OLDEST)
    assert gc.get_freeze_count() == 0

    collections("stop", OLDEST)
    now = 1300.0  # as much as there was, nothing new
    collections("stop", OLDEST)
    assert gc.get_freeze_count() > len(many)


@pytest.mark.parametrize(("phase", "generation"), [("start", 2), ("stop", 0), ("stop", 1)], ids=str)
def test_young_objects_get_their_chance(phase: str, generation: int) -> None:
    gc.unfreeze()

    Collections()(phase, {"generation": generation})

    assert gc.get_freeze_count() == 0


def test_freed_memory_goes_back_once_a_minute_at_most() -> None:
    times, trimmed = iter((0.0, 10.0, 61.0, 62.0, 100.0, 130.0)), []
    collections = Collections(lambda: next(times), lambda: trimmed.append("now"))

    told = []
    for _ in range(5):
        collections("stop", OLDEST)
        told.append(len(trimmed))

    assert told == [0, 1, 1, 1, 2]
