from datetime import UTC, datetime
from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from tests.kinds.builders import of

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
CREATED = "2026-01-31T11:58:30Z"


def cells(kind: Kind, obj: dict[str, Any], *, wide: bool = False) -> dict[str, Any]:
    obj = {
        **obj,
        "metadata": {"name": "a", "creationTimestamp": CREATED, **obj.get("metadata", {})},
    }
    return {
        column.name.upper(): column.value(obj, NOW)
        for column in kind.columns
        if wide or column.priority == 0
    }


HEADERS = {
    catalog.NAMESPACE: "NAME STATUS AGE",
    catalog.NODE: "NAME STATUS ROLES AGE VERSION",
    catalog.POD: "NAME READY STATUS RESTARTS AGE",
    catalog.SERVICE: "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE",
    catalog.ENDPOINTS: "NAME ENDPOINTS AGE",
    catalog.CONFIG_MAP: "NAME DATA AGE",
    catalog.SECRET: "NAME TYPE DATA AGE",
    catalog.PERSISTENT_VOLUME: (
        "NAME CAPACITY ACCESS_MODES RECLAIM_POLICY STATUS CLAIM STORAGECLASS "
        "VOLUMEATTRIBUTESCLASS REASON AGE"
    ),
    catalog.PERSISTENT_VOLUME_CLAIM: (
        "NAME STATUS VOLUME CAPACITY ACCESS_MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE"
    ),
    catalog.SERVICE_ACCOUNT: "NAME SECRETS AGE",
    catalog.EVENT: "LAST_SEEN TYPE REASON OBJECT MESSAGE",
    catalog.DEPLOYMENT: "NAME READY UP-TO-DATE AVAILABLE AGE",
    catalog.REPLICA_SET: "NAME DESIRED CURRENT READY AGE",
    catalog.STATEFUL_SET: "NAME READY AGE",
    catalog.CONTROLLER_REVISION: "NAME CONTROLLER REVISION AGE",
    catalog.INGRESS: "NAME CLASS HOSTS ADDRESS PORTS AGE",
    catalog.INGRESS_CLASS: "NAME CONTROLLER PARAMETERS AGE",
    catalog.STORAGE_CLASS: (
        "NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE"
    ),
    catalog.LEASE: "NAME HOLDER AGE",
    catalog.ENDPOINT_SLICE: "NAME ADDRESSTYPE PORTS ENDPOINTS AGE",
    catalog.DAEMON_SET: ("NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE_SELECTOR AGE"),
    catalog.JOB: "NAME STATUS COMPLETIONS DURATION AGE",
    catalog.CRON_JOB: "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST_SCHEDULE AGE",
    catalog.HORIZONTAL_POD_AUTOSCALER: ("NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE"),
    catalog.HORIZONTAL_POD_AUTOSCALER_V1: ("NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE"),
    catalog.REPLICATION_CONTROLLER: "NAME DESIRED CURRENT READY AGE",
    catalog.POD_TEMPLATE: "NAME CONTAINERS IMAGES POD_LABELS",
    catalog.LIMIT_RANGE: "NAME CREATED_AT",
    catalog.RESOURCE_QUOTA: "NAME REQUEST LIMIT AGE",
    catalog.COMPONENT_STATUS: "NAME STATUS MESSAGE ERROR",
    catalog.POD_DISRUPTION_BUDGET: "NAME MIN_AVAILABLE MAX_UNAVAILABLE ALLOWED_DISRUPTIONS AGE",
}


@pytest.mark.parametrize(("kind", "header"), HEADERS.items(), ids=lambda value: str(value))
def test_headers_are_kubectls(kind: Kind, header: str) -> None:
    names = [column.name.upper() for column in kind.columns if column.priority == 0]

    assert names == [name.replace("_", " ") for name in header.split()]


@pytest.mark.parametrize("kind", catalog.builtin_catalog().all(), ids=repr)
def test_a_bare_object_has_a_cell_in_every_column(kind: Kind) -> None:
    shown = cells(kind, of(kind), wide=True)

    assert None not in shown.values()
    assert shown["NAME"] == "a"
    if "AGE" in shown:
        assert shown["AGE"] == "90s"


def _running(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}, **fields}


def _waiting(reason: str, **fields: Any) -> dict[str, Any]:
    return {"name": "a", "restartCount": 0, "state": {"waiting": {"reason": reason}}, **fields}


def _terminated(**state: Any) -> dict[str, Any]:
    return {"name": "a", "restartCount": 0, "state": {"terminated": {"exitCode": 0, **state}}}


def _pod(
    status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "a"}], **(spec or {})},
        "status": status,
    }


