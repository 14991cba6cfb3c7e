from typing import Any

import pytest

from minikube_py.kinds.catalog import POD, POD_DISRUPTION_BUDGET
from minikube_py.meta.errors import (
    Conflict,
    Forbidden,
    InternalError,
    NotFound,
    TooManyRequests,
)
from minikube_py.meta.objects import Object
from minikube_py.resources.eviction import evict
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources
from tests.resources.conftest import FakeClock

LABELS = {"app": "web"}


async def _pod(resources: Resources, name: str = "web", *, ready: bool = True) -> None:
    spec = {"containers": [{"name": "a", "image": "a"}], "nodeName": "node"}
    body = {"metadata": {"name": name, "labels": LABELS}, "spec": spec}
    await resources.create(POD, "default", body)

    def run(pod: Object) -> None:
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        pod["status"].update({"phase": "Running", "conditions": [condition]})

    await resources.update_status(POD, "default", name, run)


async def _budget(
    resources: Resources, *, name: str = "budget", spec: Object | None = None, **status: Any
) -> None:
    spec = {"selector": {"matchLabels": LABELS}, "minAvailable": 1, **(spec or {})}
    await resources.create(
        POD_DISRUPTION_BUDGET, "default", {"metadata": {"name": name}, "spec": spec}
    )

    def tell(budget: Object) -> None:
        budget["status"].update({"observedGeneration": 1, **status})

    await resources.update_status(POD_DISRUPTION_BUDGET, "default", name, tell)


def _status(resources: Resources) -> Object:
    status: Object = resources.get(POD_DISRUPTION_BUDGET, "default", "budget")["status"]
    return status


async def _evict(resources: Resources, clock: FakeClock, **options: Any) -> None:
    await evict(resources, "default", "web", DeleteOptions(**options), clock=clock)


def _is_going(resources: Resources) -> bool:
    return "deletionTimestamp" in resources.get(POD, "default", "web")["metadata"]


async def test_without_a_budget_a_pod_goes(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)

    await _evict(resources, clock)

    assert _is_going(resources)
    conditions = resources.get(POD, "default", "web")["status"]["conditions"]
    assert conditions[1] == {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }


async def test_a_pod_that_is_not_there(resources: Resources, clock: FakeClock) -> None:
    with pytest.raises(NotFound):
        await _evict(resources, clock)


async def test_an_eviction_is_charged_to_the_budget(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)
    await _budget(resources, disruptionsAllowed=1, currentHealthy=2, desiredHealthy=1)

    await _evict(resources, clock)

    status = _status(resources)
    assert status["disruptionsAllowed"] == 0
    assert status["disruptedPods"] == {"web": "2026-01-31T12:00:00Z"}
    assert status["conditions"][0]["reason"] == "InsufficientPods"
    assert _is_going(resources)


async def test_a_spent_budget_says_no(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)
    await _budget(resources, disruptionsAllowed=0, currentHealthy=1, desiredHealthy=1)

    with pytest.raises(TooManyRequests) as refusal:
        await _evict(resources, clock)

    assert refusal.value.as_status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "reason": "TooManyRequests",
        "details": {
            "causes": [
                {
                    "reason": "DisruptionBudget",
                    "message": "The disruption budget budget needs 1 healthy pods and has 1 "
                    "currently",
                }
            ]
        },
        "code": 429,
    }
    assert not _is_going(resources)


async def test_a_budget_that_was_not_looked_at_yet_says_later(
    resources: Resources, clock: FakeClock
) -> None:
    await _pod(resources)
    await _budget(resources, disruptionsAllowed=5, observedGeneration=0)

    with pytest.raises(TooManyRequests) as refusal:
        await _evict(resources, clock)

    assert refusal.value.details is not None
    assert refusal.value.details["retryAfterSeconds"] == 10


async def test_two_evictions_never_spend_the_same_disruption(
    resources: Resources, clock: FakeClock
) -> None:
    await _pod(resources)
    await _pod(resources, "other")
    await _budget(resources, disruptionsAllowed=1)

    await evict(resources, "default", "other", DeleteOptions(), clock=clock)

    with pytest.raises(TooManyRequests):
        await _evict(resources, clock)


async def test_a_dry_run_only_asks(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)
    await _budget(resources, disruptionsAllowed=1)
    before = resources.get(POD, "default", "web")

    await _evict(resources, clock, dry_run=True)

    assert resources.get(POD, "default", "web") == before
    assert _status(resources)["disruptionsAllowed"] == 1


@pytest.mark.parametrize(
    ("spec", "status", "allowed"),
    [
        ({}, {"currentHealthy": 1, "desiredHealthy": 1}, True),
        ({}, {"currentHealthy": 0, "desiredHealthy": 1}, False),
        ({}, {"currentHealthy": 0, "desiredHealthy": 0}, False),
        ({"unhealthyPodEvictionPolicy": "AlwaysAllow"}, {"desiredHealthy": 1}, True),
    ],
    ids=str,
)
async def test_unready_pods_cost_nothing_where_nothing_is_disrupted(
    resources: Resources, clock: FakeClock, spec: Object, status: Object, allowed: bool
) -> None:
    await _pod(resources, ready=False)
    await _budget(resources, spec=spec, disruptionsAllowed=0, **status)

    if allowed:
        await _evict(resources, clock)
    else:
        with pytest.raises(TooManyRequests):
            await _evict(resources, clock)

    assert _is_going(resources) is allowed
    assert "disruptedPods" not in _status(resources)


async def test_a_pod_that_ended_needs_no_budget(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)
    await _budget(resources, disruptionsAllowed=0)
    await resources.update_status(
        POD, "default", "web", lambda pod: pod["status"].update(phase="Succeeded")
    )

    await _evict(resources, clock)

    assert resources.get_or_none(POD, "default", "web") is None


async def test_a_pod_of_two_budgets_is_not_evicted(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)
    await _budget(resources)
    await _budget(resources, name="second", spec={"selector": {}})

    with pytest.raises(InternalError, match="more than one PodDisruptionBudget"):
        await _evict(resources, clock)


async def test_a_budget_without_a_selector_covers_nothing(
    resources: Resources, clock: FakeClock
) -> None:
    await _pod(resources)
    await _budget(resources, spec={"selector": None}, disruptionsAllowed=0)

    await _evict(resources, clock)

    assert _is_going(resources)


async def test_too_many_evictions_that_nobody_confirmed(
    resources: Resources, clock: FakeClock
) -> None:
    await _pod(resources)
    disrupted = {f"p{number}": "2026-01-31T12:00:00Z" for number in range(2001)}
    await _budget(resources, disruptionsAllowed=1, disruptedPods=disrupted)

    with pytest.raises(Forbidden, match="too many evictions not confirmed"):
        await _evict(resources, clock)


async def test_preconditions_hold_for_evictions(resources: Resources, clock: FakeClock) -> None:
    await _pod(resources)

    with pytest.raises(Conflict, match="UID"):
        await _evict(resources, clock, uid="other")
    with pytest.raises(Conflict, match="ResourceVersion"):
        await _evict(resources, clock, resource_version="1")

    version = resources.get(POD, "default", "web")["metadata"]["resourceVersion"]
    await _evict(resources, clock, resource_version=version)
    assert _is_going(resources)
