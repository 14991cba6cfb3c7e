"""metrics.k8s.io: usage as objects, lists and tables; and what a node says of itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from minikube_py.apiserver.node_side import NodeSide, UsageSource
from minikube_py.container_runtime.interface import RuntimeUnavailable
from minikube_py.container_runtime.usage import NodeUsage, Sample, Stats, usage_between
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.meta.objects import Object, uid_of
from tests.apiserver.serving import Certificates, Cluster, serve

API = "/apis/metrics.k8s.io/v1beta1"
TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Measured:
    """UsageSource: two containers of `web`, one of `db`, over ten seconds."""

    def __init__(self) -> None:
        self.uids: dict[str, str] = {}
        self.is_down = False

    async def read(self) -> NodeUsage:
        if self.is_down:
            raise RuntimeUnavailable("Docker does not run")
        return usage_between(self._sample(AT, 0), self._sample(AT + timedelta(seconds=10), 10**9))

    def _sample(self, at: datetime, used: int) -> Sample:
        containers = [
            Stats(f"{pod}/{name}", self.uids[pod], name, used, 5 << 20, at)
            for pod, name in (("web", "main"), ("web", "side"), ("db", "main"))
        ]
        return Sample(at, 5 * used, 1 << 30, containers)


class Node:
    """NodeEndpoints of the node `n`."""

    def __init__(self, measured: UsageSource) -> None:
        self._measured = measured

    async def usage(self) -> NodeUsage:
        return await self._measured.read()

    def configuration(self) -> Object:
        return {"kubeletconfig": {"maxPods": 110}}

    async def running_pods(self) -> Object:
        return {"kind": "PodList", "items": []}

    async def summary(self) -> Object:
        return {"node": {"nodeName": "n"}}

    async def metrics(self) -> str:
        return "kubelet_running_pods 1\n"

    async def resource_metrics(self) -> str:
        raise RuntimeUnavailable("Docker does not run")


@pytest.fixture
def measured() -> Measured:
    return Measured()


@pytest.fixture
async def cluster(
    tmp_path: Path, certificates: Certificates, measured: Measured
) -> AsyncIterator[Cluster]:
    node = NodeSide(usage=measured, endpoints={"n": Node(measured)})
    async with serve(tmp_path, certificates, node=node) as cluster:
        for name in ("n", "other"):
            await cluster.resources.create(NODE, None, {"metadata": {"name": name}})
        for name in ("web", "db", "waiting"):
            made = await cluster.resources.create(POD, "default", _pod(name))
            measured.uids[name] = uid_of(made.object)
        yield cluster


def _pod(name: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": "n", "containers": [{"name": "main", "image": "i"}]},
    }


async def fetch(cluster: Cluster, path: str, **options: Any) -> Any:
    answer = await cluster.http.get(path, **options)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_a_pod_is_its_containers_usage(cluster: Cluster) -> None:
    pod = await fetch(cluster, f"{API}/namespaces/default/pods/web")

    assert pod["kind"] == "PodMetrics"
    assert pod["metadata"]["labels"] == {"app": "web"}
    assert (pod["timestamp"], pod["window"]) == ("2026-01-01T00:00:10Z", "10s")
    assert pod["containers"] == [
        {"name": name, "usage": {"cpu": "100000000n", "memory": "5120Ki"}}
        for name in ("main", "side")
    ]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        pytest.param("pods", ["db", "web"], id="all-that-run"),
        pytest.param("namespaces/default/pods?labelSelector=app%3Dweb", ["web"], id="labels"),
        pytest.param("namespaces/none/pods", [], id="namespace"),
        pytest.param("nodes", ["n"], id="nodes"),
        pytest.param("nodes?labelSelector=x", [], id="nodes-by-label"),
    ],
)
async def test_lists_hold_what_is_measured(cluster: Cluster, path: str, names: list[str]) -> None:
    listed = await fetch(cluster, f"{API}/{path}")

    assert listed["apiVersion"] == "metrics.k8s.io/v1beta1"
    assert [item["metadata"]["name"] for item in listed["items"]] == names


async def test_a_node_is_the_whole_machine(cluster: Cluster) -> None:
    node = await fetch(cluster, f"{API}/nodes/n")

    assert node["usage"] == {"cpu": "500000000n", "memory": "1048576Ki"}


async def test_tables_sum_up_a_pod(cluster: Cluster) -> None:
    table = await fetch(cluster, f"{API}/pods", headers=TABLE)

    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name", "cpu", "memory", "Window",
    ]  # fmt: skip
    assert [row["cells"] for row in table["rows"]] == [
        ["db", "100m", "5Mi", "10s"],
        ["web", "200m", "10Mi", "10s"],
    ]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        pytest.param("GET", "namespaces/default/pods/waiting", 404, id="not-running"),
        pytest.param("GET", "nodes/other", 404, id="another-node"),
        pytest.param("POST", "nodes", 405, id="create"),
        pytest.param("GET", "pods?watch=true", 405, id="watch"),
        pytest.param("GET", "pods?labelSelector=!!", 400, id="bad-selector"),
    ],
)
async def test_what_is_not_measured_is_refused(
    cluster: Cluster, method: str, path: str, code: int
) -> None:
    answer = await cluster.http.request(method, f"{API}/{path}")

    assert answer.status == code


async def test_without_a_runtime_nothing_is_measured(cluster: Cluster, measured: Measured) -> None:
    measured.is_down = True

    answer = await cluster.http.get(f"{API}/nodes")

    assert answer.status == 503
    assert "Docker does not run" in (await answer.json())["message"]


async def test_metrics_are_discovered(cluster: Cluster) -> None:
    found = await fetch(cluster, API)

    assert [(one["name"], one["namespaced"], one["verbs"]) for one in found["resources"]] == [
        ("nodes", False, ["get", "list"]),
        ("pods", True, ["get", "list"]),
    ]


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        pytest.param("healthz", 200, "ok", id="healthz"),
        pytest.param("pods", 200, '"name":"waiting"', id="pods"),
        pytest.param("runningpods/", 200, "PodList", id="runningpods"),
        pytest.param("configz", 200, "maxPods", id="configz"),
        pytest.param("stats/summary", 200, "nodeName", id="summary"),
        pytest.param("metrics", 200, "kubelet_running_pods 1", id="metrics"),
        pytest.param("metrics/resource", 503, "Docker does not run", id="runtime-down"),
        pytest.param("containerLogs/default/web/main?tailLines=1", 200, "three", id="logs"),
        pytest.param("logs/syslog", 405, "/logs of a node is not supported", id="host-files"),
        pytest.param("none", 404, "/stats/summary", id="unknown"),
    ],
)
async def test_a_node_answers_as_its_kubelet(
    cluster: Cluster, path: str, code: int, said: str
) -> None:
    answer = await cluster.http.get(f"/api/v1/nodes/n:10250/proxy/{path}")

    assert answer.status == code
    assert said in await answer.text()


async def test_a_node_takes_no_orders_and_another_has_no_kubelet(cluster: Cluster) -> None:
    ordered = await cluster.http.post("/api/v1/nodes/n/proxy/healthz")
    other = await cluster.http.get("/api/v1/nodes/other/proxy/healthz")

    assert (ordered.status, other.status) == (405, 503)
