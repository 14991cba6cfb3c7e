from typing import Any

from tests.apiserver.serving import Cluster

PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
AUTOSCALERS = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def _running_pod(cluster: Cluster) -> None:
    spec = {"containers": [{"name": "main", "image": "nginx:1"}], "nodeName": "here"}
    body = {"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": spec}
    await cluster.http.post(PODS, json=body)
    await _patch_status(cluster, f"{PODS}/web", {"phase": "Running"})


async def _patch_status(cluster: Cluster, path: str, status: dict[str, Any]) -> None:
    patched = await cluster.http.patch(
        f"{path}/status",
        json={"status": status},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert patched.status == 200


async def _budget(cluster: Cluster, **status: Any) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    made = await cluster.http.post(BUDGETS, json={"metadata": {"name": "b"}, "spec": spec})
    assert made.status == 201
    await _patch_status(cluster, f"{BUDGETS}/b", {"observedGeneration": 1, **status})


async def _evict(cluster: Cluster, query: str = "") -> Any:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "web"},
        "deleteOptions": {"gracePeriodSeconds": 0},
    }
    return await cluster.http.post(f"{PODS}/web/eviction{query}", json=eviction)


async def test_a_budget_refuses_an_eviction_with_its_cause(cluster: Cluster) -> None:
    await _running_pod(cluster)
    await _budget(cluster, disruptionsAllowed=0)

    refused = await _evict(cluster)

    assert refused.status == 429
    status = await refused.json()
    assert status["reason"] == "TooManyRequests"
    assert status["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert (await cluster.http.get(f"{PODS}/web")).status == 200


async def test_a_dry_run_in_the_query_evicts_nobody(cluster: Cluster) -> None:
    await _running_pod(cluster)
    await _budget(cluster, disruptionsAllowed=1)

    tried = await _evict(cluster, "?dryRun=All")
    assert tried.status == 201
    assert (await cluster.http.get(f"{PODS}/web")).status == 200

    done = await _evict(cluster)
    assert done.status == 201
    assert (await cluster.http.get(f"{PODS}/web")).status == 404
    budget = await (await cluster.http.get(f"{BUDGETS}/b")).json()
    assert list(budget["status"]["disruptedPods"]) == ["web"]


async def test_both_versions_of_autoscaling_are_discovered_the_newer_preferred(
    cluster: Cluster,
) -> None:
    group = await (await cluster.http.get("/apis/autoscaling")).json()
    answer = await cluster.http.get("/apis", headers={"Accept": AGGREGATED})
    aggregated = {item["metadata"]["name"]: item for item in (await answer.json())["items"]}

    assert [entry["version"] for entry in group["versions"]] == ["v2", "v1"]
    assert group["preferredVersion"]["version"] == "v2"
    versions = aggregated["autoscaling"]["versions"]
    assert [entry["version"] for entry in versions] == ["v2", "v1"]
    assert {entry["resources"][0]["resource"] for entry in versions} == {"horizontalpodautoscalers"}


async def test_a_list_and_a_watch_speak_the_version_asked_for(cluster: Cluster) -> None:
    v1, v2 = AUTOSCALERS.format("v1"), AUTOSCALERS.format("v2")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"maxReplicas": 3, "scaleTargetRef": target}
    await cluster.http.post(v2, json={"metadata": {"name": "web"}, "spec": spec})

    listed = await (await cluster.http.get(v1)).json()
    watched = await cluster.http.get(f"{v1}?watch=1&resourceVersion=0&timeoutSeconds=1")
    event = (await watched.text()).splitlines()[0]

    assert listed["apiVersion"] == "autoscaling/v1"
    assert listed["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 80
    assert '"apiVersion":"autoscaling/v1"' in event
    assert "targetCPUUtilizationPercentage" in event
