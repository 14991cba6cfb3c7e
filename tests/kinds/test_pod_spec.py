from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from minikube_py.meta.errors import Invalid
from tests.kinds.builders import CONTAINER, container_pod, creation_errors, pod, update_errors

C0 = "spec.containers[0]"


LABEL_RULE = "a lowercase RFC 1123 label must consist of"


def test_a_small_pod_is_valid() -> None:
    assert creation_errors(POD, pod()) == []


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"containers": []}, "spec.containers", "Required value"),
        ({"containers": [CONTAINER, CONTAINER]}, "spec.containers[1].name", "Duplicate value"),
        ({"initContainers": [CONTAINER]}, "spec.initContainers[0].name", "Duplicate value"),
        (
            {"initContainers": [{"name": "i", "image": "i", "restartPolicy": "Once"}]},
            "spec.initContainers[0].restartPolicy",
            'Unsupported value: "Once": supported values: "Always", "Never", "OnFailure"',
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


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _node_terms(**term: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}


def _constraint(**changes: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", **changes}


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


def test_a_field_reference_names_its_version() -> None:
    bare = container_pod(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}])

    errors = [str(error) for error in POD.validate_create(bare)]

    assert f"{C0}.env[0].valueFrom.fieldRef.apiVersion: Required value" in errors
