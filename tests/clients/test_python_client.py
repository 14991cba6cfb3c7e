"""The official Python client: typed and dynamic, watches that resume, streams, leases."""

import base64
import gc
from collections.abc import Iterator
from typing import Any

import kubernetes
import kubernetes.dynamic
import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock import leaselock
from kubernetes.stream import stream as untyped_stream

from tests.clients.conftest import CRDS, USUAL, Kubectl
from tests.e2e.conftest import RunningCluster, eventually

# Half of the library is untyped, and its models may hold None everywhere.
client: Any = kubernetes.client
library: Any = kubernetes
stream: Any = untyped_stream
election: Any = leaderelection
lock: Any = leaselock
settings_of: Any = electionconfig.Config

# The client leaves its watches' sockets to the garbage collector, which tells it as a warning.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def sockets_go_with_their_test() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def api(paper: RunningCluster) -> Iterator[Any]:
    with library.config.new_client_from_config(str(paper.folder / "kubeconfig")) as made:
        yield made


@pytest.fixture
def core(api: Any) -> Any:
    return client.CoreV1Api(api)


def pod(name: str, command: list[str] | None = None, **labels: str) -> Any:
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, labels=labels),
        spec=client.V1PodSpec(
            restart_policy="Never",
            containers=[client.V1Container(name="main", image="app:1", command=command)],
        ),
    )


def test_typed_objects_are_made_changed_listed_and_deleted(
    api: Any, core: Any, namespace: str
) -> None:
    apps = client.AppsV1Api(api)
    labels = {"app": "web"}
    deployment = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="web"),
        spec=client.V1DeploymentSpec(
            replicas=1,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(containers=[client.V1Container(name="web", image="web:1")]),
            ),
        ),
    )

    made = apps.create_namespaced_deployment(namespace, deployment)
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})
    status = eventually(
        "two are ready",
        lambda: (
            found
            if (
                found := apps.read_namespaced_deployment_status("web", namespace).status
            ).ready_replicas
            == 2
            else None
        ),
    )
    fresh = apps.read_namespaced_deployment("web", namespace)
    fresh.spec.template.spec.containers[0].image = "web:2"
    replaced = apps.replace_namespaced_deployment("web", namespace, fresh)
    with pytest.raises(ApiException) as conflict:
        apps.replace_namespaced_deployment("web", namespace, fresh)

    assert made.metadata.generation == 1
    assert {condition.type for condition in status.conditions} == {"Available", "Progressing"}
    assert replaced.spec.template.spec.containers[0].image == "web:2"
    assert conflict.value.reason == "Conflict"
    pods = core.list_namespaced_pod(namespace, label_selector="app=web", limit=1)
    rest = core.list_namespaced_pod(namespace, limit=500, _continue=pods.metadata._continue)
    assert len(pods.items) == 1
    assert rest.items
    apps.delete_collection_namespaced_deployment(namespace, propagation_policy="Foreground")
    eventually("all are gone", lambda: not core.list_namespaced_pod(namespace).items)


def test_every_type_of_patch(api: Any, core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(
        namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="words"), data={"a": "1"})
    )

    core.patch_namespaced_config_map("words", namespace, {"data": {"b": "2"}})
    core.patch_namespaced_config_map(
        "words", namespace, [{"op": "add", "path": "/data/c", "value": "3"}]
    )
    applied = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "words"},
        "data": {"d": "4"},
    }
    dynamic_maps = library.dynamic.DynamicClient(api).resources.get(
        api_version="v1", kind="ConfigMap"
    )
    dynamic_maps.server_side_apply(
        body=applied, name="words", namespace=namespace, field_manager="tests", force_conflicts=True
    )
    merged = dynamic_maps.patch(
        name="words",
        namespace=namespace,
        body={"data": {"a": None}},
        content_type="application/merge-patch+json",
    )

    assert merged.data.to_dict() == {"b": "2", "c": "3", "d": "4"}
    assert "tests" in {entry.manager for entry in merged.metadata.managedFields}


def test_a_watch_is_resumed_where_it_ended(core: Any, namespace: str) -> None:
    version = core.list_namespaced_secret(namespace).metadata.resource_version
    names = [f"c{at}" for at in range(4)]
    for name in names[:2]:
        core.create_namespaced_secret(
            namespace, client.V1Secret(metadata=client.V1ObjectMeta(name=name))
        )

    first = watched(core, namespace, version, 2)
    for name in names[2:]:
        core.create_namespaced_secret(
            namespace, client.V1Secret(metadata=client.V1ObjectMeta(name=name))
        )
    core.delete_namespaced_secret("c0", namespace)
    rest = watched(core, namespace, first[-1][2], 3)

    assert [(kind, name) for kind, name, _ in first] == [("ADDED", "c0"), ("ADDED", "c1")]
    assert [(kind, name) for kind, name, _ in rest] == [
        ("ADDED", "c2"), ("ADDED", "c3"), ("DELETED", "c0"),
    ]  # fmt: skip


