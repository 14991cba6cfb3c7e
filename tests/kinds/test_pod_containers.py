from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from tests.kinds.builders import CONTAINER, container_pod, creation_errors, pod

C0 = "spec.containers[0]"


RANGE = "must be between 1 and 65535, inclusive"


LABEL_RULE = "a lowercase RFC 1123 label must consist of"


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"name": ""}, "name", "Required value"),
        ({"name": "A"}, "name", f'Invalid value: "A": {LABEL_RULE}'),
        ({"image": ""}, "image", "Required value"),
        ({"image": " a"}, "image", 'Invalid value: " a": must not have leading or trailing'),
        (
            {"imagePullPolicy": "x"},
            "imagePullPolicy",
            'Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"',
        ),
        (
            {"restartPolicy": "Sometimes"},
            "restartPolicy",
            'Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
        ),
        ({"ports": [{}]}, "ports[0].containerPort", "Required value"),
        (
            {"ports": [{"containerPort": 70000}]},
            "ports[0].containerPort",
            f"Invalid value: 70000: {RANGE}",
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "tcp"}]},
            "ports[0].protocol",
            'Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            "ports[1].name",
            'Duplicate value: "a"',
        ),
        (
            {"ports": [{"containerPort": 1, "name": "80"}]},
            "ports[0].name",
            'Invalid value: "80": must contain at least one letter',
        ),
        (
            {
                "ports": [
                    {"containerPort": 1, "hostPort": 8},
                    {"containerPort": 2, "hostPort": 8},
                ]
            },
            "ports[1].hostPort",
            'Duplicate value: "TCP//8"',
        ),
        ({"env": [{"value": "x"}]}, "env[0].name", "Required value"),
        ({"env": [{"name": "a=b"}]}, "env[0].name", 'Invalid value: "a=b": a valid environment'),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            "env[0].valueFrom",
            'Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
            "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ),
        (
            {"env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"key": "k"}}}]},
            "env[0].valueFrom",
            'Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {
                "env": [
                    {
                        "name": "A",
                        "valueFrom": {
                            "secretKeyRef": {"key": "k"},
                            "configMapKeyRef": {"key": "k"},
                        },
                    }
                ]
            },
            "env[0].valueFrom",
            'Invalid value: "": may not have more than one field specified at a time',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x"}}}]},
            "env[0].valueFrom.configMapKeyRef.key",
            "Required value",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]},
            "env[0].valueFrom.fieldRef.fieldPath",
            'Invalid value: "spec.x": error converting fieldPath: field label not supported',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]},
            "env[0].valueFrom.fieldRef.fieldPath",
            'Unsupported value: "metadata.labels": supported values: "metadata.name"',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {}}}]},
            "env[0].valueFrom.fieldRef.fieldPath",
            "Required value",
        ),
        (
            {
                "env": [
                    {
                        "name": "A",
                        "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a b']"}},
                    }
                ]
            },
            "env[0].valueFrom.fieldRef",
            'Invalid value: "a b": name part must consist of',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.x"}}}]},
            "env[0].valueFrom.resourceFieldRef.resource",
            'Unsupported value: "limits.x"',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {}}}]},
            "env[0].valueFrom.resourceFieldRef.resource",
            "Required value",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"key": "k", "path": "p"}}}]},
            "env[0].valueFrom.fileKeyRef.volumeName",
            "Required value",
        ),
        (
            {"envFrom": [{"prefix": "a=", "secretRef": {"name": "x"}}]},
            "envFrom[0].prefix",
            'Invalid value: "a="',
        ),
        (
            {"envFrom": [{}]},
            "envFrom[0]",
            'Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
        ),
        (
            {"envFrom": [{"secretRef": {"name": "x"}, "configMapRef": {"name": "x"}}]},
            "envFrom[0]",
            'Invalid value: "": may not have more than one field specified at a time',
        ),
        ({"envFrom": [{"secretRef": {}}]}, "envFrom[0].secretRef.name", "Required value"),
        (
            {"volumeMounts": [{"name": "x", "mountPath": "/x"}]},
            "volumeMounts[0].name",
            'Not found: "x"',
        ),
        ({"volumeMounts": [{"mountPath": "/x"}]}, "volumeMounts[0].name", "Required value"),
        ({"volumeDevices": [{"name": "x"}]}, "volumeDevices[0].devicePath", "Required value"),
        ({"livenessProbe": {}}, "livenessProbe", "Required value: must specify a handler type"),
        (
            {"livenessProbe": {"exec": {"command": ["a"]}, "grpc": {"port": 1}}},
            "livenessProbe.grpc",
            "Forbidden: may not specify more than 1 handler type",
        ),
        ({"livenessProbe": {"exec": {}}}, "livenessProbe.exec.command", "Required value"),
        (
            {"livenessProbe": {"httpGet": {"port": 0}}},
            "livenessProbe.httpGet.port",
            f"Invalid value: 0: {RANGE}",
        ),
        (
            {"livenessProbe": {"httpGet": {"port": "web!"}}},
            "livenessProbe.httpGet.port",
            'Invalid value: "web!": must contain only alpha-numeric characters',
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 1, "scheme": "ftp"}}},
            "livenessProbe.httpGet.scheme",
            'Unsupported value: "ftp": supported values: "HTTP", "HTTPS"',
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 1, "httpHeaders": [{"name": "a b"}]}}},
            "livenessProbe.httpGet.httpHeaders[0]",
            'Invalid value: "a b": a valid HTTP header must consist of',
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": -1}},
            "livenessProbe.periodSeconds",
            "Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
            "livenessProbe.successThreshold",
            "Invalid value: 2: must be 1",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": 0}},
            "livenessProbe.terminationGracePeriodSeconds",
            "Invalid value: 0: must be greater than 0",
        ),
        (
            {"readinessProbe": {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": 9}},
            "readinessProbe.terminationGracePeriodSeconds",
            "Invalid value: 9: must not be set for readinessProbes",
        ),
        (
            {"lifecycle": {"preStop": {}}},
            "lifecycle.preStop",
            "Required value: must specify a handler type",
        ),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": -1}}}},
            "lifecycle.preStop.sleep",
            "Invalid value: -1: must be non-negative and less than "
            "terminationGracePeriodSeconds (30)",
        ),
        (
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            "resources.requests",
            'Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            {"resources": {"limits": {"memory": "-1"}}},
            "resources.limits[memory]",
            'Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"resources": {"limits": {"cpus": "1"}}},
            "resources.limits[cpus]",
            'Invalid value: "cpus": must be a standard resource type or fully qualified',
        ),
        (
            {"resources": {"limits": {"a.b/gpu": "500m"}}},
            "resources.limits[a.b/gpu]",
            'Invalid value: "500m": must be an integer',
        ),
        (
            {"resources": {"requests": {"a.b/gpu": "1"}}},
            "resources.requests[a.b/gpu]",
            'Invalid value: "1": Limit must be set for non overcommitable resources',
        ),
        (
            {"resources": {"requests": {"a.b/gpu": "1"}, "limits": {"a.b/gpu": "2"}}},
            "resources.requests",
            'Invalid value: "1": must be equal to a.b/gpu limit of 2',
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            "securityContext.runAsUser",
            "Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
        (
            {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
            "securityContext",
            "Invalid value: false: cannot set `allowPrivilegeEscalation` to false and `privileged`",
        ),
        (
            {
                "securityContext": {
                    "capabilities": {"add": ["SYS_ADMIN"]},
                    "allowPrivilegeEscalation": False,
                }
            },
            "securityContext.allowPrivilegeEscalation",
            "Invalid value: false: cannot set `allowPrivilegeEscalation` to false and `capabil",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
            "securityContext.seccompProfile.localhostProfile",
            "Required value: must be set when profile type is Localhost",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "x", "localhostProfile": "y"}}},
            "securityContext.seccompProfile.type",
            'Unsupported value: "x"',
        ),
    ],
)
def test_a_bad_container_is_refused(fields: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(POD, container_pod(**fields))

    assert any(error.startswith(f"{C0}.{path}: {message}") for error in errors), errors


MOUNT_SPEC: dict[str, Any] = {"volumes": [{"name": "v"}]}


@pytest.mark.parametrize(
    ("mounts", "path", "message"),
    [
        ([{"name": "v"}], "[0].mountPath", "Required value"),
        (
            [{"name": "v", "mountPath": "/x"}, {"name": "v", "mountPath": "/x"}],
            "[1].mountPath",
            'Invalid value: "/x": must be unique',
        ),
        (
            [{"name": "v", "mountPath": "/x", "subPath": "/a"}],
            "[0].subPath",
            'Invalid value: "/a": must be a relative path',
        ),
        (
            [{"name": "v", "mountPath": "/x", "subPath": "a/../b"}],
            "[0].subPath",
            "Invalid value: \"a/../b\": must not contain '..'",
        ),
        (
            [{"name": "v", "mountPath": "/x", "subPath": "a", "subPathExpr": "b"}],
            "[0].subPathExpr",
            'Invalid value: "b": subPathExpr and subPath are mutually exclusive',
        ),
        (
            [{"name": "v", "mountPath": "/x", "mountPropagation": "y"}],
            "[0].mountPropagation",
            'Unsupported value: "y"',
        ),
    ],
)
def test_a_bad_mount_is_refused(mounts: list[Any], path: str, message: str) -> None:
    obj = pod(containers=[{**CONTAINER, "volumeMounts": mounts}], **MOUNT_SPEC)

    errors = creation_errors(POD, obj)

    assert len(errors) == 1
    assert errors[0].startswith(f"{C0}.volumeMounts{path}: {message}")
