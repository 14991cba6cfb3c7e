"""Priority: names become numbers, and there is one default."""

import pytest

from minikube_py.kinds.catalog import POD, PRIORITY_CLASS
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Resources
from tests.resources.conftest import pod


async def priority_class(resources: Resources, name: str, value: int, **fields: object) -> None:
    body = {"metadata": {"name": name}, "value": value, **fields}
    await resources.create(PRIORITY_CLASS, None, body)


async def created(resources: Resources, **spec: object) -> Object:
    body = pod()
    body["spec"] |= spec
    made: Object = (await resources.create(POD, "default", body)).object["spec"]
    return made


async def test_a_class_becomes_a_number_and_a_policy(resources: Resources) -> None:
    await priority_class(resources, "high", 1000, preemptionPolicy="Never")

    spec = await created(resources, priorityClassName="high")

    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")


async def test_without_any_class_a_pod_has_priority_zero(resources: Resources) -> None:
    spec = await created(resources)

    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert "priorityClassName" not in spec


async def test_the_default_class_is_everybodys(resources: Resources) -> None:
    await priority_class(resources, "usual", 7, globalDefault=True)

    spec = await created(resources)

    assert (spec["priorityClassName"], spec["priority"]) == ("usual", 7)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"priorityClassName": "nope"}, "no PriorityClass with name nope was found"),
        (
            {"priority": 5},
            r"the integer value of priority \(5\) must not be provided in pod spec; priority "
            "admission controller computed 0 from the given PriorityClass name",
        ),
        (
            {"preemptionPolicy": "Never"},
            r"the string value of PreemptionPolicy \(Never\) must not be provided in pod spec",
        ),
    ],
)
async def test_what_a_pod_may_not_say_of_its_priority(
    resources: Resources, spec: Object, words: str
) -> None:
    with pytest.raises(Forbidden, match=words):
        await created(resources, **spec)


async def test_a_pod_that_is_replaced_keeps_its_priority(resources: Resources) -> None:
    spec = await created(resources)
    body = {"metadata": {"name": "web", "labels": {"a": "b"}}, "spec": dict(spec)}
    del body["spec"]["priority"], body["spec"]["preemptionPolicy"]

    written = await resources.update(POD, "default", "web", body)

    assert written.object["spec"]["priority"] == 0


async def test_there_is_one_default_class(resources: Resources) -> None:
    await priority_class(resources, "usual", 7, globalDefault=True)

    with pytest.raises(Forbidden, match="PriorityClass usual is already marked as default"):
        await priority_class(resources, "other", 8, globalDefault=True)
    await resources.modify(
        PRIORITY_CLASS, None, "usual", lambda c: c.update(description="stays the default")
    )
