"""Writes are kept within quotas, also those that are on their way to disk together."""

import asyncio
from collections.abc import Sequence

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    RESOURCE_QUOTA,
    SERVICE,
)
from minikube_py.meta.errors import ApiError, Forbidden
from minikube_py.meta.objects import Object
from minikube_py.resources.options import WriteOptions
from minikube_py.resources.resources import Resources
from minikube_py.store.interface import StoreUnavailable
from minikube_py.store.sqlite import SqliteStore
from tests.resources.conftest import (
    FakeClock,
    config_map,
    deployment,
    new_resources,
    service,
)
from tests.resources.quota.conftest import limit, pod, quota


def used(resources: Resources, name: str = "team") -> dict[str, str]:
    return resources.quotas.used(resources.get(RESOURCE_QUOTA, "default", name))


async def created(resources: Resources, pods: Sequence[Object]) -> int:
    """How many of those written at once were let in."""
    results = await asyncio.gather(
        *(resources.create(POD, "default", obj) for obj in pods), return_exceptions=True
    )
    assert all(isinstance(r, Forbidden) for r in results if isinstance(r, BaseException))
    return sum(not isinstance(result, BaseException) for result in results)


async def test_what_is_too_much_is_refused_in_kubernetes_words(resources: Resources) -> None:
    await limit(resources, quota(pods=3, requests_cpu="1", requests_memory="1Gi"))
    await resources.create(POD, "default", pod("a", requests={"cpu": "700m", "memory": "512Mi"}))

    with pytest.raises(Forbidden) as refused:
        await resources.create(POD, "default", pod("b", requests={"cpu": "1", "memory": "600Mi"}))

    assert refused.value.message == (
        'pods "b" is forbidden: exceeded quota: team, requested: requests.cpu=1,'
        "requests.memory=600Mi, used: requests.cpu=700m,requests.memory=512Mi, "
        "limited: requests.cpu=1,requests.memory=1Gi"
    )
    assert used(resources) == {"pods": "1", "requests.cpu": "700m", "requests.memory": "512Mi"}


async def test_containers_must_say_what_a_quota_limits(resources: Resources) -> None:
    await limit(resources, quota(limits_cpu="1", requests_memory="1Gi"))
    mixed = pod("web", requests={"cpu": "1"})
    mixed["spec"]["initContainers"] = [{"name": "init", "image": "a:1"}]

    with pytest.raises(Forbidden) as refused:
        await resources.create(POD, "default", mixed)

    assert refused.value.message == (
        'pods "web" is forbidden: failed quota: team: must specify limits.cpu for: init; '
        "requests.memory for: init,main"
    )


async def test_other_namespaces_are_free(resources: Resources) -> None:
    await limit(resources, quota(pods=0))

    assert (await resources.create(POD, "other", pod())).created


async def test_writes_of_one_commit_share_what_is_left(resources: Resources) -> None:
    await limit(resources, quota(pods=5))

    assert await created(resources, [pod(f"p-{number}") for number in range(20)]) == 5
    assert used(resources) == {"pods": "5"}


async def test_writes_behind_a_new_quota_on_its_way_count_for_it(resources: Resources) -> None:
    """The Pod is staged after the quota and before anybody can see it."""
    making = asyncio.gather(
        resources.create(RESOURCE_QUOTA, "default", quota(pods=1)),
        resources.create(POD, "default", pod("early")),
    )
    await making

    assert await created(resources, [pod("late")]) == 0


async def test_a_refused_or_failed_write_gives_its_share_back(resources: Resources) -> None:
    await limit(resources, quota(pods=2))
    await resources.create(POD, "default", pod("a"))

    with pytest.raises(ApiError, match="already exists"):
        await resources.create(POD, "default", pod("a"))
    results = await asyncio.gather(
        *(resources.create(POD, "default", pod("b")) for _ in range(5)), return_exceptions=True
    )

    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert used(resources) == {"pods": "2"}
    assert not resources.quotas.shares_of("default")