READY = {"type": "Ready", "status": "True"}
INITIALIZED = {"type": "Initialized", "status": "True"}
SIDECAR = {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(_pod({"phase": "Pending"}), "0/1 Pending 0", id="pending"),
        pytest.param(
            _pod({"phase": "Running", "containerStatuses": [_running("a")]}),
            "1/1 Running 0",
            id="running",
        ),
        pytest.param(
            _pod({"phase": "Pending", "containerStatuses": [_waiting("ContainerCreating")]}),
            "0/1 ContainerCreating 0",
            id="creating",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Running",
                    "containerStatuses": [
                        _waiting(
                            "CrashLoopBackOff",
                            restartCount=3,
                            lastState={"terminated": {"finishedAt": "2026-01-31T11:59:50Z"}},
                        )
                    ],
                }
            ),
            "0/1 CrashLoopBackOff 3 (10s ago)",
            id="crash loop",
        ),
        pytest.param(
            _pod({"phase": "Succeeded", "containerStatuses": [_terminated(reason="Completed")]}),
            "0/1 Completed 0",
            id="completed",
        ),
        pytest.param(
            _pod({"phase": "Failed", "containerStatuses": [_terminated(exitCode=3)]}),
            "0/1 ExitCode:3 0",
            id="exit code",
        ),
        pytest.param(
            _pod({"phase": "Failed", "containerStatuses": [_terminated(signal=9)]}),
            "0/1 Signal:9 0",
            id="signal",
        ),
        pytest.param(
            _pod({"phase": "Failed", "reason": "Evicted"}), "0/1 Evicted 0", id="reason of the pod"
        ),
        pytest.param(
            _pod(
                {"phase": "Running", "containerStatuses": [_running("a")]},
                deletionTimestamp=CREATED,
            ),
            "1/1 Terminating 0",
            id="terminating",
        ),
        pytest.param(
            _pod({"phase": "Running", "reason": "NodeLost"}, deletionTimestamp=CREATED),
            "0/1 Unknown 0",
            id="node lost",
        ),
        pytest.param(
            _pod({"phase": "Succeeded"}, deletionTimestamp=CREATED), "0/1 Succeeded 0", id="over"
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Pending",
                    "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}],
                }
            ),
            "0/1 SchedulingGated 0",
            id="gated",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Pending",
                    "initContainerStatuses": [_terminated(), _waiting("PodInitializing")],
                },
                {"initContainers": [{"name": "i"}, {"name": "j"}]},
            ),
            "0/1 Init:1/2 0",
            id="initializing",
        ),
        pytest.param(
            _pod(
                {"phase": "Pending", "initContainerStatuses": [_waiting("ImagePullBackOff")]},
                {"initContainers": [{"name": "i"}]},
            ),
            "0/1 Init:ImagePullBackOff 0",
            id="init waits",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Pending",
                    "initContainerStatuses": [_terminated(exitCode=1, reason="Error")],
                },
                {"initContainers": [{"name": "i"}]},
            ),
            "0/1 Init:Error 0",
            id="init failed",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Running",
                    "initContainerStatuses": [_running("s", started=True, restartCount=2)],
                    "containerStatuses": [_running("a", restartCount=1)],
                },
                SIDECAR,
            ),
            "2/2 Running 3",
            id="sidecar",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Running",
                    "conditions": [INITIALIZED],
                    "initContainerStatuses": [_waiting("CrashLoopBackOff", name="s")],
                    "containerStatuses": [_running("a")],
                },
                SIDECAR,
            ),
            "1/2 Init:CrashLoopBackOff 0",
            id="sidecar crashes later",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Running",
                    "conditions": [READY],
                    "containerStatuses": [_terminated(reason="Completed"), _running("b")],
                },
                {"containers": [{"name": "a"}, {"name": "b"}]},
            ),
            "1/2 Running 0",
            id="one done, one running",
        ),
        pytest.param(
            _pod(
                {
                    "phase": "Running",
                    "containerStatuses": [_terminated(reason="Completed"), _running("b")],
                },
                {"containers": [{"name": "a"}, {"name": "b"}]},
            ),
            "1/2 NotReady 0",
            id="one done, pod not ready",
        ),
    ],
)
def test_a_pod_reads_as_kubectl_shows_it(pod: dict[str, Any], expected: str) -> None:
    shown = cells(catalog.POD, pod)

    assert f"{shown['READY']} {shown['STATUS']} {shown['RESTARTS']}" == expected


