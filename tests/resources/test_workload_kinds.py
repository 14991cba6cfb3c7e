"""Each kind's way through Resources: made, found, changed, told how it is, removed."""

import copy
from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.catalog import HORIZONTAL_POD_AUTOSCALER as V2
from minikube_py.kinds.catalog import HORIZONTAL_POD_AUTOSCALER_V1 as V1
from minikube_py.kinds.catalog import JOB
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Invalid, NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.selectors import parse_field_selector
from minikube_py.resources.options import ListOptions, Patch, WriteOptions
from minikube_py.resources.resources import Resources

POD = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}
KEPT = {"containers": [{"name": "a", "image": "a:1"}]}
APP = {"matchLabels": {"app": "a"}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def _template(pod: Object) -> Object:
    return {"metadata": {"labels": {"app": "a"}}, "spec": pod}


CASES: list[tuple[Kind, Object, Object, Object]] = [
    # (kind, what is made, a patch, a status)
    (JOB, {"spec": {"template": _template(POD)}}, {"spec": {"suspend": True}}, {"active": 1}),
    (
        catalog.CRON_JOB,
        {"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": _template(POD)}}}},
        {"spec": {"schedule": "0 3 * * *"}},
        {"lastScheduleTime": "2026-01-31T12:00:00Z"},
    ),
    (
        catalog.DAEMON_SET,
        {"spec": {"selector": APP, "template": _template(KEPT)}},
        {"spec": {"minReadySeconds": 3}},
        {"numberReady": 1},
    ),
    (
        catalog.REPLICATION_CONTROLLER,
        {"spec": {"template": _template(KEPT)}},
        {"spec": {"replicas": 3}},
        {"replicas": 2},
    ),
    (
        catalog.POD_TEMPLATE,
        {"template": _template(KEPT)},
        {"template": {"spec": {"hostname": "h"}}},
        {},
    ),
    (
        catalog.LIMIT_RANGE,
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}},
        {},
    ),
    (
        catalog.POD_DISRUPTION_BUDGET,
        {"spec": {"minAvailable": 1, "selector": APP}},
        {"spec": {"minAvailable": 2}},
        {"disruptionsAllowed": 1},
    ),
    (
        V2,
        {"spec": {"maxReplicas": 3, "scaleTargetRef": TARGET}},
        {"spec": {"maxReplicas": 4}},
        {"currentReplicas": 1},
    ),
    (
        V1,
        {"spec": {"maxReplicas": 3, "scaleTargetRef": TARGET}},
        {"spec": {"maxReplicas": 4}},
        {"currentReplicas": 1},
    ),
]


@pytest.mark.parametrize(
    ("kind", "body", "change", "status"), CASES, ids=[repr(case[0]) for case in CASES]
)
async def test_the_life_of_an_object(
    resources: Resources, kind: Kind, body: Object, change: Object, status: Object
) -> None:
    made = await resources.create(kind, "default", {"metadata": {"name": "a"}, **body})
    stored = resources.get(kind, "default", "a")
    assert stored == made.object
    assert stored["apiVersion"] == kind.api_version
    assert resources.list(kind, "default").objects() == [stored]

    again = await resources.update(kind, "default", "a", copy.deepcopy(stored))
    assert again.object == stored

    patched = (await resources.patch(kind, "default", "a", Patch("merge", change))).object
    assert patched["metadata"].get("generation") == (2 if kind.has_generation else None)
    _assert_within(change, patched)

    if status:
        told = copy.deepcopy(patched)
        told["status"] = {**told["status"], **status}
        told["spec"] = {}
        written = await resources.update(kind, "default", "a", told, subresource="status")
        _assert_within(status, written.object["status"])
        assert written.object["spec"] == patched["spec"]

    await resources.delete(kind, "default", "a")
    with pytest.raises(NotFound):
        resources.get(kind, "default", "a")


def _assert_within(part: Any, whole: Any) -> None:
    if isinstance(part, dict):
        for name, value in part.items():
            _assert_within(value, whole[name])
    elif not isinstance(part, list):
        assert part == whole


async def test_a_job_is_given_its_selector_once(resources: Resources) -> None:
    body = {"metadata": {"generateName": "pi-"}, "spec": {"template": _template(POD)}}

    job = (await resources.create(JOB, "default", body)).object

    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    assert job["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": uid}
    assert job["spec"]["template"]["metadata"]["labels"] == {
        "app": "a",
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }


