"""Pods of files in the node's folder."""

import asyncio
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import EVENT
from minikube_py.kubelet import static_pods
from minikube_py.meta.objects import Object, annotations_of
from tests.kubelet.conftest import NODE, World, is_ready

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: app, image: "%s", command: [sleep, "600"]}
"""
NAME = f"web-{NODE}"


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_pods, "_LOOK_SECONDS", 0.02)


async def write(world: World, text: str, name: str = "web.yaml") -> Path:
    folder = world.data_dir / "manifests"
    await world.eventually(folder.is_dir, "the folder")
    path = folder / name
    path.write_text(text)
    return path


async def ready(world: World) -> Object:
    await world.eventually(lambda: world.has(NAME), "the pod of the file")
    return await world.ready(NAME)


async def test_a_file_is_a_pod_of_this_node(paper_world: World) -> None:
    await write(paper_world, POD % "app:1")

    pod = await ready(paper_world)

    annotations = annotations_of(pod)
    assert annotations["kubernetes.io/config.source"] == "file"
    assert annotations["kubernetes.io/config.mirror"] == annotations["kubernetes.io/config.hash"]
    assert pod["metadata"]["ownerReferences"][0]["kind"] == "Node"
    assert pod["metadata"]["labels"] == {"app": "web"}


async def test_a_pod_that_is_deleted_comes_back(paper_world: World) -> None:
    await write(paper_world, POD % "app:1")
    before = await ready(paper_world)

    await paper_world.delete(NAME)

    def is_another() -> bool:
        if not paper_world.has(NAME):
            return False
        pod = paper_world.get(NAME)
        return pod["metadata"]["uid"] != before["metadata"]["uid"] and is_ready(pod)

    await paper_world.eventually(is_another, "another pod of the same name")


async def test_a_pod_follows_its_file(paper_world: World) -> None:
    path = await write(paper_world, POD % "app:1")
    await ready(paper_world)

    path.write_text(POD % "other:1")

    def follows() -> bool:
        if not paper_world.has(NAME):
            return False
        pod = paper_world.get(NAME)
        return pod["spec"]["containers"][0]["image"] == "other:1" and is_ready(pod)

    await paper_world.eventually(follows, "the new image")
    path.unlink()
    await paper_world.eventually(lambda: not paper_world.has(NAME), "no pod without its file")


async def test_a_restart_of_the_daemon_leaves_it_alone(paper_world: World) -> None:
    await write(paper_world, POD % "app:1")
    before = await ready(paper_world)

    await paper_world.stop_kubelet()
    paper_world.start_kubelet()
    await asyncio.sleep(0.1)

    assert paper_world.get(NAME)["metadata"]["uid"] == before["metadata"]["uid"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is no YAML"),
        ("kind: Service", "holds something else than Pods"),
        ("kind: Pod", "a Pod in it has no metadata.name"),
        ("{kind: Pod, metadata: {name: bad}, spec: {}}", "static pod bad-node-1 can't be made"),
    ],
    ids=["no YAML", "no pod", "no name", "no containers"],
)
async def test_a_bad_file_is_told_at_the_node_and_harms_no_other(
    paper_world: World, text: str, complaint: str
) -> None:
    await write(paper_world, text, "bad.yaml")
    await write(paper_world, "not read", "notes.txt")
    await write(paper_world, POD % "app:1")

    await ready(paper_world)

    def told() -> bool:
        events = paper_world.resources.list(EVENT, "default").objects()
        return any(complaint in event["message"] for event in events)

    await paper_world.eventually(told, complaint)
