from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from minikube_py.meta.errors import Invalid
from tests.kinds.builders import CONTAINER, container_pod, creation_errors, pod, update_errors

C0 = "spec.containers[0]"
RANGE = "must be between 1 and 65535, inclusive"
LABEL_RULE = "a lowercase RFC 1123 label must consist of"


def test_a_small_pod_is_valid() -> None:
    assert creation_errors(POD, pod()) == []


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
        ({"restartPolicy": "Always"}, "restartPolicy", "Forbidden: may not be set for non-init"),
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
            "lifecycle.preStop.sleep.seconds",
            "Invalid value: -1: must be greater than or equal to 0",
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


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"containers": []}, "spec.containers", "Required value"),
        ({"containers": [CONTAINER, CONTAINER]}, "spec.containers[1].name", "Duplicate value"),
        ({"initContainers": [CONTAINER]}, "spec.initContainers[0].name", "Duplicate value"),
        (
            {"initContainers": [{"name": "i", "image": "i", "restartPolicy": "Never"}]},
            "spec.initContainers[0].restartPolicy",
            'Unsupported value: "Never": supported values: "Always"',
        ),
        (
            {
                "initContainers": [
                    {"name": "i", "image": "i", "readinessProbe": {"grpc": {"port": 1}}}
                ]
            },
            "spec.initContainers[0].readinessProbe",
            "Forbidden: may not be set for init containers without restartPolicy=Always",
        ),
        (
            {"restartPolicy": "x"},
            "spec.restartPolicy",
            'Unsupported value: "x": supported values: "Always", "Never", "OnFailure"',
        ),
        ({"dnsPolicy": "x"}, "spec.dnsPolicy", 'Unsupported value: "x"'),
        ({"dnsPolicy": "None"}, "spec.dnsConfig", "Required value: must provide `dnsConfig`"),
        (
            {"dnsPolicy": "None", "dnsConfig": {"searches": ["a"]}},
            "spec.dnsConfig.nameservers",
            "Required value: must provide at least one DNS nameserver",
        ),
        (
            {"dnsConfig": {"nameservers": ["1.1.1.1"] * 4}},
            "spec.dnsConfig.nameservers",
            'Invalid value: ["1.1.1.1","1.1.1.1","1.1.1.1","1.1.1.1"]: must not have more than 3',
        ),
        (
            {"dnsConfig": {"nameservers": ["x"]}},
            "spec.dnsConfig.nameservers[0]",
            'Invalid value: "x": must be a valid IP address',
        ),
        ({"dnsConfig": {"searches": ["A"]}}, "spec.dnsConfig.searches[0]", 'Invalid value: "A"'),
        ({"dnsConfig": {"searches": ["a"] * 33}}, "spec.dnsConfig.searches", "Too many: 33"),
        ({"dnsConfig": {"options": [{}]}}, "spec.dnsConfig.options[0]", "Required value"),
        (
            {"activeDeadlineSeconds": 0},
            "spec.activeDeadlineSeconds",
            "Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        ({"hostname": "a.b"}, "spec.hostname", f'Invalid value: "a.b": {LABEL_RULE}'),
        ({"imagePullSecrets": [{"name": "A"}]}, "spec.imagePullSecrets[0].name", "Invalid value"),
        ({"preemptionPolicy": "x"}, "spec.preemptionPolicy", 'Unsupported value: "x"'),
        (
            {"hostPID": True, "shareProcessNamespace": True},
            "spec.securityContext.shareProcessNamespace",
            "Invalid value: true: ShareProcessNamespace and HostPID",
        ),
        ({"securityContext": {"fsGroup": -1}}, "spec.securityContext.fsGroup", "Invalid value: -1"),
        (
            {"securityContext": {"supplementalGroups": [-1]}},
            "spec.securityContext.supplementalGroups[0]",
            "Invalid value: -1",
        ),
        (
            {"securityContext": {"sysctls": [{}, {"name": "A"}]}},
            "spec.securityContext.sysctls[1].name",
            'Invalid value: "A"',
        ),
        ({"nodeSelector": {"a b": "c"}}, "spec.nodeSelector", 'Invalid value: "a b"'),
        (
            {"tolerations": [{"operator": "Equal", "value": "x"}]},
            "spec.tolerations[0].operator",
            'Invalid value: "Equal": operator must be Exists when `key` is empty',
        ),
        (
            {"tolerations": [{"key": "a", "operator": "Exists", "value": "x"}]},
            "spec.tolerations[0].operator",
            "Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
        ),
        (
            {"tolerations": [{"key": "a", "operator": "x"}]},
            "spec.tolerations[0].operator",
            'Unsupported value: "x": supported values: "Equal", "Exists"',
        ),
        (
            {"tolerations": [{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 1}]},
            "spec.tolerations[0].effect",
            "Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds`",
        ),
        (
            {"hostAliases": [{"ip": "x", "hostnames": ["a"]}]},
            "spec.hostAliases[0].ip",
            'Invalid value: "x": must be a valid IP address',
        ),
        (
            {"hostAliases": [{"ip": "1.1.1.1", "hostnames": ["A"]}]},
            "spec.hostAliases[0].hostnames[0]",
            'Invalid value: "A"',
        ),
        ({"readinessGates": [{"conditionType": ""}]}, "spec.readinessGates[0].conditionType", ""),
        (
            {"schedulingGates": [{"name": "a"}, {"name": "a"}]},
            "spec.schedulingGates[1].name",
            'Duplicate value: "a"',
        ),
        ({"os": {"name": "bsd"}}, "spec.os.name", 'Unsupported value: "bsd"'),
        (
            {
                "hostNetwork": True,
                "containers": [
                    {**CONTAINER, "ports": [{"containerPort": 1, "hostPort": 2}]},
                ],
            },
            "spec.containers[0].ports[0].containerPort",
            "Invalid value: 1: must match `containerPort` when `hostNetwork` is true",
        ),
    ],
)
def test_a_bad_pod_spec_is_refused(spec: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(POD, pod(**spec))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


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


TERM = "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def _node_terms(**term: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}


@pytest.mark.parametrize(
    ("affinity", "path", "message"),
    [
        (
            {"nodeAffinity": {REQUIRED: {}}},
            TERM,
            "Required value: must have at least one node selector term",
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "x"}]),
            f"{TERM}[0].matchExpressions[0].operator",
            'Invalid value: "x": not a valid selector operator',
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "In"}]),
            f"{TERM}[0].matchExpressions[0].values",
            "Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "Exists", "values": ["b"]}]),
            f"{TERM}[0].matchExpressions[0].values",
            "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "Gt", "values": []}]),
            f"{TERM}[0].matchExpressions[0].values",
            "Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        ),
        (
            _node_terms(matchFields=[{"key": "a", "operator": "In", "values": ["b"]}]),
            f"{TERM}[0].matchFields[0].key",
            'Invalid value: "a": not a valid field selector key',
        ),
        (
            _node_terms(matchFields=[{"key": "metadata.name", "operator": "Gt", "values": ["b"]}]),
            f"{TERM}[0].matchFields[0].operator",
            'Invalid value: "Gt"',
        ),
        (
            _node_terms(matchFields=[{"key": "metadata.name", "operator": "In", "values": []}]),
            f"{TERM}[0].matchFields[0].values",
            "Required value: must be only one value",
        ),
        (
            _node_terms(matchFields=[{"key": "metadata.name", "operator": "In", "values": ["B"]}]),
            f"{TERM}[0].matchFields[0].values[0]",
            'Invalid value: "B"',
        ),
        (
            {"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}},
            f"nodeAffinity.{PREFERRED}[0].weight",
            "Invalid value: 101: must be in the range 1-100",
        ),
        (
            {"podAffinity": {REQUIRED: [{}]}},
            f"podAffinity.{REQUIRED}[0].topologyKey",
            "Required value: can not be empty",
        ),
        (
            {
                "podAntiAffinity": {
                    PREFERRED: [
                        {"weight": 1, "podAffinityTerm": {"topologyKey": "a", "namespaces": ["A"]}}
                    ]
                }
            },
            f"podAntiAffinity.{PREFERRED}[0].podAffinityTerm.namespaces[0]",
            'Invalid value: "A"',
        ),
    ],
)
def test_a_bad_affinity_is_refused(affinity: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(POD, pod(affinity=affinity))

    assert any(error.startswith(f"spec.affinity.{path}: {message}") for error in errors), errors


def _constraint(**changes: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", **changes}


@pytest.mark.parametrize(
    ("constraints", "path", "message"),
    [
        ([_constraint(maxSkew=0)], "[0].maxSkew", "Invalid value: 0: must be greater than zero"),
        ([_constraint(topologyKey="")], "[0].topologyKey", "Required value: can not be empty"),
        (
            [_constraint(whenUnsatisfiable="x")],
            "[0].whenUnsatisfiable",
            'Unsupported value: "x": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
        ([_constraint(minDomains=0)], "[0].minDomains", "Invalid value: 0"),
        (
            [_constraint(minDomains=2, whenUnsatisfiable="ScheduleAnyway")],
            "[0].minDomains",
            "Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule",
        ),
        ([_constraint(nodeTaintsPolicy="x")], "[0].nodeTaintsPolicy", 'Unsupported value: "x"'),
        (
            [_constraint(), _constraint()],
            "[1].{topologyKey, whenUnsatisfiable}",
            'Duplicate value: "{zone, DoNotSchedule}"',
        ),
    ],
)
def test_a_bad_spread_is_refused(constraints: list[Any], path: str, message: str) -> None:
    errors = creation_errors(POD, pod(topologySpreadConstraints=constraints))

    wanted = f"spec.topologySpreadConstraints{path}: {message}"
    assert any(error.startswith(wanted) for error in errors), errors


def test_a_rich_but_right_pod_is_valid() -> None:
    rich = pod(
        volumes=[{"name": "v"}, {"name": "odd", "csi": {"driver": "a.b"}}],
        initContainers=[
            {
                "name": "side",
                "image": "s",
                "restartPolicy": "Always",
                "startupProbe": {"grpc": {"port": 1}},
            }
        ],
        containers=[
            {
                **CONTAINER,
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                "env": [
                    {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}
                ],
                "resources": {"limits": {"a.b/gpu": 1, "cpu": 1}},
            }
        ],
        dnsPolicy="None",
        dnsConfig={"nameservers": ["1.1.1.1"], "searches": [".", "_a.b."]},
        affinity=_node_terms(
            matchFields=[{"key": "metadata.name", "operator": "In", "values": ["n"]}]
        ),
        topologySpreadConstraints=[_constraint(minDomains=1)],
        tolerations=[{"operator": "Exists"}],
    )

    assert creation_errors(POD, rich) == []


def test_a_new_pod_brings_no_ephemeral_containers() -> None:
    with pytest.raises(
        Invalid, match=r"spec.ephemeralContainers: Forbidden: cannot be set on create"
    ):
        creation_errors(POD, pod(ephemeralContainers=[CONTAINER]))


def test_an_ephemeral_container_has_no_ports() -> None:
    old = pod()
    new = pod(ephemeralContainers=[{"name": "e", "image": "e", "ports": [{"containerPort": 1}]}])

    errors = update_errors(POD, new, old)

    at = "spec.ephemeralContainers[0].ports"
    assert errors[0] == f"{at}: Forbidden: cannot be set for an Ephemeral Container"


def test_a_mirror_pod_names_its_node() -> None:
    obj = pod(metadata_={"name": "a", "annotations": {"kubernetes.io/config.mirror": "x"}})

    assert "must set spec.nodeName" in creation_errors(POD, obj)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [{**CONTAINER, "image": "app:2"}]},
        {"activeDeadlineSeconds": 5},
        {"tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]},
    ],
)
def test_some_fields_of_a_pod_may_change(change: dict[str, Any]) -> None:
    old = pod(tolerations=[{"key": "a", "operator": "Exists"}])
    new = pod(**{"tolerations": [{"key": "a", "operator": "Exists"}], **change})

    assert update_errors(POD, new, old) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            pod(),
            pod(hostname="x"),
            "spec: Forbidden: pod updates may not change fields other than `spec.contai",
        ),
        (
            pod(),
            pod(containers=[CONTAINER, {"name": "b", "image": "b"}]),
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            pod(activeDeadlineSeconds=5),
            pod(activeDeadlineSeconds=6),
            "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous",
        ),
        (
            pod(activeDeadlineSeconds=5),
            pod(),
            "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive",
        ),
        (
            pod(tolerations=[{"key": "a", "operator": "Exists"}]),
            pod(),
            "spec.tolerations: Forbidden: existing tolerations can not be removed",
        ),
        (
            pod(tolerations=[{"key": "a", "operator": "Exists"}]),
            pod(tolerations=[{"key": "b", "operator": "Exists"}]),
            "spec.tolerations: Forbidden: existing toleration can not be modified",
        ),
        (
            pod(),
            pod(schedulingGates=[{"name": "g"}]),
            "spec.schedulingGates: Forbidden: only deletion is allowed, but found new",
        ),
    ],
)
def test_the_rest_of_a_pod_is_fixed(old: Any, new: Any, message: str) -> None:
    assert update_errors(POD, new, old)[0].startswith(message)


