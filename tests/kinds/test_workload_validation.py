from typing import Any

import pytest

from minikube_py.kinds.catalog import CONTROLLER_REVISION, DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from minikube_py.kinds.kind import Kind
from tests.kinds.builders import CONTAINER, creation_errors, of, update_errors, workload

ALL = [DEPLOYMENT, REPLICA_SET, STATEFUL_SET]
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [CONTAINER]}}


def _template(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [CONTAINER], **spec}}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.kind)
def test_a_small_workload_is_valid(kind: Kind) -> None:
    assert creation_errors(kind, workload(kind)) == []


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.kind)
@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"selector": None}, "spec.selector", "Required value"),
        ({"selector": {}}, "spec.selector", "Invalid value: {}: empty selector is invalid for"),
        (
            {"selector": {"matchLabels": {"app": "b"}}},
            "spec.template.metadata.labels",
            'Invalid value: {"app":"a"}: `selector` does not match template `labels`',
        ),
        (
            {"selector": {"matchLabels": {"a b": "c"}}},
            "spec.selector.matchLabels",
            'Invalid value: "a b": name part must consist of',
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "x"}]}},
            "spec.selector.matchExpressions[0].operator",
            'Invalid value: "x": not a valid selector operator',
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "spec.selector.matchExpressions[0].values",
            "Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            {
                "selector": {
                    "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]
                }
            },
            "spec.selector.matchExpressions[0].values",
            "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
        (
            {"replicas": -1},
            "spec.replicas",
            "Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"template": _template(restartPolicy="Never")},
            "spec.template.spec.restartPolicy",
            'Unsupported value: "Never": supported values: "Always"',
        ),
        (
            {"template": _template(activeDeadlineSeconds=5)},
            "spec.template.spec.activeDeadlineSeconds",
            "Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
        ),
        (
            {"template": _template(ephemeralContainers=[{"name": "e", "image": "e"}])},
            "spec.template.spec.ephemeralContainers",
            "Forbidden: ephemeral containers not allowed in pod template",
        ),
        ({"template": _template(containers=[])}, "spec.template.spec.containers", "Required value"),
        ({"template": None}, "spec.template.metadata.labels", "Invalid value: {}"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds", "Invalid value: -1"),
    ],
)
def test_a_bad_workload_is_refused(
    kind: Kind, spec: dict[str, Any], path: str, message: str
) -> None:
    errors = creation_errors(kind, workload(kind, **spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (
            {"strategy": {"type": "x"}},
            "spec.strategy.type",
            'Unsupported value: "x": supported values: "Recreate", "RollingUpdate"',
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            "spec.strategy.rollingUpdate",
            "Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "spec.strategy.rollingUpdate.maxUnavailable",
            'Invalid value: "0%": may not be 0 when `maxSurge` is 0',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            "spec.strategy.rollingUpdate.maxUnavailable",
            'Invalid value: "101%": must not be greater than 100%',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "much"}}},
            "spec.strategy.rollingUpdate.maxSurge",
            'Invalid value: "much": a valid percent string must be',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": -1}}},
            "spec.strategy.rollingUpdate.maxSurge",
            "Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"progressDeadlineSeconds": 5, "minReadySeconds": 5},
            "spec.progressDeadlineSeconds",
            "Invalid value: 5: must be greater than minReadySeconds",
        ),
    ],
)
def test_a_bad_deployment_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(DEPLOYMENT, workload(DEPLOYMENT, **spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_a_rolling_update_that_lost_its_numbers_is_refused() -> None:
    obj = workload(DEPLOYMENT, strategy={"type": "RollingUpdate"})

    errors = [str(error) for error in DEPLOYMENT.validate_create(obj)]

    assert "spec.strategy.rollingUpdate: Required value: this should be defaulted" in errors[-1]


def _claim(name: str = "data", **spec: Any) -> dict[str, Any]:
    size = {"requests": {"storage": "1Gi"}}
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"podManagementPolicy": "x"}, "spec.podManagementPolicy", 'Unsupported value: "x"'),
        ({"updateStrategy": {"type": "x"}}, "spec.updateStrategy.type", 'Unsupported value: "x"'),
        (
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            "spec.updateStrategy.rollingUpdate",
            'Invalid value: {"partition":1}: only allowed for updateStrategy',
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": -1}}},
            "spec.updateStrategy.rollingUpdate.partition",
            "Invalid value: -1",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable",
            "Invalid value: 0: cannot be 0",
        ),
        (
            {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "x"}},
            "spec.persistentVolumeClaimRetentionPolicy.whenScaled",
            'Unsupported value: "x": supported values: "Delete", "Retain"',
        ),
        ({"serviceName": "A"}, "spec.serviceName", 'Invalid value: "A"'),
        ({"ordinals": {"start": -1}}, "spec.ordinals.start", "Invalid value: -1"),
        (
            {"volumeClaimTemplates": [_claim("")]},
            "spec.volumeClaimTemplates[0].metadata.name",
            "Required value",
        ),
        (
            {"volumeClaimTemplates": [_claim(), _claim()]},
            "spec.volumeClaimTemplates[1].name",
            'Duplicate value: "data"',
        ),
        (
            {"volumeClaimTemplates": [_claim(accessModes=[])]},
            "spec.volumeClaimTemplates[0].spec.accessModes",
            "Required value: at least 1 access mode is required",
        ),
    ],
)
def test_a_bad_stateful_set_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(STATEFUL_SET, workload(STATEFUL_SET, **spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_pods_that_are_replaced_on_delete_have_no_partition() -> None:
    obj = workload(STATEFUL_SET, updateStrategy={"type": "OnDelete"})

    assert creation_errors(STATEFUL_SET, obj) == []
    assert "rollingUpdate" not in obj["spec"]["updateStrategy"]


@pytest.mark.parametrize("kind", [DEPLOYMENT, REPLICA_SET], ids=lambda kind: kind.kind)
def test_a_selector_is_immutable(kind: Kind) -> None:
    labels = {"app": "a", "b": "c"}
    template = {**TEMPLATE, "metadata": {"labels": labels}}
    new = workload(kind, selector={"matchLabels": labels}, template=template)

    errors = update_errors(kind, new, workload(kind))

    assert errors == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"a","b":"c"}}: field is immutable'
    ]


