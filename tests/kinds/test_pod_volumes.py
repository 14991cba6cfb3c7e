from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from tests.kinds.builders import container_pod, creation_errors, pod

LABEL_RULE = "a lowercase RFC 1123 label must consist of"


@pytest.mark.parametrize(
    ("volumes", "path", "message"),
    [
        ([{"emptyDir": {}}], "[0].name", "Required value"),
        ([{"name": "a.b"}], "[0].name", f'Invalid value: "a.b": {LABEL_RULE}'),
        ([{"name": "a"}, {"name": "a"}], "[1].name", 'Duplicate value: "a"'),
        (
            [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}],
            "[0].hostPath",
            "Forbidden: may not specify more than 1 volume type",
        ),
        ([{"name": "a", "hostPath": {}}], "[0].hostPath.path", "Required value"),
        ([{"name": "a", "hostPath": {"path": "/a/.."}}], "[0].hostPath.path", "Invalid value"),
        (
            [{"name": "a", "hostPath": {"path": "/", "type": "x"}}],
            "[0].hostPath.type",
            'Unsupported value: "x"',
        ),
        (
            [{"name": "a", "emptyDir": {"sizeLimit": "-1"}}],
            "[0].emptyDir.sizeLimit",
            'Invalid value: "-1": must be greater than or equal to 0',
        ),
        ([{"name": "a", "secret": {}}], "[0].secret.secretName", "Required value"),
        (
            [{"name": "a", "secret": {"secretName": "s", "defaultMode": 512}}],
            "[0].secret.defaultMode",
            "Invalid value: 512: must be a number between 0 and 0777 (octal)",
        ),
        (
            [{"name": "a", "configMap": {"name": "c", "items": [{"key": "k", "path": "/p"}]}}],
            "[0].configMap.items[0].path",
            'Invalid value: "/p": must be a relative path',
        ),
        ([{"name": "a", "persistentVolumeClaim": {}}], "[0].persistentVolumeClaim.claimName", ""),
        ([{"name": "a", "nfs": {"server": "s"}}], "[0].nfs.path", "Required value"),
        (
            [{"name": "a", "downwardAPI": {"items": [{"path": "p"}]}}],
            "[0].downwardAPI.items[0]",
            "Required value: one of fieldRef and resourceFieldRef is required",
        ),
        (
            [
                {
                    "name": "a",
                    "downwardAPI": {
                        "items": [{"path": "p", "fieldRef": {}, "resourceFieldRef": {}}],
                    },
                }
            ],
            "[0].downwardAPI.items[0]",
            "Invalid value",
        ),
        (
            [
                {
                    "name": "a",
                    "downwardAPI": {
                        "items": [{"path": "p", "fieldRef": {"fieldPath": "status.podIP"}}],
                    },
                }
            ],
            "[0].downwardAPI.items[0].fieldRef.fieldPath",
            'Unsupported value: "status.podIP"',
        ),
        (
            [
                {
                    "name": "a",
                    "downwardAPI": {
                        "items": [{"path": "p", "resourceFieldRef": {"resource": "limits.cpu"}}],
                    },
                }
            ],
            "[0].downwardAPI.items[0].resourceFieldRef.containerName",
            "Required value",
        ),
        (
            [{"name": "a", "projected": {"sources": [{"secret": {}, "configMap": {}}]}}],
            "[0].projected.sources[0]",
            "Forbidden: may not specify more than 1 volume type per source",
        ),
        (
            [{"name": "a", "projected": {"sources": [{"secret": {}}]}}],
            "[0].projected.sources[0].secret.name",
            "Required value",
        ),
        (
            [
                {
                    "name": "a",
                    "projected": {
                        "sources": [{"serviceAccountToken": {"path": "p", "expirationSeconds": 9}}],
                    },
                }
            ],
            "[0].projected.sources[0].serviceAccountToken.expirationSeconds",
            "Invalid value: 9: may not specify a duration less than 10 minutes",
        ),
        (
            [
                {
                    "name": "a",
                    "projected": {
                        "sources": [
                            {"serviceAccountToken": {"path": "p", "expirationSeconds": 2**40}}
                        ],
                    },
                }
            ],
            "[0].projected.sources[0].serviceAccountToken.expirationSeconds",
            "Invalid value: 1099511627776: may not specify a duration larger than",
        ),
        (
            [{"name": "a", "projected": {"sources": [{"downwardAPI": {"items": [{}]}}]}}],
            "[0].projected.sources[0].downwardAPI.items[0].path",
            "Required value",
        ),
    ],
)
def test_a_bad_volume_is_refused(volumes: list[Any], path: str, message: str) -> None:
    errors = creation_errors(POD, pod(volumes=volumes))

    assert any(error.startswith(f"spec.volumes{path}: {message}") for error in errors), errors


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _node_terms(**term: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}


def test_a_volume_without_a_source_is_refused_where_no_default_filled_it_in() -> None:
    bare = pod(volumes=[{"name": "v"}])

    errors = [str(error) for error in POD.validate_create(bare)]

    assert "spec.volumes[0]: Required value: must specify a volume type" in errors


def test_sources_that_are_not_looked_into_are_accepted() -> None:
    projected = {"sources": [{}, {"clusterTrustBundle": {"path": "p"}}]}
    terms = _node_terms(matchExpressions=[{"key": "a", "operator": "In", "values": ["b"]}])
    headers = [{"name": "X-Real-1", "value": "a"}]
    obj = container_pod(livenessProbe={"httpGet": {"port": 1, "httpHeaders": headers}})
    obj["spec"] |= {
        "volumes": [{"name": "v", "projected": projected}],
        "affinity": terms,
        "imagePullSecrets": [{}],
        "securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
    }

    assert creation_errors(POD, obj) == []
