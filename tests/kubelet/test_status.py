from datetime import UTC, datetime

import pytest

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod
from minikube_py.kubelet.podspec import identity
from minikube_py.kubelet.status import StatusFacts, pod_status
from minikube_py.meta.objects import Object
from tests.kubelet.conftest import World, sleeper

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("containers", "message", "told"),
    [
        pytest.param(3, "x" * 4096, "x" * 4096, id="what one may say"),
        pytest.param(4, "x" * 4096, "x" * 3072, id="less where there are more"),
        pytest.param(4, "é" * 2000, "é" * 1536, id="in bytes"),
        pytest.param(5, "é" * 2000, "é" * 1228, id="never half a letter"),
    ],
)
def test_messages_of_one_pod_share_twelve_kibibytes(
    containers: int, message: str, told: str
) -> None:
    names = [f"c{number}" for number in range(containers)]
    entries = [{"name": name, "image": "app:1"} for name in names]
    pod: Object = {
        "metadata": {"name": "web", "namespace": "default", "uid": "u1"},
        "spec": {"initContainers": entries[:1], "containers": entries[1:]},
    }
    ended = tuple(_ended(pod, name) for name in names)
    facts = StatusFacts("192.0.2.1", messages={one.id: message for one in ended})

    status = pod_status(pod, ObservedPod(identity(pod), containers=ended), NOW, facts)

    entries = status["initContainerStatuses"] + status["containerStatuses"]
    assert {entry["state"]["terminated"]["message"] for entry in entries} == {told}


def _ended(pod: Object, name: str) -> ObservedContainer:
    return ObservedContainer(
        f"id-{name}", identity(pod), "s", name, "app:1", "sha256:1", 0, "exited", NOW, exit_code=0
    )


async def test_a_status_that_says_nothing_new_is_not_written(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    before = await paper_world.ready("web")

    await paper_world.stop_kubelet()
    paper_world.start_kubelet()
    await paper_world.pod("other", containers=[sleeper()])
    await paper_world.ready("other")

    assert (
        paper_world.get("web")["metadata"]["resourceVersion"]
        == (before["metadata"]["resourceVersion"])
    )