async def test_a_write_that_the_disk_refused_gives_its_share_back(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limit(resources, quota(pods=1, requests_cpu="1"))

    async def full(*_operations: object) -> int:
        raise StoreUnavailable("no space left; free some space")

    with monkeypatch.context() as disk:
        disk.setattr(resources.store, "write", full)
        with pytest.raises(StoreUnavailable):
            await resources.create(POD, "default", pod("a", requests={"cpu": "1"}))

    await resources.create(POD, "default", pod("b", requests={"cpu": "1"}))
    assert used(resources) == {"pods": "1", "requests.cpu": "1"}


async def test_what_was_on_its_way_before_anybody_counted_is_counted(resources: Resources) -> None:
    """The first question comes while a Pod that no quota was about is not stored yet."""
    await limit(resources, quota("other", secrets=1))
    await asyncio.gather(
        resources.create(POD, "default", pod("a", requests={"cpu": "1"})),
        limit(resources, quota(requests_cpu="2")),
        resources.create(POD, "default", pod("b", requests={"cpu": "1"})),
    )

    assert used(resources) == {"requests.cpu": "2"}
    assert await created(resources, [pod("c", requests={"cpu": "1"})]) == 0


async def test_a_dry_run_is_checked_and_takes_nothing(resources: Resources) -> None:
    await limit(resources, quota(pods=1))
    dry = WriteOptions(dry_run=True)

    await resources.create(POD, "default", pod("a"), dry)
    await resources.create(POD, "default", pod("b"))

    with pytest.raises(Forbidden):
        await resources.create(POD, "default", pod("c"), dry)
    assert not resources.quotas.shares_of("default")


async def test_what_goes_or_ends_makes_room(resources: Resources) -> None:
    await limit(resources, quota(pods=1))
    await resources.create(POD, "default", pod("a"))
    await resources.delete(POD, "default", "a")

    await resources.create(POD, "default", pod("b"))
    await resources.update_status(
        POD, "default", "b", lambda obj: obj["status"].update(phase="Succeeded")
    )

    assert await created(resources, [pod("c")]) == 1


async def test_every_quota_of_the_namespace_must_allow_it(resources: Resources) -> None:
    await limit(resources, quota("wide", pods=10))
    await limit(resources, quota("narrow", pods=0, scopes=["BestEffort"]))

    with pytest.raises(Forbidden, match="exceeded quota: narrow"):
        await resources.create(POD, "default", pod())
    assert (await resources.create(POD, "default", pod(requests={"cpu": "1"}))).created


async def test_a_service_is_charged_when_its_type_changes(resources: Resources) -> None:
    await limit(resources, quota(services=2, services_nodeports=1))
    await resources.create(SERVICE, "default", service("a", type="NodePort"))
    await resources.create(SERVICE, "default", service("b"))

    with pytest.raises(Forbidden, match=r"requested: services.nodeports=1, used: .*=1, limited"):
        await resources.modify(SERVICE, "default", "b", lambda s: s["spec"].update(type="NodePort"))
    await resources.modify(
        SERVICE, "default", "a", lambda s: s["spec"].update(type="ClusterIP", ports=[{"port": 80}])
    )

    await resources.modify(SERVICE, "default", "b", lambda s: s["spec"].update(type="NodePort"))
    assert used(resources) == {"services": "2", "services.nodeports": "1"}


async def test_a_refused_service_keeps_no_address(resources: Resources) -> None:
    await limit(resources, quota(services=0))
    before = resources.allocator.in_use

    with pytest.raises(Forbidden):
        await resources.create(SERVICE, "default", service(type="NodePort"))

    assert resources.allocator.in_use == before


async def test_claims_are_charged_by_size_and_class(resources: Resources) -> None:
    of_class = "fast.storageclass.storage.k8s.io/requests.storage"
    body = quota(requests_storage="3Gi")
    body["spec"]["hard"][of_class] = "1Gi"
    await limit(resources, body)

    def claim(name: str, class_: str, size: str) -> Object:
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class_,
            "resources": {"requests": {"storage": size}},
        }
        return {"metadata": {"name": name}, "spec": spec}

    await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim("a", "slow", "2Gi"))
    with pytest.raises(Forbidden, match=f"{of_class}=2Gi"):
        await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim("b", "fast", "2Gi"))
    await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim("b", "fast", "1Gi"))

    assert used(resources) == {"requests.storage": "3Gi", of_class: "1Gi"}


async def test_objects_of_any_kind_are_counted(resources: Resources) -> None:
    body = quota(configmaps=1)
    body["spec"]["hard"]["count/deployments.apps"] = "1"
    await limit(resources, body)
    await resources.create(CONFIG_MAP, "default", config_map("a"))
    await resources.create(DEPLOYMENT, "default", deployment("a"))

    with pytest.raises(Forbidden, match="requested: configmaps=1, used: configmaps=1"):
        await resources.create(CONFIG_MAP, "default", config_map("b"))
    with pytest.raises(Forbidden, match=r"limited: count/deployments\.apps=1"):
        await resources.create(DEPLOYMENT, "default", deployment("b"))
    assert await resources.modify(
        DEPLOYMENT, "default", "a", lambda d: d["spec"].update(replicas=9)
    )


async def test_a_quota_may_be_made_smaller_than_what_is_used(resources: Resources) -> None:
    await limit(resources, quota(pods=2))
    for name in ("a", "b"):
        await resources.create(POD, "default", pod(name))

    await resources.modify(
        RESOURCE_QUOTA, "default", "team", lambda q: q["spec"]["hard"].update(pods="1")
    )

    assert await created(resources, [pod("c")]) == 0
    await resources.modify(POD, "default", "a", lambda p: p["metadata"].update(labels={"a": "b"}))


async def test_a_namespace_without_its_quota_is_free_again(resources: Resources) -> None:
    await limit(resources, quota(pods=0))
    await resources.delete(RESOURCE_QUOTA, "default", "team")

    assert await created(resources, [pod("a"), pod("b")]) == 2
    assert not resources.quotas.is_limited("default")


async def test_the_status_is_true_when_the_writer_hears_of_its_write(
    resources: Resources,
) -> None:
    await limit(resources, quota(pods=9))

    def status() -> Object:
        found: Object = resources.get(RESOURCE_QUOTA, "default", "team")["status"]
        return found

    assert status() == {"hard": {"pods": "9"}, "used": {"pods": "0"}}
    await resources.create(POD, "default", pod("a"))
    assert status()["used"] == {"pods": "1"}
    await created(resources, [pod(f"p-{number}") for number in range(8)])
    assert status()["used"] == {"pods": "9"}


async def test_quotas_hold_after_a_restart(
    resources: Resources, store: SqliteStore, clock: FakeClock
) -> None:
    await limit(resources, quota(pods=1))
    await resources.create(POD, "default", pod("a"))

    restarted = new_resources(store, clock)

    assert await created(restarted, [pod("b")]) == 0
