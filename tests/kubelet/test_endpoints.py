"""What a kubelet's port would say: summary, metrics, running pods, configuration."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ObservedContainer,
    ObservedPod,
    PodIdentity,
    Sandbox,
)
from minikube_py.container_runtime.usage import NodeUsage, Sample, Stats, part_of, usage_between
from minikube_py.control_loop.informer import Informer
from minikube_py.kubelet.endpoints import KubeletEndpoints
from minikube_py.kubelet.tools import KubeletSettings
from minikube_py.kubelet.usage import UsageReader
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object

AT = datetime(2026, 1, 1, tzinfo=UTC)
WEB = PodIdentity("default", "web", "uid-1")


class Runtime:
    """One pod, of which one container runs and one has ended."""

    async def list_pods(self) -> Sequence[ObservedPod]:
        containers = [
            ObservedContainer(f"c-{name}", WEB, "s", name, "image:1", "sha", 0, state, AT)  # type: ignore[arg-type]
            for name, state in (("main", "running"), ("init", "exited"))
        ]
        gone = PodIdentity("default", "gone", "uid-2")
        return [
            ObservedPod(WEB, (Sandbox("s", WEB, 0, True, 1, AT),), tuple(containers)),
            ObservedPod(gone, (Sandbox("t", gone, 0, False, 0, AT),), ()),
        ]


class Pods:
    def list(self) -> list[Object]:
        return [
            {
                "metadata": {"namespace": WEB.namespace, "name": name, "uid": uid},
                "spec": {"nodeName": "n"},
            }
            for name, uid in (("web", "uid-1"), ("waiting", "uid-9"))
        ]


class Usage:
    async def read(self) -> NodeUsage:
        def sample(seconds: int, used: int) -> Sample:
            at = AT + timedelta(seconds=seconds)
            stats = Stats("c-main", WEB.uid, "main", used, 4096, at)
            return Sample(at, 3 * used, 1 << 20, (stats,))

        return usage_between(sample(0, 10**9), sample(10, 2 * 10**9))


async def test_parts_of_a_shared_host_add_up_to_all_of_it() -> None:
    whole = await Usage().read()

    first, second = (
        part_of(whole, {"nobody"}, with_rest=True),
        part_of(whole, {WEB.uid}, with_rest=False),
    )

    assert first.cpu_nanocores + second.cpu_nanocores == whole.cpu_nanocores
    assert second.sample.memory_working_set_bytes == 4096
    assert first.sample.memory_working_set_bytes == (1 << 20) - 4096
    assert (len(first.containers), len(second.containers)) == (0, 1)


@pytest.fixture
def endpoints(tmp_path: Path) -> KubeletEndpoints:
    settings = KubeletSettings("n", Cluster("c"), tmp_path, "10.96.0.10", "10.0.0.1")
    return KubeletEndpoints(
        settings,
        settings.nodes[0],
        cast(ContainerRuntime, Runtime()),
        cast(Informer, Pods()),
        cast(UsageReader, Usage()),
    )


async def test_the_summary_holds_the_node_and_the_pods_that_run(
    endpoints: KubeletEndpoints,
) -> None:
    found = await endpoints.summary()

    at = "2026-01-01T00:00:10Z"
    cpu = {"time": at, "usageNanoCores": 100_000_000, "usageCoreNanoSeconds": 2_000_000_000}
    memory = {"time": at, "workingSetBytes": 4096}
    assert found["node"]["nodeName"] == "n"
    assert found["node"]["cpu"]["usageNanoCores"] == 300_000_000
    assert found["pods"] == [
        {
            "podRef": {"name": "web", "namespace": "default", "uid": "uid-1"},
            "cpu": cpu,
            "memory": memory,
            "containers": [{"name": "main", "cpu": cpu, "memory": memory}],
        }
    ]


async def test_resource_metrics_are_prometheus_text(endpoints: KubeletEndpoints) -> None:
    lines = (await endpoints.resource_metrics()).splitlines()

    labels = 'namespace="default",pod="web"'
    assert "node_cpu_usage_seconds_total 6.000000" in lines
    assert f'container_cpu_usage_seconds_total{{container="main",{labels}}} 2.000000' in lines
    assert f"pod_memory_working_set_bytes{{{labels}}} 4096" in lines
    assert lines[-1] == "resource_scrape_error 0"


async def test_what_runs_is_counted_and_listed(endpoints: KubeletEndpoints) -> None:
    metrics = (await endpoints.metrics()).splitlines()
    pods = (await endpoints.running_pods())["items"]

    assert "kubelet_running_pods 1" in metrics
    assert 'kubelet_running_containers{container_state="running"} 1' in metrics
    assert [pod["metadata"]["name"] for pod in pods] == ["web"]
    assert pods[0]["spec"]["containers"] == [{"name": "main", "image": "image:1"}]


def test_the_configuration_is_what_is_true_here(endpoints: KubeletEndpoints) -> None:
    found = endpoints.configuration()["kubeletconfig"]

    assert (found["maxPods"], found["clusterDNS"]) == (110, ["10.96.0.10"])
