import pytest

from minikube_py.controllers.namespace import (
    Remaining,
    new_namespace_controller,
    remaining_conditions,
)
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.controllers.service_account import new_service_account_controller
from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE_ACCOUNT,
)
from minikube_py.meta.objects import find_condition, is_deleting
from tests.control_loop.harness import ControlPlane, PaperKubelet, all_ready, workload

CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    kubelet = PaperKubelet(plane)
    plane.start(kubelet)
    plane.start_controllers(new_namespace_controller, new_replicaset_controller)
    plane.start(
        new_service_account_controller(
            plane.resources,
            plane.informers,
            plane.recorder,
            plane.clock,
            ca_certificate=CERTIFICATE,
        )
    )
    return kubelet


async def test_a_deleted_namespace_goes_with_all_it_holds(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(NAMESPACE, {"metadata": {"name": "shop"}})
    await plane.create(REPLICA_SET, workload("web", 2), "shop")
    await plane.create(SECRET, {"metadata": {"name": "key"}}, "shop")
    await plane.create(SECRET, {"metadata": {"name": "elsewhere"}})
    await plane.eventually(lambda: len(plane.all(POD, "shop")) == 2)

    await plane.delete(NAMESPACE, "shop")

    await plane.eventually(lambda: plane.find(NAMESPACE, "shop") is None)
    for kind in (POD, REPLICA_SET, SECRET, CONFIG_MAP, SERVICE_ACCOUNT):
        assert plane.all(kind, "shop") == []
    assert plane.find(SECRET, "elsewhere") is not None


async def test_pods_go_first_and_the_conditions_say_what_is_waited_for(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    kubelet.lets_go = lambda _pod: False
    await plane.create(NAMESPACE, {"metadata": {"name": "shop"}})
    await plane.create(SECRET, {"metadata": {"name": "key"}}, "shop")
    await plane.create(REPLICA_SET, workload("web", 1), "shop")
    await plane.eventually(lambda: plane.all(POD, "shop") and all_ready(plane.all(POD, "shop")))

    await plane.delete(NAMESPACE, "shop")

    condition = await plane.eventually(
        lambda: find_condition(plane.get(NAMESPACE, "shop"), "NamespaceContentRemaining")
    )
    assert condition["message"] == "Some resources are remaining: pods has 1 resource instances"
    assert plane.find(SECRET, "key", "shop") is not None
    assert is_deleting(plane.get(NAMESPACE, "shop"))
    kubelet.lets_go = lambda _pod: True
    kubelet.look_again()
    await plane.eventually(lambda: plane.find(NAMESPACE, "shop") is None)


def test_the_conditions_name_finalizers() -> None:
    remaining = Remaining()
    remaining.count("secrets", [{"metadata": {"finalizers": ["example.com/hold"]}}])

    [*_, finalizers] = remaining_conditions(remaining)

    assert finalizers["status"] == "True"
    assert "example.com/hold in 1 resource instances" in finalizers["message"]


async def test_every_namespace_has_an_account_and_the_ca_and_gets_them_back(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(NAMESPACE, {"metadata": {"name": "shop"}})
    await plane.eventually(lambda: plane.find(SERVICE_ACCOUNT, "default", "shop"))
    await plane.eventually(lambda: plane.find(CONFIG_MAP, "kube-root-ca.crt", "shop"))

    await plane.delete(SERVICE_ACCOUNT, "default", "shop")
    await plane.change(
        CONFIG_MAP, "kube-root-ca.crt", lambda obj: obj.update(data={"ca.crt": "forged"}), "shop"
    )

    await plane.eventually(lambda: plane.find(SERVICE_ACCOUNT, "default", "shop"))
    await plane.eventually(
        lambda: plane.get(CONFIG_MAP, "kube-root-ca.crt", "shop")["data"] == {"ca.crt": CERTIFICATE}
    )
