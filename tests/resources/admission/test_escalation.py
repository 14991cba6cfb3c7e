"""Nobody gives away more rights than they have."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Forbidden, NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.users import AUTHENTICATED, MASTERS, User
from minikube_py.resources.options import Patch, WriteOptions
from minikube_py.resources.resources import Resources

ALICE = WriteOptions(user=User("alice", ("people", AUTHENTICATED)))
MASTER = WriteOptions(user=User("root", (MASTERS,)))
LOOK = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
WRITE_ROLES = {
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
    "verbs": ["create", "update", "patch"],
}


def role(name: str, *rules: Object, **more: Any) -> Object:
    return {"metadata": {"name": name}, "rules": list(rules), **more}


def binding(name: str, role_kind: str, role_name: str, user: str = "alice") -> Object:
    return {
        "metadata": {"name": name},
        "roleRef": {"kind": role_kind, "name": role_name},
        "subjects": [{"kind": "User", "name": user}],
    }


@pytest.fixture
async def shared(resources: Resources) -> Resources:
    """In `default` alice may write roles and look at pods; the ClusterRole `big` has all pods."""
    everything = {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}
    await resources.create(CLUSTER_ROLE, None, role("big", everything))
    await resources.create(CLUSTER_ROLE, None, role("small", LOOK, WRITE_ROLES))
    await resources.create(ROLE_BINDING, "default", binding("small", "ClusterRole", "small"))
    return resources


async def test_what_one_has_may_be_given_on(shared: Resources) -> None:
    part = {**LOOK, "verbs": ["get"], "resourceNames": ["p"]}

    await shared.create(ROLE, "default", role("r", LOOK, part), ALICE)
    await shared.create(ROLE_BINDING, "default", binding("b", "Role", "r"), ALICE)


async def test_what_one_lacks_is_named(shared: Resources) -> None:
    wanted = {"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get", "delete"]}

    with pytest.raises(Forbidden) as refused:
        await shared.create(ROLE, "default", role("r", wanted), ALICE)

    assert refused.value.message == (
        'roles.rbac.authorization.k8s.io "r" is forbidden: user "alice" (groups=["people" '
        '"system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "delete"]}'
    )


@pytest.mark.parametrize(
    ("kind", "namespace", "obj"),
    [
        pytest.param(ROLE, "other", role("r", LOOK), id="role-elsewhere"),
        pytest.param(CLUSTER_ROLE, None, role("r", LOOK), id="cluster-role"),
        pytest.param(
            ROLE_BINDING, "default", binding("b", "ClusterRole", "big"), id="binding-of-more"
        ),
        pytest.param(
            ROLE_BINDING, "other", binding("b", "ClusterRole", "small"), id="binding-elsewhere"
        ),
        pytest.param(
            CLUSTER_ROLE_BINDING, None, binding("b", "ClusterRole", "small"), id="cluster-binding"
        ),
    ],
)
async def test_rights_end_where_they_are_held(
    shared: Resources, kind: Kind, namespace: str | None, obj: Object
) -> None:
    with pytest.raises(Forbidden, match="permissions not currently held"):
        await shared.create(kind, namespace, obj, ALICE)

    await shared.create(kind, namespace, obj, MASTER)


async def test_a_role_that_is_not_there_can_not_be_bound(shared: Resources) -> None:
    with pytest.raises(
        NotFound, match=r'clusterroles\.rbac\.authorization\.k8s\.io "lost" not found'
    ):
        await shared.create(ROLE_BINDING, "default", binding("b", "ClusterRole", "lost"), ALICE)


@pytest.mark.parametrize("patch_type", ["merge", "apply"])
async def test_roles_do_not_grow_by_patches(shared: Resources, patch_type: Any) -> None:
    await shared.create(ROLE, "default", role("r", LOOK))
    body: Object = {"rules": [{**LOOK, "verbs": ["delete"]}]}
    if patch_type == "apply":
        body |= {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "r"},
        }
    options = WriteOptions(user=ALICE.user, field_manager="t", force=True)

    with pytest.raises(Forbidden, match=r'Verbs:\["delete"\]'):
        await shared.patch(ROLE, "default", "r", Patch(patch_type, body), options)


async def test_what_only_the_collector_minds_may_change(shared: Resources) -> None:
    await shared.create(ROLE_BINDING, "default", binding("b", "ClusterRole", "big", "bob"))
    finalizers = {"metadata": {"finalizers": ["x.example/f"]}}

    await shared.patch(ROLE_BINDING, "default", "b", Patch("merge", finalizers), ALICE)

    labels = {"metadata": {"labels": {"a": "b"}}}
    with pytest.raises(Forbidden):
        await shared.patch(ROLE_BINDING, "default", "b", Patch("merge", labels), ALICE)


async def test_bind_and_escalate_are_rights_of_their_own(shared: Resources) -> None:
    group = ["rbac.authorization.k8s.io"]
    bind = {
        "apiGroups": group,
        "resources": ["clusterroles"],
        "resourceNames": ["big"],
        "verbs": ["bind"],
    }
    escalate = {"apiGroups": group, "resources": ["roles"], "verbs": ["escalate"]}
    await shared.create(ROLE, "default", role("trusted", bind, escalate))
    await shared.create(ROLE_BINDING, "default", binding("trusted", "Role", "trusted"))
    more = {**LOOK, "verbs": ["delete"]}

    await shared.create(ROLE_BINDING, "default", binding("b", "ClusterRole", "big"), ALICE)
    await shared.create(ROLE, "default", role("r", more), ALICE)

    with pytest.raises(Forbidden):
        await shared.create(CLUSTER_ROLE_BINDING, None, binding("b", "ClusterRole", "big"), ALICE)
    with pytest.raises(Forbidden):
        await shared.create(CLUSTER_ROLE, None, role("r", more), ALICE)


async def test_only_who_has_everything_may_aggregate(shared: Resources) -> None:
    await shared.create(CLUSTER_ROLE_BINDING, None, binding("small", "ClusterRole", "small"))
    rule = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}

    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use aggregation"):
        await shared.create(CLUSTER_ROLE, None, role("r", aggregationRule=rule), ALICE)

    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    paths = {"nonResourceURLs": ["*"], "verbs": ["*"]}
    await shared.create(CLUSTER_ROLE, None, role("all", everything, paths))
    await shared.create(CLUSTER_ROLE_BINDING, None, binding("all", "ClusterRole", "all"))
    await shared.create(CLUSTER_ROLE, None, role("r", aggregationRule=rule), ALICE)


async def test_a_broken_binding_is_told_beside_what_is_missing(shared: Resources) -> None:
    await shared.create(ROLE_BINDING, "default", binding("broken", "Role", "lost"))

    with pytest.raises(Forbidden, match=r'resolution errors: .*role\.rbac.* "lost" not found'):
        await shared.create(ROLE, "default", role("r", {**LOOK, "verbs": ["delete"]}), ALICE)