def watched(core: Any, namespace: str, version: str, count: int) -> list[Any]:
    seen = []
    watching = library.watch.Watch()
    for event in watching.stream(
        core.list_namespaced_secret, namespace, resource_version=version, timeout_seconds=20
    ):
        metadata = event["object"].metadata
        seen.append((event["type"], metadata.name, metadata.resource_version))
        if len(seen) == count:
            watching.stop()
    return seen


def test_a_version_that_is_too_old_is_gone(core: Any, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.list_namespaced_config_map(namespace, limit=1, _continue="bm90IGEgdG9rZW4")

    assert error.value.status in (400, 410)


def test_files_are_applied(api: Any, core: Any, namespace: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }

    library.utils.create_from_yaml(api, yaml_objects=[service, policy], namespace=namespace)
    with pytest.raises(library.utils.FailToCreateError) as again:
        library.utils.create_from_yaml(api, yaml_objects=[service], namespace=namespace)

    assert core.read_namespaced_service("web", namespace).spec.cluster_ip
    assert "AlreadyExists" in str(again.value)


def test_commands_run_in_pods_and_logs_are_read(core: Any, namespace: str) -> None:
    core.create_namespaced_pod(namespace, pod("one", ["sh", "-c", "echo begun; sleep 100"]))
    eventually(
        "it runs",
        lambda: core.read_namespaced_pod("one", namespace).status.phase == "Running",
    )
    command = ["sh", "-c", "echo out; exit 3"]

    answer = stream(
        core.connect_get_namespaced_pod_exec, "one", namespace, command=command,
        stdout=True, stderr=True, stdin=False, tty=False, _preload_content=False,
    )  # fmt: skip
    answer.run_forever(timeout=10)
    logs = core.read_namespaced_pod_log("one", namespace, tail_lines=1)
    follow = library.watch.Watch().stream(core.read_namespaced_pod_log, "one", namespace)

    assert answer.read_stdout() == "out\n"
    assert answer.returncode == 3
    assert logs == "begun\n"
    assert next(follow) == "begun"
    follow.close()


def test_custom_objects_live_as_built_in_ones_do(
    api: Any, paper: RunningCluster, namespace: str
) -> None:
    Kubectl(USUAL, paper)("apply", "-f", str(CRDS))
    baskets = client.CustomObjectsApi(api)
    place = ("shop.example.com", "v1", namespace, "baskets")
    body = {
        "apiVersion": "shop.example.com/v1",
        "kind": "Basket",
        "metadata": {"name": "mine"},
        "spec": {"fruit": "apple"},
    }

    made = eventually("the kind is served", lambda: created(baskets, place, body))
    baskets.patch_namespaced_custom_object(*place, "mine", {"spec": {"count": 5}})
    with pytest.raises(ApiException) as refused:
        baskets.patch_namespaced_custom_object(*place, "mine", {"spec": {"fruit": "stone"}})
    listed = baskets.list_namespaced_custom_object(*place)

    assert made["spec"] == {"fruit": "apple", "count": 1}
    assert "spec.fruit" in str(refused.value.body)
    assert [item["spec"]["count"] for item in listed["items"]] == [5]


def created(baskets: Any, place: tuple[str, ...], body: Any) -> Any:
    try:
        return baskets.create_namespaced_custom_object(*place, body)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def test_one_of_two_leads_and_the_other_takes_over(paper: RunningCluster, namespace: str) -> None:
    library.config.load_kube_config(str(paper.folder / "kubeconfig"))

    def candidate(name: str) -> Any:
        settings = settings_of(
            lock.LeaseLock("leader", namespace, name),
            lease_duration=3,
            renew_deadline=2,
            retry_period=1,
            onstarted_leading=lambda: None,
            onstopped_leading=None,
        )
        return election.LeaderElection(settings)

    first, second = candidate("first"), candidate("second")

    assert first.try_acquire_or_renew()
    assert not second.try_acquire_or_renew()
    assert first.try_acquire_or_renew()
    assert second.acquire()  # once the first has not renewed for long enough
    assert not first.try_acquire_or_renew()
    holder = client.CoordinationV1Api().read_namespaced_lease("leader", namespace).spec
    assert holder.holder_identity == "second"


def test_secrets_quotas_and_rights_by_type(api: Any, core: Any, namespace: str) -> None:
    core.create_namespaced_secret(
        namespace,
        client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"password": "hidden"}),
    )
    review = client.AuthorizationV1Api(api).create_self_subject_access_review(
        client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(
                resource_attributes=client.V1ResourceAttributes(
                    namespace=namespace, verb="delete", resource="pods"
                )
            )
        )
    )
    version = client.VersionApi(api).get_code()

    data = core.read_namespaced_secret("s", namespace).data
    assert base64.b64decode(data["password"]) == b"hidden"
    assert review.status.allowed
    assert version.major == "1"
