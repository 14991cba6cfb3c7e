"""The rarer rules of a Pod: what excludes what, what refers to what, each volume source's needs."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import POD, SERVICE, STATEFUL_SET
from minikube_py.kinds.core.service_validation import validate_update
from tests.kinds.builders import container_pod, creation_errors, pod, service, workload

MOUNT = {"name": "data", "mountPath": "/data"}
CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "c"}}
SELECTOR = {"matchLabels": {"app": "a"}}


def errors_of(obj: Any) -> list[str]:
    return list(creation_errors(POD, obj))


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ({"awsElasticBlockStore": {}}, "awsElasticBlockStore.volumeID"),
        ({"azureDisk": {"diskName": "d"}}, "azureDisk.diskURI"),
        ({"azureFile": {"secretName": "s"}}, "azureFile.shareName"),
        ({"cephfs": {}}, "cephfs.monitors"),
        ({"cinder": {}}, "cinder.volumeID"),
        ({"csi": {}}, "csi.driver"),
        ({"fc": {}}, "fc.targetWWNs"),
        ({"fc": {"targetWWNs": ["5"]}}, "fc.lun"),
        ({"flexVolume": {}}, "flexVolume.driver"),
        ({"flocker": {}}, "flocker"),
        ({"gcePersistentDisk": {}}, "gcePersistentDisk.pdName"),
        ({"gitRepo": {}}, "gitRepo.repository"),
        ({"glusterfs": {"path": "/p"}}, "glusterfs.endpoints"),
        ({"image": {}}, "image.reference"),
        ({"iscsi": {"iqn": "i"}}, "iscsi.targetPortal"),
        ({"nfs": {"path": "/p"}}, "nfs.server"),
        ({"ephemeral": {}}, "ephemeral.volumeClaimTemplate"),
        ({"photonPersistentDisk": {}}, "photonPersistentDisk.pdID"),
        ({"portworxVolume": {}}, "portworxVolume.volumeID"),
        ({"quobyte": {"volume": "v"}}, "quobyte.registry"),
        ({"rbd": {"monitors": ["m"]}}, "rbd.image"),
        ({"scaleIO": {"gateway": "g", "system": "s"}}, "scaleIO.volumeName"),
        ({"vsphereVolume": {}}, "vsphereVolume.volumePath"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_volume_source_has_what_it_needs(source: dict[str, Any], missing: str) -> None:
    found = errors_of(pod(volumes=[{"name": "a", **source}]))

    assert any(error.startswith(f"spec.volumes[0].{missing}: Required value") for error in found)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ({"nfs": {"server": "s", "path": "p"}}, 'nfs.path: Invalid value: "p"'),
        ({"fc": {"targetWWNs": ["5"], "lun": 1, "wwids": ["w"]}}, "fc.targetWWNs: Invalid value"),
        ({"flocker": {"datasetName": "n", "datasetUUID": "u"}}, "flocker: Invalid value"),
        ({"gitRepo": {"repository": "r", "directory": "../x"}}, "gitRepo.directory: Invalid"),
        ({"image": {"reference": "r", "pullPolicy": "Often"}}, "image.pullPolicy: Unsupported"),
        (
            {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["Any"]}}}},
            "ephemeral.volumeClaimTemplate.spec.accessModes",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_volume_source_may_not_say(source: dict[str, Any], wrong: str) -> None:
    found = errors_of(pod(volumes=[{"name": "a", **source}]))

    assert any(error.startswith(f"spec.volumes[0].{wrong}") for error in found), found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {
                "volumeMounts": [MOUNT],
                "volumeDevices": [{"name": "data", "devicePath": "/dev/x"}],
            },
            'volumeMounts[0].name: Invalid value: "data": must not already exist in volumeDevices',
        ),
        (
            {
                "volumeMounts": [MOUNT],
                "volumeDevices": [{"name": "data", "devicePath": "/data"}],
            },
            'volumeDevices[0].devicePath: Invalid value: "/data": must not already exist as a path '
            "in volumeMounts",
        ),
        (
            {
                "volumeDevices": [
                    {"name": "data", "devicePath": "/a"},
                    {"name": "data", "devicePath": "/a"},
                ]
            },
            'volumeDevices[1].name: Invalid value: "data": must be unique',
        ),
        (
            {"volumeDevices": [{"name": "data", "devicePath": "/a/../b"}]},
            'volumeDevices[0].devicePath: Invalid value: "/a/../b": can not contain backsteps '
            "('..')",
        ),
        (
            {"volumeDevices": [{"name": "scratch", "devicePath": "/a"}]},
            'volumeDevices[0].name: Invalid value: "scratch": can only use volume source type of '
            "PersistentVolumeClaim or Ephemeral for block mode",
        ),
        (
            {"volumeMounts": [{**MOUNT, "mountPropagation": "Bidirectional"}]},
            "volumeMounts[0].mountPropagation: Forbidden: Bidirectional mount propagation is "
            "available only to privileged containers",
        ),
        (
            {"volumeMounts": [{**MOUNT, "recursiveReadOnly": "Sometimes"}]},
            'volumeMounts[0].recursiveReadOnly: Unsupported value: "Sometimes": supported values: '
            '"Disabled", "Enabled", "IfPossible"',
        ),
        (
            {"volumeMounts": [{**MOUNT, "recursiveReadOnly": "Enabled"}]},
            "volumeMounts[0].recursiveReadOnly: Forbidden: may only be specified when readOnly is "
            "true",
        ),
        (
            {
                "volumeMounts": [
                    {
                        **MOUNT,
                        "recursiveReadOnly": "Enabled",
                        "readOnly": True,
                        "mountPropagation": "HostToContainer",
                    }
                ]
            },
            "volumeMounts[0].recursiveReadOnly: Forbidden: may only be specified when "
            "mountPropagation is None or not specified",
        ),
        (
            {"resizePolicy": [{"resourceName": "disk", "restartPolicy": "NotRequired"}]},
            'resizePolicy[0].resourceName: Unsupported value: "disk": supported values: "cpu", '
            '"memory"',
        ),
        (
            {"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}] * 2},
            'resizePolicy[1].resourceName: Duplicate value: "cpu"',
        ),
        (
            {"resources": {"claims": [{"name": "gpu"}]}},
            'resources.claims[0]: Not found: "gpu"',
        ),
        ({"resources": {"claims": [{}]}}, "resources.claims[0]: Required value"),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
            "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
            "terminationGracePeriodSeconds (30)",
        ),
        (
            {
                "securityContext": {
                    "seccompProfile": {"type": "Localhost", "localhostProfile": "/abs.json"}
                }
            },
            'securityContext.seccompProfile.localhostProfile: Invalid value: "/abs.json": must be '
            "a relative path",
        ),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_what_a_container_may_not_say(fields: dict[str, Any], message: str) -> None:
    made = container_pod(**fields)
    made["spec"]["volumes"] = [CLAIM, {"name": "scratch", "emptyDir": {}}]

    assert f"spec.containers[0].{message}" in errors_of(made)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"hostUsers": False, "hostNetwork": True},
            "spec.hostNetwork: Forbidden: when `hostUsers` is false",
        ),
        (
            {"overhead": {"speed": "1"}},
            'spec.overhead.limits[speed]: Invalid value: "speed": must be a standard resource type '
            "or fully qualified",
        ),
        (
            {"schedulingGates": [{"name": "wait.io/x"}], "nodeName": "host"},
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
        (
            {"securityContext": {"sysctls": [{"name": "net.a", "value": "1"}] * 2}},
            'spec.securityContext.sysctls[1].name: Duplicate value: "net.a"',
        ),
        (
            {
                "hostNetwork": True,
                "securityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies"}]},
            },
            'spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.tcp_syncookies": may '
            "not be set when 'hostNetwork' is true",
        ),
        (
            {
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "zone",
                        "whenUnsatisfiable": "DoNotSchedule",
                        "matchLabelKeys": ["app"],
                    }
                ]
            },
            "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified "
            "when labelSelector is not set",
        ),
        (
            {
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "zone",
                        "whenUnsatisfiable": "DoNotSchedule",
                        "matchLabelKeys": ["app"],
                        "labelSelector": SELECTOR,
                    }
                ]
            },
            'spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: "app": exists in '
            "both matchLabelKeys and labelSelector",
        ),
        (
            {
                "affinity": {
                    "podAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {"topologyKey": "zone", "mismatchLabelKeys": ["app"]}
                        ]
                    }
                }
            },
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
            ".mismatchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
        ),
        (
            {"resourceClaims": [{"name": "gpu"}]},
            'spec.resourceClaims[0]: Invalid value: {"name":"gpu"}: must specify one of: '
            "`resourceClaimName`, `resourceClaimTemplateName`",
        ),
        (
            {
                "resourceClaims": [
                    {
                        "name": "gpu",
                        "resourceClaimName": "a",
                        "resourceClaimTemplateName": "b",
                    }
                ]
            },
            'spec.resourceClaims[0]: Invalid value: {"name":"gpu","resourceClaimName":"a",'
            '"resourceClaimTemplateName":"b"}: at most one of `resourceClaimName` or '
            "`resourceClaimTemplateName` may be specified",
        ),
        ({"resourceClaims": [{}]}, "spec.resourceClaims[0].name: Required value"),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_what_a_pod_may_not_say(spec: dict[str, Any], message: str) -> None:
    assert message in errors_of(pod(**spec))


def test_a_pod_that_uses_it_all_rightly() -> None:
    made = container_pod(
        volumeDevices=[{"name": "data", "devicePath": "/dev/x"}],
        volumeMounts=[
            {"name": "scratch", "mountPath": "/s", "recursiveReadOnly": "Enabled", "readOnly": True}
        ],
        resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        resources={"claims": [{"name": "gpu"}]},
        lifecycle={"preStop": {"sleep": {"seconds": 30}}},
    )
    made["spec"] |= {
        "volumes": [
            CLAIM,
            {"name": "scratch", "emptyDir": {}},
            {"name": "wide", "fc": {"wwids": ["w"]}},
            {"name": "set", "flocker": {"datasetName": "n"}},
        ],
        "hostUsers": False,
        "overhead": {"cpu": "10m"},
        "schedulingGates": [{"name": "wait.io/x"}],
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "one"}],
    }

    assert errors_of(made) == []


def test_a_claim_used_twice_by_one_container_is_a_double() -> None:
    made = container_pod(resources={"claims": [{"name": "gpu"}, {"name": "gpu"}]})
    made["spec"]["resourceClaims"] = [{"name": "gpu", "resourceClaimName": "one"}]

    assert errors_of(made) == ['spec.containers[0].resources.claims[1]: Duplicate value: "gpu"']


def test_a_stateful_sets_claims_may_be_devices() -> None:
    device = {"name": "main", "image": "a", "volumeDevices": [{"name": "d", "devicePath": "/d"}]}
    made = workload(
        STATEFUL_SET,
        volumeClaimTemplates=[
            {
                "metadata": {"name": "d"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }
        ],
    )
    made["spec"]["template"]["spec"]["containers"] = [device]

    assert creation_errors(STATEFUL_SET, made) == []


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"clusterIP": "a", "clusterIPs": ["a", "b", "c"]}, "spec.clusterIPs"),
        ({"type": "LoadBalancer", "loadBalancerClass": "a b"}, "spec.loadBalancerClass"),
        ({"type": "LoadBalancer", "healthCheckNodePort": 30000}, "spec.healthCheckNodePort"),
    ],
)
def test_what_a_service_may_not_say(spec: dict[str, Any], field: str) -> None:
    found = creation_errors(SERVICE, service(**spec))

    assert any(error.startswith(f"{field}: ") for error in found), found


def test_what_stays_of_a_load_balancer() -> None:
    old = service(type="LoadBalancer", loadBalancerClass="a/b", healthCheckNodePort=30000)
    other = service(type="LoadBalancer", loadBalancerClass="a/c", healthCheckNodePort=30001)

    assert [error.field for error in validate_update(other, old)] == [
        "spec.loadBalancerClass",
        "spec.healthCheckNodePort",
    ]
    assert validate_update(service(type="NodePort"), old) == []
    assert validate_update(old, service(type="NodePort")) == []
