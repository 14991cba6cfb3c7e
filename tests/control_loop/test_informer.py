import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, POD
from minikube_py.meta.objects import Key, Object, name_of
from minikube_py.meta.selectors import parse_label_selector
from tests.control_loop.harness import ControlPlane

Seen = list[tuple[str | None, str | None]]


async def test_an_informer_shows_what_was_there_and_follows_what_comes(plane: ControlPlane) -> None:
    await plane.create(CONFIG_MAP, _config_map("first"))
    informer = plane.informers.of(CONFIG_MAP)
    await informer.wait_synced()

    second = await plane.create(CONFIG_MAP, _config_map("second"))
    await informer.observed(second)

    assert {name_of(obj) for obj in informer.list("default")} == {"first", "second"}
    assert informer.list("elsewhere") == []
    assert informer.get(Key("default/second")) == second
    assert informer.get_named("default", "third") is None


async def test_everyone_shares_one_informer_of_a_kind(plane: ControlPlane) -> None:
    assert plane.informers.of(CONFIG_MAP) is plane.informers.of(CONFIG_MAP)
    assert plane.informers.of(CONFIG_MAP) is not plane.informers.of(POD)


async def test_a_subscriber_hears_of_what_is_there_and_of_every_change(plane: ControlPlane) -> None:
    await plane.create(CONFIG_MAP, _config_map("first"))
    informer = plane.informers.of(CONFIG_MAP)
    await informer.wait_synced()
    seen: Seen = []

    informer.subscribe(lambda old, new: seen.append((_label(old), _label(new))))
    changed = await plane.change(
        CONFIG_MAP, "first", lambda obj: obj["metadata"].update(labels={"app": "new"})
    )
    await informer.observed(changed)
    await plane.delete(CONFIG_MAP, "first")
    await informer.until(Key("default/first"), lambda obj: obj is None)

    assert seen == [(None, "old"), ("old", "new"), ("new", None)]


async def test_a_subscriber_that_fails_does_not_stop_the_others(
    plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    informer = plane.informers.of(CONFIG_MAP)
    seen: Seen = []

    def fail(_old: Object | None, _new: Object | None) -> None:
        raise ValueError("broken subscriber")

    informer.subscribe(fail)
    informer.subscribe(lambda old, new: seen.append((_label(old), _label(new))))
    await informer.observed(await plane.create(CONFIG_MAP, _config_map("first")))

    assert seen == [(None, "old")]
    assert "informer subscriber failed" in caplog.text


async def test_an_index_follows_changes(plane: ControlPlane) -> None:
    await plane.create(CONFIG_MAP, _config_map("first"))
    informer = plane.informers.of(CONFIG_MAP)
    await informer.wait_synced()
    informer.add_index("app", lambda obj: [_label(obj) or ""])

    before = [name_of(obj) for obj in informer.by_index("app", "old")]
    changed = await plane.change(
        CONFIG_MAP, "first", lambda obj: obj["metadata"].update(labels={"app": "new"})
    )
    await informer.observed(changed)

    assert before == ["first"]
    assert informer.by_index("app", "old") == []
    assert [name_of(obj) for obj in informer.by_index("app", "new")] == ["first"]


async def test_two_readers_can_not_mean_different_things_by_one_index(plane: ControlPlane) -> None:
    informer = plane.informers.of(CONFIG_MAP)
    informer.add_index("app", _apps)
    informer.add_index("app", _apps)

    with pytest.raises(ValueError, match="another index"):
        informer.add_index("app", lambda obj: ["other"])


def _apps(obj: Object) -> list[str]:
    return [_label(obj) or ""]


async def test_a_list_can_be_narrowed_by_labels(plane: ControlPlane) -> None:
    informer = plane.informers.of(CONFIG_MAP)
    await informer.observed(await plane.create(CONFIG_MAP, _config_map("first")))

    assert len(informer.list(selector=parse_label_selector("app=old"))) == 1
    assert informer.list(selector=parse_label_selector("app!=old")) == []


async def test_what_an_expired_watch_missed_is_found_by_listing_again(plane: ControlPlane) -> None:
    informer = plane.informers.of(CONFIG_MAP)
    await informer.observed(await plane.create(CONFIG_MAP, _config_map("kept")))
    await informer.observed(await plane.create(CONFIG_MAP, _config_map("gone")))
    seen: Seen = []
    informer.subscribe(lambda old, new: seen.append((_label(old), _label(new))))
    seen.clear()

    # As after Expired: the changes came while nobody watched.
    await plane.delete(CONFIG_MAP, "gone")
    await plane.create(CONFIG_MAP, _config_map("new"))
    informer._relist()

    assert {name_of(obj) for obj in informer.list("default")} == {"kept", "new"}
    assert sorted(seen, key=str) == [("old", None), (None, "old")]


def _config_map(name: str) -> Object:
    return {"metadata": {"name": name, "labels": {"app": "old"}}}


def _label(obj: Object | None) -> str | None:
    return None if obj is None else obj["metadata"]["labels"]["app"]
