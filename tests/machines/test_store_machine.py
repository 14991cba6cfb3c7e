"""The store against a plain dict and a list of events: any order of writes, compactions, watches
and restarts.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from minikube_py.meta.errors import Expired
from minikube_py.store.cipher import AesGcmCipher
from minikube_py.store.interface import Delete, Item, Put, StoreEvent, WriteConflict
from minikube_py.store.sqlite import SqliteStore

_T = TypeVar("_T")
KEYS = [f"/{folder}/{name}" for folder in ("a", "b", "sealed") for name in ("1", "2", "3")]
PREFIXES = ["", "/a/", "/b/", "/sealed/", "/a/1"]
keys = st.sampled_from(KEYS)
prefixes = st.sampled_from(PREFIXES)
operations = st.lists(
    st.tuples(st.sampled_from(["put", "delete"]), keys, st.sampled_from(["any", "right", "wrong"])),
    min_size=1,
    max_size=4,
)
Operation = tuple[str, str, str]


class Model:
    """What the store should be: live items, every event, and where history begins."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.events: list[StoreEvent] = []
        self.revision = 1
        self.compacted = 0

    def write(self, chosen: list[Operation]) -> list[Put | Delete] | None:
        """The operations as the store takes them; None when they conflict, then nothing
        changes.
        """
        items, events, revision = dict(self.items), [], self.revision + 1
        made: list[Put | Delete] = []
        conflict = False
        for verb, key, guess in chosen:
            old = items.get(key)
            actual = old.revision if old else 0
            expected = {"any": None, "right": actual, "wrong": actual + 1}[guess]
            operation = Put if verb == "put" else Delete
            made.append(operation(key, _stamp(key), expected))
            if guess == "wrong" or (verb == "delete" and old is None):
                conflict = True
                break
            value = _stamp(key)(revision)
            previous = old.value if old else None
            if verb == "delete":
                del items[key]
                events.append(StoreEvent("DELETED", key, value, previous, revision))
            else:
                items[key] = Item(key, value, old.create_revision if old else revision, revision)
                kind = "MODIFIED" if old else "ADDED"
                events.append(StoreEvent(kind, key, value, previous, revision))  # type: ignore[arg-type]
        self.operations = made
        if conflict:
            return None
        self.items, self.revision = items, revision
        self.events += events
        return made

    def at(self, revision: int) -> dict[str, bytes]:
        state: dict[str, bytes] = {}
        for event in self.events:
            if event.revision <= revision:
                if event.type == "DELETED":
                    state.pop(event.key)
                else:
                    state[event.key] = event.value
        return state


def _stamp(key: str) -> Callable[[int], bytes]:
    return lambda revision: f"plain-text {key} {revision}".encode()


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="store-machine-"))
        self.runner = asyncio.Runner()
        self.model = Model()
        self.watches: list[tuple[str, int, list[StoreEvent], object]] = []

    def do(self, work: Coroutine[object, object, _T]) -> _T:
        return self.runner.run(work)

    @initialize()
    def start(self) -> None:
        cipher = AesGcmCipher.from_key_file(self.folder / "key", ("/sealed/",))
        self.store = self.do(SqliteStore.open(self.folder / "state.db", cipher=cipher))

    @rule(chosen=operations)
    def write(self, chosen: list[Operation]) -> None:
        made = self.model.write(chosen)
        if made is None:
            with pytest.raises(WriteConflict):
                self.do(self.store.write(*self.model.operations))
        else:
            assert self.do(self.store.write(*made)) == self.model.revision

    @rule(several=st.lists(operations, min_size=2, max_size=5))
    def write_at_once(self, several: list[list[Operation]]) -> None:
        """Later ones are checked against earlier ones that are still on their way."""
        expected, calls = [], []
        for chosen in several:
            made = self.model.write(chosen)
            expected.append(None if made is None else self.model.revision)
            calls.append(self.model.operations)

        async def all_at_once() -> list[object]:
            return await asyncio.gather(
                *(self.store.write(*made) for made in calls), return_exceptions=True
            )

        for result, revision in zip(self.do(all_at_once()), expected, strict=True):
            assert result == revision or (revision is None and isinstance(result, WriteConflict))

    @rule(back=st.integers(0, 5))
    def compact(self, back: int) -> None:
        revision = max(self.model.compacted, self.model.revision - back)
        self.do(self.store.compact(revision))
        self.model.compacted = revision

    @rule()
    def reopen(self) -> None:
        for _, _, _, watch in self.watches:
            watch.close()  # type: ignore[attr-defined]
        self.watches.clear()
        self.do(self.store.close())
        self.start()

    @rule(prefix=prefixes, back=st.integers(0, 8), limit=st.integers(1, 4))
    def list_in_pages(self, prefix: str, back: int, limit: int) -> None:
        revision = max(1, self.model.revision - back)
        if revision < self.model.compacted:
            with pytest.raises(Expired):
                self.store.range(prefix, revision=revision)
            return
        found: list[Item] = []
        page = self.store.range(prefix, limit=limit, revision=revision)
        while True:
            found += page.items
            assert page.revision == revision
            if page.next_key is None:
                break
            page = self.store.range(prefix, start_key=page.next_key, limit=limit, revision=revision)
        state = self.model.at(revision)
        wanted = sorted(key for key in state if key.startswith(prefix))
        assert [(item.key, item.value) for item in found] == [(key, state[key]) for key in wanted]

    @precondition(lambda self: len(self.watches) < 4)
    @rule(prefix=prefixes, back=st.integers(0, 8))
    def begin_watch(self, prefix: str, back: int) -> None:
        since = max(0, self.model.revision - back)
        if since < self.model.compacted:
            with pytest.raises(Expired):
                self.store.watch(prefix, since)
            return
        self.watches.append((prefix, since, [], self.store.watch(prefix, since)))

    @rule()
    def every_watch_has_seen_all_in_order(self) -> None:
        for prefix, since, seen, watch in list(self.watches):
            wanted = [
                event
                for event in self.model.events
                if event.revision > since and event.key.startswith(prefix)
            ]
            try:
                while len(seen) < len(wanted):
                    seen += self.do(watch.next_batch())  # type: ignore[attr-defined]
            except Expired:
                assert not seen, "only a replay that has not begun may be overtaken"
                assert since < self.model.compacted
                self.watches.remove((prefix, since, seen, watch))
                continue
            assert seen == wanted

    @invariant()
    def live_items_are_the_models(self) -> None:
        if hasattr(self, "store"):
            assert self.store.revision == self.model.revision
            assert self.store.compacted_revision == self.model.compacted
            listed = self.store.range("").items
            assert {item.key: item for item in listed} == self.model.items
            for prefix in PREFIXES:
                wanted = sum(key.startswith(prefix) for key in self.model.items)
                assert self.store.count(prefix) == wanted

    @invariant()
    def sealed_values_never_touch_the_disk(self) -> None:
        for file in self.folder.iterdir():
            assert b"plain-text /sealed/" not in file.read_bytes()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.do(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)


StoreMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestStoreMachine = StoreMachine.TestCase