async def test_applying_a_job_again_changes_nothing(resources: Resources) -> None:
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "pi"},
        "spec": {"template": {"spec": POD}},
    }
    options = WriteOptions(field_manager="me")
    first = await resources.patch(JOB, "default", "pi", Patch("apply", body), options)

    second = await resources.patch(JOB, "default", "pi", Patch("apply", body), options)

    assert second.object == first.object
    other = {"containers": [{"name": "a", "image": "a:2"}], "restartPolicy": "Never"}
    body["spec"] = {"template": {"spec": other}}
    with pytest.raises(Invalid, match=r"spec\.template: Invalid value: .* field is immutable"):
        await resources.patch(JOB, "default", "pi", Patch("apply", body), options)


async def test_jobs_are_found_by_their_success(resources: Resources) -> None:
    for name in ("a", "b"):
        body = {"metadata": {"name": name}, "spec": {"template": _template(POD)}}
        await resources.create(JOB, "default", body)
    await resources.update_status(
        JOB, "default", "b", lambda job: job["status"].update(succeeded=1)
    )

    fields = parse_field_selector("status.successful=1")
    found = resources.list(JOB, "default", ListOptions(fields=fields)).objects()

    assert [job["metadata"]["name"] for job in found] == ["b"]


async def test_a_controller_is_scaled(resources: Resources) -> None:
    kind = catalog.REPLICATION_CONTROLLER
    body = {"metadata": {"name": "a"}, "spec": {"template": _template(KEPT)}}
    made = (await resources.create(kind, "default", body)).object
    scale = resources.scale_of(kind, made)
    assert scale["status"] == {"replicas": 0, "selector": "app=a"}

    scale["spec"]["replicas"] = 5
    await resources.update(kind, "default", "a", scale, subresource="scale")

    assert resources.get(kind, "default", "a")["spec"]["replicas"] == 5


async def test_a_new_template_of_a_daemon_set_is_counted(resources: Resources) -> None:
    kind = catalog.DAEMON_SET
    body = {"metadata": {"name": "a"}, "spec": {"selector": APP, "template": _template(KEPT)}}
    await resources.create(kind, "default", body)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a:2"}]}}}}

    changed = (await resources.patch(kind, "default", "a", Patch("merge", image))).object

    annotation = "deprecated.daemonset.template.generation"
    assert changed["metadata"]["annotations"][annotation] == "2"
    assert changed["metadata"]["generation"] == 2


BEHAVIOR = {"scaleDown": {"stabilizationWindowSeconds": 9}}


async def test_both_versions_of_an_autoscaler_are_one_object(resources: Resources) -> None:
    spec = {"maxReplicas": 3, "scaleTargetRef": TARGET, "behavior": BEHAVIOR}
    made = (await resources.create(V2, "default", {"metadata": {"name": "a"}, "spec": spec})).object

    seen = resources.get(V1, "default", "a")
    assert seen["metadata"]["uid"] == made["metadata"]["uid"]
    assert seen["apiVersion"] == "autoscaling/v1"
    assert seen["spec"]["targetCPUUtilizationPercentage"] == 80

    change = Patch("merge", {"spec": {"targetCPUUtilizationPercentage": 50}})
    await resources.patch(V1, "default", "a", change)

    stored = resources.get(V2, "default", "a")
    assert stored["apiVersion"] == "autoscaling/v2"
    assert stored["spec"]["behavior"] == made["spec"]["behavior"]
    target = stored["spec"]["metrics"][0]["resource"]["target"]
    assert target == {"type": "Utilization", "averageUtilization": 50}
    assert not stored["metadata"].get("annotations")


async def test_who_wrote_an_autoscaler_is_known_with_the_version(resources: Resources) -> None:
    def config(version: str, **spec: Any) -> Object:
        return {
            "apiVersion": f"autoscaling/{version}",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "a"},
            "spec": {"maxReplicas": 3, "scaleTargetRef": TARGET, **spec},
        }

    first = config("v1", targetCPUUtilizationPercentage=50)
    await resources.patch(
        V1, "default", "a", Patch("apply", first), WriteOptions(field_manager="old")
    )
    second = config("v2", minReplicas=2)
    changed = await resources.patch(
        V2, "default", "a", Patch("apply", second), WriteOptions(field_manager="new")
    )

    written = changed.object["metadata"]["managedFields"]
    assert [(entry["manager"], entry["apiVersion"]) for entry in written] == [
        ("new", "autoscaling/v2"),
        ("old", "autoscaling/v1"),
    ]
    assert changed.object["spec"]["minReplicas"] == 2
    target = changed.object["spec"]["metrics"][0]["resource"]["target"]
    assert target["averageUtilization"] == 50
