"""What objects use of what quotas count, as kube-apiserver's evaluators measure it."""

from decimal import Decimal

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE,
    builtin_catalog,
)
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from minikube_py.resources.quota.usage import kind_counted_by, usage_of


def resources(**requests: str) -> Object:
    return {"resources": {"requests": requests, "limits": requests}}


def used(kind: Kind, **obj: object) -> dict[str, float]:
    return {name: float(value) for name, value in usage_of(kind, obj).items()}


def test_a_pod_uses_what_runs_together_or_what_its_greediest_init_container_needs() -> None:
    spec = {
        "initContainers": [
            {"name": "sidecar", "restartPolicy": "Always", **resources(cpu="100m")},
            {"name": "init", **resources(cpu="2", memory="1Gi")},
        ],
        "containers": [
            {"name": "a", **resources(cpu="500m", memory="1Gi")},
            {"name": "b", **resources(cpu="500m", memory="1Gi")},
        ],
        "overhead": {"cpu": "10m"},
    }

    found = used(POD, spec=spec)

    assert found["cpu"] == found["requests.cpu"] == found["limits.cpu"] == 2.11
    assert found["memory"] == found["requests.memory"] == 2 * 1024**3
    assert found["pods"] == found["count/pods"] == 1


def test_a_pods_own_resources_count_instead_of_its_containers() -> None:
    spec = {"containers": [{"name": "a", **resources(cpu="1")}], **resources(cpu="3")}

    assert used(POD, spec=spec)["cpu"] == 3


def test_extended_resources_count_as_requests_only() -> None:
    spec = {"containers": [{"name": "a", **resources(**{"example.com/gpu": "2"})}]}

    found = used(POD, spec=spec)

    assert found["requests.example.com/gpu"] == 2
    assert "limits.example.com/gpu" not in found


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_is_over_uses_only_its_place(phase: str) -> None:
    spec = {"containers": [{"name": "a", **resources(cpu="1")}]}

    assert used(POD, spec=spec, status={"phase": phase}) == {"count/pods": 1}


@pytest.mark.parametrize(
    ("spec", "node_ports", "load_balancers"),
    [
        pytest.param({"type": "ClusterIP", "ports": [{}]}, None, None, id="cluster"),
        pytest.param({"type": "NodePort", "ports": [{}, {}]}, 2, None, id="node-port"),
        pytest.param({"type": "LoadBalancer", "ports": [{}]}, 1, 1, id="load-balancer"),
        pytest.param(
            {
                "type": "LoadBalancer",
                "allocateLoadBalancerNodePorts": False,
                "ports": [{"nodePort": 30001}, {}],
            },
            1,
            1,
            id="load-balancer-with-own-ports",
        ),
    ],
)
def test_services_use_node_ports_and_load_balancers(
    spec: Object, node_ports: int | None, load_balancers: int | None
) -> None:
    found = used(SERVICE, spec=spec)

    assert found["services"] == 1
    assert found.get("services.nodeports") == node_ports
    assert found.get("services.loadbalancers") == load_balancers


def test_a_claim_counts_for_all_claims_and_for_its_class() -> None:
    spec = {"storageClassName": "fast", "resources": {"requests": {"storage": "2Gi"}}}

    found = usage_of(PERSISTENT_VOLUME_CLAIM, {"spec": spec})

    of_class = "fast.storageclass.storage.k8s.io/"
    assert found["requests.storage"] == found[f"{of_class}requests.storage"] == 2 * 1024**3
    assert found["persistentvolumeclaims"] == found[f"{of_class}persistentvolumeclaims"] == 1


def test_other_objects_are_counted_by_their_name_and_group() -> None:
    assert usage_of(DEPLOYMENT, {}) == {"count/deployments.apps": Decimal(1)}
    assert usage_of(CONFIG_MAP, {}) == {"count/configmaps": Decimal(1), "configmaps": Decimal(1)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pods", "Pod"),
        ("limits.memory", "Pod"),
        ("requests.example.com/gpu", "Pod"),
        ("requests.storage", "PersistentVolumeClaim"),
        ("fast.storageclass.storage.k8s.io/persistentvolumeclaims", "PersistentVolumeClaim"),
        ("services.nodeports", "Service"),
        ("count/deployments.apps", "Deployment"),
        ("replicationcontrollers", "ReplicationController"),
        ("count/namespaces", None),
        ("something.else", None),
    ],
)
def test_each_name_is_about_one_kind(name: str, kind: str | None) -> None:
    found = kind_counted_by(name, builtin_catalog())

    assert (found.kind if found is not None else None) == kind
