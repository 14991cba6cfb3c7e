"""`mk restart`: asks by one annotation."""

import json

from minikube_py.cli.commands.restart import RESTARTED_AT
from minikube_py.kinds import dev_annotations
from tests.cli.conftest import Mk

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  restartPolicy: %s
  containers: [{name: app, image: "app:1"}]
"""


def test_the_annotation_is_the_kubelets() -> None:
    assert RESTARTED_AT == dev_annotations.RESTARTED_AT


def test_pods_are_asked_by_an_annotation(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=POD % ("web", "Always") + "---" + POD % ("db", "OnFailure"))

    done = mk("restart", "web", "pod/db")

    assert done.out == "pod/web restarted\npod/db restarted\n"
    pod = json.loads(mk("get", "pod", "web", "-o", "json").out)
    assert pod["metadata"]["annotations"][RESTARTED_AT].endswith("Z")
    assert mk("restart", "pods", "web").code == 0


def test_a_pod_that_is_being_deleted_is_not_restarted(mk: Mk) -> None:
    kept = POD.replace("{name: %s}", "{name: %s, finalizers: [example.com/wait]}")
    mk("apply", "-f", "-", stdin=kept % ("web", "Always"))
    mk("delete", "pod", "web", "--wait=false")

    done = mk("restart", "web")

    assert done.code == 1
    assert "pod/web is being deleted: wait until it is gone" in done.err


def test_what_can_not_be_restarted_says_what_to_do(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=POD % ("once", "Never"))
    mk("create", "configmap", "c")

    assert "never restarts" in mk("restart", "once").err
    assert "mk rollout restart" in mk("restart", "cm/c").err
    assert "not found" in mk("restart", "nobody").err
    assert "name a pod" in mk("restart").err
