from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikube_py.control_loop.backends import BackendPort
from minikube_py.controllers.endpoints import new_endpoints_controller
from minikube_py.controllers.endpointslice import (
    MAX_ENDPOINTS,
    new_endpointslice_controller,
    plan_slices,
)
from minikube_py.kinds.catalog import ENDPOINT_SLICE, ENDPOINTS, POD, SERVICE
from minikube_py.meta.objects import Object, labels_of
from tests.control_loop.harness import ControlPlane, PaperKubelet, pod

GROUP = ("IPv4", (BackendPort("http", 8080),))


@pytest.fixture
def kubelet(plane: ControlPlane) -> PaperKubelet:
    kubelet = PaperKubelet(plane)
    plane.start(kubelet)
    plane.start_controllers(new_endpointslice_controller, new_endpoints_controller)
    return kubelet


async def test_a_service_gets_its_pods_addresses(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(SERVICE, _service())
    await plane.create(POD, _backend("web-1"))

    [endpoint] = await plane.eventually(lambda: _ready_endpoints(plane))

    web = plane.get(POD, "web-1")
    assert endpoint["addresses"] == [web["status"]["podIP"]]
    assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert endpoint["nodeName"] == "node-1"
    assert endpoint["targetRef"]["uid"] == web["metadata"]["uid"]
    [slice_] = [each for each in plane.all(ENDPOINT_SLICE) if each.get("endpoints")]
    assert [(each["name"], each["port"]) for each in slice_["ports"]] == [("http", 8080)]
    assert labels_of(slice_)["kubernetes.io/service-name"] == "web"
    subset = await plane.eventually(lambda: plane.get(ENDPOINTS, "web").get("subsets"))
    assert subset[0]["addresses"][0]["ip"] == web["status"]["podIP"]


async def test_a_pod_that_is_not_ready_is_told_as_such_and_one_that_leaves_as_terminating(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda pod: pod["metadata"]["name"] == "sick"
    kubelet.lets_go = lambda _pod: False
    await plane.create(SERVICE, _service())
    for name in ("sick", "leaving"):
        await plane.create(POD, _backend(name))
    await plane.eventually(lambda: len(_endpoints(plane)) == 2)

    await plane.delete(POD, "leaving")

    await plane.eventually(
        lambda: (
            _conditions(plane)
            == {
                "sick": {"ready": False, "serving": False, "terminating": False},
                "leaving": {"ready": False, "serving": True, "terminating": True},
            }
        )
    )
    subset = plane.get(ENDPOINTS, "web")["subsets"][0]
    await plane.eventually(lambda: "addresses" not in plane.get(ENDPOINTS, "web")["subsets"][0])
    assert [each["targetRef"]["name"] for each in subset["notReadyAddresses"]] == ["sick"]


async def test_unready_pods_are_published_where_the_service_asks_for_it(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    kubelet.holds = lambda _pod: True
    await plane.create(SERVICE, _service(publishNotReadyAddresses=True, clusterIP="None"))
    await plane.create(POD, _backend("web-1", hostname="web-1", subdomain="web"))

    [endpoint] = await plane.eventually(lambda: _ready_endpoints(plane))

    assert endpoint["hostname"] == "web-1"
    assert endpoint["conditions"]["serving"] is False
    slices = plane.all(ENDPOINT_SLICE)
    assert all("service.kubernetes.io/headless" in labels_of(each) for each in slices)


async def test_pods_that_name_the_port_differently_are_in_slices_of_their_own(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(SERVICE, _service())
    await plane.create(POD, _backend("old", port=8080))
    await plane.create(POD, _backend("new", port=9090))

    await plane.eventually(lambda: len(_ready_endpoints(plane)) == 2)

    ports = {slice_["ports"][0]["port"] for slice_ in plane.all(ENDPOINT_SLICE)}
    assert ports == {8080, 9090}


async def test_the_slices_go_with_the_service(plane: ControlPlane, kubelet: PaperKubelet) -> None:
    await plane.create(SERVICE, _service())
    await plane.create(POD, _backend("web-1"))
    await plane.eventually(lambda: _ready_endpoints(plane))

    await plane.delete(SERVICE, "web")

    await plane.eventually(lambda: not plane.all(ENDPOINT_SLICE) and not plane.all(ENDPOINTS))


async def test_a_service_without_selector_is_left_to_its_owner(
    plane: ControlPlane, kubelet: PaperKubelet
) -> None:
    await plane.create(SERVICE, _service(selector=None))
    await plane.settled()

    assert plane.all(ENDPOINT_SLICE) == []


@settings(max_examples=200, deadline=None)
@given(
    before=st.sets(st.integers(0, 400), max_size=350),
    after=st.sets(st.integers(0, 400), max_size=350),
)
def test_slices_hold_exactly_what_is_wanted_and_change_no_more_than_needed(
    before: set[int], after: set[int]
) -> None:
    slices = _applied([], before)

    plan = plan_slices({GROUP: [_endpoint(number) for number in after]}, slices)

    result = _applied(slices, after)
    held = [endpoint["addresses"][0] for slice_ in result for endpoint in slice_["endpoints"]]
    assert sorted(held) == sorted(str(number) for number in after)
    assert all(len(slice_["endpoints"]) <= MAX_ENDPOINTS for slice_ in result)
    assert result, "a service always has a slice"
    if before == after:
        assert not plan.changed
        assert not plan.added
        assert not plan.removed


def _applied(slices: list[Object], wanted: set[int]) -> list[Object]:
    plan = plan_slices({GROUP: [_endpoint(number) for number in sorted(wanted)]}, slices)
    kept = [
        {**slice_, "endpoints": plan.changed.get(name, slice_["endpoints"])}
        for slice_ in slices
        if (name := slice_["metadata"]["name"]) not in plan.removed
    ]
    added = [
        {
            "metadata": {"name": f"new-{number}"},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": endpoints,
        }
        for number, (_, endpoints) in enumerate(plan.added)
    ]
    return kept + added


def _endpoint(number: int) -> Object:
    return {"addresses": [str(number)], "targetRef": {"uid": str(number)}}


def _service(**spec: Any) -> Object:
    body = {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "web"}],
        **spec,
    }
    return {
        "metadata": {"name": "web"},
        "spec": {key: value for key, value in body.items() if value is not None},
    }


def _backend(name: str, port: int = 8080, **spec: Any) -> Object:
    body = pod(name, labels={"app": "web"}, **spec)
    body["spec"]["containers"][0]["ports"] = [{"name": "web", "containerPort": port}]
    return body


def _endpoints(plane: ControlPlane) -> list[Object]:
    return [
        endpoint
        for slice_ in plane.all(ENDPOINT_SLICE)
        for endpoint in slice_.get("endpoints") or []
    ]


def _ready_endpoints(plane: ControlPlane) -> list[Object]:
    return [endpoint for endpoint in _endpoints(plane) if endpoint["conditions"]["ready"]]


def _conditions(plane: ControlPlane) -> dict[str, Object]:
    return {each["targetRef"]["name"]: each["conditions"] for each in _endpoints(plane)}
