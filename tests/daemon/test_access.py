"""Keys, tokens and roles as the daemon puts them together."""

import asyncio
from pathlib import Path

from minikube_py.control_loop.informer import Informers
from minikube_py.daemon.access import open_access
from minikube_py.daemon.bootstrap import bootstrap
from minikube_py.kinds.catalog import ROLE_BINDING, SERVICE_ACCOUNT, builtin_catalog
from minikube_py.meta.timestamps import system_clock
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.rbac.attributes import Attributes
from minikube_py.resources.resources import Resources
from minikube_py.store.sqlite import SqliteStore


async def test_tokens_outlive_a_restart_and_roles_decide_what_they_are_good_for(
    tmp_path: Path,
) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    allocator = ServiceAllocator("10.96.0.0/16")
    resources = Resources(store, builtin_catalog(), allocator=allocator)
    await bootstrap(resources, dns_address="10.96.0.10")
    await resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})
    first = open_access(
        tmp_path, resources, Informers(resources), system_clock, domain="cluster.local"
    )
    token = first.tokens.issue("default", "robot").token

    informers = Informers(resources)
    second = open_access(tmp_path, resources, informers, system_clock, domain="cluster.local")
    found = second.authenticator.authenticate(token)
    assert found is not None
    asked = Attributes(found.user, "list", "", "pods", namespace="default")
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot"}],
    }

    following = asyncio.ensure_future(informers.run())
    try:
        await informers.of(ROLE_BINDING).wait_synced()
        before = second.authorizer.authorize(asked).allowed
        written = await resources.create(ROLE_BINDING, "default", binding)
        await informers.of(ROLE_BINDING).observed(written.object)
        after = second.authorizer.authorize(asked).allowed
    finally:
        following.cancel()
        await asyncio.wait([following])
        await store.close()

    assert second.tokens.issuer == "https://kubernetes.default.svc.cluster.local"
    assert (before, after) == (False, True)
