"""kubectl rollout: the life of a Deployment's revisions."""

from tests.clients.conftest import Kubectl
from tests.e2e.conftest import eventually


def test_a_deployment_is_rolled_forth_and_back(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("annotate", "deployment/web", "kubernetes.io/change-cause=first")
    kubectl("set", "image", "deployment/web", "web=web:2")
    kubectl("annotate", "deployment/web", "kubernetes.io/change-cause=second", "--overwrite")

    done = kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    history = kubectl("rollout", "history", "deployment/web")
    first = kubectl("rollout", "history", "deployment/web", "--revision=1")
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    assert 'deployment "web" successfully rolled out' in done
    assert [line.split()[-1] for line in history.splitlines()[2:4]] == ["first", "second"]
    assert "web:1" in first
    assert image(kubectl) == "web:1"
    assert [
        line.split()[0]
        for line in kubectl("rollout", "history", "deployment/web").splitlines()[2:4]
    ] == ["2", "3"]
    kubectl("rollout", "undo", "deployment/web", "--to-revision=2")
    assert image(kubectl) == "web:2"


def test_a_paused_deployment_rolls_out_once_resumed(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("set", "image", "deployment/web", "web=web:2")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("rollout", "pause", "deployment/web")
    again = kubectl("rollout", "pause", "deployment/web", code=1)
    kubectl("set", "image", "deployment/web", "web=web:3")
    undo = kubectl("rollout", "undo", "deployment/web", code=1)
    sets = len(kubectl.get("replicasets")["items"])

    kubectl("rollout", "resume", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    assert "already paused" in again
    assert "paused" in undo
    assert sets == 2
    assert len(kubectl.get("replicasets")["items"]) == 3


def test_a_restart_makes_new_pods(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    before = {pod["metadata"]["uid"] for pod in kubectl.get("pods")["items"]}

    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    def all_new() -> bool:
        now = {pod["metadata"]["uid"] for pod in kubectl.get("pods")["items"]}
        return bool(now) and not now & before

    eventually("only new pods are left", all_new)
    template = kubectl.get("deployment", "web")["spec"]["template"]["metadata"]
    assert "kubectl.kubernetes.io/restartedAt" in template["annotations"]


def test_a_rollout_that_cannot_succeed_is_told(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("patch", "deployment/web", "-p", '{"spec":{"progressDeadlineSeconds":1}}')
    kubectl("set", "env", "deployment/web", "A=1")
    bad = '{"spec":{"template":{"spec":{"nodeSelector":{"no":"such"}}}}}'
    kubectl("patch", "deployment/web", "-p", bad)

    out = kubectl("rollout", "status", "deployment/web", "--timeout=30s", code=1)

    assert "exceeded its progress deadline" in out


def test_a_stateful_set_is_rolled_out_restarted_and_undone(kubectl: Kubectl) -> None:
    labels = {"app": "db"}
    kubectl.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "db"},
            "spec": {
                "serviceName": "db",
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "db", "image": "db:1"}]},
                },
            },
        }
    )
    kubectl("rollout", "status", "statefulset/db", "--timeout=30s")
    kubectl("set", "image", "statefulset/db", "db=db:2")
    kubectl("rollout", "status", "statefulset/db", "--timeout=30s")

    history = kubectl("rollout", "history", "statefulset/db")
    kubectl("rollout", "undo", "statefulset/db")
    kubectl("rollout", "status", "statefulset/db", "--timeout=30s")

    assert [line.split()[0] for line in history.splitlines()[2:4]] == ["1", "2"]
    assert image(kubectl, "statefulset/db") == "db:1"


def image(kubectl: Kubectl, what: str = "deployment/web") -> str:
    return kubectl("get", what, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
