"""Each kind of `examples` through the door that every client uses: made, read, changed, gone."""

import copy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import NAMESPACE
from minikube_py.meta.errors import NotFound
from minikube_py.resources.options import Patch
from minikube_py.resources.resources import Resources
from minikube_py.store.sqlite import SqliteStore
from tests.kinds.examples import EXAMPLES, Example
from tests.resources.conftest import FakeClock, new_resources


@pytest.fixture
async def resources(tmp_path: Path) -> AsyncIterator[Resources]:
    store = await SqliteStore.open(tmp_path / "state.db")
    made = new_resources(store, FakeClock())
    await made.create(NAMESPACE, None, {"metadata": {"name": "default"}})
    yield made
    await store.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.kind.kind)
async def test_an_object_is_made_read_changed_and_deleted(
    resources: Resources, example: Example
) -> None:
    kind, name = example.kind, example.name
    namespace = "default" if kind.namespaced else None

    made = (await resources.create(kind, namespace, example.object())).object
    assert resources.get(kind, namespace, name) == made
    assert [obj["metadata"]["name"] for obj in resources.list(kind).objects()] == [name]

    patch = Patch("merge", dict(example.change))
    changed = (await resources.patch(kind, namespace, name, patch)).object
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    if kind.has_generation:
        grown = int("metadata" not in example.change)
        assert changed["metadata"]["generation"] == 1 + grown

    if kind.has_status:
        changed["status"] = dict(example.status)
        await resources.update(kind, namespace, name, changed, subresource="status")
        status = resources.get(kind, namespace, name)["status"]
        assert status == example.status

    await resources.delete(kind, namespace, name)
    with pytest.raises(NotFound):
        resources.get(kind, namespace, name)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.kind.kind)
def test_defaults_are_the_same_the_second_time(example: Example) -> None:
    once = example.object()
    example.kind.default(once)
    twice = copy.deepcopy(once)

    example.kind.default(twice)

    assert twice == once


@pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if each.kind.group == "rbac.authorization.k8s.io"],
    ids=lambda each: each.kind.kind,
)
async def test_roles_and_bindings_are_made_by_an_update_too(
    resources: Resources, example: Example
) -> None:
    namespace = "default" if example.kind.namespaced else None

    written = await resources.update(example.kind, namespace, example.name, example.object())

    assert written.created
    assert resources.get(example.kind, namespace, example.name) == written.object
