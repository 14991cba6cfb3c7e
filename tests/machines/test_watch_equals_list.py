"""Whatever is written, and wherever a watcher starts: its list plus its changes is today's list."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from minikube_py.kinds.catalog import CONFIG_MAP, NAMESPACE
from minikube_py.meta.errors import AlreadyExists, NotFound
from minikube_py.meta.objects import key_of
from minikube_py.meta.selectors import parse_field_selector, parse_label_selector
from minikube_py.resources.resources import ListOptions, Patch, Resources
from minikube_py.store.sqlite import SqliteStore
from tests.resources.conftest import FakeClock, new_resources

NAMES = st.sampled_from(["a", "ab", "b"])
SPACES = st.sampled_from(["default", "other"])
LABELS = st.sampled_from([{}, {"on": "yes"}, {"on": "no"}])
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["create", "label", "delete", "list"]), SPACES, NAMES, LABELS),
    max_size=25,
)
SELECTIONS = st.sampled_from(
    [
        ListOptions(),
        ListOptions(labels=parse_label_selector("on=yes")),
        ListOptions(labels=parse_label_selector("on!=yes")),
        ListOptions(fields=parse_field_selector("metadata.name=a")),
        ListOptions(fields=parse_field_selector("metadata.name!=a,metadata.namespace=other")),
    ]
)


async def carry_out(resources: Resources, operation: tuple[str, str, str, Any]) -> None:
    verb, namespace, name, labels = operation
    body = {"metadata": {"name": name, "labels": labels}}
    try:
        if verb == "create":
            await resources.create(CONFIG_MAP, namespace, body)
        elif verb == "label":
            patch = Patch("merge", {"metadata": {"labels": labels or None}})
            await resources.patch(CONFIG_MAP, namespace, name, patch)
        elif verb == "delete":
            await resources.delete(CONFIG_MAP, namespace, name)
    except (AlreadyExists, NotFound):
        pass


async def check(operations: list[tuple[str, str, str, Any]], options: ListOptions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "state.db")
        resources = new_resources(store, FakeClock())
        for name in ("default", "other"):
            await resources.create(NAMESPACE, None, {"metadata": {"name": name}})
        watchers = []
        for operation in operations:
            if operation[0] == "list":
                page = resources.list(CONFIG_MAP, None, options)
                seen = {key_of(obj): obj for obj in page.objects()}
                watchers.append((seen, page.revision))
            await carry_out(resources, operation)
        today = {key_of(obj): obj for obj in resources.list(CONFIG_MAP, None, options).objects()}
        for seen, revision in watchers:
            await replay(resources, options, seen, revision)
            assert seen == today
        await store.close()


async def replay(
    resources: Resources, options: ListOptions, seen: dict[Any, Any], since: int
) -> None:
    """Brings `seen` up to date; each change must fit what the watcher knows."""
    watch = resources.watch(CONFIG_MAP, None, options, since=since)
    last = since
    try:
        while True:
            async with asyncio.timeout(0):  # history is there at once
                changes = await watch.next_batch()
            for change in changes:
                assert change.revision > last
                assert (change.type == "ADDED") is (change.key not in seen)
                last = change.revision
                if change.type == "DELETED":
                    del seen[change.key]
                else:
                    seen[change.key] = change.object
    except TimeoutError:
        watch.close()


@settings(max_examples=40, deadline=None)
@given(OPERATIONS, SELECTIONS)
def test_a_list_and_its_watch_add_up_to_the_next_list(
    operations: list[tuple[str, str, str, Any]], options: ListOptions
) -> None:
    asyncio.run(check(operations, options))
