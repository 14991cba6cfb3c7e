"""The roles every cluster holds: added, completed, and otherwise left alone."""

import pytest

from minikube_py.kinds.catalog import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
)
from minikube_py.meta.objects import Object
from minikube_py.resources.default_roles.reconcile import ensure_default_roles
from minikube_py.resources.rbac.aggregation import aggregated_rules
from minikube_py.resources.resources import Resources


@pytest.fixture
async def cluster(resources: Resources) -> Resources:
    await resources.create(NAMESPACE, None, {"metadata": {"name": "kube-system"}})
    await ensure_default_roles(resources)
    return resources


async def test_a_new_cluster_gets_all_in_one_commit(resources: Resources) -> None:
    await resources.create(NAMESPACE, None, {"metadata": {"name": "kube-system"}})
    before = resources.store.revision

    await ensure_default_roles(resources)

    names = [each["metadata"]["name"] for each in resources.list(CLUSTER_ROLE).objects()]
    assert {"cluster-admin", "admin", "edit", "view", "system:discovery"} <= set(names)
    written = sum(
        len(resources.list(kind).items)
        for kind in (CLUSTER_ROLE, ROLE, CLUSTER_ROLE_BINDING, ROLE_BINDING)
    )
    assert resources.store.revision - before == written
    for obj in resources.list(CLUSTER_ROLE).objects():
        assert obj["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"


async def test_where_all_is_there_nothing_is_written(cluster: Resources) -> None:
    before = cluster.store.revision

    await ensure_default_roles(cluster)

    assert cluster.store.revision == before


async def test_aggregated_roles_hold_from_the_start_what_they_add_up_to(cluster: Resources) -> None:
    roles = cluster.list(CLUSTER_ROLE).objects()

    for role in roles:
        if "aggregationRule" in role:
            assert role["rules"] == aggregated_rules(role, roles)
            assert role["rules"]


async def test_what_was_removed_comes_back_and_what_was_added_stays(cluster: Resources) -> None:
    mine = {"apiGroups": ["x.example"], "resources": ["things"], "verbs": ["get"]}
    friend = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "friend"}
    whole = cluster.get(CLUSTER_ROLE, None, "system:kube-dns")["rules"]

    def swap(role: Object) -> None:
        role["rules"] = [mine]
        role["metadata"]["labels"] = {"mine": "yes"}

    await cluster.modify(CLUSTER_ROLE, None, "system:kube-dns", swap)
    await cluster.modify(
        CLUSTER_ROLE_BINDING, None, "cluster-admin", lambda obj: obj.update(subjects=[friend])
    )

    await ensure_default_roles(cluster)

    role = cluster.get(CLUSTER_ROLE, None, "system:kube-dns")
    subjects = cluster.get(CLUSTER_ROLE_BINDING, None, "cluster-admin")["subjects"]
    assert role["rules"] == [mine, *whole]
    assert role["metadata"]["labels"] == {
        "mine": "yes",
        "kubernetes.io/bootstrapping": "rbac-defaults",
    }
    assert [subject["name"] for subject in subjects] == ["friend", "system:masters"]


async def test_a_role_that_says_so_is_left_alone(cluster: Resources) -> None:
    def keep(role: Object) -> None:
        role["rules"] = []
        role["metadata"]["annotations"] = {"rbac.authorization.kubernetes.io/autoupdate": "false"}

    await cluster.modify(CLUSTER_ROLE, None, "system:discovery", keep)

    await ensure_default_roles(cluster)

    assert not cluster.get(CLUSTER_ROLE, None, "system:discovery").get("rules")


async def test_a_binding_to_another_role_is_made_anew(cluster: Resources) -> None:
    await cluster.delete(CLUSTER_ROLE_BINDING, None, "system:discovery")
    wrong = {
        "metadata": {"name": "system:discovery"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
    }
    await cluster.create(CLUSTER_ROLE_BINDING, None, wrong)

    await ensure_default_roles(cluster)

    found = cluster.get(CLUSTER_ROLE_BINDING, None, "system:discovery")
    assert found["roleRef"]["name"] == "system:discovery"
    assert [subject["name"] for subject in found["subjects"]] == ["system:authenticated"]


async def test_selectors_of_aggregated_roles_come_back(cluster: Resources) -> None:
    other = {"matchLabels": {"a": "b"}}
    await cluster.modify(
        CLUSTER_ROLE,
        None,
        "view",
        lambda obj: obj.update(aggregationRule={"clusterRoleSelectors": [other]}),
    )

    await ensure_default_roles(cluster)

    found = cluster.get(CLUSTER_ROLE, None, "view")["aggregationRule"]["clusterRoleSelectors"]
    assert found[0] == other
    assert found[1]["matchLabels"] == {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
