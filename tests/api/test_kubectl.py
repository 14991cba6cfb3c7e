"""kubectl against the API alone: no kubelet, no controllers. Each test is a handful of commands."""

import asyncio
import json
from typing import Any

import pytest

from minikube_py.kinds.catalog import DEPLOYMENT, POD
from tests.api.conftest import Kubectl


def deployment(image: str = "nginx:1.25", replicas: int = 2) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    }


def service() -> dict[str, Any]:
    spec = {"ports": [{"port": 80}], "selector": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def pod(name: str = "web") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "nginx:1.25"}]},
    }


async def test_apply_creates_changes_and_leaves_alone(kubectl: Kubectl) -> None:
    first = await kubectl.apply(deployment(), service(), pod())
    second = await kubectl.apply(deployment("nginx:1.26"), service(), pod())

    assert first.splitlines() == [
        "deployment.apps/web created",
        "service/web created",
        "pod/web created",
    ]
    assert second.splitlines() == [
        "deployment.apps/web configured",
        "service/web unchanged",
        "pod/web unchanged",
    ]


async def test_server_side_apply_names_the_conflict(kubectl: Kubectl) -> None:
    mine = ("--server-side", "--field-manager=me")
    await kubectl.apply(deployment(replicas=2), options=mine)
    text = json.dumps(deployment(replicas=3))

    code, _, conflict = await kubectl.run(
        "apply", "--server-side", "--field-manager=you", "-f", "-", stdin=text
    )
    forced = await kubectl(
        "apply",
        "--server-side",
        "--field-manager=you",
        "--force-conflicts",
        "-f",
        "-",
        stdin=text,
    )

    assert code == 1
    assert 'conflict with "me"' in conflict
    assert ".spec.replicas" in conflict
    assert "serverside-applied" in forced


async def test_a_misspelt_field_is_named(kubectl: Kubectl) -> None:
    wrong = deployment()
    wrong["spec"]["replcas"] = 3

    code, _, error = await kubectl.run("apply", "-f", "-", stdin=json.dumps(wrong))

    assert code == 1
    assert 'unknown field "spec.replcas"' in error


async def test_get_prints_the_columns_of_each_kind(kubectl: Kubectl) -> None:
    await kubectl.apply(deployment(), service(), pod())

    everything = await kubectl("get", "all", "-o", "wide")
    names = await kubectl("get", "pods", "-o", "name", "-l", "app=web")

    assert "pod/web" in everything
    assert "NOMINATED NODE" in everything
    assert "CLUSTER-IP" in everything
    assert names == "pod/web\n"


async def test_get_watches(kubectl: Kubectl) -> None:
    await kubectl.apply(pod())
    process = await kubectl.start("get", "pods", "-w", "--output-watch-events")
    assert process.stdout is not None
    async with asyncio.timeout(10):
        lines = [await process.stdout.readline() for _ in range(2)]
        await kubectl.cluster.resources.delete(POD, "default", "web")
        lines.append(await process.stdout.readline())
    process.kill()
    await process.communicate()

    assert lines[0].startswith(b"EVENT")
    assert lines[1].startswith(b"ADDED")
    assert lines[2].split()[0] in (b"DELETED", b"MODIFIED")


async def test_describe_explain_and_diff(kubectl: Kubectl) -> None:
    await kubectl.apply(deployment(), pod())

    described = await kubectl("describe", "deploy/web", "pod/web")
    explained = await kubectl("explain", "deployment.spec.strategy.rollingUpdate")
    code, diff, _ = await kubectl.run("diff", "-f", "-", stdin=json.dumps(deployment("nginx:1.27")))

    assert "Replicas:" in described
    assert "maxSurge" in explained
    assert code == 1
    assert "+      - image: nginx:1.27" in diff


