from dataclasses import replace
from datetime import timedelta

import pytest

from minikube_py.container_runtime.interface import ObservedContainer, ObservedPod, PodIdentity
from minikube_py.kinds.dev_annotations import RESTART_BACKOFF, RESTARTED_AT
from minikube_py.kubelet.backoff import (
    DELAY_ANNOTATION,
    longest_back_off,
    next_restart,
    restarts,
)
from minikube_py.kubelet.facts import ASKED_ANNOTATION
from minikube_py.kubelet.podspec import container_hash
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import parse_time

BEGAN = parse_time("2026-01-01T00:00:00Z")
WHO = PodIdentity("default", "web", "u1")


def ended(delay: float | None, ran: float = 1.0, hash_: str = "h") -> ObservedContainer:
    return ObservedContainer(
        id="c",
        pod=WHO,
        sandbox_id="s",
        name="app",
        image="app:1",
        image_id="",
        attempt=0,
        state="exited",
        created_at=BEGAN,
        finished_at=BEGAN + timedelta(seconds=ran),
        spec_hash=hash_,
        annotations={} if delay is None else {DELAY_ANNOTATION: f"{delay:g}"},
    )


def test_the_row_of_delays_is_the_kubelets() -> None:
    delays: list[float] = []
    delay: float | None = None
    for _ in range(9):
        delay = next_restart(ended(delay), "h").delay
        delays.append(delay)

    assert delays == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_the_wait_counts_from_the_end_of_the_container() -> None:
    assert next_restart(ended(0, ran=5), "h").at == BEGAN + timedelta(seconds=15)


def test_ten_calm_minutes_forget_the_row() -> None:
    assert next_restart(ended(300, ran=601), "h").delay == 0
    assert next_restart(ended(300, ran=599), "h").delay == 300


def test_a_new_image_owes_no_wait() -> None:
    assert next_restart(ended(160), "other").delay == 0


@pytest.mark.parametrize(
    ("limit", "delay"), [("2", 2.0), ("500ms", 0.5), ("1s", 1.0), ("nonsense", 20.0)]
)
def test_a_pod_may_shorten_its_back_off(limit: str, delay: float) -> None:
    spec = {"name": "app", "image": "app:1"}
    pod: Object = {
        "metadata": {"annotations": {RESTART_BACKOFF: limit}},
        "spec": {"containers": [spec]},
    }
    container = replace(ended(10), spec_hash=container_hash(spec))

    found = restarts(pod, ObservedPod(WHO, containers=(container,)))

    assert found["app"].delay == delay


def test_a_namespace_may_shorten_it_for_all_its_pods_and_a_pod_knows_better() -> None:
    spec = {"name": "app", "image": "app:1"}
    namespace: Object = {"metadata": {"annotations": {RESTART_BACKOFF: "3s"}}}
    container = replace(ended(10), spec_hash=container_hash(spec))

    def delay(annotations: dict[str, str]) -> float:
        pod = {"metadata": {"annotations": annotations}, "spec": {"containers": [spec]}}
        observed = ObservedPod(WHO, containers=(container,))
        return restarts(pod, observed, namespace=namespace)["app"].delay

    assert delay({}) == 3
    assert delay({RESTART_BACKOFF: "1h"}) == 20


@pytest.mark.parametrize(
    ("asked", "seconds", "delay"),
    [
        ("2026-01-01T00:00:02.5Z", 1, 0),
        ("2999-01-01T00:00:00Z", 1, 0),
        ("2026-01-01T00:00:00Z", 21, 20),
    ],
    ids=["after it began", "by a clock that is ahead", "before it began"],
)
def test_a_restart_that_was_asked_for_waits_for_nothing_and_forgets_the_row(
    asked: str, seconds: float, delay: float
) -> None:
    spec = {"name": "app", "image": "app:1"}
    container = replace(ended(10), spec_hash=container_hash(spec))
    pod = {
        "metadata": {"annotations": {RESTARTED_AT: asked}},
        "spec": {"containers": [spec]},
    }

    found = restarts(pod, ObservedPod(WHO, containers=(container,)))["app"]

    assert found.at == BEGAN + timedelta(seconds=seconds)
    assert found.delay == delay


def test_a_restart_that_it_was_started_for_is_not_asked_again() -> None:
    asked = "2999-01-01T00:00:00Z"
    spec = {"name": "app", "image": "app:1"}
    again = replace(ended(10), spec_hash=container_hash(spec))
    again = replace(again, annotations={**again.annotations, ASKED_ANNOTATION: asked})
    pod: Object = {
        "metadata": {"annotations": {RESTARTED_AT: asked}},
        "spec": {"containers": [spec]},
    }

    found = restarts(pod, ObservedPod(WHO, containers=(again,)))["app"]

    assert found.delay == 20


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.01), ("1h", 300.0)])
def test_what_an_older_mk_let_pass_is_taken_for_the_next_that_is_allowed(
    text: str, seconds: float
) -> None:
    assert longest_back_off({"metadata": {"annotations": {RESTART_BACKOFF: text}}}, None) == seconds
