"""Delete: at once, by grace, by finalizers; propagation; namespaces; collections."""

import asyncio

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
)
from minikube_py.meta import encoding
from minikube_py.meta.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from minikube_py.meta.objects import Object, name_of
from minikube_py.meta.selectors import parse_label_selector
from minikube_py.resources.resources import DeleteOptions, ListOptions, Resources, WriteOptions
from tests.resources.conftest import FakeClock, config_map, deployment, pod


def with_finalizers(*finalizers: str) -> Object:
    return {"metadata": {"name": "settings", "finalizers": list(finalizers)}}


async def running_pod(resources: Resources, name: str = "web", **metadata: object) -> Object:
    made = (await resources.create(POD, "default", pod(name, **metadata))).object
    await resources.bind_pod("default", name, "host")
    return made


async def test_deleting_removes_and_gives_the_last_state(resources: Resources) -> None:
    made = (await resources.create(CONFIG_MAP, "default", config_map(a="1"))).object

    last, gone = await resources.delete(CONFIG_MAP, "default", "settings")

    assert gone
    assert last["data"] == {"a": "1"}
    assert int(last["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    with pytest.raises(NotFound):
        await resources.delete(CONFIG_MAP, "default", "settings")


async def test_of_many_deleters_one_deletes(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map())

    results = await asyncio.gather(
        *(resources.delete(CONFIG_MAP, "default", "settings") for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, NotFound) for result in results) == 4


async def test_preconditions_protect_a_later_object_of_the_same_name(resources: Resources) -> None:
    former = (await resources.create(CONFIG_MAP, "default", config_map())).object
    await resources.delete(CONFIG_MAP, "default", "settings")
    await resources.create(CONFIG_MAP, "default", config_map())

    with pytest.raises(Conflict, match="UID in precondition"):
        await resources.delete(
            CONFIG_MAP, "default", "settings", DeleteOptions(uid=former["metadata"]["uid"])
        )
    with pytest.raises(Conflict, match="ResourceVersion in precondition"):
        await resources.delete(
            CONFIG_MAP, "default", "settings", DeleteOptions(resource_version="1")
        )


async def test_a_dry_run_deletes_nothing(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map())

    _, gone = await resources.delete(CONFIG_MAP, "default", "settings", DeleteOptions(dry_run=True))

    assert gone
    assert resources.get(CONFIG_MAP, "default", "settings")


async def test_finalizers_are_waited_for(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", with_finalizers("x.io/a", "x.io/b"))

    marked, gone = await resources.delete(CONFIG_MAP, "default", "settings")

    assert not gone
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-31T12:00:00Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    one = {**marked, "metadata": {**marked["metadata"], "finalizers": ["x.io/b"]}}
    one = (await resources.update(CONFIG_MAP, "default", "settings", one)).object
    assert resources.get(CONFIG_MAP, "default", "settings") == one
    await resources.modify(
        CONFIG_MAP, "default", "settings", lambda obj: obj["metadata"].pop("finalizers")
    )
    assert resources.get_or_none(CONFIG_MAP, "default", "settings") is None


async def test_the_last_finalizer_may_go_by_update_or_status(resources: Resources) -> None:
    await resources.create(DEPLOYMENT, "default", deployment())
    await resources.modify(
        DEPLOYMENT, "default", "web", lambda obj: obj["metadata"].update(finalizers=["x.io/a"])
    )
    marked, _ = await resources.delete(DEPLOYMENT, "default", "web")
    del marked["metadata"]["finalizers"]

    await resources.update(DEPLOYMENT, "default", "web", marked)

    assert resources.get_or_none(DEPLOYMENT, "default", "web") is None


async def test_nothing_can_be_waited_for_anew_on_the_way_out(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", with_finalizers("x.io/a"))
    await resources.delete(CONFIG_MAP, "default", "settings")

    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being"):
        await resources.modify(
            CONFIG_MAP,
            "default",
            "settings",
            lambda obj: obj["metadata"]["finalizers"].append("x.io/b"),
        )


async def test_deleting_twice_changes_nothing_more(resources: Resources, clock: FakeClock) -> None:
    await resources.create(CONFIG_MAP, "default", with_finalizers("x.io/a"))
    await resources.delete(CONFIG_MAP, "default", "settings")
    before = resources.store.revision
    clock.advance(60)

    await resources.delete(CONFIG_MAP, "default", "settings")

    assert resources.store.revision == before


async def test_a_new_object_can_not_be_born_dying(resources: Resources) -> None:
    body = config_map()
    body["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=0)

    made = (await resources.create(CONFIG_MAP, "default", body)).object

    assert "deletionTimestamp" not in made["metadata"]


@pytest.mark.parametrize(
    ("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")]
)
async def test_propagation_leaves_its_finalizer_to_the_collector(
    resources: Resources, propagation: str, finalizer: str
) -> None:
    made = (await resources.create(DEPLOYMENT, "default", deployment())).object

    marked, gone = await resources.delete(
        DEPLOYMENT,
        "default",
        "web",
        DeleteOptions(propagation=propagation),  # type: ignore[arg-type]
    )

    assert not gone
    assert marked["metadata"]["finalizers"] == [finalizer]
    assert marked["metadata"]["generation"] == made["metadata"]["generation"] + 1


async def test_background_propagation_removes_at_once(resources: Resources) -> None:
    await resources.create(DEPLOYMENT, "default", deployment())
    await resources.modify(
        DEPLOYMENT,
        "default",
        "web",
        lambda obj: obj["metadata"].update(finalizers=["foregroundDeletion"]),
    )

    _, gone = await resources.delete(
        DEPLOYMENT, "default", "web", DeleteOptions(propagation="Background")
    )

    assert gone


async def test_events_have_no_dependents_to_wait_for(resources: Resources) -> None:
    body = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "x", "namespace": "default"},
    }
    await resources.create(EVENT, "default", body)

    _, gone = await resources.delete(EVENT, "default", "e", DeleteOptions(propagation="Foreground"))

    assert gone


# --- pods -----------------------------------------------------------------------------------------


async def test_a_bound_pod_gets_its_grace_period(resources: Resources, clock: FakeClock) -> None:
    made = await running_pod(resources)

    marked, gone = await resources.delete(POD, "default", "web")

    assert not gone
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-31T12:00:30Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    clock.advance(5)
    await resources.finish_pod_deletion("default", "web", made["metadata"]["uid"])
    assert resources.get_or_none(POD, "default", "web") is None


async def test_a_pod_no_kubelet_has_seen_goes_at_once(resources: Resources) -> None:
    await resources.create(POD, "default", pod())

    assert (await resources.delete(POD, "default", "web"))[1]


async def test_a_finished_pod_goes_at_once(resources: Resources) -> None:
    await running_pod(resources)
    await resources.update_status(
        POD, "default", "web", lambda obj: obj["status"].update(phase="Succeeded")
    )

    assert (await resources.delete(POD, "default", "web"))[1]


async def test_the_way_out_can_only_be_shortened(resources: Resources) -> None:
    await running_pod(resources)
    await resources.delete(POD, "default", "web", DeleteOptions(grace_period_seconds=60))

    longer, _ = await resources.delete(
        POD, "default", "web", DeleteOptions(grace_period_seconds=90)
    )
    unsaid, _ = await resources.delete(POD, "default", "web")
    shorter, _ = await resources.delete(
        POD, "default", "web", DeleteOptions(grace_period_seconds=10)
    )

    assert longer["metadata"]["deletionGracePeriodSeconds"] == 60
    assert unsaid["metadata"]["deletionGracePeriodSeconds"] == 60
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 10
    assert shorter["metadata"]["deletionTimestamp"] == "2026-01-31T12:00:10Z"


async def test_a_pod_with_finalizers_waits_for_both(resources: Resources) -> None:
    made = await running_pod(resources, finalizers=["x.io/a"])
    await resources.delete(POD, "default", "web")
    await resources.finish_pod_deletion("default", "web", made["metadata"]["uid"])

    left = resources.get(POD, "default", "web")
    assert left["metadata"]["deletionGracePeriodSeconds"] == 0
    await resources.modify(POD, "default", "web", lambda obj: obj["metadata"].pop("finalizers"))

    assert resources.get_or_none(POD, "default", "web") is None


async def test_removing_a_finalizer_does_not_cut_the_grace_period(resources: Resources) -> None:
    await running_pod(resources, finalizers=["x.io/a"])
    await resources.delete(POD, "default", "web")

    await resources.modify(POD, "default", "web", lambda obj: obj["metadata"].pop("finalizers"))

    assert resources.get(POD, "default", "web")["metadata"]["deletionGracePeriodSeconds"] == 30


async def test_the_kubelet_finishes_only_its_own_pod(resources: Resources) -> None:
    await running_pod(resources)

    with pytest.raises(Conflict, match="UID"):
        await resources.finish_pod_deletion("default", "web", "another")


async def test_a_dying_pod_is_not_bound(resources: Resources) -> None:
    await resources.create(POD, "default", pod("web", finalizers=["x.io/a"]))
    await resources.delete(POD, "default", "web")

    with pytest.raises(Conflict, match="is being deleted"):
        await resources.bind_pod("default", "web", "host")


# --- namespaces -----------------------------------------------------------------------------------


async def test_a_namespace_is_active_until_deleted_then_terminating(resources: Resources) -> None:
    made = resources.get(NAMESPACE, None, "other")
    assert made["spec"]["finalizers"] == ["kubernetes"]
    assert made["status"]["phase"] == "Active"

    marked, gone = await resources.delete(NAMESPACE, None, "other")

    assert not gone
    assert marked["status"]["phase"] == "Terminating"
    assert marked["metadata"]["deletionTimestamp"]
    with pytest.raises(Forbidden, match="unable to create new content in namespace other") as why:
        await resources.create(CONFIG_MAP, "other", config_map())
    assert (why.value.details or {})["causes"][0]["reason"] == "NamespaceTerminating"


async def test_a_finalized_namespace_is_gone(resources: Resources) -> None:
    await resources.delete(NAMESPACE, None, "other")
    again, gone = await resources.delete(NAMESPACE, None, "other")
    assert not gone
    assert name_of(again) == "other"

    await resources.finalize_namespace("other")

    assert resources.get_or_none(NAMESPACE, None, "other") is None


async def test_a_namespace_with_finalizers_of_others_waits_for_them(resources: Resources) -> None:
    await resources.modify(
        NAMESPACE, None, "other", lambda obj: obj["metadata"].update(finalizers=["x.io/a"])
    )
    await resources.delete(NAMESPACE, None, "other")

    await resources.finalize_namespace("other")
    assert resources.get(NAMESPACE, None, "other")
    await resources.modify(NAMESPACE, None, "other", lambda obj: obj["metadata"].pop("finalizers"))

    assert resources.get_or_none(NAMESPACE, None, "other") is None


async def test_an_update_can_not_take_the_namespaces_own_finalizer(resources: Resources) -> None:
    await resources.update(NAMESPACE, None, "other", {"metadata": {"name": "other"}, "spec": {}})

    assert resources.get(NAMESPACE, None, "other")["spec"]["finalizers"] == ["kubernetes"]


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_some_namespaces_may_not_be_deleted(resources: Resources, name: str) -> None:
    if name != "default":
        await resources.create(NAMESPACE, None, {"metadata": {"name": name}})

    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        await resources.delete(NAMESPACE, None, name)


# --- collections ----------------------------------------------------------------------------------


async def test_a_collection_is_deleted_by_selector(resources: Resources) -> None:
    for name in ("a", "b", "c"):
        labels = {"gone": "yes" if name != "b" else "no"}
        body = {"metadata": {"name": name, "labels": labels}}
        await resources.create(CONFIG_MAP, "default", body)
        await resources.create(CONFIG_MAP, "other", body)

    selected = ListOptions(labels=parse_label_selector("gone=yes"))
    deleted = await resources.delete_collection(CONFIG_MAP, "default", selected, DeleteOptions())

    assert [name_of(encoding.decode(item)) for item in deleted] == ["a", "c"]
    assert [name_of(obj) for obj in resources.list(CONFIG_MAP, "default").objects()] == ["b"]
    assert len(resources.list(CONFIG_MAP, "other").items) == 3


# --- admission ------------------------------------------------------------------------------------


async def test_claims_wait_for_who_uses_them(resources: Resources) -> None:
    body = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }

    made = (await resources.create(PERSISTENT_VOLUME_CLAIM, "default", body)).object

    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert not (await resources.delete(PERSISTENT_VOLUME_CLAIM, "default", "data"))[1]


async def test_a_created_object_in_a_dry_run_still_meets_one_that_is_there(
    resources: Resources,
) -> None:
    await resources.create(CONFIG_MAP, "default", config_map())

    with pytest.raises(AlreadyExists):
        await resources.create(CONFIG_MAP, "default", config_map(), WriteOptions(dry_run=True))


async def test_deleters_and_writers_at_once_end_with_nothing_left(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(n="0"))

    def touch(obj: Object) -> None:
        obj["data"]["n"] = str(int(obj["data"]["n"]) + 1)

    results = await asyncio.gather(
        *(resources.modify(CONFIG_MAP, "default", "settings", touch) for _ in range(5)),
        resources.delete(CONFIG_MAP, "default", "settings"),
        resources.modify(CONFIG_MAP, "default", "settings", touch),
        return_exceptions=True,
    )

    assert results[5][0]["data"] == {"n": "5"}  # type: ignore[index]
    assert isinstance(results[6], NotFound)
    assert resources.get_or_none(CONFIG_MAP, "default", "settings") is None


async def test_finalizing_meets_a_writer(resources: Resources) -> None:
    await resources.delete(NAMESPACE, None, "other")

    await asyncio.gather(
        resources.modify(
            NAMESPACE, None, "other", lambda obj: obj["metadata"].update(labels={"a": "b"})
        ),
        resources.finalize_namespace("other"),
    )

    assert resources.get_or_none(NAMESPACE, None, "other") is None
    with pytest.raises(NotFound):
        await resources.finalize_namespace("other")


async def test_only_the_namespaces_own_finalizer_is_taken(resources: Resources) -> None:
    body = {"metadata": {"name": "mine"}, "spec": {"finalizers": ["x.io/keep"]}}
    await resources.create(NAMESPACE, None, body)
    await resources.delete(NAMESPACE, None, "mine")

    left = await resources.finalize_namespace("mine")

    assert left["spec"]["finalizers"] == ["x.io/keep"]


async def test_a_collection_stops_at_what_may_not_be_deleted(resources: Resources) -> None:
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        await resources.delete_collection(NAMESPACE, None)

    assert resources.get(NAMESPACE, None, "default")


async def test_of_two_collection_deleters_each_object_has_one(resources: Resources) -> None:
    for name in "abc":
        await resources.create(CONFIG_MAP, "default", config_map(name))

    both = await asyncio.gather(
        resources.delete_collection(CONFIG_MAP, "default"),
        resources.delete_collection(CONFIG_MAP, "default"),
    )

    assert sorted(name_of(encoding.decode(item)) for each in both for item in each) == [
        "a",
        "b",
        "c",
    ]


async def test_a_pod_can_be_killed_on_its_way_out(resources: Resources) -> None:
    await running_pod(resources)
    await resources.delete(POD, "default", "web")

    _, gone = await resources.delete(POD, "default", "web", DeleteOptions(grace_period_seconds=0))

    assert gone