def test_most_of_a_stateful_set_is_immutable() -> None:
    old = workload(STATEFUL_SET, volumeClaimTemplates=[_claim()])

    errors = update_errors(STATEFUL_SET, workload(STATEFUL_SET), old)

    assert errors == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
        "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
        "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    ]


def test_replicas_and_template_of_a_stateful_set_may_change() -> None:
    new = workload(STATEFUL_SET, replicas=5, template=_template(hostname="x"), minReadySeconds=2)

    assert update_errors(STATEFUL_SET, new, workload(STATEFUL_SET)) == []


def test_a_controller_revision_keeps_its_data() -> None:
    old = of(CONTROLLER_REVISION, data={"a": 1}, revision=1)

    assert creation_errors(CONTROLLER_REVISION, old) == []
    assert creation_errors(CONTROLLER_REVISION, of(CONTROLLER_REVISION, revision=-1)) == [
        "data: Required value: data is mandatory",
        "revision: Invalid value: -1: must be greater than or equal to 0",
    ]
    assert update_errors(CONTROLLER_REVISION, {**old, "data": {"a": 2}}, old) == [
        'data: Invalid value: {"a":2}: field is immutable'
    ]
    assert update_errors(CONTROLLER_REVISION, {**old, "revision": 2}, old) == []


def test_scale_names_the_selector_as_text() -> None:
    for kind in ALL:
        assert kind.scale is not None
        assert kind.scale.selector(workload(kind)) == "app=a"


def test_new_workloads_start_with_no_replicas_in_their_status() -> None:
    for kind in (REPLICA_SET, STATEFUL_SET):
        obj = workload(kind)
        kind.prepare(obj, None)
        assert obj["status"]["replicas"] == 0
        kind.prepare(obj, obj)
    assert REPLICA_SET.selectable_fields({"status": {"replicas": 3}}) == {"status.replicas": "3"}
