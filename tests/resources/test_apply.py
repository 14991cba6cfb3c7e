"""Server-side apply: what an applier says is there, what it gives up goes, conflicts are named."""

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    DEPLOYMENT,
    SERVICE,
)
from minikube_py.meta.errors import BadRequest, Conflict, Invalid, NotFound
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Patch, Resources, WriteOptions
from tests.resources.applying import apply, config, owners
from tests.resources.conftest import FakeClock, config_map, deployment, pod


async def test_applying_makes_what_is_not_there(resources: Resources) -> None:
    made = await apply(resources, config(a="1"))

    assert made["data"] == {"a": "1"}
    assert owners(made) == {("alice", "Apply"): {"f:data": {"f:a": {}}}}
    assert resources.get(CONFIG_MAP, "default", "settings") == made


async def test_applying_the_same_again_writes_no_revision(
    resources: Resources, clock: FakeClock
) -> None:
    for body in (config(a="1"), deployment(), pod()):
        first = await apply(resources, body)
        before = resources.store.revision
        clock.advance(60)

        again = await apply(resources, body)

        assert again == first
        assert resources.store.revision == before


async def test_a_field_given_up_is_removed(resources: Resources) -> None:
    await apply(resources, config(a="1", b="2"))

    left = await apply(resources, config(a="1"))

    assert left["data"] == {"a": "1"}


async def test_everything_given_up_removes_the_parent_too(resources: Resources) -> None:
    await apply(resources, config(a="1"))

    left = await apply(resources, config())

    assert "data" not in left


async def test_a_field_someone_else_owns_too_stays_when_given_up(resources: Resources) -> None:
    await apply(resources, config(a="1"), "alice")
    await apply(resources, config(a="1"), "bob")

    left = await apply(resources, config(), "alice")

    assert left["data"] == {"a": "1"}
    assert owners(left) == {("bob", "Apply"): {"f:data": {"f:a": {}}}}


async def test_two_managers_of_one_field_conflict(resources: Resources) -> None:
    await apply(resources, config(a="1"), "alice")

    with pytest.raises(Conflict) as caught:
        await apply(resources, config(a="2"), "bob")

    assert caught.value.message == ('Apply failed with 1 conflict: conflict with "alice": .data.a')
    assert caught.value.details == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "alice"',
                "field": ".data.a",
            }
        ]
    }


async def test_several_conflicts_are_all_named(resources: Resources) -> None:
    await resources.create(
        CONFIG_MAP, "default", config_map(a="1", b="2"), WriteOptions(field_manager="kubectl")
    )

    with pytest.raises(Conflict) as caught:
        await apply(resources, config(a="9", b="9"))

    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "kubectl" using v1:\n- .data.a\n- .data.b'
    )


async def test_force_takes_the_field_over(resources: Resources) -> None:
    await apply(resources, config(a="1", b="1"), "alice")

    taken = await apply(resources, config(a="2"), "bob", force=True)

    assert taken["data"] == {"a": "2", "b": "1"}
    assert owners(taken) == {
        ("alice", "Apply"): {"f:data": {"f:b": {}}},
        ("bob", "Apply"): {"f:data": {"f:a": {}}},
    }


async def test_managers_of_different_fields_live_together(resources: Resources) -> None:
    await apply(resources, config(a="1"), "alice")
    await apply(resources, config(b="2"), "bob")

    left = await apply(resources, config(), "alice")

    assert left["data"] == {"b": "2"}


async def test_an_update_takes_the_ownership_of_what_it_changes(resources: Resources) -> None:
    applied = await apply(resources, config(a="1", b="1"))
    applied["data"]["a"] = "2"

    options = WriteOptions(field_manager="kubectl-edit")
    updated = (await resources.update(CONFIG_MAP, "default", "settings", applied, options)).object

    assert owners(updated) == {
        ("alice", "Apply"): {"f:data": {"f:b": {}}},
        ("kubectl-edit", "Update"): {"f:data": {"f:a": {}}},
    }
    with pytest.raises(Conflict, match=r'conflict with "kubectl-edit" using v1: \.data\.a'):
        await apply(resources, config(a="1", b="1"))


async def test_status_has_owners_of_its_own(resources: Resources) -> None:
    await apply(resources, deployment())
    await resources.update_status(
        DEPLOYMENT, "default", "web", lambda obj: obj.update(status={"replicas": 2})
    )
    before = resources.store.revision

    await apply(resources, deployment())

    obj = resources.get(DEPLOYMENT, "default", "web")
    assert resources.store.revision == before
    assert obj["status"] == {"replicas": 2}
    entry = next(e for e in obj["metadata"]["managedFields"] if e["operation"] == "Update")
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:replicas": {}}}


