"""kubectl where roles decide: tokens, questions, acting as others, and roles that don't grow."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from minikube_py.kinds.catalog import NAMESPACE, POD, SERVICE_ACCOUNT
from tests.api.conftest import Kubectl
from tests.api.test_kubectl import pod
from tests.apiserver.serving import Certificates, serve

ROBOT = "system:serviceaccount:default:robot"


@pytest.fixture
async def kubectl(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Kubectl]:
    """Against a cluster with the account `robot` and the namespace `other`."""
    async with serve(tmp_path, certificates, secured=True) as cluster:
        await cluster.resources.create(NAMESPACE, None, {"metadata": {"name": "other"}})
        await cluster.resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})
        yield Kubectl(cluster)


@pytest.fixture
def anyone(kubectl: Kubectl) -> Kubectl:
    """Without credentials of its own."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "t",
                "cluster": {
                    "server": kubectl.cluster.url,
                    "certificate-authority": str(kubectl.cluster.folder / "admin-ca.pem"),
                },
            }
        ],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": ""}}],
        "current-context": "t",
    }
    kubectl.cluster.kubeconfig()
    path = kubectl.cluster.folder / "anyone.kubeconfig"
    path.write_text(json.dumps(config))
    return Kubectl(kubectl.cluster, environment={"KUBECONFIG": str(path)})


async def test_a_created_token_lets_the_account_in(kubectl: Kubectl, anyone: Kubectl) -> None:
    token = (await kubectl("create", "token", "robot")).strip()

    me = json.loads(await anyone("--token", token, "auth", "whoami", "-o", "json"))
    before = await anyone.run("--token", token, "get", "pods")
    await kubectl(
        "create", "rolebinding", "look", "--clusterrole=view", "--serviceaccount=default:robot"
    )
    after = await anyone.run("--token", token, "get", "pods")
    wrong = await anyone.run("--token", f"{token}x", "get", "pods")

    assert me["status"]["userInfo"]["username"] == ROBOT
    assert before[0] == 1
    assert f'User "{ROBOT}" cannot list resource "pods"' in before[2]
    assert after[:2] == (0, "")
    assert wrong[0] == 1
    assert "You must be logged in to the server" in wrong[2]


async def test_a_token_may_be_bound_and_limited(kubectl: Kubectl) -> None:
    spec = {"containers": [{"name": "a", "image": "a"}], "serviceAccountName": "robot"}
    robots = {"metadata": {"name": "p"}, "spec": spec}
    await kubectl.cluster.resources.create(POD, "default", robots)

    made = await kubectl(
        "create", "token", "robot", "--audience=vault", "--duration=20m",
        "--bound-object-kind=Pod", "--bound-object-name=p", "-o", "json",
    )  # fmt: skip
    too_short = await kubectl.run("create", "token", "robot", "--duration=1m")

    request = json.loads(made)
    assert request["spec"]["audiences"] == ["vault"]
    assert request["spec"]["expirationSeconds"] == 1200
    assert request["spec"]["boundObjectRef"]["name"] == "p"
    assert "may not specify a duration less than 10 minutes" in too_short[2]


async def test_can_i(kubectl: Kubectl) -> None:
    await kubectl("create", "rolebinding", "edit", "--clusterrole=edit", "--user=eve")
    questions: dict[tuple[str, ...], str] = {
        ("create", "deployments.apps"): "yes",
        ("delete", "pods/web"): "yes",
        ("get", "pods", "--subresource=log"): "yes",
        ("create", "pods", "--subresource=exec"): "yes",
        ("create", "rolebindings"): "no",
        ("create", "pods", "-n", "other"): "no",
        ("get", "/metrics"): "no",
        ("get", "/version"): "yes",
        ("impersonate", "serviceaccounts"): "yes",
    }

    answers = {
        question: (await kubectl.run("auth", "can-i", *question, "--as=eve"))[1].strip()
        for question in questions
    }

    assert answers == questions


