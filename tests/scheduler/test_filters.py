from typing import Any

import pytest

from minikube_py.meta.objects import Object
from minikube_py.scheduler.cluster import ClusterView
from minikube_py.scheduler.filters import SharedHost, problems
from minikube_py.scheduler.neighbours import Neighbours, attraction
from minikube_py.scheduler.reasons import unavailable_message
from minikube_py.scheduler.requests import pod_requests, ports_collide
from minikube_py.scheduler.scores import best_node
from minikube_py.scheduler.spreading import Spreading
from minikube_py.scheduler.views import NodeView, PodView
from tests.control_loop.harness import node, pod

MIB = 1024 * 1024


def view(body: Object, *pods: Object) -> NodeView:
    cluster = ClusterView()
    cluster.set_node(body)
    for each in pods:
        placed = {**each, "spec": {**each["spec"], "nodeName": body["metadata"]["name"]}}
        cluster.set_pod(placed)
    return cluster.nodes()[0]


def wanting(**requests: str) -> Object:
    body = pod("asks")
    body["spec"]["containers"][0]["resources"] = {"requests": requests}
    return body


def container(**fields: Any) -> Object:
    return {"name": "app", "image": "app:1", **fields}


TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
HOST_PORT = [{"containerPort": 80, "hostPort": 8080}]


@pytest.mark.parametrize(
    ("asks", "offers", "expected"),
    [
        pytest.param(wanting(cpu="4"), node(), (), id="just fits"),
        pytest.param(
            wanting(cpu="4100m", memory="9Gi"),
            node(),
            ("Insufficient cpu", "Insufficient memory"),
            id="too large",
        ),
        pytest.param(
            {**wanting(**{"example.com/gpu": "1"})},
            node(),
            ("Insufficient example.com/gpu",),
            id="a resource nobody has",
        ),
        pytest.param(
            pod("a", nodeSelector={"disk": "ssd"}),
            node(),
            ("node(s) didn't match Pod's node affinity/selector",),
            id="node selector",
        ),
        pytest.param(
            pod("a"),
            node(spec={"taints": [TAINT]}),
            ("node(s) had untolerated taint {dedicated: db}",),
            id="taint",
        ),
        pytest.param(
            pod("a", tolerations=[{"key": "dedicated", "operator": "Equal", "value": "db"}]),
            node(spec={"taints": [TAINT]}),
            (),
            id="tolerated taint",
        ),
        pytest.param(
            pod("a", tolerations=[{"operator": "Exists"}]),
            node(spec={"unschedulable": True, "taints": [TAINT]}),
            (),
            id="tolerates everything",
        ),
        pytest.param(
            pod("a"),
            node(spec={"unschedulable": True}),
            ("node(s) were unschedulable",),
            id="cordoned",
        ),
        pytest.param(
            pod("a"),
            node(status={"conditions": [{"type": "Ready", "status": "False"}]}),
            ("node(s) had untolerated taint {node.kubernetes.io/not-ready: }",),
            id="not ready",
        ),
    ],
)
def test_problems(asks: Object, offers: Object, expected: tuple[str, ...]) -> None:
    assert tuple(problems(PodView(asks), view(offers))) == expected


def test_pods_already_there_take_their_share() -> None:
    here = view(node(), wanting(cpu="3"))

    assert problems(PodView({**wanting(cpu="2"), "metadata": {"name": "b"}}), here) == (
        "Insufficient cpu",
    )


def test_a_node_takes_only_so_many_pods() -> None:
    room = {"cpu": "4", "pods": "1"}
    status = {"allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]}

    assert problems(PodView(pod("b")), view(node(status=status), pod("a"))) == ("Too many pods",)


def test_a_host_port_is_taken_once() -> None:
    taken = pod("a", containers=[container(ports=HOST_PORT)])
    here = view(node(), taken)

    assert problems(PodView(pod("b", containers=[container(ports=HOST_PORT)])), here) == (
        "node(s) didn't have free ports for the requested pod ports",
    )


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        pytest.param(("0.0.0.0", "TCP", 80), ("10.0.0.1", "TCP", 80), True, id="all addresses"),
        pytest.param(("10.0.0.2", "TCP", 80), ("10.0.0.1", "TCP", 80), False, id="two addresses"),
        pytest.param(("0.0.0.0", "UDP", 80), ("0.0.0.0", "TCP", 80), False, id="two protocols"),
    ],
)
def test_ports_collide(
    one: tuple[str, str, int], other: tuple[str, str, int], collide: bool
) -> None:
    assert ports_collide(one, other) is collide


