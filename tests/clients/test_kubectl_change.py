"""kubectl's imperative changes: set, label, annotate, patch, scale, delete with every cascade."""

import json
import time

from tests.clients.conftest import Kubectl
from tests.e2e.conftest import eventually


def test_set_changes_one_thing_of_a_workload(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "service", "clusterip", "web", "--tcp=80:80")

    kubectl("set", "image", "deployment/web", "web=web:2")
    kubectl("set", "env", "deployment/web", "A=1", "B=2")
    kubectl("set", "env", "deployment/web", "B-")
    kubectl(
        "set", "resources", "deployment/web", "--limits=cpu=200m,memory=64Mi", "--requests=cpu=100m"
    )
    kubectl("set", "serviceaccount", "deployment/web", "robot")
    kubectl("set", "selector", "service/web", "app=other,tier=front")

    spec = kubectl.get("deployment", "web")["spec"]["template"]["spec"]
    container = spec["containers"][0]
    assert container["image"] == "web:2"
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["resources"] == {
        "limits": {"cpu": "200m", "memory": "64Mi"},
        "requests": {"cpu": "100m"},
    }
    assert spec["serviceAccountName"] == "robot"
    assert kubectl.get("service", "web")["spec"]["selector"] == {"app": "other", "tier": "front"}
    assert "A=1" in kubectl("set", "env", "deployment/web", "--list")


def test_set_subject_adds_to_a_binding(kubectl: Kubectl) -> None:
    kubectl("create", "rolebinding", "readers", "--clusterrole=view", "--user=jane")

    kubectl("set", "subject", "rolebinding/readers", "--user=joe", "--group=people")

    subjects = kubectl.get("rolebinding", "readers")["subjects"]
    assert [subject["name"] for subject in subjects] == ["jane", "joe", "people"]


def test_label_and_annotate(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "words")
    kubectl("label", "configmap/words", "tier=front", "team=a")

    refused = kubectl("label", "configmap/words", "tier=back", code=1)
    kubectl("label", "configmap/words", "tier=back", "team-", "--overwrite")
    kubectl("annotate", "configmap", "--all", "example.com/note=a b c", "--overwrite")

    assert "overwrite" in refused
    metadata = kubectl.get("configmap", "words")["metadata"]
    assert metadata["labels"] == {"tier": "back"}
    assert metadata["annotations"]["example.com/note"] == "a b c"
    assert kubectl("get", "configmap", "-l", "tier in (back, side),!team", "-o", "name") == (
        "configmap/words\n"
    )


def test_patch_in_three_ways(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    strategic = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}]}}}}
    merge = {"metadata": {"annotations": {"note": "new"}}, "spec": {"paused": True}}
    operations = [
        {"op": "test", "path": "/spec/paused", "value": True},
        {"op": "replace", "path": "/spec/replicas", "value": 2},
    ]

    kubectl("patch", "deployment/web", "-p", json.dumps(strategic))
    kubectl("patch", "deployment/web", "--type=merge", "-p", json.dumps(merge))
    kubectl("patch", "deployment/web", "--type=json", "-p", json.dumps(operations))
    operations[0]["value"] = False
    refused = kubectl(
        "patch", "deployment/web", "--type=json", "-p", json.dumps(operations), code=1
    )
    nothing = kubectl("patch", "deployment/web", "--type=merge", "-p", json.dumps(merge))

    deployment = kubectl.get("deployment", "web")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert {container["name"] for container in containers} == {"side", "web"}
    assert deployment["metadata"]["annotations"]["note"] == "new"
    assert deployment["spec"]["replicas"] == 2
    assert "The request is invalid" in refused
    assert nothing == "deployment.apps/web patched (no change)\n"
    if not kubectl.is_old:
        kubectl(
            "patch",
            "deployment/web",
            "--subresource=scale",
            "--type=merge",
            "-p",
            '{"spec":{"replicas":3}}',
        )
        assert kubectl.get("deployment", "web")["spec"]["replicas"] == 3


def test_scale_minds_its_preconditions(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")

    kubectl("scale", "deployment/web", "--replicas=2", "--current-replicas=1")
    refused = kubectl("scale", "deployment/web", "--replicas=4", "--current-replicas=1", code=1)
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")

    assert "xpected replicas to be 1, was 2" in refused
    assert kubectl.get("deployment", "web")["status"]["readyReplicas"] == 2


def test_delete_in_the_background_takes_the_pods_along(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")

    kubectl("delete", "deployment/web")

    eventually(
        "all is gone",
        lambda: not kubectl.get("deployments,replicasets,pods")["items"],
    )


def test_delete_in_the_foreground_waits_for_the_pods(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    words = [] if kubectl.is_old else ["--cascade=foreground"]

    if kubectl.is_old:
        kubectl("get", "--raw", f"/apis/apps/v1/namespaces/{kubectl.namespace}/deployments/web")
        kubectl("delete", "deployment/web", "--grace-period=1")
    else:
        kubectl("delete", "deployment/web", *words)
        assert not kubectl.get("deployments,replicasets,pods")["items"]


def test_delete_of_orphans_leaves_the_pods(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    cascade = "false" if kubectl.is_old else "orphan"

    kubectl("delete", "deployment/web", f"--cascade={cascade}")

    replica_set = eventually(
        "the ReplicaSet has no owner",
        lambda: next(
            (
                item
                for item in kubectl.get("replicasets")["items"]
                if "ownerReferences" not in item["metadata"]
            ),
            None,
        ),
    )
    assert len(kubectl.get("pods")["items"]) == 1
    kubectl("delete", "replicaset", replica_set["metadata"]["name"])


def test_delete_by_selector_all_now_and_by_force(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c"):
        kubectl("run", name, "--image=web:1", f"--labels=which={name}")
    kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=20s")

    kubectl("delete", "pods", "-l", "which=a", "--now")
    kubectl("delete", "pod/b", "--force", "--grace-period=0")
    kubectl("delete", "pods", "--all", "--grace-period=1")
    missing = kubectl("delete", "pod/a", code=1)
    ignored = kubectl("delete", "pod/a", "--ignore-not-found")

    assert kubectl.get("pods")["items"] == []
    assert 'pods "a" not found' in missing
    assert ignored == ""


def test_wait_for_conditions_values_and_deletion(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=20s")
    never = kubectl("wait", "--for=condition=Never", "deployment/web", "--timeout=1s", code=1)
    if not kubectl.is_old:
        kubectl(
            "wait", "--for=jsonpath={.status.readyReplicas}=1", "deployment/web", "--timeout=20s"
        )
    waiting = kubectl.start("wait", "--for=delete", "deployment/web", "--timeout=20s")
    time.sleep(0.2)  # so that it has begun to watch

    kubectl("delete", "deployment/web", "--wait=false")
    out, _ = waiting.communicate(timeout=30)

    assert "timed out" in never
    assert waiting.returncode == 0, out


def test_wait_for_what_is_created_later(kubectl: Kubectl) -> None:
    if not kubectl.is_newest and kubectl.is_old:
        return  # --for=create came with 1.31
    waiting = kubectl.start("wait", "--for=create", "configmap/later", "--timeout=20s")
    time.sleep(0.2)

    kubectl("create", "configmap", "later")
    out, _ = waiting.communicate(timeout=30)

    assert waiting.returncode == 0, out
