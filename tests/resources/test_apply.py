"""Server-side apply and ownership: who owns which field, conflicts, fields given up."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
)
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.errors import BadRequest, Conflict, Invalid, NotFound
from minikube_py.meta.objects import Object
from minikube_py.resources.apply.compare import compare
from minikube_py.resources.apply.merge import merge, remove
from minikube_py.resources.apply.paths import read_fields, shown, with_parents, write_fields
from minikube_py.resources.apply.server_side import apply_configuration
from minikube_py.resources.apply.structure import field_set
from minikube_py.resources.apply.tracking import Writer
from minikube_py.resources.resources import Patch, Resources, WriteOptions
from tests.resources.conftest import FakeClock, config_map, deployment, pod


def config(name: str = "settings", **data: str) -> Object:
    body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return {**body, "data": data} if data else body


async def apply(
    resources: Resources, body: Object, manager: str = "alice", *, force: bool = False
) -> Object:
    options = WriteOptions(field_manager=manager, force=force)
    kind = resources.catalog.by_kind(*_gvk(body))
    assert kind is not None
    name = body["metadata"]["name"]
    return (await resources.patch(kind, "default", name, Patch("apply", body), options)).object


def _gvk(body: Object) -> tuple[str, str, str]:
    group, _, version = body["apiVersion"].rpartition("/")
    return group, version, body["kind"]


def owners(obj: Object) -> dict[tuple[str, str], Any]:
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", [])
    }


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


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        pytest.param(
            POD, pod(), ["f:tolerations", "f:serviceAccountName", "f:serviceAccount"], id="pod"
        ),
        pytest.param(
            PERSISTENT_VOLUME_CLAIM,
            {
                "metadata": {"name": "data"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            },
            ["f:finalizers", "f:storageClassName"],
            id="claim",
        ),
    ],
)
async def test_what_admission_fills_in_is_nobodys(
    resources: Resources, kind: Kind, body: Object, fields: list[str]
) -> None:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    await resources.create(
        STORAGE_CLASS,
        None,
        {"metadata": {"name": "standard", "annotations": annotations}, "provisioner": "mk.dev/x"},
    )

    options = WriteOptions(field_manager="kubectl")
    made = (await resources.create(kind, "default", body, options)).object

    owned = owners(made)["kubectl", "Update"]
    assert owned["f:spec"]
    assert not [name for name in fields if name in owned["f:spec"]]
    assert "f:metadata" not in owned


async def test_items_without_keys_are_told_by_validation_not_by_ownership(
    resources: Resources,
) -> None:
    body = pod()
    del body["spec"]["containers"][0]["name"]

    with pytest.raises(Invalid, match=r"spec\.containers\[0\]\.name: Required value"):
        await resources.create(POD, "default", body)


async def test_a_pod_that_was_created_can_be_applied(resources: Resources) -> None:
    """kubectl hands what it created client-side over to its applier before it applies."""
    made = (
        await resources.create(POD, "default", pod(), WriteOptions(field_manager="kubectl"))
    ).object
    made["metadata"]["managedFields"][0]["operation"] = "Apply"
    handed = (await resources.update(POD, "default", "web", made)).object
    assert list(owners(handed)) == [("kubectl", "Apply")]

    live = await apply(resources, pod(), "kubectl")

    assert live["spec"] == handed["spec"]
    assert live["spec"]["tolerations"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(NAMESPACE, {"metadata": {"name": "shop"}}, id="namespace"),
        pytest.param(SERVICE_ACCOUNT, {"metadata": {"name": "robot"}}, id="account"),
        pytest.param(CONFIG_MAP, config(), id="config-map"),
    ],
)
async def test_applying_only_an_identity_again_changes_nothing(
    resources: Resources, clock: FakeClock, kind: Kind, body: Object
) -> None:
    body = {**body, "apiVersion": kind.api_version, "kind": kind.kind}
    first = await apply(resources, body)
    before = resources.store.revision
    clock.advance(60)

    again = await apply(resources, body)

    assert again == first
    assert resources.store.revision == before
    assert owners(again) == {("alice", "Apply"): {}}


async def test_who_applied_only_an_identity_is_forgotten_beside_other_owners(
    resources: Resources,
) -> None:
    await apply(resources, config(), "alice")
    await apply(resources, config(a="1"), "bob")

    again = await apply(resources, config(), "alice")

    assert owners(again) == {("bob", "Apply"): {"f:data": {"f:a": {}}}}
    assert await apply(resources, config(), "alice") == again


async def test_an_object_without_owners_belongs_to_who_was_before(resources: Resources) -> None:
    made = (await resources.create(CONFIG_MAP, "default", config_map(a="1"))).object
    made["metadata"]["managedFields"] = [{}]
    reset = (await resources.update(CONFIG_MAP, "default", "settings", made)).object
    assert "managedFields" not in reset["metadata"]

    with pytest.raises(Conflict, match=r'conflict with "before-first-apply" using v1: \.data\.a'):
        await apply(resources, config(a="2"))


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


async def test_the_oldest_updaters_are_merged(resources: Resources, clock: FakeClock) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(start="1"))
    for number in range(15):
        clock.advance(60)
        patch = Patch("merge", {"data": {f"key{number}": "1"}})
        options = WriteOptions(field_manager=f"m{number}")
        await resources.patch(CONFIG_MAP, "default", "settings", patch, options)

    managers = [
        entry["manager"]
        for entry in resources.get(CONFIG_MAP, "default", "settings")["metadata"]["managedFields"]
    ]

    assert len(managers) == 10
    assert "ancient-changes" in managers


async def _raw_apply(resources: Resources, body: Object) -> None:
    options = WriteOptions(field_manager="alice")
    await resources.patch(CONFIG_MAP, "default", "settings", Patch("apply", body), options)


# --- properties -----------------------------------------------------------------------------------

SCHEMA = schema_for(POD)
WORD = st.sampled_from(["a", "b", "c"])
ENV = st.lists(WORD, unique=True, max_size=3).flatmap(
    lambda names: st.tuples(
        *(st.fixed_dictionaries({"name": st.just(name), "value": WORD}) for name in names)
    ).map(list)
)
CONTAINERS = st.lists(WORD, unique=True, max_size=3).flatmap(
    lambda names: st.tuples(
        *(
            st.fixed_dictionaries(
                {"name": st.just(name)},
                optional={"image": WORD, "env": ENV, "command": st.lists(WORD, max_size=2)},
            )
            for name in names
        )
    ).map(list)
)
LABELS = st.dictionaries(WORD, WORD, max_size=3)
PODS = st.builds(
    lambda labels, finalizers, containers, selector: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": labels, "finalizers": finalizers},
        "spec": {"containers": containers, "nodeSelector": selector},
    },
    LABELS,
    st.lists(WORD, unique=True, max_size=3),
    CONTAINERS,
    LABELS,
)


def writer(name: str) -> Writer:
    return Writer(name, "", "v1", "2026-01-31T12:00:00Z")


def applied(
    live: Object | None, body: Object, name: str = "alice", *, force: bool = True
) -> Object:
    result = apply_configuration(live, body, SCHEMA, writer(name), force=force)
    return {
        **result.obj,
        "metadata": {**result.obj["metadata"], "managedFields": result.managed_fields},
    }


@given(PODS)
def test_managed_fields_read_back_what_was_written(body: Object) -> None:
    fields = field_set(body, SCHEMA)

    assert read_fields(write_fields(fields)) == fields


@given(PODS, PODS)
def test_merging_twice_is_merging_once(live: Object, body: Object) -> None:
    once = merge(live, body, SCHEMA)

    assert merge(once, body, SCHEMA) == once
    said, there = field_set(body, SCHEMA), field_set(once, SCHEMA)
    assert said <= there | with_parents(there)


@given(PODS, PODS)
def test_a_merge_changes_only_what_the_configuration_says(live: Object, body: Object) -> None:
    changes = compare(live, merge(live, body, SCHEMA), SCHEMA)

    assert not changes.removed
    assert changes.modified <= field_set(body, SCHEMA)


@given(PODS, PODS)
def test_comparison_is_symmetric_and_empty_only_for_equals(old: Object, new: Object) -> None:
    there, back = compare(old, new, SCHEMA), compare(new, old, SCHEMA)

    assert (there.added, there.modified) == (back.removed, back.modified)
    assert compare(old, old, SCHEMA).set_fields == frozenset()


@given(PODS)
def test_removing_every_field_leaves_no_field(body: Object) -> None:
    fields = field_set(body, SCHEMA)

    left = field_set(remove(body, fields, SCHEMA), SCHEMA)
    assert all(len(path) <= 2 and path not in fields for path in left)


@given(PODS, PODS)
def test_one_applier_gets_exactly_the_last_configuration(first: Object, second: Object) -> None:
    live = applied(applied(None, first), second)

    kept = field_set(second, SCHEMA)
    assert field_set({k: v for k, v in live.items() if k != "metadata"}, SCHEMA) <= kept | {
        ("f:spec",),
        ("f:spec", "f:containers"),
        ("f:spec", "f:nodeSelector"),
    }
    assert applied(live, second) == live


@given(PODS, PODS)
def test_forced_appliers_never_own_different_values_of_a_field(
    alices: Object, bobs: Object
) -> None:
    live = applied(applied(None, alices), bobs, "bob")

    again = applied(live, bobs, "bob", force=False)

    assert again == live


async def test_env_duplicates_are_one_field(resources: Resources) -> None:
    body = pod()
    body["spec"]["containers"][0]["env"] = [
        {"name": "A", "value": "1"},
        {"name": "A", "value": "2"},
    ]
    await resources.create(POD, "default", body, WriteOptions(field_manager="kubectl"))
    config_ = pod()
    config_["metadata"]["labels"] = {"a": "b"}

    live = await apply(resources, config_)

    env = owners(live)["kubectl", "Update"]["f:spec"]["f:containers"]['k:{"name":"main"}']["f:env"]
    assert env['k:{"name":"A"}'] == {}
    assert len(live["spec"]["containers"][0]["env"]) == 2
    assert live["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [([], ["1", "2"], "added"), (["1", "2"], [], "removed"), (["1", "2"], ["1"], "modified")],
)
def test_duplicates_change_as_one_field(old: list[str], new: list[str], kind: str) -> None:
    def with_env(values: list[str]) -> Object:
        env = [{"name": "A", "value": value} for value in values]
        return {"spec": {"containers": [{"name": "c", "env": env}]}}

    changes = compare(with_env(old), with_env(new), SCHEMA)

    assert [len(getattr(changes, each)) for each in ("added", "removed", "modified")] == [
        int(each == kind) for each in ("added", "removed", "modified")
    ]


def test_a_change_of_shape_is_a_change_of_the_field() -> None:
    changes = compare({"spec": {"x": {"a": 1}}}, {"spec": {"x": "text"}}, None)

    assert changes.modified == {("f:spec", "f:x")}


def test_paths_are_shown_as_kubernetes_does() -> None:
    path = (
        "f:spec",
        "f:containers",
        'k:{"name":"web"}',
        "f:ports",
        'k:{"containerPort":80,"protocol":"TCP"}',
        "i:0",
    )

    assert shown(path) == ('.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"][0]')
    assert shown(("f:metadata", "f:finalizers", 'v:"x"')) == '.metadata.finalizers[="x"]'


async def test_entries_that_can_not_be_read_are_dropped(resources: Resources) -> None:
    made = (await resources.create(CONFIG_MAP, "default", config_map(a="1"))).object
    made["metadata"]["managedFields"].append({"manager": "odd", "operation": "Update"})
    made["data"] = {"a": "2"}

    written = (await resources.update(CONFIG_MAP, "default", "settings", made)).object

    assert ("odd", "Update") not in owners(written)


async def test_appliers_who_create_at_once_all_succeed(resources: Resources) -> None:
    await asyncio.gather(
        *(apply(resources, config(**{f"k{n}": "1"}), f"m{n}") for n in range(5)),
    )

    live = resources.get(CONFIG_MAP, "default", "settings")
    assert len(live["data"]) == 5
    assert len(owners(live)) == 5
