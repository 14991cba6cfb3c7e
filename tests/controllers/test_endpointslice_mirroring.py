import pytest

from minikube_py.controllers.endpointslice_mirroring import (
    mirrored,
    new_endpointslice_mirroring_controller,
)
from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from minikube_py.meta.objects import Object, labels_of
from tests.control_loop.harness import ControlPlane

SUBSET = {
    "addresses": [{"ip": "192.0.2.10"}, {"ip": "2001:db8::1"}],
    "notReadyAddresses": [{"ip": "192.0.2.11"}],
    "ports": [{"name": "postgres", "port": 5432}],
}


@pytest.fixture(autouse=True)
def mirror(plane: ControlPlane) -> None:
    plane.start_controllers(new_endpointslice_mirroring_controller)


async def test_endpoints_written_by_hand_are_mirrored_and_followed(plane: ControlPlane) -> None:
    await plane.create(SERVICE, _service())
    await plane.create(ENDPOINTS, {"metadata": {"name": "db"}, "subsets": [SUBSET]})
    await plane.eventually(lambda: len(plane.all(ENDPOINT_SLICE)) == 2)
    first = plane.get(ENDPOINT_SLICE, "db-mirror-0-ipv4")

    await plane.change(
        ENDPOINTS,
        "db",
        lambda obj: obj.update(subsets=[{**SUBSET, "addresses": [{"ip": "192.0.2.20"}]}]),
    )

    await plane.eventually(lambda: len(plane.all(ENDPOINT_SLICE)) == 1)
    await plane.eventually(lambda: _addresses(plane)[0] == "192.0.2.20")
    assert labels_of(first)["kubernetes.io/service-name"] == "db"
    assert [each["conditions"]["ready"] for each in first["endpoints"]] == [True, False]
    assert first["ports"][0]["port"] == 5432


async def test_a_service_with_a_selector_is_not_mirrored(plane: ControlPlane) -> None:
    await plane.create(SERVICE, _service(selector={"app": "db"}))
    await plane.create(ENDPOINTS, {"metadata": {"name": "db"}, "subsets": [SUBSET]})

    await plane.settled()

    assert plane.all(ENDPOINT_SLICE) == []


async def test_the_mirror_goes_with_the_endpoints(plane: ControlPlane) -> None:
    await plane.create(SERVICE, _service())
    await plane.create(ENDPOINTS, {"metadata": {"name": "db"}, "subsets": [SUBSET]})
    await plane.eventually(lambda: plane.all(ENDPOINT_SLICE))

    await plane.delete(ENDPOINTS, "db")

    await plane.eventually(lambda: not plane.all(ENDPOINT_SLICE))


def test_a_subset_without_addresses_makes_no_slice() -> None:
    assert mirrored({"metadata": {"name": "db"}, "subsets": [{"ports": [{"port": 1}]}]}) == {}


def _service(**spec: object) -> Object:
    return {"metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}], **spec}}


def _addresses(plane: ControlPlane) -> list[str]:
    return [
        endpoint["addresses"][0]
        for slice_ in plane.all(ENDPOINT_SLICE)
        for endpoint in slice_["endpoints"]
    ]
