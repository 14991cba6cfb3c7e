from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import RUNTIME_CLASS
from minikube_py.kubelet.cluster_reader import ClusterReader
from tests.kubelet.conftest import World, sleeper


async def test_a_pods_runtime_is_the_handler_of_its_class(paper_world: World) -> None:
    resources = paper_world.resources
    body = {"metadata": {"name": "boxed"}, "handler": "runsc"}
    await resources.create(RUNTIME_CLASS, None, body)
    boxed = await paper_world.pod("boxed", containers=[sleeper()], runtimeClassName="boxed")
    plain = await paper_world.pod("plain", containers=[sleeper()])
    reader = ClusterReader(resources, Informers(resources))

    assert reader.runtime_handler(boxed) == "runsc"
    assert reader.runtime_handler(plain) == ""
    await resources.delete(RUNTIME_CLASS, None, "boxed")
    assert reader.runtime_handler(boxed) == "boxed"
