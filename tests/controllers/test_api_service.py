"""APIServices: one for all that this server serves, and how others fare."""

import pytest

from minikube_py.control_loop.controller import Controller
from minikube_py.controllers.api_service import new_api_service_controller
from minikube_py.kinds.catalog import API_SERVICE, CONFIG_MAP, ENDPOINT_SLICE
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, find_condition, get_path
from tests.control_loop.harness import ControlPlane

REMOTE = "v1.zoo.example.com"
CUSTOM = Kind(group="b.example.com", version="v1beta1", kind="B", plural="bs", columns=())


class Checked:
    """What asking the Service behind an APIService says."""

    def __init__(self) -> None:
        self.problem: tuple[str, str] | None = ("MissingEndpoints", "no endpoints")

    async def __call__(self, api_service: Object) -> tuple[str, str] | None:
        return self.problem


@pytest.fixture
def checked() -> Checked:
    return Checked()


@pytest.fixture
def controller(plane: ControlPlane, checked: Checked) -> Controller:
    def served() -> set[tuple[str, str]]:
        groups = plane.resources.catalog.groups()
        return {(group, version) for group, versions in groups.items() for version in versions}

    made = new_api_service_controller(
        plane.resources, plane.informers, plane.clock, served=served, check=checked
    )
    plane.start(made)
    return made


def available(plane: ControlPlane, name: str) -> tuple[str, str]:
    condition = find_condition(plane.get(API_SERVICE, name), "Available") or {}
    return condition.get("status", ""), condition.get("reason", "")


def spec(group: str, version: str) -> Object:
    return {
        "group": group,
        "version": version,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"namespace": "default", "name": "zoo"},
    }


@pytest.mark.usefixtures("controller")
async def test_every_group_version_has_one_that_is_available(plane: ControlPlane) -> None:
    await plane.eventually(lambda: {"v1.", "v1.apps", "v2.autoscaling"} <= plane.names(API_SERVICE))

    assert available(plane, "v1.apps") == ("True", "Local")


@pytest.mark.usefixtures("controller")
async def test_one_that_is_deleted_comes_back(plane: ControlPlane) -> None:
    await plane.eventually(lambda: "v1.apps" in plane.names(API_SERVICE))

    await plane.delete(API_SERVICE, "v1.apps")

    await plane.eventually(lambda: "v1.apps" in plane.names(API_SERVICE))


@pytest.mark.usefixtures("controller")
async def test_one_that_is_pointed_elsewhere_is_put_right(plane: ControlPlane) -> None:
    await plane.eventually(lambda: "v1.apps" in plane.names(API_SERVICE))

    await plane.change(API_SERVICE, "v1.apps", lambda obj: obj.update(spec=spec("apps", "v1")))

    await plane.eventually(
        lambda: get_path(plane.get(API_SERVICE, "v1.apps"), "spec", "service") is None
    )
    await plane.eventually(lambda: available(plane, "v1.apps") == ("True", "Local"))


@pytest.mark.usefixtures("controller")
async def test_those_of_custom_kinds_come_and_go(plane: ControlPlane) -> None:
    name = "v1beta1.b.example.com"
    plane.resources.catalog.add(CUSTOM)
    await plane.eventually(lambda: name in plane.names(API_SERVICE))

    plane.resources.catalog.remove(CUSTOM)

    await plane.eventually(lambda: name not in plane.names(API_SERVICE))


@pytest.mark.usefixtures("controller")
async def test_another_servers_is_asked_again_when_its_endpoints_change(
    plane: ControlPlane, checked: Checked
) -> None:
    obj = {"metadata": {"name": REMOTE}, "spec": spec("zoo.example.com", "v1")}
    await plane.create(API_SERVICE, obj)
    await plane.eventually(lambda: available(plane, REMOTE) == ("False", "MissingEndpoints"))

    checked.problem = None
    labels = {"kubernetes.io/service-name": "zoo"}
    slice_ = {"metadata": {"name": "zoo", "labels": labels}, "addressType": "IPv4", "endpoints": []}
    await plane.create(ENDPOINT_SLICE, slice_)

    await plane.eventually(lambda: available(plane, REMOTE) == ("True", "Passed"))


@pytest.mark.usefixtures("controller")
async def test_when_all_is_there_nothing_is_written(plane: ControlPlane) -> None:
    await plane.eventually(lambda: "v2.autoscaling" in plane.names(API_SERVICE))
    await plane.settled()
    before = plane.resources.store.revision

    await plane.create(CONFIG_MAP, {"metadata": {"name": "x"}})
    await plane.settled()

    assert plane.resources.store.revision == before + 1