def test_wide_pods_show_where_they_run() -> None:
    gates = {"readinessGates": [{"conditionType": "a"}, {"conditionType": "Ready"}]}
    pod = _pod(
        {"podIPs": [{"ip": "10.0.0.1"}], "podIP": "10.0.0.1", "conditions": [READY]},
        {"nodeName": "host", **gates},
    )

    shown = cells(catalog.POD, pod, wide=True)

    assert (shown["IP"], shown["NODE"], shown["READINESS GATES"]) == ("10.0.0.1", "host", "1/2")
    assert cells(catalog.POD, _pod({}), wide=True)["NOMINATED NODE"] == "<none>"


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}, {}, "10.0.0.1 <none> 80/TCP"),
        (
            {"clusterIP": "None", "ports": [{"port": 53, "protocol": "UDP"}, {"port": 54}]},
            {},
            "None <none> 53/UDP,54/TCP",
        ),
        (
            {
                "type": "NodePort",
                "clusterIP": "10.0.0.1",
                "ports": [{"port": 80, "nodePort": 30080}],
            },
            {},
            "10.0.0.1 <none> 80:30080/TCP",
        ),
        ({"type": "ExternalName", "externalName": "a.b"}, {}, "<none> a.b <none>"),
        ({"type": "LoadBalancer"}, {}, "<none> <pending> <none>"),
        (
            {"type": "LoadBalancer", "externalIPs": ["2.2.2.2"]},
            {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "h"}]}},
            "<none> 1.1.1.1,h,2.2.2.2 <none>",
        ),
        ({"externalIPs": ["1.1.1.1"]}, {}, "<none> 1.1.1.1 <none>"),
    ],
)
def test_a_service_shows_its_addresses_and_ports(
    spec: dict[str, Any], status: dict[str, Any], expected: str
) -> None:
    shown = cells(catalog.SERVICE, {"spec": spec, "status": status})

    assert f"{shown['CLUSTER-IP']} {shown['EXTERNAL-IP']} {shown['PORT(S)']}" == expected


def test_a_wide_service_shows_its_selector() -> None:
    obj = {"spec": {"selector": {"b": "2", "a": "1"}}}

    assert cells(catalog.SERVICE, obj, wide=True)["SELECTOR"] == "a=1,b=2"


def test_workloads_show_how_far_they_are() -> None:
    template = {
        "spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}]}
    }
    obj = {
        "spec": {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template},
        "status": {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
    }

    deployment = cells(catalog.DEPLOYMENT, obj, wide=True)
    assert (deployment["READY"], deployment["UP-TO-DATE"], deployment["AVAILABLE"]) == ("2/3", 1, 2)
    assert (deployment["CONTAINERS"], deployment["IMAGES"]) == ("a,b", "x:1,y")
    assert deployment["SELECTOR"] == "a=b"
    assert cells(catalog.STATEFUL_SET, obj)["READY"] == "2/3"
    replica_set = cells(catalog.REPLICA_SET, obj, wide=True)
    assert (replica_set["DESIRED"], replica_set["CURRENT"], replica_set["READY"]) == (3, 3, 2)
    assert replica_set["SELECTOR"] == "a=b"


@pytest.mark.parametrize(
    ("obj", "status", "roles"),
    [
        ({}, "Unknown", "<none>"),
        ({"status": {"conditions": [READY]}}, "Ready", "<none>"),
        (
            {
                "metadata": {
                    "labels": {"node-role.kubernetes.io/b": "", "kubernetes.io/role": "a"}
                },
                "spec": {"unschedulable": True},
                "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
            },
            "NotReady,SchedulingDisabled",
            "a,b",
        ),
    ],
)
def test_a_node_shows_whether_it_is_ready(obj: dict[str, Any], status: str, roles: str) -> None:
    shown = cells(catalog.NODE, obj)

    assert (shown["STATUS"], shown["ROLES"]) == (status, roles)


def test_a_wide_node_shows_its_addresses() -> None:
    node = {"status": {"addresses": [{"type": "InternalIP", "address": "1.1.1.1"}]}}

    shown = cells(catalog.NODE, node, wide=True)

    assert (shown["INTERNAL-IP"], shown["EXTERNAL-IP"]) == ("1.1.1.1", "<none>")
    assert shown["OS-IMAGE"] == "<unknown>"


def test_volumes_and_claims_show_each_other() -> None:
    volume = {
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
            "claimRef": {"namespace": "n", "name": "c"},
        },
        "status": {"phase": "Bound"},
    }
    claim = {
        "spec": {"volumeName": "v"},
        "status": {
            "phase": "Bound",
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadOnlyMany"],
        },
    }
    leaving = {**volume, "metadata": {"deletionTimestamp": CREATED}}

    shown = cells(catalog.PERSISTENT_VOLUME, volume)
    assert (shown["ACCESS MODES"], shown["CLAIM"], shown["STATUS"]) == ("RWO,RWX", "n/c", "Bound")
    assert cells(catalog.PERSISTENT_VOLUME, leaving)["STATUS"] == "Terminating"
    bound = cells(catalog.PERSISTENT_VOLUME_CLAIM, claim)
    assert (bound["VOLUME"], bound["CAPACITY"], bound["ACCESS MODES"]) == ("v", "1Gi", "ROX")
    waiting = cells(catalog.PERSISTENT_VOLUME_CLAIM, {**leaving, "spec": {}})
    assert (waiting["STATUS"], waiting["CAPACITY"]) == ("Terminating", "")