def test_only_the_seconds_of_a_toleration_may_change() -> None:
    toleration = {"key": "a", "operator": "Exists", "effect": "NoExecute"}
    old, new = (
        pod(tolerations=[toleration]),
        pod(tolerations=[{**toleration, "tolerationSeconds": 5}]),
    )

    assert update_errors(POD, new, old) == []


def test_a_volume_without_a_source_is_refused_where_no_default_filled_it_in() -> None:
    bare = pod(volumes=[{"name": "v"}])

    errors = [str(error) for error in POD.validate_create(bare)]

    assert "spec.volumes[0]: Required value: must specify a volume type" in errors


def test_a_field_reference_names_its_version() -> None:
    bare = container_pod(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}])

    errors = [str(error) for error in POD.validate_create(bare)]

    assert f"{C0}.env[0].valueFrom.fieldRef.apiVersion: Required value" in errors


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


def test_a_deadline_may_be_shortened() -> None:
    assert update_errors(POD, pod(activeDeadlineSeconds=3), pod(activeDeadlineSeconds=5)) == []


def test_a_grace_period_that_was_negative_may_become_one() -> None:
    old = pod(terminationGracePeriodSeconds=30)
    POD.default(old)
    old["spec"]["terminationGracePeriodSeconds"] = -1
    new = pod(terminationGracePeriodSeconds=1)
    POD.default(new)

    assert list(POD.validate_update(new, old)) == []
