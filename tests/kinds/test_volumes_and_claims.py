from typing import Any

import pytest

from minikube_py.kinds import catalog
from tests.kinds.builders import creation_errors, of, update_errors


def _claim(**spec: Any) -> dict[str, Any]:
    size = {"requests": {"storage": "1Gi"}}
    return of(
        catalog.PERSISTENT_VOLUME_CLAIM,
        spec={"accessModes": ["ReadWriteOnce"], "resources": size, **spec},
    )


def _volume(**spec: Any) -> dict[str, Any]:
    base = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/srv"},
    }
    merged = {**base, **spec}
    return of(
        catalog.PERSISTENT_VOLUME,
        spec={name: value for name, value in merged.items() if value is not None},
    )


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"accessModes": []}, "spec.accessModes", "Required value"),
        ({"accessModes": ["x"]}, "spec.accessModes", 'Unsupported value: "x"'),
        ({"capacity": {}}, "spec.capacity", "Required value"),
        ({"capacity": {"cpu": "1"}}, "spec.capacity", 'Unsupported value: ["cpu"]'),
        (
            {"capacity": {"storage": "0"}},
            "spec.capacity[storage]",
            'Invalid value: "0": must be greater',
        ),
        ({"hostPath": None}, "spec", "Required value: must specify a volume type"),
        ({"nfs": {}}, "spec.nfs", "Forbidden: may not specify more than 1 volume type"),
        ({"hostPath": {}}, "spec.hostPath.path", "Required value"),
        ({"hostPath": {"path": "/a/../b"}}, "spec.hostPath.path", "Invalid value"),
        ({"hostPath": None, "local": {"path": "/a"}}, "spec.nodeAffinity", "Required value: Local"),
        ({"nodeAffinity": {"required": {}}}, "spec.nodeAffinity.required.nodeSelectorTerms", "Req"),
        ({"storageClassName": "A"}, "spec.storageClassName", "Invalid value"),
        ({"hostPath": None, "nfs": {"server": "s"}}, "spec.nfs.path", "Required value"),
        ({"hostPath": None, "csi": {"driver": "d"}}, "spec.csi.volumeHandle", "Required value"),
        ({"hostPath": None, "local": {}}, "spec.local.path", "Required value"),
        ({"hostPath": None, "local": {"path": "/a/.."}}, "spec.local.path", "Invalid value"),
        (
            {"hostPath": {"path": "/"}, "persistentVolumeReclaimPolicy": "Recycle"},
            "spec.persistentVolumeReclaimPolicy",
            "Forbidden: may not be 'recycle' for a hostPath mount of '/'",
        ),
        ({"volumeMode": "x"}, "spec.volumeMode", 'Unsupported value: "x"'),
        (
            {"persistentVolumeReclaimPolicy": "x"},
            "spec.persistentVolumeReclaimPolicy",
            'Unsupported value: "x": supported values: "Delete", "Recycle", "Retain"',
        ),
    ],
)
def test_a_bad_volume_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(catalog.PERSISTENT_VOLUME, _volume(**spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"accessModes": []}, "spec.accessModes", "Required value: at least 1 access mode"),
        ({"resources": {}}, "spec.resources[storage]", "Required value"),
        (
            {"resources": {"requests": {"storage": "0"}}},
            "spec.resources[storage]",
            'Invalid value: "0": must be greater than zero',
        ),
        ({"storageClassName": "A"}, "spec.storageClassName", "Invalid value"),
        ({"volumeMode": "x"}, "spec.volumeMode", 'Unsupported value: "x"'),
        ({"selector": {"matchLabels": {"a b": ""}}}, "spec.selector.matchLabels", "Invalid value"),
        ({"dataSource": {"kind": "x"}}, "spec.dataSource.name", "Required value"),
    ],
)
def test_a_bad_claim_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(catalog.PERSISTENT_VOLUME_CLAIM, _claim(**spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_a_claim_is_bound_once_and_may_grow_when_it_is() -> None:
    kind, old = catalog.PERSISTENT_VOLUME_CLAIM, _claim()
    bound = {**_claim(volumeName="v", storageClassName="s"), "status": {"phase": "Bound"}}
    grown = _claim(volumeName="v", storageClassName="s", resources={"requests": {"storage": "2Gi"}})

    assert creation_errors(kind, old) == []
    assert update_errors(kind, bound, old) == []
    assert update_errors(kind, grown, bound) == []
    assert update_errors(kind, bound, {**grown, "status": {"phase": "Bound"}}) == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]
    assert update_errors(kind, _claim(volumeName="w"), bound)[0].startswith(
        "spec: Forbidden: spec is immutable after creation except resources.requests"
    )
    assert update_errors(kind, _claim(accessModes=["ReadOnlyMany"]), old)[0].startswith(
        "spec: Forbidden: spec is immutable after creation"
    )


def test_the_source_of_a_volume_stays() -> None:
    kind, old = catalog.PERSISTENT_VOLUME, _volume()

    assert update_errors(kind, _volume(claimRef={"name": "c"}), old) == []
    assert update_errors(kind, _volume(hostPath={"path": "/other"}), old) == [
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after "
        "creation"
    ]
    assert update_errors(kind, _volume(volumeMode="Block"), old) == [
        'spec.volumeMode: Invalid value: "Block": field is immutable'
    ]
    terms: dict[str, Any] = {"required": {"nodeSelectorTerms": [{"matchExpressions": []}]}}
    assert update_errors(kind, _volume(nodeAffinity=terms), old) == []
    assert update_errors(kind, old, _volume(nodeAffinity=terms)) == [
        "spec.nodeAffinity: Invalid value: null: field is immutable"
    ]


def test_a_storage_class_stays_as_it_is() -> None:
    kind = catalog.STORAGE_CLASS
    old = of(kind, provisioner="a", parameters={"x": "y"})
    new = of(
        kind, provisioner="b", reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer"
    )

    assert update_errors(kind, old, old) == []
    assert update_errors(kind, new, old) == [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
        "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]
