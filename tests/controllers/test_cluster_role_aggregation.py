"""ClusterRoles made of others follow them."""

from minikube_py.controllers.cluster_role_aggregation import (
    new_cluster_role_aggregation_controller,
)
from minikube_py.kinds.catalog import CLUSTER_ROLE
from minikube_py.meta.objects import Object
from tests.control_loop.harness import ControlPlane


def rule(resource: str) -> Object:
    return {"apiGroups": [""], "resources": [resource], "verbs": ["get"]}


def part(name: str, *resources: str, label: str = "view") -> Object:
    labels = {f"to-{label}": "true"}
    return {
        "metadata": {"name": name, "labels": labels},
        "rules": [rule(resource) for resource in resources],
    }


def whole(name: str, *labels: str, joins: str = "") -> Object:
    selectors = [{"matchLabels": {f"to-{label}": "true"}} for label in labels]
    return {
        "metadata": {"name": name, "labels": {f"to-{joins}": "true"} if joins else {}},
        "aggregationRule": {"clusterRoleSelectors": selectors},
    }


def resources_of(plane: ControlPlane, name: str) -> list[str]:
    rules = plane.get(CLUSTER_ROLE, name).get("rules") or []
    return [resource for each in rules for resource in each["resources"]]


async def test_it_holds_the_rules_of_its_parts_each_once(plane: ControlPlane) -> None:
    plane.start_controllers(new_cluster_role_aggregation_controller)
    await plane.create(CLUSTER_ROLE, part("b", "pods", "nodes"))
    await plane.create(CLUSTER_ROLE, part("a", "services", "pods"))
    await plane.create(CLUSTER_ROLE, part("other", "secrets", label="edit"))
    await plane.create(CLUSTER_ROLE, whole("view", "view"))

    await plane.eventually(lambda: resources_of(plane, "view") == ["services", "pods", "nodes"])


async def test_it_follows_its_parts_and_their_labels(plane: ControlPlane) -> None:
    plane.start_controllers(new_cluster_role_aggregation_controller)
    await plane.create(CLUSTER_ROLE, whole("edit", "edit"))
    await plane.create(CLUSTER_ROLE, whole("view", "view", joins="edit"))
    await plane.create(CLUSTER_ROLE, part("a", "pods"))
    await plane.eventually(lambda: resources_of(plane, "edit") == ["pods"])

    await plane.resources.modify(
        CLUSTER_ROLE, None, "a", lambda obj: obj.update(rules=[rule("nodes")])
    )
    await plane.eventually(lambda: resources_of(plane, "edit") == ["nodes"])

    await plane.resources.modify(
        CLUSTER_ROLE, None, "a", lambda obj: obj["metadata"].update(labels={})
    )
    await plane.eventually(lambda: resources_of(plane, "edit") == [])


async def test_rules_written_by_hand_do_not_last(plane: ControlPlane) -> None:
    plane.start_controllers(new_cluster_role_aggregation_controller)
    await plane.create(CLUSTER_ROLE, part("a", "pods"))
    await plane.create(CLUSTER_ROLE, {**whole("view", "view"), "rules": [rule("secrets")]})

    await plane.eventually(lambda: resources_of(plane, "view") == ["pods"])


async def test_other_roles_are_left_alone(plane: ControlPlane) -> None:
    plane.start_controllers(new_cluster_role_aggregation_controller)
    before = await plane.create(CLUSTER_ROLE, part("a", "pods"))

    await plane.settled()

    assert plane.get(CLUSTER_ROLE, "a") == before
