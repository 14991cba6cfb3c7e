"""Watches over real chunked HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

import aiohttp
import pytest

from minikube_py.apiserver import watch
from minikube_py.resources.watching import ResourceWatch
from tests.apiserver.serving import Cluster
from tests.apiserver.test_verbs import MAPS, config_map

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


class Events:
    """A running watch, read event by event."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            line = await self.answer.content.readline()
        assert line, "the watch has ended"
        event: dict[str, Any] = json.loads(line)
        return event

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return await self.answer.content.read() == b""


class Watching(Protocol):
    async def __call__(self, headers: dict[str, str] | None = None, **params: str) -> Events: ...


@pytest.fixture
async def watching(cluster: Cluster) -> AsyncIterator[Watching]:
    """Starts watches, and leaves none behind."""
    answers: list[aiohttp.ClientResponse] = []

    async def start(headers: dict[str, str] | None = None, **params: str) -> Events:
        query = {"watch": "true", **params}
        answer = await cluster.http.get(MAPS, params=query, headers=headers)
        answers.append(answer)
        assert answer.status == 200
        return Events(answer)

    yield start
    for answer in answers:
        answer.close()


def names(*events: dict[str, Any]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


async def test_a_watch_shows_what_exists_and_then_what_changes(
    cluster: Cluster, watching: Watching
) -> None:
    created = await (await cluster.http.post(MAPS, json=config_map("a"))).json()
    events = await watching()

    first = await events.next()
    created["data"] = {"k": "v"}
    await cluster.http.put(f"{MAPS}/a", json=created)
    second = await events.next()
    await cluster.http.delete(f"{MAPS}/a")
    third = await events.next()

    assert names(first, second, third) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in (first, second, third)]
    assert versions == sorted(set(versions))


async def test_a_watch_from_a_revision_misses_and_repeats_nothing(
    cluster: Cluster, watching: Watching
) -> None:
    listed = await (await cluster.http.get(MAPS)).json()
    for name in ("a", "b", "c"):
        await cluster.http.post(MAPS, json=config_map(name))

    events = await watching(resourceVersion=listed["metadata"]["resourceVersion"])
    seen = [await events.next() for _ in range(3)]

    assert names(*seen) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


async def test_leaving_a_selector_looks_like_deletion(cluster: Cluster, watching: Watching) -> None:
    obj = config_map("a")
    obj["metadata"]["labels"] = {"team": "red"}
    events = await watching(labelSelector="team=red")

    await cluster.http.post(MAPS, json=obj)
    obj["metadata"]["labels"] = {"team": "blue"}
    await cluster.http.put(f"{MAPS}/a", json=obj)

    assert names(await events.next(), await events.next()) == [("ADDED", "a"), ("DELETED", "a")]


async def test_initial_events_end_with_an_annotated_bookmark(
    cluster: Cluster, watching: Watching
) -> None:
    await cluster.http.post(MAPS, json=config_map("a"))

    events = await watching(
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        allowWatchBookmarks="true",
    )
    first, bookmark = await events.next(), await events.next()

    assert names(first) == [("ADDED", "a")]
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "ConfigMap"
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_initial_events_without_a_match_are_refused(
    cluster: Cluster, watching: Watching
) -> None:
    answer = await cluster.http.get(MAPS, params={"watch": "1", "sendInitialEvents": "true"})

    assert answer.status == 422


async def test_a_watch_ends_cleanly_at_its_time_limit_after_a_last_bookmark(
    cluster: Cluster,
    watching: Watching,
) -> None:
    events = await watching(timeoutSeconds="1", allowWatchBookmarks="true")

    bookmark = await events.next()

    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["resourceVersion"] == str(
        cluster.resources.store.revision
    )
    assert await events.ended()