async def test_scaling_and_patching(kubectl: Kubectl) -> None:
    await kubectl.apply(deployment())

    await kubectl("scale", "deploy/web", "--replicas=5")
    await kubectl("set", "image", "deploy/web", "main=nginx:1.30")
    await kubectl("label", "deploy/web", "team=red")
    await kubectl("annotate", "deploy/web", "note=hello")
    await kubectl(
        "patch",
        "deploy/web",
        "--type=json",
        "-p",
        '[{"op":"add","path":"/spec/paused","value":true}]',
    )
    made = kubectl.cluster.resources.get(DEPLOYMENT, "default", "web")

    assert made["spec"]["replicas"] == 5
    assert made["spec"]["paused"] is True
    assert made["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.30"
    assert made["metadata"]["labels"] == {"team": "red"}
    assert made["metadata"]["annotations"]["note"] == "hello"


async def test_rollout_waits_for_the_status(kubectl: Kubectl) -> None:
    await kubectl.apply(deployment(replicas=1))
    await kubectl("rollout", "restart", "deploy/web")
    waiting = asyncio.ensure_future(kubectl("rollout", "status", "deploy/web", "--timeout=20s"))

    def ready(obj: dict[str, Any]) -> None:
        obj["status"] = {
            "observedGeneration": obj["metadata"]["generation"],
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
        }

    await kubectl.cluster.resources.update_status(DEPLOYMENT, "default", "web", ready)

    assert "successfully rolled out" in await waiting


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        pytest.param(("deployment", "d", "--image=nginx"), "deployment.apps/d", id="deployment"),
        pytest.param(("namespace", "n"), "namespace/n", id="namespace"),
        pytest.param(("configmap", "c", "--from-literal=a=b"), "configmap/c", id="configmap"),
        pytest.param(("secret", "generic", "s", "--from-literal=a=b"), "secret/s", id="secret"),
        pytest.param(("serviceaccount", "a"), "serviceaccount/a", id="serviceaccount"),
        pytest.param(("service", "nodeport", "s", "--tcp=80"), "service/s", id="service"),
        pytest.param(
            ("ingress", "i", "--rule=a.example/=s:80"), "ingress.networking.k8s.io/i", id="ingress"
        ),
    ],
)
async def test_create_of_every_sort(
    kubectl: Kubectl, arguments: tuple[str, ...], kind: str
) -> None:
    """kubectl sends these in protobuf."""
    assert await kubectl("create", *arguments) == f"{kind} created\n"


async def test_run_expose_replace_and_delete(kubectl: Kubectl) -> None:
    await kubectl("run", "web", "--image=nginx", "--port=80")
    await kubectl("expose", "pod/web")
    replaced = await kubectl("replace", "--force", "-f", "-", stdin=json.dumps(pod()))
    deleted = await kubectl("delete", "pod/web", "service/web", "--now")

    assert "pod/web replaced" in replaced
    assert 'service "web" deleted' in deleted


async def test_kubectl_learns_who_it_is_and_what_there_is(kubectl: Kubectl) -> None:
    whoami = await kubectl("auth", "whoami")
    may = await kubectl("auth", "can-i", "create", "pods")
    resources = await kubectl("api-resources", "--categories=all", "-o", "name")
    info = await kubectl("cluster-info")

    assert "system:masters" in whoami
    assert may == "yes\n"
    assert "deployments.apps" in resources
    assert "control plane" in info


async def test_those_without_rights_are_told_so(kubectl: Kubectl) -> None:
    code, _, error = await kubectl.run("get", "pods", who="alice")
    may = await kubectl.run("auth", "can-i", "get", "pods", who="alice")

    assert code == 1
    assert 'User "alice" cannot list resource "pods"' in error
    assert may[:2] == (1, "no\n")


async def test_wait_for_deletion_and_condition(kubectl: Kubectl) -> None:
    await kubectl.apply(pod())
    waiting = asyncio.ensure_future(
        kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=20s")
    )

    def ready(obj: dict[str, Any]) -> None:
        obj["status"]["conditions"] = [{"type": "Ready", "status": "True"}]

    await kubectl.cluster.resources.update_status(POD, "default", "web", ready)

    assert "condition met" in await waiting
