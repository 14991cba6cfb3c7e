"""Which controllers run, and under which names their events appear."""

from pathlib import Path

from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.controllers.kubernetes_service import ApiAddress
from minikube_py.daemon.controllers import ClusterFacts, Recorders, new_controllers
from minikube_py.kinds.catalog import builtin_catalog
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import system_clock
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from minikube_py.store.sqlite import SqliteStore


class NoTokens:
    def issue_legacy(self, account: Object, secret_name: str) -> str:
        raise AssertionError(f"no Secret asks for a token, yet {secret_name} of {account} gets one")


async def test_every_controller_is_made_once_and_records_under_its_own_name(
    tmp_path: Path,
) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", clock=system_clock)
    cluster = Cluster("t-controllers")
    resources = Resources(
        store,
        builtin_catalog(),
        clock=system_clock,
        allocator=ServiceAllocator("10.96.0.0/16"),
    )
    recorders = Recorders(resources, system_clock, "host")
    facts = ClusterFacts(
        cluster,
        SimulatedRuntime(cluster, clock=system_clock),
        ApiAddress("10.244.0.1", 6443, "10.96.0.1"),
        "PEM",
        NoTokens(),
    )

    made = new_controllers(resources, Informers(resources), recorders, system_clock, facts=facts)

    assert len({id(one) for one in made}) == len(made) >= 15
    assert all(callable(one.run) for one in made)
    assert sum(isinstance(one, Controller) for one in made) >= 14
    assert len(recorders.made) == len(set(map(id, recorders.made)))
    await store.close()
