import pytest

from minikube_py.control_loop.children import (
    Claimer,
    candidates_for,
    children_of,
    index_by_controller,
    is_because_namespace_ends,
    parent_keys,
)
from minikube_py.kinds.catalog import POD, REPLICA_SET
from minikube_py.meta.errors import Conflict, Forbidden
from minikube_py.meta.objects import Object, controller_of, name_of, owner_reference
from minikube_py.meta.selectors import Selector, from_map
from tests.control_loop.harness import ControlPlane, pod, workload

WEB = from_map({"app": "web"}) or Selector()


@pytest.fixture
async def owner(plane: ControlPlane) -> Object:
    return await plane.create(REPLICA_SET, workload("web"))


def claimer(plane: ControlPlane, owner: Object) -> Claimer:
    return Claimer(plane.resources, REPLICA_SET, owner, POD)


async def test_an_owner_that_is_gone_adopts_nothing(plane: ControlPlane, owner: Object) -> None:
    orphan = await plane.create(POD, pod("orphan", labels={"app": "web"}))
    await plane.delete(REPLICA_SET, "web")

    with pytest.raises(Conflict, match="gone or going"):
        await claimer(plane, owner).claim([orphan], WEB)

    assert controller_of(plane.get(POD, "orphan")) is None


async def test_an_orphan_another_owner_took_meanwhile_is_left_alone(
    plane: ControlPlane, owner: Object
) -> None:
    seen = await plane.create(POD, pod("orphan", labels={"app": "web"}))
    other = await plane.create(REPLICA_SET, workload("other"))
    await plane.change(
        POD,
        "orphan",
        lambda obj: obj["metadata"].update(ownerReferences=[owner_reference(other)]),
    )

    with pytest.raises(Conflict, match="taken by another owner"):
        await claimer(plane, owner).claim([seen], WEB)

    assert await claimer(plane, owner).claim([plane.get(POD, "orphan")], WEB) == []


async def test_an_orphan_that_vanished_is_no_failure(plane: ControlPlane, owner: Object) -> None:
    orphan = await plane.create(POD, pod("orphan", labels={"app": "web"}))
    await plane.delete(POD, "orphan")

    assert await claimer(plane, owner).claim([orphan], WEB) == []


async def test_a_released_child_keeps_its_other_owners(plane: ControlPlane, owner: Object) -> None:
    friend = await plane.create(REPLICA_SET, workload("friend"))
    body = pod("child", labels={"app": "else"})
    references = [owner_reference(owner), owner_reference(friend, controller=False)]
    body["metadata"]["ownerReferences"] = references
    child = await plane.create(POD, body)

    claimed = await claimer(plane, owner).claim([child], WEB)

    assert claimed == []
    kept = plane.get(POD, "child")["metadata"]["ownerReferences"]
    assert [reference["name"] for reference in kept] == ["friend"]


async def test_children_and_orphans_are_found_without_looking_at_everybody(
    plane: ControlPlane, owner: Object
) -> None:
    pods, sets = plane.informers.of(POD), plane.informers.of(REPLICA_SET)
    index_by_controller(pods)
    await sets.observed(owner)
    mine = pod("mine", labels={"app": "web"})
    mine["metadata"]["ownerReferences"] = [owner_reference(owner)]
    theirs = pod("theirs", labels={"app": "web"})
    stranger = {**owner, "metadata": {**owner["metadata"], "uid": "other", "name": "other"}}
    theirs["metadata"]["ownerReferences"] = [owner_reference(stranger)]
    for body in (mine, theirs, pod("orphan", labels={"app": "web"})):
        await pods.observed(await plane.create(POD, body))

    assert [name_of(each) for each in children_of(pods, owner)] == ["mine"]
    assert [name_of(each) for each in candidates_for(pods, owner)] == ["mine", "orphan"]
    assert list(parent_keys(plane.get(POD, "mine"), sets)) == ["default/web"]
    assert list(parent_keys(plane.get(POD, "orphan"), sets)) == ["default/web"]


def test_only_a_namespace_that_ends_is_a_reason_to_keep_quiet() -> None:
    cause = {"reason": "NamespaceTerminating", "message": "", "field": ""}

    assert is_because_namespace_ends(Forbidden("no", details={"causes": [cause]}))
    assert not is_because_namespace_ends(Forbidden("quota"))
