"""Sizes decided for a Deployment's ReplicaSets."""

import pytest

from minikube_py.controllers.deployment.rollout import (
    Bounds,
    Sized,
    bounds_of,
    plan_recreate,
    plan_rolling_update,
    plan_scale,
)
from minikube_py.meta.objects import Object


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(4, "25%", "25%", Bounds(4, 1, 1), id="quarters"),
        pytest.param(1, "25%", "25%", Bounds(1, 1, 0), id="surge rounds up, unavailable down"),
        pytest.param(1, 0, "25%", Bounds(1, 0, 1), id="both nothing"),
        pytest.param(3, 2, 5, Bounds(3, 2, 3), id="no more unavailable than there are"),
        pytest.param(0, "25%", "25%", Bounds(0, 0, 0), id="nothing wanted"),
    ],
)
def test_bounds_follow_kubernetes_rounding(
    replicas: int, surge: int | str, unavailable: int | str, expected: Bounds
) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    deployment: Object = {
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        }
    }

    assert bounds_of(deployment) == expected


def test_the_first_step_grows_the_new_one_by_the_surge_and_frees_what_may_be_missing() -> None:
    sizes = plan_rolling_update(Bounds(10, 3, 2), Sized("new", 0), [Sized("old", 10, 10)])

    assert sizes == {"new": 3, "old": 8}


def test_unhealthy_old_pods_go_before_healthy_ones() -> None:
    old = [Sized("healthy", 5, 5), Sized("sick", 5, 0)]

    sizes = plan_rolling_update(Bounds(10, 5, 2), Sized("new", 5, 5), old)

    assert sizes == {"sick": 0, "healthy": 3}


def test_a_status_older_than_the_size_does_not_count_as_available() -> None:
    back_again = Sized("back-again", 3, 5, settled=False)

    sizes = plan_rolling_update(Bounds(5, 1, 1), back_again, [Sized("old", 2, 2)])

    assert sizes == {"back-again": 4}


def test_recreate_waits_with_the_new_one_until_the_old_ones_are_gone() -> None:
    new = Sized("new", 0)

    assert plan_recreate(Bounds(3, 0, 3), new, [Sized("old", 3, 3)]) == {"old": 0}
    assert plan_recreate(Bounds(3, 0, 3), new, [Sized("old", 0)]) == {"new": 3}


def test_scaling_shares_by_size_and_gives_the_rest_to_the_largest() -> None:
    old, new = Sized("old", 8, 8, most_when_sized=13), Sized("new", 5, 0, most_when_sized=13)

    sizes = plan_scale(Bounds(15, 3, 2), new, [old], rolling=True, saturated=False)

    assert sizes == {"old": 11, "new": 7}


def test_scaling_to_nothing_empties_all() -> None:
    old, new = Sized("old", 3, 3, most_when_sized=5), Sized("new", 2, 0, most_when_sized=5)

    sizes = plan_scale(Bounds(0, 0, 0), new, [old], rolling=True, saturated=False)

    assert sizes == {"old": 0, "new": 0}


def test_the_only_one_with_pods_takes_the_new_size() -> None:
    sizes = plan_scale(
        Bounds(7, 2, 1), Sized("new", 3, 3), [Sized("old", 0)], rolling=True, saturated=True
    )

    assert sizes == {"new": 7}