async def test_scaling_and_applying_conflict_on_replicas(resources: Resources) -> None:
    await apply(resources, deployment(replicas=2))
    scale = {"spec": {"replicas": 5}}
    await resources.patch(
        DEPLOYMENT,
        "default",
        "web",
        Patch("merge", scale),
        WriteOptions(field_manager="kubectl"),
        subresource="scale",
    )

    with pytest.raises(Conflict) as caught:
        await apply(resources, deployment(replicas=2))

    assert caught.value.message == (
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using '
        "apps/v1: .spec.replicas"
    )


async def test_list_items_are_owned_by_key(resources: Resources) -> None:
    body = pod()
    body["spec"]["containers"][0]["ports"] = [{"containerPort": 80}]

    made = await apply(resources, body)

    item = owners(made)["alice", "Apply"]["f:spec"]["f:containers"]['k:{"name":"main"}']
    assert item == {
        ".": {},
        "f:name": {},
        "f:image": {},
        "f:ports": {
            'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
        },
    }


async def test_an_item_given_up_goes_whole_with_its_defaults(resources: Resources) -> None:
    both = deployment()
    both["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    await apply(resources, both)

    left = await apply(resources, deployment())

    containers = left["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == ["main"]


async def test_a_union_member_given_up_takes_its_defaults_with_it(resources: Resources) -> None:
    rolling, recreate = deployment(), deployment()
    rolling["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    recreate["spec"]["strategy"] = {"type": "Recreate"}
    await apply(resources, rolling)

    changed = await apply(resources, recreate)

    assert changed["spec"]["strategy"] == {"type": "Recreate"}


async def test_what_the_server_allocated_is_kept(resources: Resources) -> None:
    body: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]},
    }
    made = await apply(resources, body)
    body["spec"]["selector"] = {"a": "c"}

    changed = await apply(resources, body)

    assert changed["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert changed["spec"]["ports"] == made["spec"]["ports"]
    assert resources.get(SERVICE, "default", "web")["spec"]["selector"] == {"a": "c"}


async def test_a_dry_run_applies_nothing(resources: Resources) -> None:
    options = WriteOptions(field_manager="alice", dry_run=True)

    result = await resources.patch(
        CONFIG_MAP, "default", "settings", Patch("apply", config(a="1")), options
    )

    assert result.created
    assert resources.get_or_none(CONFIG_MAP, "default", "settings") is None


async def test_apply_says_what_is_missing_in_the_request(resources: Resources) -> None:
    with pytest.raises(Invalid, match="fieldManager: Required value"):
        await resources.patch(CONFIG_MAP, "default", "settings", Patch("apply", config()))
    with pytest.raises(BadRequest, match="apiVersion and kind"):
        await _raw_apply(resources, {"metadata": {"name": "settings"}})
    body = config()
    body["metadata"]["managedFields"] = [{"manager": "x"}]
    with pytest.raises(BadRequest, match="managedFields must be nil"):
        await _raw_apply(resources, body)


async def test_apply_refuses_a_uid_of_an_object_that_is_gone(resources: Resources) -> None:
    body = config()
    body["metadata"]["uid"] = "gone"

    with pytest.raises(Conflict, match="uid mismatch"):
        await _raw_apply(resources, body)


async def test_applying_status_of_nothing_is_not_found(resources: Resources) -> None:
    body = {**deployment(), "status": {"replicas": 1}}

    with pytest.raises(NotFound):
        await resources.patch(
            DEPLOYMENT,
            "default",
            "web",
            Patch("apply", body),
            WriteOptions(field_manager="alice"),
            subresource="status",
        )


async def test_items_need_their_keys(resources: Resources) -> None:
    body = pod()
    del body["spec"]["containers"][0]["name"]
    with pytest.raises(BadRequest, match=r"\.spec\.containers: associative list.*name"):
        await apply(resources, body)

    body = pod()
    body["spec"]["containers"] *= 2
    with pytest.raises(BadRequest, match="duplicate entries"):
        await apply(resources, body)


async def _raw_apply(resources: Resources, body: Object) -> None:
    options = WriteOptions(field_manager="alice")
    await resources.patch(CONFIG_MAP, "default", "settings", Patch("apply", body), options)
