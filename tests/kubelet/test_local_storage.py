"""How much of the disk a pod may take, and what happens beyond."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod, PodIdentity
from minikube_py.kubelet.facts import PodFacts
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.local_storage import (
    PodStorage,
    Taken,
    has_storage_limit,
    measured_volumes,
    over_limit,
)
from minikube_py.kubelet.plan import plan_pod
from minikube_py.kubelet.status import StatusFacts, pod_status
from minikube_py.meta.objects import Object, find_condition
from tests.control_loop.harness import FakeClock

MIB = 1 << 20
EMPTY: Object = {"emptyDir": {}}
SMALL: Object = {"emptyDir": {"sizeLimit": "1Mi"}}


def container(name: str, limit: str = "") -> Object:
    return {"name": name, "resources": {"limits": {"ephemeral-storage": limit}} if limit else {}}


def pod(*containers: Object, volumes: tuple[Any, ...] = (), **spec: Any) -> Object:
    named = [{"name": f"v{number}", **source} for number, source in enumerate(volumes)]
    metadata = {"name": "web", "namespace": "default", "uid": "u1"}
    return {"metadata": metadata, "spec": {"containers": [*containers], "volumes": named, **spec}}


def storage(volumes: tuple[int, ...] = (), **containers: int) -> PodStorage:
    return PodStorage(
        {name: Taken(size) for name, size in containers.items()},
        {f"v{number}": Taken(size) for number, size in enumerate(volumes)},
    )


@pytest.mark.parametrize(
    ("obj", "limited"),
    [
        pytest.param(pod(container("a")), False, id="none"),
        pytest.param(pod(container("a"), container("b", "1Mi")), True, id="a-container"),
        pytest.param(pod(container("a"), initContainers=[container("i", "1Mi")]), True, id="init"),
        pytest.param(pod(container("a"), volumes=(SMALL,)), False, id="a-volume-only"),
    ],
)
def test_only_a_pod_with_a_limit_has_its_containers_measured(obj: Object, limited: bool) -> None:
    assert has_storage_limit(obj) is limited


def test_volumes_of_the_pod_s_own_count_when_it_has_a_limit() -> None:
    memory: Object = {"emptyDir": {"medium": "Memory"}}
    others: list[Object] = [{name: {}} for name in ("configMap", "secret", "persistentVolumeClaim")]
    volumes = (EMPTY, SMALL, memory, *others)

    assert measured_volumes(pod(container("a"), volumes=volumes)) == ["v1"]
    assert measured_volumes(pod(container("a", "1Mi"), volumes=volumes)) == ["v0", "v1", "v3"]


@pytest.mark.parametrize(
    ("obj", "found", "message"),
    [
        pytest.param(
            pod(container("a", "1Mi")), storage(a=MIB), "", id="up-to-the-limit-is-allowed"
        ),
        pytest.param(
            pod(container("a", "1Mi"), container("b", "2Mi")),
            storage(a=MIB + 1),
            'Container a exceeded its local ephemeral storage limit "1Mi". ',
            id="one-container",
        ),
        pytest.param(
            pod(container("a", "1Mi"), container("b", "2Mi"), volumes=(EMPTY,)),
            storage((MIB,), a=MIB, b=MIB + 1),
            "Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ",
            id="all-of-it-together",
        ),
        pytest.param(
            pod(container("a", "1Mi"), container("b")),
            storage(b=MIB + 1),
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
            id="a-container-without-a-limit-counts",
        ),
        pytest.param(
            pod(container("a", "2M"), initContainers=[container("i", "5M")]),
            storage(a=4_000_000),
            'Container a exceeded its local ephemeral storage limit "2M". ',
            id="the-larger-limit-of-an-init-container-is-the-pod-s",
        ),
        pytest.param(
            pod(container("a"), volumes=(SMALL,)),
            storage((MIB + 1,)),
            'Usage of EmptyDir volume "v0" exceeds the limit "1Mi". ',
            id="a-volume",
        ),
        pytest.param(
            pod(container("a", "0")),
            storage(a=1),
            "Pod ephemeral local storage usage exceeds the total limit of containers 0. ",
            id="none-is-none",
        ),
    ],
)
def test_what_is_too_much(obj: Object, found: PodStorage, message: str) -> None:
    assert over_limit(obj, found) == message


@pytest.mark.parametrize("disrupted", [False, True])
def test_an_evicted_pod_fails_with_the_reason(disrupted: bool) -> None:
    """For want of the node it is a disruption, for a limit of its own it is not."""
    clock, obj = FakeClock(), pod(container("c"))
    observed = ObservedPod(PodIdentity("default", "web", "u1"))

    plan = plan_pod(obj, observed, clock(), PodFacts(evicted="too large", disrupted=disrupted))
    facts = StatusFacts("192.0.2.1", over=True, failure=plan.failure)
    status = pod_status(obj, observed, clock(), facts)
    later = pod_status({**obj, "status": status}, observed, clock() + timedelta(minutes=1), facts)

    assert plan.verdict == "ended"
    assert (status["phase"], status["reason"], status["message"]) == (
        "Failed",
        "Evicted",
        "too large",
    )
    disruption = find_condition({"status": status}, "DisruptionTarget") or {}
    assert disruption.get("reason") == ("TerminationByKubelet" if disrupted else None)
    assert later["conditions"] == status["conditions"]


async def test_a_log_counts_with_what_was_rotated_out_of_it(tmp_path: Path) -> None:
    files = HostFiles(privileged=False)
    for name in ("x-json.log", "x-json.log.1", "x-json.log.2.gz", "config.json"):
        (tmp_path / name).write_bytes(bytes(8192))

    found = await files.taken_by_log(tmp_path / "x-json.log")
    files.close()

    assert found == Taken(3 * 8192, 3)


async def test_a_tree_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    files = HostFiles(privileged=False)

    found = await files.taken(tmp_path / "gone")
    files.close()

    assert found == Taken()


def test_ended_containers_go_when_the_node_needs_their_room() -> None:
    clock, obj = FakeClock(), {**pod(container("c")), "status": {"phase": "Succeeded"}}
    who = PodIdentity("default", "web", "u1")
    ended = ObservedContainer("c1", who, "s1", "c", "i", "sha256:1", 0, "exited", clock())
    observed = ObservedPod(who, containers=(ended,))

    kept = plan_pod(obj, observed, clock(), PodFacts())
    gone = plan_pod(obj, observed, clock(), PodFacts(reclaim=True))

    assert (kept.verdict, kept.remove_containers) == ("ended", ())
    assert (gone.verdict, gone.remove_containers) == ("ended", ("c1",))
