"""Definitions become kinds, and take everything of theirs along when they go."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from minikube_py.control_loop.informer import Informers
from minikube_py.controllers.custom_resource_definition import (
    accepted_names,
    new_custom_resource_definition_controller,
)
from minikube_py.controllers.garbage_collector import new_garbage_collector
from minikube_py.controllers.namespace import new_namespace_controller
from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    builtin_catalog,
)
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import Object, find_condition, owner_reference
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from tests.control_loop.harness import DEADLINE_SECONDS, ControlPlane
from tests.kinds.custom.definitions import definition, spec_schema, version

NAME = "crontabs.stable.example.com"


@pytest.fixture
async def served(plane: ControlPlane) -> ControlPlane:
    """With the controllers that custom kinds concern."""
    plane.start_controllers(
        new_custom_resource_definition_controller,
        new_garbage_collector,
        new_namespace_controller,
    )
    return plane


def body(*versions: Object, **spec: Any) -> Object:
    made = definition(*versions, **spec)
    del made["metadata"]["generation"]
    return made


async def define(plane: ControlPlane, made: Object) -> Kind:
    """Creates a definition and waits until it is established."""
    await plane.create(CUSTOM_RESOURCE_DEFINITION, made)
    name = made["metadata"]["name"]
    await plane.eventually(lambda: is_true(plane, name, "Established"))
    return custom(plane, made["spec"]["names"]["kind"])


def custom(plane: ControlPlane, kind: str = "CronTab", at: str = "v1") -> Kind:
    found = plane.resources.catalog.by_kind("stable.example.com", at, kind)
    assert found is not None
    return found


def condition(plane: ControlPlane, name: str, type_: str) -> Object:
    found = plane.find(CUSTOM_RESOURCE_DEFINITION, name)
    return (found and find_condition(found, type_)) or {}


def is_true(plane: ControlPlane, name: str, type_: str) -> bool:
    return condition(plane, name, type_).get("status") == "True"


async def redefine(plane: ControlPlane, *versions: Object) -> None:
    """Changes the versions and waits until the catalog has them."""
    changed = asyncio.Event()
    end = plane.resources.catalog.subscribe(lambda _gone, _new: changed.set())

    def change(made: Object) -> None:
        made["spec"]["versions"] = list(versions)

    await plane.change(CUSTOM_RESOURCE_DEFINITION, NAME, change)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await changed.wait()
    end()


def is_gone(plane: ControlPlane, name: str) -> Callable[[], bool]:
    return lambda: plane.find(CUSTOM_RESOURCE_DEFINITION, name) is None


async def test_an_established_kind_can_be_used(served: ControlPlane) -> None:
    kind = await define(served, body())

    made = await served.create(kind, {"metadata": {"name": "a"}})

    assert made["metadata"]["generation"] == 1
    status = served.get(CUSTOM_RESOURCE_DEFINITION, NAME)["status"]
    assert status["acceptedNames"]["listKind"] == "CronTabList"
    assert [each["reason"] for each in status["conditions"]] == [
        "NoConflicts",
        "InitialNamesAccepted",
    ]


async def test_names_that_another_has_are_not_given_twice(served: ControlPlane) -> None:
    await define(served, body(names={"shortNames": ["ct"]}))
    other = body(plural="cats", kind="CronTab", names={"shortNames": ["ct"]})

    await served.create(CUSTOM_RESOURCE_DEFINITION, other)

    await served.eventually(lambda: condition(served, "cats.stable.example.com", "NamesAccepted"))
    refused = condition(served, "cats.stable.example.com", "NamesAccepted")
    assert (refused["status"], refused["reason"]) == ("False", "ListKindConflict")
    assert condition(served, "cats.stable.example.com", "Established")["reason"] == "NotAccepted"


async def test_names_are_free_again_when_their_owner_goes(served: ControlPlane) -> None:
    await define(served, body())
    await served.create(CUSTOM_RESOURCE_DEFINITION, body(plural="cats"))
    await served.eventually(lambda: condition(served, "cats.stable.example.com", "NamesAccepted"))

    await served.delete(CUSTOM_RESOURCE_DEFINITION, NAME)

    await served.eventually(lambda: is_true(served, "cats.stable.example.com", "Established"))


def test_a_definition_does_not_conflict_with_itself() -> None:
    made = body(names={"singular": "crontab", "listKind": "CronTabList"})
    made["status"] = {"acceptedNames": dict(made["spec"]["names"])}

    assert accepted_names(made, []).reason == ""


async def test_deleting_a_definition_deletes_its_objects_first(served: ControlPlane) -> None:
    kind = await define(served, body())
    await served.create(kind, {"metadata": {"name": "a"}})
    await served.create(kind, {"metadata": {"name": "b"}}, namespace="kube-system")

    await served.delete(CUSTOM_RESOURCE_DEFINITION, NAME)

    await served.eventually(is_gone(served, NAME))
    assert served.resources.catalog.by_kind("stable.example.com", "v1", "CronTab") is None
    assert served.all(kind, None) == []


async def test_it_waits_for_objects_with_finalizers(served: ControlPlane) -> None:
    kind = await define(served, body())
    await served.create(kind, {"metadata": {"name": "a", "finalizers": ["example.com/wait"]}})

    await served.delete(CUSTOM_RESOURCE_DEFINITION, NAME)

    await served.eventually(lambda: is_true(served, NAME, "Terminating"))
    assert condition(served, NAME, "Terminating")["reason"] == "InstanceDeletionInProgress"
    assert "create" not in custom(served).verbs
    await served.change(kind, "a", lambda obj: obj["metadata"].update(finalizers=[]))
    await served.eventually(is_gone(served, NAME))


async def test_objects_of_a_kind_that_is_no_longer_served_go_too(served: ControlPlane) -> None:
    kind = await define(served, body())
    await served.create(kind, {"metadata": {"name": "a"}})
    await redefine(served, {**version(), "served": False})

    await served.delete(CUSTOM_RESOURCE_DEFINITION, NAME)

    await served.eventually(is_gone(served, NAME))
    assert served.all(kind) == []


async def test_a_changed_schema_holds_at_once(served: ControlPlane) -> None:
    kind = await define(served, body())
    await served.create(kind, {"metadata": {"name": "a"}})
    schema = spec_schema(size={"type": "integer", "default": 3})
    schema["properties"]["spec"]["default"] = {}

    await redefine(served, version(schema=schema))

    assert custom(served) is not kind
    assert served.get(custom(served), "a")["spec"] == {"size": 3}


async def test_a_version_may_join_and_be_the_one_stored(served: ControlPlane) -> None:
    kind = await define(served, body())
    await served.create(kind, {"metadata": {"name": "a"}})

    await redefine(served, version("v1", storage=False), version("v2"))

    v2 = custom(served, at="v2")
    assert served.get(v2, "a")["apiVersion"] == "stable.example.com/v2"
    await served.create(v2, {"metadata": {"name": "b"}})
    assert served.get(custom(served), "b")["apiVersion"] == "stable.example.com/v1"
    stored = served.get(CUSTOM_RESOURCE_DEFINITION, NAME)["status"]["storedVersions"]
    assert stored == ["v1", "v2"]


async def test_a_namespace_takes_custom_objects_along(served: ControlPlane) -> None:
    kind = await define(served, body())
    await served.create(NAMESPACE, {"metadata": {"name": "gone"}})
    finalizers = ["example.com/wait"]
    await served.create(kind, {"metadata": {"name": "a", "finalizers": finalizers}}, "gone")

    await served.delete(NAMESPACE, "gone")
    await served.eventually(lambda: served.get(kind, "a", "gone")["metadata"]["deletionTimestamp"])
    await served.change(kind, "a", lambda obj: obj["metadata"].update(finalizers=[]), "gone")

    await served.eventually(lambda: served.find(NAMESPACE, "gone") is None)


async def test_what_a_custom_object_owns_goes_with_it(served: ControlPlane) -> None:
    kind = await define(served, body())
    owner = await served.create(kind, {"metadata": {"name": "a"}})
    reference = owner_reference(owner)
    await served.create(CONFIG_MAP, {"metadata": {"name": "b", "ownerReferences": [reference]}})

    await served.delete(kind, "a")

    await served.eventually(lambda: served.find(CONFIG_MAP, "b") is None)


async def test_what_custom_objects_own_goes_with_their_definition(served: ControlPlane) -> None:
    kind = await define(served, body())
    owner = await served.create(kind, {"metadata": {"name": "a"}})
    reference = owner_reference(owner)
    await served.create(CONFIG_MAP, {"metadata": {"name": "b", "ownerReferences": [reference]}})

    await served.delete(CUSTOM_RESOURCE_DEFINITION, NAME)

    await served.eventually(lambda: served.find(CONFIG_MAP, "b") is None)


async def test_after_a_restart_established_kinds_are_served_before_anything_runs(
    served: ControlPlane,
) -> None:
    await define(served, body())
    catalog = builtin_catalog()
    allocator = ServiceAllocator("10.96.0.0/16")
    resources = Resources(served.resources.store, catalog, allocator=allocator)

    new_custom_resource_definition_controller(
        resources, Informers(resources), served.recorder, served.clock
    )

    kind = catalog.by_kind("stable.example.com", "v1", "CronTab")
    assert kind is not None
    with pytest.raises(NotFound):
        resources.get(kind, "default", "a")
