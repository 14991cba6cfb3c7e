"""List and watch: selectors, pages that belong together, revisions, expiry."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import CONFIG_MAP, EVENT, EVENTS_EVENT, NAMESPACE, POD
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest, Expired, Invalid, NotFound, Timeout
from minikube_py.meta.objects import Object, name_of
from minikube_py.meta.selectors import (
    EVERYTHING,
    Requirement,
    Selector,
    parse_field_selector,
    parse_label_selector,
)
from minikube_py.resources.reading import ExpiredContinue
from minikube_py.resources.resources import Change, ListOptions, ListPage, Resources, ResourceWatch
from minikube_py.resources.selection import DecodedCache, Digests, Selection
from minikube_py.store.interface import Item
from tests.resources.conftest import config_map, pod


async def fill(resources: Resources, count: int, namespace: str = "default") -> None:
    await asyncio.gather(
        *(
            resources.create(
                CONFIG_MAP,
                namespace,
                {"metadata": {"name": f"c{n:03}", "labels": {"even": str(n % 2 == 0).lower()}}},
            )
            for n in range(count)
        )
    )


def names(page: ListPage) -> list[str]:
    return [name_of(obj) for obj in page.objects()]


def labelled(selector: str, **more: object) -> ListOptions:
    return ListOptions(labels=parse_label_selector(selector), **more)  # type: ignore[arg-type]


def selection(labels: str) -> Selection:
    return Selection(CONFIG_MAP, parse_label_selector(labels), ())


def fielded(selector: str, **more: object) -> ListOptions:
    return ListOptions(fields=parse_field_selector(selector), **more)  # type: ignore[arg-type]


async def test_a_list_is_in_key_order_and_says_its_revision(resources: Resources) -> None:
    await fill(resources, 5)

    page = resources.list(CONFIG_MAP, "default")

    assert names(page) == ["c000", "c001", "c002", "c003", "c004"]
    assert (page.revision, page.continue_token, page.remaining) == (
        resources.store.revision,
        "",
        None,
    )


async def test_lists_pass_on_the_stored_bytes(resources: Resources) -> None:
    await fill(resources, 1)

    page = resources.list(CONFIG_MAP, "default")

    item = resources.store.get("/registry/core/configmaps/default/c000")
    assert item is not None
    assert page.items[0] is item.value


async def test_a_list_is_of_one_namespace_or_of_all(resources: Resources) -> None:
    await fill(resources, 2)
    await fill(resources, 3, "other")

    assert len(resources.list(CONFIG_MAP, "other").items) == 3
    assert len(resources.list(CONFIG_MAP).items) == 5
    assert names(resources.list(NAMESPACE)) == ["default", "other"]


async def test_label_selectors_choose(resources: Resources) -> None:
    await fill(resources, 5)

    assert names(resources.list(CONFIG_MAP, None, labelled("even=true"))) == [
        "c000",
        "c002",
        "c004",
    ]
    assert names(resources.list(CONFIG_MAP, None, labelled("even!=true"))) == ["c001", "c003"]


async def test_field_selectors_choose(resources: Resources) -> None:
    await fill(resources, 3)
    await fill(resources, 3, "other")

    for selector, namespace, count in (
        ("metadata.name=c001", "default", 1),
        ("metadata.name=c001", None, 2),
        ("metadata.namespace=other", None, 3),
        ("metadata.name!=c001", "default", 2),
        ("metadata.name=nothing", "default", 0),
        ("metadata.name=c00", "default", 0),
    ):
        assert len(resources.list(CONFIG_MAP, namespace, fielded(selector)).items) == count


async def test_pods_are_selected_by_their_node(resources: Resources) -> None:
    for name in ("a", "b"):
        await resources.create(POD, "default", pod(name))
    await resources.bind_pod("default", "a", "host")

    assert names(resources.list(POD, None, fielded("spec.nodeName=host"))) == ["a"]


async def test_an_unknown_field_is_a_bad_request_that_names_the_known(resources: Resources) -> None:
    with pytest.raises(BadRequest, match=r"field label not supported: spec\.x.*metadata\.name"):
        resources.list(CONFIG_MAP, None, fielded("spec.x=1"))
    with pytest.raises(BadRequest):
        resources.watch(CONFIG_MAP, None, fielded("spec.x=1"), since=0)


async def test_pages_are_one_snapshot_whatever_is_written_between(resources: Resources) -> None:
    await fill(resources, 10)
    whole = names(resources.list(CONFIG_MAP, "default"))
    page = resources.list(CONFIG_MAP, "default", ListOptions(limit=3))
    first = page
    seen = names(page)
    assert page.remaining == 7

    while page.continue_token:
        await resources.delete(CONFIG_MAP, "default", f"c{len(seen):03}")
        await resources.create(CONFIG_MAP, "default", config_map(f"c{len(seen):03}x"))
        page = resources.list(
            CONFIG_MAP, "default", ListOptions(limit=3, continue_token=page.continue_token)
        )
        assert page.revision == first.revision
        seen += names(page)

    assert seen == whole


async def test_pages_with_a_selector_are_full(resources: Resources) -> None:
    await fill(resources, 9)
    page = resources.list(CONFIG_MAP, "default", labelled("even=true", limit=2))
    pages = [page]

    while page.continue_token:
        options = labelled("even=true", limit=2, continue_token=page.continue_token)
        page = resources.list(CONFIG_MAP, "default", options)
        pages.append(page)

    assert [len(page.items) for page in pages if page.items] == [2, 2, 1]
    assert all(page.remaining is None for page in pages)


async def test_an_expired_token_offers_another_one(resources: Resources) -> None:
    await fill(resources, 5)
    page = resources.list(CONFIG_MAP, "default", ListOptions(limit=2))
    await resources.delete(CONFIG_MAP, "default", "c003")
    await resources.store.compact(resources.store.revision)

    with pytest.raises(ExpiredContinue) as caught:
        resources.list(
            CONFIG_MAP, "default", ListOptions(limit=2, continue_token=page.continue_token)
        )

    status = caught.value.as_status()
    assert (status["code"], status["reason"]) == (410, "Expired")
    token = status["metadata"]["continue"]
    rest = resources.list(CONFIG_MAP, "default", ListOptions(continue_token=token))
    assert names(rest) == ["c002", "c004"]


@pytest.mark.parametrize("token", ["x", "!!!", "bm8", "eyJ2IjoxfQ", "e30"])
async def test_a_made_up_token_is_a_bad_request(resources: Resources, token: str) -> None:
    with pytest.raises(BadRequest, match="continue key is not valid"):
        resources.list(CONFIG_MAP, "default", ListOptions(limit=2, continue_token=token))


async def test_an_exact_revision_shows_the_past(resources: Resources) -> None:
    await fill(resources, 2)
    then = str(resources.store.revision)
    await fill(resources, 1, "other")
    await resources.delete(CONFIG_MAP, "default", "c000")

    exact = ListOptions(resource_version=then, resource_version_match="Exact")
    legacy = ListOptions(resource_version=then, limit=10)
    newer = ListOptions(resource_version=then, resource_version_match="NotOlderThan")

    assert names(resources.list(CONFIG_MAP, None, exact)) == ["c000", "c001"]
    assert names(resources.list(CONFIG_MAP, None, legacy)) == ["c000", "c001"]
    assert names(resources.list(CONFIG_MAP, None, newer)) == ["c001", "c000"]


async def test_a_compacted_revision_is_gone(resources: Resources) -> None:
    then = str(resources.store.revision)
    await fill(resources, 2)
    await resources.store.compact(resources.store.revision)

    with pytest.raises(Expired, match="resourceVersion for the provided list is too old"):
        resources.list(
            CONFIG_MAP, None, ListOptions(resource_version=then, resource_version_match="Exact")
        )


async def test_a_revision_to_come_is_too_large(resources: Resources) -> None:
    with pytest.raises(Timeout, match="Too large resource version: 99999"):
        resources.list(CONFIG_MAP, None, ListOptions(resource_version="99999"))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (ListOptions(resource_version="x"), Invalid),
        (ListOptions(resource_version="-1"), Invalid),
        (ListOptions(resource_version_match="Exact"), Invalid),
        (ListOptions(resource_version="1", resource_version_match="Newest"), Invalid),
        (ListOptions(resource_version="0", resource_version_match="Exact"), Invalid),
        (ListOptions(resource_version="1", continue_token="x"), BadRequest),
    ],
)
async def test_list_options_that_contradict_are_refused(
    resources: Resources, options: ListOptions, error: type[Exception]
) -> None:
    with pytest.raises(error):
        resources.list(CONFIG_MAP, None, options)


async def test_get_of_nothing_names_the_resource(resources: Resources) -> None:
    with pytest.raises(NotFound, match='configmaps "x" not found'):
        resources.get(CONFIG_MAP, "default", "x")
    assert resources.get_or_none(CONFIG_MAP, "default", "x") is None


# --- watch ----------------------------------------------------------------------------------------


async def take(watch: ResourceWatch, count: int) -> list[Change]:
    changes: list[Change] = []
    async with asyncio.timeout(5):
        while len(changes) < count:
            changes += await watch.next_batch()
    watch.close()
    return changes


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.type, change.key) for change in changes]


async def test_a_watch_replays_and_goes_on(resources: Resources) -> None:
    since = resources.store.revision
    await resources.create(CONFIG_MAP, "default", config_map("a"))
    watch = resources.watch(CONFIG_MAP, since=since)
    await resources.update(CONFIG_MAP, "default", "a", config_map("a", x="1"))
    await resources.delete(CONFIG_MAP, "default", "a")

    changes = await take(watch, 3)

    assert told(changes) == [
        ("ADDED", "default/a"),
        ("MODIFIED", "default/a"),
        ("DELETED", "default/a"),
    ]
    assert [change.object["metadata"]["resourceVersion"] for change in changes] == [
        str(change.revision) for change in changes
    ]
    assert changes[2].object["data"] == {"x": "1"}
    assert watch.revision == resources.store.revision


async def test_a_watch_is_of_one_namespace(resources: Resources) -> None:
    watch = resources.watch(CONFIG_MAP, "other", since=resources.store.revision)
    await resources.create(CONFIG_MAP, "default", config_map("a"))
    await resources.create(CONFIG_MAP, "other", config_map("b"))

    assert told(await take(watch, 1)) == [("ADDED", "other/b")]


def with_labels(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}}


async def test_selector_transitions_are_seen_as_coming_and_going(resources: Resources) -> None:
    watch = resources.watch(CONFIG_MAP, None, labelled("on=yes"), since=resources.store.revision)
    await resources.create(CONFIG_MAP, "default", with_labels("a"))
    for labels in ({"on": "yes"}, {"on": "yes", "x": "1"}, {"on": "no"}, {"on": "yes"}):
        await resources.update(CONFIG_MAP, "default", "a", with_labels("a", **labels))
    await resources.delete(CONFIG_MAP, "default", "a")

    changes = await take(watch, 5)

    assert [change.type for change in changes] == [
        "ADDED",
        "MODIFIED",
        "DELETED",
        "ADDED",
        "DELETED",
    ]
    left = changes[2].object["metadata"]
    assert left["labels"] == {"on": "yes", "x": "1"}
    assert left["resourceVersion"] == str(changes[2].revision)


async def test_the_deletion_of_what_never_matched_is_not_told(resources: Resources) -> None:
    watch = resources.watch(CONFIG_MAP, None, labelled("on=yes"), since=resources.store.revision)
    await resources.create(CONFIG_MAP, "default", with_labels("a"))
    await resources.delete(CONFIG_MAP, "default", "a")
    await resources.create(CONFIG_MAP, "default", with_labels("b", on="yes"))

    assert told(await take(watch, 1)) == [("ADDED", "default/b")]


async def test_a_watch_on_one_name_sees_no_other_with_that_prefix(resources: Resources) -> None:
    watch = resources.watch(
        CONFIG_MAP, "default", fielded("metadata.name=a"), since=resources.store.revision
    )
    await resources.create(CONFIG_MAP, "default", config_map("ab"))
    await resources.create(CONFIG_MAP, "default", config_map("a"))

    assert told(await take(watch, 1)) == [("ADDED", "default/a")]


async def test_a_watch_can_be_iterated_and_ends_when_closed(resources: Resources) -> None:
    watch = resources.watch(CONFIG_MAP, since=resources.store.revision)
    await fill(resources, 3)
    seen = []

    async for change in watch:
        seen.append(change.key)
        if len(seen) == 3:
            watch.close()

    assert sorted(seen) == ["default/c000", "default/c001", "default/c002"]
    assert await watch.next_batch() == []


async def test_a_watch_from_a_compacted_revision_has_expired(resources: Resources) -> None:
    await fill(resources, 2)
    await resources.store.compact(resources.store.revision)

    with pytest.raises(Expired):
        resources.watch(CONFIG_MAP, since=1)


async def test_watchers_share_the_decoded_object(resources: Resources) -> None:
    watches = [resources.watch(CONFIG_MAP, since=resources.store.revision) for _ in range(2)]
    await fill(resources, 1)

    first, second = [(await take(watch, 1))[0] for watch in watches]

    assert first.object is second.object
    assert first.encoded is second.encoded


async def test_events_are_watched_in_either_api(resources: Resources) -> None:
    watch = resources.watch(EVENTS_EVENT, since=resources.store.revision)
    body = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "x", "namespace": "default"},
        "message": "m",
        "reason": "R",
        "type": "Normal",
    }
    await resources.create(EVENT, "default", body)

    change = (await take(watch, 1))[0]

    assert change.object["note"] == "m"
    assert b'"note":"m"' in change.encoded


async def test_caches_are_bounded(resources: Resources) -> None:
    read, written, decoded = Digests(limit=2), Digests(limit=2), DecodedCache(limit=2)
    await fill(resources, 4)

    items = resources.store.range("/registry/core/configmaps/default/").items
    for _ in range(2):
        assert read.selected(selection("even"), items) == items
        for item in items:
            obj = decoded.decoded(CONFIG_MAP, item.key, item.revision, item.value)
            written.remember(CONFIG_MAP, item.key, item.revision, obj)

    assert len(read) == len(written) == len(decoded) == 2
    assert written.selected(selection("even"), [replace(items[3], value=b"")])


def test_what_was_written_is_selected_without_reading_it() -> None:
    digests = Digests()
    digests.remember(CONFIG_MAP, "a", 5, {"metadata": {"name": "a", "labels": {"app": "web"}}})
    item = Item("a", b"not read", 5, 5)

    assert digests.selected(selection("app=web"), [item]) == [item]
    assert digests.selected(selection("app!=web"), [item]) == []
    assert digests.selected(
        Selection(CONFIG_MAP, EVERYTHING, fielded("metadata.name=a").fields), [item]
    ) == [item]


def test_what_can_not_have_a_label_is_passed_over_unread() -> None:
    item = Item("a", b'{"labels":{"app":"db"}} not read', 5, 5)

    assert Digests().selected(selection("app=web"), [item]) == []
    assert Digests().selected(selection("app in (web,shop)"), [item]) == []
    assert Digests().selected(selection("tier"), [item]) == []


async def test_an_older_state_is_selected_by_what_it_was(resources: Resources) -> None:
    digests = Digests()
    old = {"metadata": {"name": "a", "labels": {"app": "old"}}}
    digests.remember(CONFIG_MAP, "a", 6, {"metadata": {"name": "a", "labels": {"app": "new"}}})
    item = Item("a", encoding.encode(old), 5, 5)

    assert digests.selected(selection("app=old"), [item]) == [item]
    assert digests.selected(selection("app=new"), [Item("a", b"not read", 5, 6)])


async def test_what_is_deleted_is_forgotten(resources: Resources) -> None:
    digests = Digests()
    digests.remember(CONFIG_MAP, "a", 5, {"metadata": {"name": "a"}})

    digests.forget(CONFIG_MAP, "a")

    assert len(digests) == 0


LABELS = st.dictionaries(st.sampled_from(["a", 'b"', "x/é"]), st.text('ab"\\\né', max_size=2))
REQUIREMENTS = st.builds(
    Requirement,
    st.sampled_from(["a", 'b"', "x/é"]),
    st.sampled_from(["=", "!=", "in", "notin", "exists", "!"]),
    st.frozensets(st.text('ab"\\\né', max_size=2), min_size=1, max_size=2),
)


@given(st.lists(LABELS), st.lists(REQUIREMENTS, min_size=1, max_size=3))
def test_selecting_by_bytes_finds_what_selecting_by_labels_does(
    labels: list[dict[str, str]], requirements: list[Requirement]
) -> None:
    selector = Selector(tuple(requirements))
    items = [
        Item(str(n), encoding.encode({"metadata": {"name": str(n), "labels": each}}), 1, 1)
        for n, each in enumerate(labels)
    ]

    found = Digests().selected(Selection(CONFIG_MAP, selector, ()), items)

    wanted = [str(n) for n, each in enumerate(labels) if selector.matches(each)]
    assert [item.key for item in found] == wanted


async def test_options_that_contradict_a_token_are_refused(resources: Resources) -> None:
    options = ListOptions(continue_token="x", resource_version_match="Exact")

    with pytest.raises(Invalid, match="forbidden when continue is provided"):
        resources.list(CONFIG_MAP, None, options)
