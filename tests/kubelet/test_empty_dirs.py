"""How large an emptyDir may grow, and what happens beyond."""

from datetime import timedelta
from typing import Any

import pytest

from minikube_py.container_runtime.interface import ObservedPod, PodIdentity
from minikube_py.kubelet.empty_dirs import disk_limits, memory_size
from minikube_py.kubelet.facts import PodFacts
from minikube_py.kubelet.plan import plan_pod
from minikube_py.kubelet.status import StatusFacts, pod_status
from minikube_py.meta.objects import Object, find_condition
from tests.control_loop.harness import FakeClock


def pod(*empty_dirs: dict[str, Any], memory: tuple[str, ...] = ("",)) -> Object:
    containers = [
        {"name": f"c{number}", "resources": {"limits": {"memory": limit}} if limit else {}}
        for number, limit in enumerate(memory)
    ]
    volumes = [{"name": f"v{number}", "emptyDir": one} for number, one in enumerate(empty_dirs)]
    metadata = {"name": "web", "namespace": "default", "uid": "u1"}
    return {"metadata": metadata, "spec": {"volumes": volumes, "containers": containers}}


def test_only_those_on_disk_with_a_limit_are_measured() -> None:
    found = disk_limits(
        pod({}, {"sizeLimit": "1Mi"}, {"sizeLimit": "0"}, {"sizeLimit": "1Mi", "medium": "Memory"})
    )

    assert found == {"v1": "1Mi"}


@pytest.mark.parametrize(
    ("limit", "memory", "size"),
    [
        ("1Mi", ("",), 1 << 20),
        (None, ("",), 0),
        (None, ("1Mi", "2Mi"), 3 << 20),
        ("1Mi", ("4Mi",), 1 << 20),
        ("8Mi", ("4Mi",), 4 << 20),
        (None, ("1Mi", ""), 0),
    ],
)
def test_memory_is_no_larger_than_its_pod(
    limit: str | None, memory: tuple[str, ...], size: int
) -> None:
    spec = {"sizeLimit": limit} if limit else {}

    assert memory_size(pod(spec, memory=memory), spec) == size


def test_an_evicted_pod_fails_with_the_reason() -> None:
    clock, obj = FakeClock(), pod({"sizeLimit": "1Mi"})
    observed = ObservedPod(PodIdentity("default", "web", "u1"))

    plan = plan_pod(obj, observed, clock(), PodFacts(evicted="too large"))
    assert plan.failure is not None
    failure = (plan.failure.reason, plan.failure.message)
    facts = StatusFacts("192.0.2.1", over=True, failure=failure)
    status = pod_status(obj, observed, clock(), facts)
    later = pod_status({**obj, "status": status}, observed, clock() + timedelta(minutes=1), facts)

    assert plan.verdict == "ended"
    assert (status["phase"], status["reason"], status["message"]) == (
        "Failed",
        "Evicted",
        "too large",
    )
    disruption = find_condition({"status": status}, "DisruptionTarget")
    assert disruption is not None
    assert (disruption["status"], disruption["reason"]) == ("True", "TerminationByKubelet")
    assert later["conditions"] == status["conditions"]
