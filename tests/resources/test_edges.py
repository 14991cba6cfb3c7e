"""Rare ways through the pipeline that a client can still take."""

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, DEPLOYMENT, PERSISTENT_VOLUME_CLAIM
from minikube_py.meta.errors import BadRequest, Conflict
from minikube_py.resources.apply.merge import remove
from minikube_py.resources.apply.paths import without_prefixes
from minikube_py.resources.reading import Reader
from minikube_py.resources.resources import Patch, Resources, ServiceAllocator
from minikube_py.resources.scale import with_scale
from minikube_py.resources.selection import DecodedCache, Digests
from minikube_py.store.interface import Put, WriteConflict
from minikube_py.store.sqlite import SqliteStore
from tests.resources.conftest import FakeClock, config_map, deployment


class ContestedStore:
    """A store in which someone else is always faster: every write meets a newer state."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, operation: Put) -> int:
        raise WriteConflict(operation.key, self._store.get(operation.key))


async def test_retries_end_in_a_conflict(
    resources: Resources, store: SqliteStore, clock: FakeClock
) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1"))
    contested = Resources(
        ContestedStore(store),  # type: ignore[arg-type]
        resources.catalog,
        clock=clock,
        allocator=ServiceAllocator("10.96.0.0/16"),
    )

    patch = Patch("merge", {"data": {"a": "2"}})
    with pytest.raises(Conflict, match="please apply your changes to the latest version"):
        await contested.patch(CONFIG_MAP, "default", "settings", patch)
    with pytest.raises(Conflict, match="please apply your changes to the latest version"):
        await contested.delete(CONFIG_MAP, "default", "settings")


async def test_uids_are_made_when_nobody_gives_them(store: SqliteStore) -> None:
    from minikube_py.kinds.catalog import NAMESPACE, builtin_catalog

    resources = Resources(store, builtin_catalog(), allocator=ServiceAllocator("10.96.0.0/16"))

    made = (await resources.create(NAMESPACE, None, {"metadata": {"name": "x"}})).object

    assert len(made["metadata"]["uid"]) == 36


async def test_a_claim_that_has_its_finalizer_keeps_one(resources: Resources) -> None:
    body = {
        "metadata": {"name": "data", "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }

    made = (await resources.create(PERSISTENT_VOLUME_CLAIM, "default", body)).object

    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


async def test_only_this_servers_tokens_continue(store: SqliteStore) -> None:
    from minikube_py.resources.resources import ListOptions

    token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6IngiLCJzdGFydCI6ImEifQ"

    with pytest.raises(BadRequest, match="not given by this server"):
        Reader(store, DecodedCache(), Digests()).list(
            CONFIG_MAP, None, ListOptions(limit=1, continue_token=token)
        )


def test_a_scale_without_metadata_is_for_whatever_is_there() -> None:
    scaled = with_scale(DEPLOYMENT, deployment(), {"spec": {"replicas": 9}})

    assert scaled["spec"]["replicas"] == 9


def test_removing_a_parent_removes_what_is_below() -> None:
    obj = {"a": {"b": 1, "c": 2}, "d": 3}

    assert remove(obj, [("f:a",), ("f:a", "f:b")], None) == {"d": 3}


def test_no_prefix_takes_nothing() -> None:
    assert without_prefixes(frozenset({("f:a",)}), ()) == {("f:a",)}