def test_an_ingress_shows_its_hosts() -> None:
    rules = [{"host": name} for name in "abcd"]
    obj = {
        "spec": {"ingressClassName": "mk", "rules": rules, "tls": [{}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "h"}]}},
    }

    shown = cells(catalog.INGRESS, obj)

    assert (shown["CLASS"], shown["HOSTS"]) == ("mk", "a,b,c + 1 more...")
    assert (shown["ADDRESS"], shown["PORTS"]) == ("1.1.1.1,h", "80, 443")
    bare = cells(catalog.INGRESS, {})
    assert (bare["CLASS"], bare["HOSTS"], bare["PORTS"]) == ("<none>", "*", "80")


def test_endpoints_are_cut_after_three() -> None:
    addresses = [{"ip": f"1.1.1.{last}"} for last in range(1, 6)]
    endpoints = {"subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]}
    portless = {"subsets": [{"addresses": addresses[:1]}]}
    some = {
        "endpoints": [{"addresses": ["1.1.1.1"]}],
        "ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}, {}],
    }

    shown = cells(catalog.ENDPOINTS, endpoints)["ENDPOINTS"]
    assert shown == "1.1.1.1:80,1.1.1.2:80,1.1.1.3:80 + 2 more..."
    assert cells(catalog.ENDPOINTS, portless)["ENDPOINTS"] == "1.1.1.1"
    assert cells(catalog.ENDPOINT_SLICE, some)["PORTS"] == "80,*"
    assert cells(catalog.ENDPOINT_SLICE, {})["PORTS"] == "<unset>"


def test_the_default_storage_class_is_marked() -> None:
    marked = {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}

    assert cells(catalog.STORAGE_CLASS, marked)["NAME"] == "a (default)"


def test_an_event_shows_what_happened_to_what() -> None:
    event = {
        "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{a}"},
        "source": {"component": "kubelet", "host": "n"},
        "message": " Started \n",
        "count": 4,
        "firstTimestamp": "2026-01-31T11:00:00Z",
        "lastTimestamp": "2026-01-31T11:59:00Z",
    }
    series = {
        "apiVersion": "events.k8s.io/v1",
        "regarding": {"kind": "Pod", "name": "web"},
        "note": "Started",
        "eventTime": "2026-01-31T11:00:00.000000Z",
        "series": {"count": 9, "lastObservedTime": "2026-01-31T11:59:00.000000Z"},
        "reportingController": "c",
    }

    shown = cells(catalog.EVENT, event, wide=True)
    assert (shown["LAST SEEN"], shown["OBJECT"], shown["MESSAGE"]) == ("60s", "pod/web", "Started")
    assert (shown["FIRST SEEN"], shown["COUNT"], shown["SOURCE"]) == ("60m", 4, "kubelet, n")
    assert shown["SUBOBJECT"] == "spec.containers{a}"
    shown = cells(catalog.EVENTS_EVENT, series, wide=True)
    assert (shown["LAST SEEN"], shown["OBJECT"], shown["MESSAGE"]) == ("60s", "pod/web", "Started")
    assert (shown["FIRST SEEN"], shown["COUNT"], shown["SOURCE"]) == ("60m", 9, "c")


def test_owners_and_parameters_are_named_with_their_group() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
    revision = {"metadata": {"ownerReferences": [owner]}, "revision": 3}
    core = {"metadata": {"ownerReferences": [{**owner, "apiVersion": "v1"}]}}
    parameters = {"apiGroup": "a.b", "kind": "Settings", "name": "x"}

    shown = cells(catalog.CONTROLLER_REVISION, revision)
    assert (shown["CONTROLLER"], shown["REVISION"]) == ("statefulset.apps/db", 3)
    assert cells(catalog.CONTROLLER_REVISION, core)["CONTROLLER"] == "statefulset/db"
    ingress_class = {"spec": {"parameters": parameters}}
    assert cells(catalog.INGRESS_CLASS, ingress_class)["PARAMETERS"] == "settings.a.b/x"
    del parameters["apiGroup"]
    assert cells(catalog.INGRESS_CLASS, ingress_class)["PARAMETERS"] == "settings/x"


def test_keys_are_counted() -> None:
    config = {"data": {"a": ""}, "binaryData": {"b": "", "c": ""}}

    assert cells(catalog.CONFIG_MAP, config)["DATA"] == 3
    assert cells(catalog.SECRET, {"data": {"a": ""}, "type": "Opaque"})["DATA"] == 1
    assert cells(catalog.SERVICE_ACCOUNT, {"secrets": [{}]})["SECRETS"] == 1
