import pytest

from minikube_py.controllers.kubernetes_service import (
    ApiAddress,
    new_kubernetes_service_controller,
)
from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from minikube_py.kinds.kind import Kind
from tests.control_loop.harness import ControlPlane


@pytest.fixture
def keeper(plane: ControlPlane) -> None:
    plane.start(
        new_kubernetes_service_controller(
            plane.resources,
            plane.informers,
            plane.recorder,
            plane.clock,
            api=ApiAddress("10.244.0.1", 6443, "10.96.0.1"),
        )
    )


async def test_the_service_leads_to_the_api(plane: ControlPlane, keeper: None) -> None:
    slice_ = await plane.eventually(lambda: plane.get(ENDPOINT_SLICE, "kubernetes"))

    service = plane.get(SERVICE, "kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert [port["targetPort"] for port in service["spec"]["ports"]] == [6443]
    assert slice_["endpoints"][0]["addresses"] == ["10.244.0.1"]
    assert plane.get(ENDPOINTS, "kubernetes")["subsets"][0]["addresses"] == [{"ip": "10.244.0.1"}]


async def test_it_is_put_right_and_back_and_then_left_in_peace(
    plane: ControlPlane, keeper: None
) -> None:
    await plane.eventually(lambda: plane.get(ENDPOINT_SLICE, "kubernetes"))
    await plane.delete(ENDPOINTS, "kubernetes")
    await plane.change(
        ENDPOINT_SLICE,
        "kubernetes",
        lambda obj: obj.update(endpoints=[{"addresses": ["10.0.0.9"]}]),
    )

    await plane.eventually(lambda: plane.get(ENDPOINTS, "kubernetes"))
    await plane.eventually(
        lambda: (
            plane.get(ENDPOINT_SLICE, "kubernetes")["endpoints"][0]["addresses"] == ["10.244.0.1"]
        )
    )
    await plane.settled()
    revision = plane.resources.store.revision
    await plane.settled()
    assert plane.resources.store.revision == revision


@pytest.mark.parametrize(
    "change",
    [
        {"selector": {"app": "else"}},
        {"ports": [{"port": 80}]},
        {"type": "NodePort"},
        {"type": "LoadBalancer"},
        {"type": "ExternalName", "externalName": "example.com", "clusterIP": None},
        {"externalIPs": ["192.0.2.7"]},
    ],
    ids=lambda change: "-".join(change),
)
async def test_an_edited_service_leads_to_the_api_again(
    plane: ControlPlane, keeper: None, change: dict[str, object]
) -> None:
    await plane.eventually(lambda: plane.get(ENDPOINT_SLICE, "kubernetes"))
    before = plane.get(SERVICE, "kubernetes")["spec"]

    def edit(service: dict[str, dict[str, object]]) -> None:
        service["spec"].update(change)
        if change.get("type") == "ExternalName":
            del service["spec"]["clusterIPs"]

    await plane.change(SERVICE, "kubernetes", edit)

    await plane.eventually(lambda: plane.get(SERVICE, "kubernetes")["spec"] == before)


@pytest.mark.parametrize("kind", [SERVICE, ENDPOINTS, ENDPOINT_SLICE], ids=repr)
async def test_what_is_deleted_is_there_again(
    plane: ControlPlane, keeper: None, kind: Kind
) -> None:
    before = await plane.eventually(lambda: plane.get(ENDPOINT_SLICE, "kubernetes"))
    assert before
    before = plane.get(kind, "kubernetes")

    await plane.delete(kind, "kubernetes")
    after = await plane.eventually(
        lambda: plane.resources.get_or_none(kind, "default", "kubernetes")
    )

    for part in ("spec", "subsets", "endpoints", "ports"):
        assert after.get(part) == before.get(part)
