"""Workloads follow their ConfigMaps and Secrets when they ask for it."""

from typing import Any

import pytest

from minikube_py.control_loop.informer import Informers
from minikube_py.controllers.restart_on_change import new_restart_on_change_controllers
from minikube_py.kinds.catalog import CONFIG_MAP, DEPLOYMENT, SECRET, STATEFUL_SET
from minikube_py.kinds.dev_annotations import RESTART_ON_CHANGE, SHOWN_CONTENT
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, annotations_of
from tests.control_loop.harness import ControlPlane, workload

ON = {RESTART_ON_CHANGE: "true"}


@pytest.fixture
def watched(plane: ControlPlane) -> ControlPlane:
    informers = Informers(plane.resources)
    plane.start(informers, *new_restart_on_change_controllers(plane.resources, informers))
    return plane


def shows(*, config: str = "settings", secret: str = "", optional: bool = False) -> list[Any]:
    found: list[Any] = [{"name": "c", "configMap": {"name": config, "optional": optional}}]
    if secret:
        found.append({"name": "s", "secret": {"secretName": secret}})
    return found


def body(
    volumes: list[Any], annotations: dict[str, str] | None, in_template: bool = False
) -> Object:
    made = workload("web")
    made["spec"]["template"]["spec"]["volumes"] = volumes
    holder = made["spec"]["template"] if in_template else made
    holder["metadata"]["annotations"] = annotations or {}
    return made


def settings(**data: str) -> Object:
    return {"metadata": {"name": "settings"}, "data": data}


async def write(plane: ControlPlane, kind: Kind, name: str, **fields: Any) -> None:
    await plane.change(kind, name, lambda obj: obj.update(fields))


def rolled(plane: ControlPlane, kind: Kind = DEPLOYMENT) -> str | None:
    """What the template was given."""
    template = plane.get(kind, "web")["spec"]["template"]
    return annotations_of(template).get(SHOWN_CONTENT)


async def seen(plane: ControlPlane, kind: Kind = DEPLOYMENT) -> str:
    return await plane.eventually(lambda: annotations_of(plane.get(kind, "web")).get(SHOWN_CONTENT))


@pytest.mark.parametrize("in_template", [False, True], ids=["workload", "template"])
@pytest.mark.parametrize("kind", [DEPLOYMENT, STATEFUL_SET], ids=lambda kind: kind.kind)
async def test_a_change_of_content_changes_the_template(
    watched: ControlPlane, kind: Kind, in_template: bool
) -> None:
    await watched.create(CONFIG_MAP, settings(a="1"))
    await watched.create(kind, body(shows(), ON, in_template))
    first = await seen(watched, kind)
    before = rolled(watched, kind)

    await write(watched, CONFIG_MAP, "settings", data={"a": "2"})

    after = await watched.eventually(lambda: rolled(watched, kind))
    assert before is None
    assert after != first
    assert annotations_of(watched.get(kind, "web"))[SHOWN_CONTENT] == after


async def test_secrets_and_variables_count_too(watched: ControlPlane) -> None:
    await watched.create(CONFIG_MAP, settings(a="1"))
    await watched.create(SECRET, {"metadata": {"name": "login"}, "stringData": {"key": "1"}})
    made = body([], ON)
    [container] = made["spec"]["template"]["spec"]["containers"]
    container["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    reference = {"secretKeyRef": {"name": "login", "key": "key"}}
    container["env"] = [{"name": "KEY", "valueFrom": reference}]
    await watched.create(DEPLOYMENT, made)
    first = await seen(watched)

    await write(watched, SECRET, "login", stringData={"key": "2"})
    second = await watched.eventually(lambda: rolled(watched))
    await write(watched, CONFIG_MAP, "settings", data={"a": "2"})
    third = await watched.eventually(
        lambda: rolled(watched) not in (None, second) and rolled(watched)
    )

    assert len({first, second, third}) == 3


async def test_who_does_not_ask_is_left_alone(watched: ControlPlane) -> None:
    await watched.create(CONFIG_MAP, settings(a="1"))
    await watched.create(DEPLOYMENT, body(shows(), {RESTART_ON_CHANGE: "false"}))

    await write(watched, CONFIG_MAP, "settings", data={"a": "2"})
    await watched.settled()

    assert annotations_of(watched.get(DEPLOYMENT, "web")) == {RESTART_ON_CHANGE: "false"}


async def test_only_content_counts(watched: ControlPlane) -> None:
    await watched.create(CONFIG_MAP, settings(a="1"))
    await watched.create(DEPLOYMENT, body(shows(), ON))
    await seen(watched)

    labels = {"labels": {"new": "yes"}}
    await watched.change(CONFIG_MAP, "settings", lambda obj: obj["metadata"].update(labels))
    await watched.settled()

    assert rolled(watched) is None


async def test_nothing_rolls_while_something_is_missing(watched: ControlPlane) -> None:
    await watched.create(CONFIG_MAP, settings(a="1"))
    await watched.create(DEPLOYMENT, body(shows(), ON))
    await seen(watched)

    await watched.delete(CONFIG_MAP, "settings")
    await watched.settled()
    while_missing = rolled(watched)
    await watched.create(CONFIG_MAP, settings(a="2"))

    assert while_missing is None
    assert await watched.eventually(lambda: rolled(watched))


async def test_something_optional_may_come_later(watched: ControlPlane) -> None:
    await watched.create(DEPLOYMENT, body(shows(optional=True), ON))
    await seen(watched)

    await watched.create(CONFIG_MAP, settings(a="1"))

    assert await watched.eventually(lambda: rolled(watched))


async def test_changes_close_to_each_other_roll_once(watched: ControlPlane) -> None:
    await watched.create(CONFIG_MAP, settings(a="1"))
    await watched.create(DEPLOYMENT, body(shows(), ON))
    await seen(watched)
    before = watched.get(DEPLOYMENT, "web")["metadata"]["generation"]

    for number in range(5):
        await write(watched, CONFIG_MAP, "settings", data={"a": f"change {number}"})
    await watched.eventually(lambda: rolled(watched))
    await watched.settled()

    assert watched.get(DEPLOYMENT, "web")["metadata"]["generation"] == before + 1