async def test_can_i_lists_what_one_may(kubectl: Kubectl) -> None:
    await kubectl("create", "rolebinding", "look", "--clusterrole=view", "--group=lookers")

    mine = await kubectl("auth", "can-i", "--list")
    theirs = await kubectl("auth", "can-i", "--list", "--as=eve", "--as-group=lookers")

    assert mine.splitlines()[1].split() == ["*.*", "[]", "[]", "[*]"]
    lines = {line.split()[0]: line for line in theirs.splitlines()}
    assert "[get list watch]" in lines["pods/log"]
    assert "deployments.apps" in lines
    assert "secrets" not in lines


async def test_acting_as_others(kubectl: Kubectl) -> None:
    await kubectl("create", "clusterrole", "as-eve", "--verb=impersonate", "--resource=users",
                  "--resource-name=eve")  # fmt: skip
    await kubectl("create", "clusterrolebinding", "as-eve", "--clusterrole=as-eve", "--user=alice")

    eve = await kubectl("auth", "whoami", "--as=eve", who="alice")
    other = await kubectl.run("get", "--raw=/api", "--as=bob", who="alice")
    masters = await kubectl.run(
        "get", "--raw=/api", "--as=eve", "--as-group=system:masters", who="alice"
    )

    assert "eve" in eve
    assert 'User "alice" cannot impersonate resource "users"' in other[2]
    assert 'cannot impersonate resource "groups"' in masters[2]


def role(name: str, *verbs: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": "default"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}],
    }


async def test_reconcile_adds_what_a_role_lacks(kubectl: Kubectl) -> None:
    await kubectl.apply(role("r", "get", "delete"))
    wanted = json.dumps(role("r", "get", "list"))

    said = await kubectl("auth", "reconcile", "-f", "-", stdin=wanted)
    again = await kubectl("auth", "reconcile", "-f", "-", stdin=wanted)
    rules = json.loads(await kubectl("get", "role", "r", "-o", "json"))["rules"]

    assert "role.rbac.authorization.k8s.io/r reconciled" in said
    assert "missing rules" not in again
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "delete"}


async def test_nobody_grants_what_they_lack(kubectl: Kubectl) -> None:
    await kubectl("create", "rolebinding", "boss", "--clusterrole=admin", "--user=alice")

    fine = await kubectl.run("create", "role", "r", "--verb=get", "--resource=pods", who="alice")
    more = await kubectl.run("create", "role", "q", "--verb=get", "--resource=nodes", who="alice")
    bound = await kubectl.run(
        "create", "rolebinding", "q", "--clusterrole=cluster-admin", "--user=eve", who="alice"
    )

    assert fine[0] == 0
    assert "is attempting to grant RBAC permissions not currently held" in more[2]
    assert '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}' in more[2]
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in bound[2]


async def test_apply_needs_the_right_to_create_only_where_something_is_made(
    kubectl: Kubectl,
) -> None:
    await kubectl("create", "role", "tuner", "--verb=get,patch", "--resource=configmaps")
    await kubectl("create", "rolebinding", "tuner", "--role=tuner", "--user=alice")
    await kubectl("create", "configmap", "there")

    results = []
    for name in ("there", "new"):
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        results.append(
            await kubectl.run(
                "apply", "--server-side", "-f", "-", stdin=json.dumps(manifest), who="alice"
            )
        )

    assert results[0][0] == 0, results[0]
    assert 'User "alice" cannot create resource "configmaps"' in results[1][2]


async def test_a_shell_is_for_those_who_may_create_one(kubectl: Kubectl) -> None:
    await kubectl.apply(pod())

    def running(obj: dict[str, Any]) -> None:
        obj["status"] = {"phase": "Running"}

    await kubectl.cluster.resources.update_status(POD, "default", "web", running)
    looking = "--resource=pods,pods/exec"
    await kubectl("create", "role", "look", "--verb=get,list", looking)
    await kubectl("create", "rolebinding", "look", "--role=look", "--user=eve")
    await kubectl("create", "rolebinding", "edit", "--clusterrole=edit", "--user=alice")

    editor = await kubectl.run("exec", "web", "--", "both", who="alice")
    looker = await kubectl.run("exec", "web", "--as=eve", "--", "both")

    assert editor[:2] == (0, "out\n")
    assert looker[0] == 1
    assert 'User "eve" cannot create resource "pods/exec"' in looker[2]
