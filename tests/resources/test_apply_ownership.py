"""Who owns what: defaults, admission, identity, duplicates, entries that can't be read."""

import asyncio

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
)
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.errors import Conflict, Invalid
from minikube_py.meta.objects import Object
from minikube_py.resources.apply.compare import compare
from minikube_py.resources.apply.paths import shown
from minikube_py.resources.resources import Patch, Resources, WriteOptions
from tests.resources.applying import apply, config, owners
from tests.resources.conftest import FakeClock, config_map, pod


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

    changes = compare(with_env(old), with_env(new), schema_for(POD))

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
