from dataclasses import replace
from datetime import UTC, datetime, timedelta

from minikube_py.container_runtime.interface import ImageInfo, RuntimeInfo
from minikube_py.kubelet.node import NodeFacts, new_node, node_status

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
FACTS = NodeFacts(
    name="lab",
    host_ip="192.0.2.1",
    version="v1.37.0",
    info=RuntimeInfo(
        name="docker",
        version="20.10",
        api_version="1.41",
        cgroup_version=1,
        cgroup_driver="cgroupfs",
        kernel="6.18",
        operating_system="Debian 12",
        architecture="x86_64",
        cpus=2,
        memory_bytes=8 << 30,
        root_dir="/var/lib/docker",
    ),
    max_pods=110,
    disk_bytes=100 << 30,
    pod_cidr="10.244.0.0/16",
    images=(ImageInfo("sha256:1", ("app:1",), (), 7), ImageInfo("sha256:2", (), (), 9)),
)


def test_a_node_says_where_it_is_and_what_it_has() -> None:
    node = new_node(FACTS)
    status = node_status(FACTS, {}, NOW)

    assert node["spec"] == {"podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"]}
    assert node["metadata"]["labels"]["kubernetes.io/arch"] == "amd64"
    assert status["capacity"] == {
        "cpu": "2",
        "ephemeral-storage": "104857600Ki",
        "memory": "8388608Ki",
        "pods": "110",
    }
    assert status["nodeInfo"]["containerRuntimeVersion"] == "docker://20.10"
    assert status["images"] == [{"names": ["app:1"], "sizeBytes": 7}]


def test_the_engine_going_away_makes_the_node_unready_from_then_on() -> None:
    well = node_status(FACTS, {}, NOW)
    later = NOW + timedelta(minutes=1)

    ill = node_status(replace(FACTS, problem="Docker does not run"), well, later)

    conditions = {condition["type"]: condition for condition in ill["conditions"]}
    assert conditions["Ready"]["status"] == "False"
    assert conditions["Ready"]["message"] == "Docker does not run"
    assert conditions["Ready"]["lastTransitionTime"] == "2026-01-31T12:01:00Z"
    assert conditions["DiskPressure"]["lastTransitionTime"] == "2026-01-31T12:00:00Z"
    assert conditions["DiskPressure"]["lastHeartbeatTime"] == "2026-01-31T12:01:00Z"


def test_conditions_of_others_stay() -> None:
    before = {"conditions": [{"type": "NetworkUnavailable", "status": "False"}]}

    status = node_status(FACTS, before, NOW)

    assert status["conditions"][0]["type"] == "NetworkUnavailable"