def test_what_a_pod_asks_for_is_the_larger_of_starting_and_running() -> None:
    body: Object = {
        "spec": {
            "containers": [
                container(resources={"requests": {"cpu": "200m", "memory": "64Mi"}}),
                container(resources={"limits": {"cpu": "300m"}}),
            ],
            "initContainers": [
                container(restartPolicy="Always", resources={"requests": {"cpu": "100m"}}),
                container(resources={"requests": {"cpu": "100m", "memory": "256Mi"}}),
            ],
            "overhead": {"cpu": "10m"},
        }
    }

    assert pod_requests(body) == {"cpu": 610, "memory": 256 * MIB}


def test_the_message_counts_reasons_as_kubernetes_does() -> None:
    reasons = [
        ("Insufficient cpu", "Insufficient memory"),
        ("Insufficient cpu",),
        ("Too many pods",),
    ]

    assert unavailable_message(3, reasons) == (
        "0/3 nodes are available: 1 Insufficient memory, 1 Too many pods, 2 Insufficient cpu."
    )


HOSTNAME = "kubernetes.io/hostname"
NEAR_DB = {
    "podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": HOSTNAME}
        ]
    }
}


def in_default(body: Object) -> Object:
    return {**body, "metadata": {**body["metadata"], "namespace": "default"}}


def no_labels(_namespace: str) -> dict[str, str]:
    return {}


def test_a_pod_goes_only_where_the_pod_it_wants_to_be_near_is() -> None:
    nodes = [view(node("n1")), view(node("n2"), in_default(pod("db", labels={"app": "db"})))]
    asks = PodView(in_default(pod("web", affinity=NEAR_DB)))

    neighbours = Neighbours(asks, nodes, no_labels)

    assert neighbours.problem(nodes[0]) == "node(s) didn't match pod affinity rules"
    assert neighbours.problem(nodes[1]) is None


def test_the_first_of_a_group_that_wants_to_be_together_may_go_anywhere() -> None:
    nodes = [view(node("n1"))]
    asks = PodView(in_default(pod("db", labels={"app": "db"}, affinity=NEAR_DB)))

    assert Neighbours(asks, nodes, no_labels).problem(nodes[0]) is None


def test_a_pod_that_keeps_others_away_does_so_for_those_that_come_later() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOSTNAME}
    alone = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    nodes = [view(node("n1"), in_default(pod("db", affinity=alone)))]

    problem = Neighbours(
        PodView(in_default(pod("web", labels={"app": "web"}))), nodes, no_labels
    ).problem(nodes[0])

    assert problem == "node(s) didn't satisfy existing pods anti-affinity rules"


def test_spreading_keeps_the_difference_small() -> None:
    constraint = {
        "topologyKey": HOSTNAME,
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    body = in_default(pod("web", labels={"app": "web"}, topologySpreadConstraints=[constraint]))
    nodes = [view(node("n1"), in_default(pod("other", labels={"app": "web"}))), view(node("n2"))]

    spreading = Spreading(PodView(body), nodes)

    assert spreading.problem(nodes[0]) == ("node(s) didn't match pod topology spread constraints")
    assert spreading.problem(nodes[1]) is None


def test_the_emptier_node_is_better() -> None:
    nodes = [view(node("n1"), wanting(cpu="2", memory="4Gi")), view(node("n2"))]
    asks = PodView(pod("a"))

    best = best_node(asks, nodes, nodes, no_labels)

    assert best.name == "n2"


def test_a_preferred_label_outweighs_a_little_less_room() -> None:
    preferred = {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 10,
                    "preference": {
                        "matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": ["n1"]}]
                    },
                }
            ]
        }
    }
    nodes = [view(node("n1"), wanting(cpu="1")), view(node("n2"))]
    asks = PodView(pod("a", affinity=preferred))

    assert best_node(asks, nodes, nodes, no_labels).name == "n1"


def test_a_soft_taint_is_avoided() -> None:
    soft = {"key": "busy", "effect": "PreferNoSchedule"}
    nodes = [view(node("n1", spec={"taints": [soft]})), view(node("n2"), wanting(cpu="1"))]
    asks = PodView(pod("a"))

    assert best_node(asks, nodes, nodes, no_labels).name == "n2"


def on_host_network(name: str, port: int = 8080) -> Object:
    ports = [{"containerPort": port, "hostPort": port}]
    return in_default(pod(name, hostNetwork=True, containers=[container(ports=ports)]))


def logical(name: str) -> Object:
    body = node(name)
    body["metadata"]["annotations"] = {"mk.dev/logical-node": "1 of 2"}
    return body


