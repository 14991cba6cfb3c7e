"""A quota's status follows what is stored, whatever its kind."""

from minikube_py.controllers.resource_quota import ResourceQuotaController
from minikube_py.kinds.catalog import CONFIG_MAP, POD, RESOURCE_QUOTA, SECRET, SERVICE
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from tests.control_loop.harness import ControlPlane, pod

WIDGET = Kind("example.com", "v1", "Widget", "widgets", columns=(), schema="io.k8s.api.core.v1.Pod")


async def limit(plane: ControlPlane, **hard: str) -> None:
    spec = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
    await plane.create(RESOURCE_QUOTA, {"metadata": {"name": "team"}, "spec": spec})


def status(plane: ControlPlane) -> Object:
    return dict(plane.get(RESOURCE_QUOTA, "team").get("status") or {})


async def test_a_new_quota_tells_what_is_used_already(plane: ControlPlane) -> None:
    await plane.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    plane.start(ResourceQuotaController(plane.resources))

    await limit(plane, configmaps="5", secrets="2")

    expected = {
        "hard": {"configmaps": "5", "secrets": "2"},
        "used": {"configmaps": "1", "secrets": "0"},
    }
    await plane.eventually(lambda: status(plane) == expected, "status of the quota")


async def test_used_grows_and_shrinks_with_what_is_there(plane: ControlPlane) -> None:
    plane.start(ResourceQuotaController(plane.resources))
    await limit(plane, pods="5", services="5")

    def shows(pods: str, services: str) -> bool:
        return status(plane).get("used") == {"pods": pods, "services": services}

    await plane.create(POD, pod("a"))
    await plane.create(POD, pod("b"))
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    await plane.create(SERVICE, service)
    await plane.eventually(lambda: shows("2", "1"), "all counted")

    await plane.delete(SERVICE, "web")
    await plane.resources.update_status(
        POD, "default", "a", lambda obj: obj["status"].update(phase="Failed")
    )
    await plane.delete(POD, "b")

    await plane.eventually(lambda: shows("0", "0"), "all given back")


async def test_a_changed_limit_is_shown(plane: ControlPlane) -> None:
    plane.start(ResourceQuotaController(plane.resources))
    await limit(plane, pods="5")

    await plane.change(RESOURCE_QUOTA, "team", lambda q: q["spec"].update(hard={"secrets": "1"}))

    await plane.eventually(
        lambda: status(plane) == {"hard": {"secrets": "1"}, "used": {"secrets": "0"}}, "new limits"
    )


async def test_custom_objects_are_counted(plane: ControlPlane) -> None:
    plane.resources.catalog.add(WIDGET)
    plane.start(ResourceQuotaController(plane.resources))
    body: Object = {"metadata": {"name": "team"}}
    body["spec"] = {"hard": {"count/widgets.example.com": "3"}}
    await plane.create(RESOURCE_QUOTA, body)

    await plane.resources.create(WIDGET, "default", {"metadata": {"name": "a"}, "spec": {}})

    wanted = {"count/widgets.example.com": "1"}
    await plane.eventually(lambda: status(plane).get("used") == wanted, "the widget counted")


async def test_nothing_is_written_when_nothing_changed(plane: ControlPlane) -> None:
    plane.start(ResourceQuotaController(plane.resources))
    await limit(plane, secrets="5")
    await plane.create(SECRET, {"metadata": {"name": "a"}})
    await plane.eventually(lambda: status(plane).get("used") == {"secrets": "1"}, "counted")
    before = plane.get(RESOURCE_QUOTA, "team")

    await plane.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    await plane.settled()

    assert plane.get(RESOURCE_QUOTA, "team") == before
