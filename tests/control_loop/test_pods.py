from typing import Any

import pytest

from minikube_py.control_loop.pods import (
    is_active,
    pod_from_template,
    seconds_until_available,
    sort_for_deletion,
)
from minikube_py.meta.objects import Object, name_of


def _pod(name: str, **changes: Any) -> Object:
    """A pod that has run well on node-1 for a day."""
    fields: dict[str, Any] = {
        "node": "node-1",
        "phase": "Running",
        "ready": True,
        "since": "2026-01-30T12:00:00Z",
        "created": "2026-01-30T11:00:00Z",
        "restarts": 0,
        "cost": None,
        **changes,
    }
    ready = {"type": "Ready", "status": str(fields["ready"]), "lastTransitionTime": fields["since"]}
    annotations = {"controller.kubernetes.io/pod-deletion-cost": fields["cost"]}
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": fields["created"],
            "annotations": annotations if fields["cost"] else {},
        },
        "spec": {"nodeName": fields["node"]},
        "status": {
            "phase": fields["phase"],
            "conditions": [ready],
            "containerStatuses": [{"restartCount": fields["restarts"]}],
        },
    }


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(_pod("first", node=""), id="unscheduled"),
        pytest.param(_pod("first", phase="Pending"), id="pending"),
        pytest.param(_pod("first", ready=False), id="not ready"),
        pytest.param(_pod("first", cost="-5"), id="cheaper"),
        pytest.param(_pod("first", since="2026-01-30T13:00:00Z"), id="ready for less time"),
        pytest.param(_pod("first", restarts=3), id="restarted more often"),
        pytest.param(_pod("first", created="2026-01-30T11:30:00Z"), id="younger"),
    ],
)
def test_the_pod_that_is_missed_least_goes_first(first: Object) -> None:
    pods = [_pod("a-second"), first]

    assert name_of(sort_for_deletion(pods)[0]) == "first"


def test_a_pod_on_a_crowded_node_goes_before_one_that_is_alone() -> None:
    pods = [_pod("alone", node="node-2"), _pod("one"), _pod("two")]

    assert name_of(sort_for_deletion(pods)[-1]) == "alone"


def test_a_broken_deletion_cost_counts_as_none() -> None:
    pods = [_pod("a", cost="cheap"), _pod("b", cost="-1")]

    assert name_of(sort_for_deletion(pods)[0]) == "b"


def test_ended_and_leaving_pods_are_not_active() -> None:
    leaving = _pod("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"

    active = [is_active(each) for each in (_pod("well"), _pod("done", phase="Succeeded"), leaving)]

    assert active == [True, False, False]


def test_a_ready_pod_is_available_after_its_time() -> None:
    since = _pod("a")
    ready_at = 1769774400.0  # 2026-01-30T12:00:00Z

    assert seconds_until_available(since, 0, ready_at) == 0
    assert seconds_until_available(since, 30, ready_at + 10) == 20
    assert seconds_until_available(since, 30, ready_at + 31) == 0
    assert seconds_until_available(_pod("b", ready=False), 0, ready_at) is None


def test_a_pod_from_a_template_shares_nothing_with_it() -> None:
    template: Object = {
        "metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}},
        "spec": {"containers": [{"name": "app"}]},
    }
    owner: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default", "uid": "1"},
    }

    pod = pod_from_template(template, owner)
    pod["metadata"]["labels"]["app"] = "changed"
    pod["spec"]["containers"].append({})

    assert template["metadata"]["labels"] == {"app": "web"}
    assert len(template["spec"]["containers"]) == 1
    assert pod["metadata"]["generateName"] == "web-"
    assert pod["metadata"]["ownerReferences"][0]["controller"] is True