def test_ports_on_the_hosts_network_are_taken_on_all_nodes_that_share_the_host() -> None:
    nodes = [view(logical("n1"), on_host_network("a")), view(logical("n2")), view(node("n3"))]

    same, other = (SharedHost(PodView(on_host_network("b", port)), nodes) for port in (8080, 9090))

    assert [same.problem(each) for each in nodes] == [
        "node(s) didn't have free ports for the requested pod ports",
        "node(s) didn't have free ports for the requested pod ports",
        None,
    ]
    assert [other.problem(each) for each in nodes] == [None] * 3


def test_a_host_port_of_another_node_is_free() -> None:
    taken = in_default(pod("a", containers=[container(ports=HOST_PORT)]))
    nodes = [view(logical("n1"), taken), view(logical("n2"))]
    asks = PodView(in_default(pod("b", containers=[container(ports=HOST_PORT)])))

    assert SharedHost(asks, nodes).problem(nodes[1]) is None
    assert problems(asks, nodes[1]) == ()


def naming(*nodes: str) -> Object:
    field = {"key": "metadata.name", "operator": "In", "values": list(nodes)}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def test_a_pod_of_a_daemon_set_leaves_other_nodes_out_before_anything_else() -> None:
    asks = PodView(pod("agent", affinity=naming("n1")))
    tainted = view(node("n2", spec={"taints": [TAINT]}))

    assert problems(asks, view(node("n1"))) == ()
    assert problems(asks, tainted) == ("node(s) didn't satisfy plugin(s) [NodeAffinity]",)


def test_a_taint_is_named_before_a_label_that_is_missing() -> None:
    asks = PodView(pod("a", nodeSelector={"disk": "ssd"}))

    assert problems(asks, view(node(spec={"taints": [TAINT]}))) == (
        "node(s) had untolerated taint {dedicated: db}",
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        pytest.param({"matchLabelKeys": ["version"]}, None, id="only its own revision"),
        pytest.param(
            {"mismatchLabelKeys": ["tenant"]}, "node(s) didn't match pod anti-affinity rules",
            id="all but its own tenant",
        ),
        pytest.param({}, "node(s) didn't match pod anti-affinity rules", id="all"),
    ],
)  # fmt: skip
def test_label_keys_narrow_whom_a_pod_keeps_away_from(
    keys: dict[str, Any], problem: str | None
) -> None:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOSTNAME, **keys}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    there = {"app": "web", "version": "1", "tenant": "a"}
    nodes = [view(node("n1"), in_default(pod("old", labels=there)))]
    new = {"app": "web", "version": "2", "tenant": "b"}

    asks = PodView(in_default(pod("new", labels=new, affinity=apart)))

    assert Neighbours(asks, nodes, no_labels).problem(nodes[0]) == problem


def test_a_pod_is_drawn_to_those_that_want_it_near() -> None:
    nodes = [view(node("n1")), view(node("n2"), in_default(pod("web", affinity=NEAR_DB)))]
    asks = PodView(in_default(pod("db", labels={"app": "db"})))

    assert attraction(asks, nodes, nodes, no_labels) == {"n1": 0.0, "n2": 1.0}
    assert best_node(asks, nodes, nodes, no_labels).name == "n2"


def test_nobodys_wishes_are_no_scores() -> None:
    nodes = [view(node("n1")), view(node("n2"), in_default(pod("web")))]

    assert attraction(PodView(in_default(pod("a"))), nodes, nodes, no_labels) == {}


def test_an_image_that_all_nodes_have_decides_nothing_and_one_that_few_have_little() -> None:
    image = {"names": ["app:latest"], "sizeBytes": 900 * MIB}
    having = {**node("n1")["status"], "images": [image]}
    nodes = [view(node("n1", status=having), wanting(cpu="100m")), view(node("n2"))]
    asks = PodView(pod("a", containers=[container(image="app")]))

    assert best_node(asks, nodes, nodes, no_labels).name == "n1"


def test_a_pod_that_asks_for_nothing_is_not_balanced() -> None:
    lopsided = wanting(cpu="2", memory="1Gi")
    nodes = [view(node("n1"), lopsided), view(node("n2"))]

    assert best_node(PodView(pod("a")), nodes, nodes, no_labels).name == "n2"


def test_groups_are_forgotten_with_their_last_pod() -> None:
    here = view(node(), in_default(pod("a", labels={"app": "web"}, affinity=NEAR_DB)))
    [key] = here.pods

    here.take(key)

    assert (dict(here.groups), dict(here.attached)) == ({}, {})
