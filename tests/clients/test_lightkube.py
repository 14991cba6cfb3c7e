"""lightkube: typed models, generic kinds, server-side apply, waits and logs."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from lightkube import ApiError, Client, KubeConfig
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ConditionError
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import ConfigMap, Pod
from lightkube.types import CascadeType, PatchType

from tests.clients.conftest import CRDS, USUAL, Kubectl
from tests.e2e.conftest import RunningCluster, eventually


@pytest.fixture
def client(paper: RunningCluster, namespace: str) -> Iterator[Client]:
    config = KubeConfig.from_file(paper.folder / "kubeconfig")
    made = Client(config=config, namespace=namespace, field_manager="tests")
    yield made
    made.close()


def deployment(image: str, replicas: int | None = None) -> Deployment:
    labels = {"app": "web"}
    return Deployment(
        metadata=ObjectMeta(name="web", labels=labels),
        spec=DeploymentSpec(
            replicas=replicas,
            selector=LabelSelector(matchLabels=labels),
            template=PodTemplateSpec(
                metadata=ObjectMeta(labels=labels),
                spec=PodSpec(containers=[Container(name="web", image=image)]),
            ),
        ),
    )


def test_what_is_applied_becomes_available(client: Client) -> None:
    client.apply(deployment("web:1", replicas=2))
    ready = client.wait(Deployment, "web", for_conditions=["Available"])

    client.replace(
        Deployment.Scale(metadata=ObjectMeta(name="web"), spec=ScaleSpec(replicas=1)), "web"
    )
    with pytest.raises(ApiError) as conflict:
        client.apply(deployment("web:1", replicas=3))
    forced = client.apply(deployment("web:1", replicas=3), force=True)

    assert ready.status is not None
    assert conflict.value.status.code == 409
    assert ".spec.replicas" in str(conflict.value)
    assert forced.spec is not None
    assert forced.spec.replicas == 3
    client.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
    eventually("its pods are gone", lambda: not list(client.list(Pod)))


def test_lists_by_fields_and_labels_in_chunks(client: Client) -> None:
    for name in ("a", "b", "c"):
        client.create(ConfigMap(metadata=ObjectMeta(name=name, labels={"which": name})))

    by_field = client.list(ConfigMap, fields={"metadata.name": "b"})
    by_label = client.list(ConfigMap, labels={"which": ["a", "c"]}, chunk_size=1)

    assert [found.metadata.name for found in by_field if found.metadata] == ["b"]
    assert [found.metadata.name for found in by_label if found.metadata] == ["a", "c"]
    client.delete(ConfigMap, "a")
    with pytest.raises(ApiError, match="not found"):
        client.get(ConfigMap, "a")
    client.deletecollection(ConfigMap)
    assert not list(client.list(ConfigMap, labels={"which": None}))


def test_changes_are_watched_and_labels_set(client: Client) -> None:
    client.create(ConfigMap(metadata=ObjectMeta(name="words"), data={"a": "1"}))
    listed = client.list(ConfigMap)
    assert list(listed)  # its version is known once its items are
    version = listed.resourceVersion
    client.set(ConfigMap, "words", labels={"x": "y"})
    client.patch(ConfigMap, "words", {"data": {"a": None, "b": "2"}}, patch_type=PatchType.MERGE)

    changes = client.watch(ConfigMap, resource_version=version, server_timeout=20)
    first, second = next(iter(changes)), next(iter(changes))

    assert (first[0], second[0]) == ("MODIFIED", "MODIFIED")
    assert second[1].data == {"b": "2"}
    assert second[1].metadata is not None
    assert second[1].metadata.labels == {"x": "y"}


def test_a_kind_of_ones_own(client: Client, paper: RunningCluster) -> None:
    kubectl = Kubectl(USUAL, paper)
    kubectl("apply", "-f", str(CRDS))
    kubectl("wait", "--for=condition=Established", "crd/baskets.shop.example.com", "--timeout=20s")
    load_in_cluster_generic_resources(client)
    basket: Any = create_namespaced_resource("shop.example.com", "v1", "Basket", "baskets")

    made = client.apply(basket(metadata={"name": "mine"}, spec={"fruit": "pear"}))
    with pytest.raises(ApiError) as refused:
        client.create(basket(metadata={"name": "bad"}, spec={}))

    assert made["spec"] == {"fruit": "pear", "count": 1}
    assert "spec.fruit: Required value" in str(refused.value)
    assert [item.metadata.name for item in client.list(basket)] == ["mine"]


def test_logs_commands_and_conditions(client: Client) -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  restartPolicy: Never
  containers: [{name: main, image: "app:1", command: [sh, -c, "echo a; echo b"]}]
"""
    for found in load_all_yaml(manifest):
        client.create(found)

    with pytest.raises(ConditionError):
        client.wait(
            Pod, "one", for_conditions=["Never"], raise_for_conditions=["PodReadyToStartContainers"]
        )
    eventually("it has ended", lambda: phase(client) == "Succeeded")

    assert list(client.log("one", follow=True)) == ["a\n", "b\n"]
    assert list(client.log("one", tail_lines=1)) == ["b\n"]


def phase(client: Client) -> str | None:
    status = client.get(Pod, "one").status
    return status.phase if status else None


def test_times_survive_the_way_there_and_back(client: Client) -> None:
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    spec = LeaseSpec(holderIdentity="me", renewTime=now, leaseDurationSeconds=15)

    made = client.create(Lease(metadata=ObjectMeta(name="lock"), spec=spec))

    assert made.spec is not None
    assert made.spec.renewTime == now
