"""Which constraints count which pods, and where a pod goes that says nothing of spread."""

from typing import Any

import pytest

from minikube_py.meta.objects import Object
from minikube_py.meta.selectors import Selector
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.owners import NOBODY, Owners, default_selector
from minikube_py.scheduler.spreading import Spreading, spread_scores
from minikube_py.scheduler.views import NodeView, PodView
from tests.control_loop.harness import node, pod

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
UNEVEN = "node(s) didn't match pod topology spread constraints"


def zoned(name: str, zone: str = "", **changes: Any) -> Object:
    body = node(name, **changes)
    if zone:
        body["metadata"]["labels"][ZONE] = zone
    return body


def web(name: str, on: str = "", **more: Any) -> Object:
    labels = {"app": "web", **more.pop("labels", {})}
    body = pod(name, labels=labels, **more)
    body["metadata"]["namespace"] = "default"
    if on:
        body["spec"]["nodeName"] = on
    return body


def cluster(nodes: list[Object], *pods: Object) -> list[NodeView]:
    made = ClusterView()
    for each in nodes:
        made.set_node(each)
    for each in pods:
        made.set_pod(each)
    return made.nodes()


def rule(key: str = HOSTNAME, **fields: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "topologyKey": key,
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": selector,
        **fields,
    }


def refused(nodes: list[NodeView], constraint: Object, **spec: Any) -> list[str]:
    """The nodes on which the pod may not be."""
    labels = {"version": "2"}
    asks = PodView(web("new", labels=labels, topologySpreadConstraints=[constraint], **spec))
    spreading = Spreading(asks, nodes)
    return [each.name for each in nodes if spreading.problem(each)]


def test_too_few_domains_count_as_one_that_is_empty() -> None:
    nodes = cluster([node("n1"), node("n2")], web("a", "n1"), web("b", "n2"))

    assert refused(nodes, rule()) == []
    assert refused(nodes, rule(minDomains=3)) == ["n1", "n2"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [pytest.param("Honor", [], id="honor"), pytest.param("Ignore", ["n1"], id="ignore")],
)
def test_nodes_the_pod_does_not_want_count_unless_the_policy_honors_that(
    policy: str, expected: list[str]
) -> None:
    nodes = cluster([node("n1"), node("n2")], web("a", "n1"))
    selector = {HOSTNAME: "n1"}

    found = refused(nodes, rule(nodeAffinityPolicy=policy), nodeSelector=selector)

    assert [name for name in found if name == "n1"] == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [pytest.param("Ignore", ["n1"], id="ignore"), pytest.param("Honor", [], id="honor")],
)
def test_tainted_nodes_count_unless_the_policy_honors_that(
    policy: str, expected: list[str]
) -> None:
    taint = {"key": "gone", "effect": "NoSchedule"}
    nodes = cluster([node("n1"), node("n2", spec={"taints": [taint]})], web("a", "n1"))

    found = refused(nodes, rule(nodeTaintsPolicy=policy))

    assert [name for name in found if name == "n1"] == expected


def test_keys_of_labels_tell_revisions_apart() -> None:
    nodes = cluster([node("n1"), node("n2")], web("old", "n1", labels={"version": "1"}))

    assert refused(nodes, rule()) == ["n1"]
    assert refused(nodes, rule(matchLabelKeys=["version"])) == []


def test_a_node_without_the_label_says_so() -> None:
    nodes = cluster([zoned("n1", "a"), node("n2")])
    asks = PodView(web("new", topologySpreadConstraints=[rule(ZONE)]))

    found = Spreading(asks, nodes).problem(nodes[1])

    assert found == f"{UNEVEN} (missing required label)"


def test_a_soft_constraint_does_not_narrow_a_hard_one() -> None:
    nodes = cluster([node("n1"), node("n2")], web("a", "n1"))
    soft = rule(ZONE, whenUnsatisfiable="ScheduleAnyway")
    asks = PodView(web("new", topologySpreadConstraints=[rule(), soft]))

    spreading = Spreading(asks, nodes)

    assert [spreading.problem(each) for each in nodes] == [UNEVEN, None]


def test_pods_that_are_leaving_do_not_count() -> None:
    leaving = web("a", "n1")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert refused(cluster([node("n1"), node("n2")], leaving), rule()) == []


def _selector(services: list[Object], controller: Object | None = None) -> Selector | None:
    body = web("new")
    if controller is not None:
        reference = {"kind": controller["kind"], "name": "web", "controller": True}
        body["metadata"]["ownerReferences"] = [reference]
    return default_selector(PodView(body), Owners(lambda _: services, lambda *_: controller))


def test_pods_of_a_service_or_a_controller_belong_together() -> None:
    mine, others = {"spec": {"selector": {"app": "web"}}}, {"spec": {"selector": {"app": "db"}}}
    replica_set = {"kind": "ReplicaSet", "spec": {"selector": {"matchLabels": {"app": "web"}}}}
    older = {"kind": "ReplicationController", "spec": {"selector": {"app": "web"}}}

    found = [_selector([mine]), _selector([], replica_set), _selector([], older)]

    assert [each is not None and each.matches({"app": "web"}) for each in found] == [True] * 3
    assert [each is not None and each.matches({"app": "db"}) for each in found] == [False] * 3
    assert _selector([others, {"spec": {}}]) is None
    assert default_selector(PodView(web("alone")), NOBODY) is None


def _scores(nodes: list[NodeView], **spec: Any) -> dict[str, float]:
    together = default_selector(
        PodView(web("new")),
        Owners(lambda _: [{"spec": {"selector": {"app": "web"}}}], NOBODY.controller),
    )
    return dict(spread_scores(PodView(web("new", **spec)), nodes, nodes, together))


def test_without_a_constraint_the_system_prefers_the_node_with_fewer_of_the_same() -> None:
    scores = _scores(cluster([node("n1"), node("n2")], web("a", "n1"), web("b", "n1")))

    assert scores["n2"] > scores["n1"]


def test_without_a_constraint_the_system_prefers_the_emptier_zone() -> None:
    nodes = [zoned("n1", "a"), zoned("n2", "a"), zoned("n3", "b")]

    scores = _scores(cluster(nodes, web("x", "n1")))

    assert max(scores, key=lambda name: scores[name]) == "n3"
    assert scores["n2"] > scores["n1"]


def test_a_constraint_of_its_own_replaces_the_systems() -> None:
    soft = rule(ZONE, whenUnsatisfiable="ScheduleAnyway")
    nodes = cluster([zoned("n1", "a"), zoned("n2", "a")], web("x", "n1"))

    scores = _scores(nodes, topologySpreadConstraints=[soft])

    assert scores["n1"] == scores["n2"]
