"""What a PUT makes, what it may not overwrite, and names that run out."""

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    CUSTOM_RESOURCE_DEFINITION,
    EVENTS_EVENT,
    LEASE,
    LIMIT_RANGE,
    POD_DISRUPTION_BUDGET,
    PRIORITY_CLASS,
    ROLE,
)
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, Invalid, NotFound
from minikube_py.meta.objects import Object
from minikube_py.resources import write
from minikube_py.resources.resources import Resources, WriteOptions
from minikube_py.resources.update_rules import is_created_by_update
from tests.resources.conftest import config_map


@pytest.mark.parametrize(
    ("kind", "makes"),
    [
        (LEASE, True),
        (ROLE, True),
        (LIMIT_RANGE, True),
        (EVENTS_EVENT, True),
        (CONFIG_MAP, False),
        (PRIORITY_CLASS, False),
        (CUSTOM_RESOURCE_DEFINITION, False),
    ],
    ids=repr,
)
def test_some_kinds_are_created_by_put(kind: Kind, makes: bool) -> None:
    assert is_created_by_update(kind) is makes


async def test_what_was_there_at_a_revision_is_not_created_by_put(resources: Resources) -> None:
    body: Object = {"metadata": {"name": "l", "resourceVersion": "5"}, "spec": {}}

    with pytest.raises(NotFound):
        await resources.update(LEASE, "default", "l", body)


async def test_some_kinds_are_only_replaced_from_a_named_state(resources: Resources) -> None:
    body: Object = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1}}
    await resources.create(POD_DISRUPTION_BUDGET, "default", body)

    with pytest.raises(Invalid) as refused:
        await resources.update(POD_DISRUPTION_BUDGET, "default", "b", body)
    named = resources.get(POD_DISRUPTION_BUDGET, "default", "b")
    await resources.update(POD_DISRUPTION_BUDGET, "default", "b", named)

    assert refused.value.message == (
        'poddisruptionbudgets.policy "b" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update"
    )


async def test_when_generated_names_are_taken_the_client_may_try_again(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resources.create(CONFIG_MAP, "default", config_map("web-x"))
    tried = []

    def always_the_same(base: str) -> str:
        tried.append(base)
        return f"{base}x"

    monkeypatch.setattr(write, "generate_name", always_the_same)

    with pytest.raises(AlreadyExists, match="not able to generate a unique name") as refused:
        await resources.create(CONFIG_MAP, "default", {"metadata": {"generateName": "web-"}})

    assert len(tried) == 8
    assert (refused.value.details or {})["retryAfterSeconds"] == 1


async def test_a_taken_generated_name_is_followed_by_another(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resources.create(CONFIG_MAP, "default", config_map("web-x"))
    suffixes = iter("xxy")
    monkeypatch.setattr(write, "generate_name", lambda base: base + next(suffixes))

    body: Object = {"metadata": {"generateName": "web-"}}
    made = await resources.create(CONFIG_MAP, "default", body, WriteOptions(dry_run=True))

    assert made.object["metadata"]["name"] == "web-y"