async def test_bookmarks_never_run_ahead_of_the_events(
    cluster: Cluster, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BOOKMARK_SECONDS", 0.01)
    events = await watching(allowWatchBookmarks="true")

    async def write() -> None:
        for number in range(30):
            await cluster.http.post(MAPS, json=config_map(f"m{number}"))

    writing = asyncio.ensure_future(write())
    seen, bookmarked = 0, 0
    while seen < 30:
        event = await events.next()
        version = int(event["object"]["metadata"]["resourceVersion"])
        if event["type"] == "BOOKMARK":
            bookmarked = max(bookmarked, version)
        else:
            seen += 1
            assert version > bookmarked
    await writing


async def test_a_compacted_revision_is_answered_with_an_error_event(
    cluster: Cluster, watching: Watching
) -> None:
    for name in ("a", "b"):
        await cluster.http.post(MAPS, json=config_map(name))
    await cluster.resources.store.compact(cluster.resources.store.revision)

    event = await (await watching(resourceVersion="1")).next()

    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 410
    assert event["object"]["reason"] == "Expired"


async def test_a_table_watch_names_the_columns_once(cluster: Cluster, watching: Watching) -> None:
    events = await watching(TABLE)
    await cluster.http.post(MAPS, json=config_map("a"))
    await cluster.http.post(MAPS, json=config_map("b"))

    first, second = await events.next(), await events.next()

    assert first["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] == []
    assert second["object"]["rows"][0]["cells"][0] == "b"


async def test_a_watcher_that_leaves_is_forgotten_at_once(
    cluster: Cluster, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = asyncio.Event()
    original = ResourceWatch.close

    def close(watch: ResourceWatch) -> None:
        original(watch)
        closed.set()

    monkeypatch.setattr(ResourceWatch, "close", close)
    events = await watching()

    events.answer.close()

    async with asyncio.timeout(5):
        await closed.wait()


async def test_watches_end_cleanly_when_the_server_stops(
    cluster: Cluster, watching: Watching
) -> None:
    events = await watching()

    stopping = asyncio.ensure_future(cluster.runner.cleanup())

    assert await events.ended()
    await stopping


async def test_every_watcher_sees_the_same_order(cluster: Cluster, watching: Watching) -> None:
    watchers = [await watching() for _ in range(5)]
    await asyncio.gather(
        *(cluster.http.post(MAPS, json=config_map(f"m{number}")) for number in range(20))
    )

    orders = [names(*[await events.next() for _ in range(20)]) for events in watchers]

    assert all(order == orders[0] for order in orders)


@pytest.mark.parametrize("protocols", [(), ("base64.binary.k8s.io",)])
async def test_browsers_watch_over_a_websocket_an_event_a_message(
    cluster: Cluster, protocols: tuple[str, ...]
) -> None:
    await cluster.http.post(MAPS, json=config_map("first"))

    async with cluster.http.ws_connect(MAPS, params={"watch": "1"}, protocols=protocols) as socket:
        await cluster.http.post(MAPS, json=config_map("second"))
        events = [json.loads(await socket.receive_str(timeout=5)) for _ in range(2)]

    assert names(*events) == [("ADDED", "first"), ("ADDED", "second")]
    assert socket.protocol == (protocols[0] if protocols else None)


async def test_a_websocket_is_closed_at_the_time_limit_and_by_the_client(cluster: Cluster) -> None:
    ended = {"watch": "1", "timeoutSeconds": "1", "allowWatchBookmarks": "true"}

    async with cluster.http.ws_connect(MAPS, params=ended) as socket:
        last = json.loads(await socket.receive_str(timeout=5))
        closing = await socket.receive(timeout=5)
    async with cluster.http.ws_connect(MAPS, params={"watch": "1"}) as other:
        async with asyncio.timeout(5):
            await other.close()

    assert last["type"] == "BOOKMARK"
    assert closing.type == aiohttp.WSMsgType.CLOSE
    assert other.close_code == aiohttp.WSCloseCode.OK


async def test_a_websocket_learns_that_its_revision_is_gone(cluster: Cluster) -> None:
    for name in ("a", "b"):
        await cluster.http.post(MAPS, json=config_map(name))
    await cluster.resources.store.compact(cluster.resources.store.revision)
    too_old = {"watch": "1", "resourceVersion": "1"}

    async with cluster.http.ws_connect(MAPS, params=too_old) as socket:
        event = json.loads(await socket.receive_str(timeout=5))

    assert event["type"] == "ERROR"
