import base64
from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from tests.kinds.builders import creation_errors, of, update_errors

INGRESS_BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
HTTP = "spec.rules[0].http.paths[0]"


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


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


def _path(**fields: Any) -> dict[str, Any]:
    rule = {"path": "/", "pathType": "Prefix", "backend": INGRESS_BACKEND, **fields}
    return of(catalog.INGRESS, spec={"rules": [{"http": {"paths": [rule]}}]})


def _ingress(**spec: Any) -> dict[str, Any]:
    return of(catalog.INGRESS, spec=spec)


@pytest.mark.parametrize(
    ("kind", "obj", "path", "message"),
    [
        (catalog.CONFIG_MAP, {"data": {"a b": ""}}, "data[a b]", 'Invalid value: "a b"'),
        (
            catalog.CONFIG_MAP,
            {"data": {"a": ""}, "binaryData": {"a": ""}},
            "data[a]",
            'Duplicate value: "a"',
        ),
        (
            catalog.CONFIG_MAP,
            {"data": {"a": "x" * (1 << 20)}, "binaryData": {"b": "eA=="}},
            "",
            "Too long: may not be more than 1048576 bytes",
        ),
        (catalog.CONFIG_MAP, {"binaryData": {"/": ""}}, "binaryData[/]", "Invalid value"),
        (catalog.SECRET, {"data": {"a b": ""}}, "data[a b]", 'Invalid value: "a b"'),
        (
            catalog.SECRET,
            {"stringData": {"a": "x" * ((1 << 20) + 1)}},
            "data",
            "Too long: may not be more than 1048576 bytes",
        ),
        (catalog.SECRET, {"type": "kubernetes.io/tls"}, "data[tls.crt]", "Required value"),
        (
            catalog.SECRET,
            {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "x"}},
            "data[tls.key]",
            "Required value",
        ),
        (catalog.SECRET, {"type": "kubernetes.io/basic-auth"}, "data[username]", "Required value"),
        (catalog.SECRET, {"type": "kubernetes.io/ssh-auth"}, "data[ssh-privatekey]", "Required"),
        (
            catalog.SECRET,
            {"type": "kubernetes.io/dockerconfigjson"},
            "data[.dockerconfigjson]",
            "Required value",
        ),
        (
            catalog.SECRET,
            {"type": "kubernetes.io/dockercfg", "stringData": {".dockercfg": "{"}},
            "data[.dockercfg]",
            'Invalid value: "<secret contents redacted>": Expecting',
        ),
        (
            catalog.SECRET,
            {"type": "kubernetes.io/service-account-token"},
            "metadata.annotations[kubernetes.io/service-account.name]",
            "Required value",
        ),
        (
            catalog.STORAGE_CLASS,
            {},
            "provisioner",
            "Required value",
        ),
        (catalog.STORAGE_CLASS, {"provisioner": "a b"}, "provisioner", 'Invalid value: "a b"'),
        (
            catalog.STORAGE_CLASS,
            {"provisioner": "a", "reclaimPolicy": "Recycle"},
            "reclaimPolicy",
            'Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        ),
        (
            catalog.STORAGE_CLASS,
            {"provisioner": "a", "volumeBindingMode": "x"},
            "volumeBindingMode",
            'Unsupported value: "x"',
        ),
        (
            catalog.STORAGE_CLASS,
            {"provisioner": "a", "parameters": {"": "x"}},
            "parameters",
            "Required value: must not have an empty key",
        ),
        (
            catalog.STORAGE_CLASS,
            {"provisioner": "a", "parameters": {"a": "x" * (1 << 18)}},
            "parameters",
            "Too long",
        ),
        (
            catalog.STORAGE_CLASS,
            {"provisioner": "a", "parameters": {str(number): "" for number in range(513)}},
            "parameters",
            "Too many: 513: must have at most 512 items",
        ),
        (
            catalog.LEASE,
            {"spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds",
            "Invalid value: 0: must be greater than 0",
        ),
        (
            catalog.LEASE,
            {"spec": {"leaseTransitions": -1}},
            "spec.leaseTransitions",
            "Invalid value: -1",
        ),
        (catalog.LEASE, {"spec": {"holderIdentity": ""}}, "spec.holderIdentity", "Invalid value"),
        (
            catalog.EVENT,
            {"involvedObject": {"namespace": "other"}},
            "involvedObject.namespace",
            'Invalid value: "other": does not match event.namespace',
        ),
        (
            catalog.EVENTS_EVENT,
            {"regarding": {"namespace": "other"}},
            "regarding.namespace",
            'Invalid value: "other": does not match event.namespace',
        ),
        (catalog.EVENTS_EVENT, {"type": "x"}, "type", 'Unsupported value: "x"'),
        (catalog.EVENTS_EVENT, {}, "reason", 'Invalid value: "": can\'t be empty'),
        (catalog.EVENTS_EVENT, {}, "reportingController", 'Invalid value: ""'),
        (
            catalog.NAMESPACE,
            {"spec": {"finalizers": ["mine"]}},
            "spec.finalizers[0]",
            'Invalid value: "mine": name is neither a standard finalizer name',
        ),
        (
            catalog.NODE,
            {"spec": {"taints": [{"key": "", "effect": "x", "value": "a b"}]}},
            "spec.taints[0].key",
            "Required value",
        ),
        (
            catalog.NODE,
            {"spec": {"taints": [{"key": "a", "effect": "x"}]}},
            "spec.taints[0].effect",
            'Unsupported value: "x"',
        ),
        (
            catalog.NODE,
            {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}] * 2}},
            "spec.taints[1]",
            'Duplicate value: {"key":"a","effect":"NoExecute"}',
        ),
        (catalog.NODE, {"spec": {"podCIDR": "x"}}, "spec.podCIDRs[0]", 'Invalid value: "x"'),
        (
            catalog.INGRESS_CLASS,
            {"spec": {}},
            "spec.controller",
            "Required value",
        ),
        (
            catalog.INGRESS_CLASS,
            {"spec": {"controller": "plain"}},
            "spec.controller",
            'Invalid value: "plain": must be a domain-prefixed path',
        ),
        (
            catalog.INGRESS_CLASS,
            {"spec": {"controller": "a.b/" + "c" * 250}},
            "spec.controller",
            "Invalid value",
        ),
        (
            catalog.INGRESS_CLASS,
            {
                "spec": {
                    "controller": "a.b/c",
                    "parameters": {"kind": "K", "name": "n", "namespace": "x"},
                }
            },
            "spec.parameters.namespace",
            "Forbidden: `parameters.scope` is set to 'Cluster'",
        ),
        (
            catalog.INGRESS_CLASS,
            {"spec": {"controller": "a.b/c", "parameters": {"kind": "K", "scope": "Namespace"}}},
            "spec.parameters.namespace",
            "Required value: `parameters.scope` is set to 'Namespace'",
        ),
    ],
)
def test_bad_objects_are_refused(kind: Kind, obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(kind, of(kind, **obj))

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (_ingress(), "spec", "Invalid value: []: either `defaultBackend` or `rules`"),
        (_ingress(defaultBackend={}), "spec.defaultBackend", "Required value: either"),
        (
            _ingress(defaultBackend={**INGRESS_BACKEND, "resource": {}}),
            "spec.defaultBackend",
            'Invalid value: "": cannot set both resource and service backends',
        ),
        (
            _ingress(defaultBackend={"resource": {"kind": "A"}}),
            "spec.defaultBackend.resource.name",
            "Required value",
        ),
        (_ingress(rules=[{"http": {}}]), "spec.rules[0].http.paths", "Required value"),
        (
            _ingress(rules=[{"host": "1.1.1.1"}]),
            "spec.rules[0].host",
            'Invalid value: "1.1.1.1": must be a DNS',
        ),
        (_ingress(rules=[{"host": "A"}]), "spec.rules[0].host", 'Invalid value: "A"'),
        (
            _ingress(rules=[{"host": "a.*.b"}]),
            "spec.rules[0].host",
            'Invalid value: "a.*.b": a wildcard',
        ),
        (
            _ingress(rules=[{}], tls=[{"hosts": ["A"]}]),
            "spec.tls[0].hosts[0]",
            'Invalid value: "A"',
        ),
        (
            _ingress(rules=[{}], tls=[{"secretName": "A"}]),
            "spec.tls[0].secretName",
            "Invalid value",
        ),
        (_ingress(rules=[{}], ingressClassName="A"), "spec.ingressClassName", "Invalid value"),
        (_path(pathType=None), f"{HTTP}.pathType", "Required value: pathType must be specified"),
        (
            _path(pathType="x"),
            f"{HTTP}.pathType",
            'Unsupported value: "x": supported values: "Exact", "ImplementationSpecific", "Prefix"',
        ),
        (_path(path="a"), f"{HTTP}.path", 'Invalid value: "a": must be an absolute path'),
        (
            _path(path="a", pathType="ImplementationSpecific"),
            f"{HTTP}.path",
            'Invalid value: "a": must be an absolute path',
        ),
        (_path(path="/a//b"), f"{HTTP}.path", "Invalid value: \"/a//b\": must not contain '//'"),
        (_path(path="/a/.."), f"{HTTP}.path", "Invalid value: \"/a/..\": cannot end with '/..'"),
        (_path(backend={"service": {}}), f"{HTTP}.backend.service.name", "Required value"),
        (
            _path(backend={"service": {"name": "a"}}),
            f"{HTTP}.backend.service",
            "Required value: port name or number is required",
        ),
        (
            _path(backend={"service": {"name": "a", "port": {"name": "b", "number": 1}}}),
            f"{HTTP}.backend.service",
            'Invalid value: "": cannot set both port name & port number',
        ),
        (
            _path(backend={"service": {"name": "a", "port": {"name": "B"}}}),
            f"{HTTP}.backend.service.port.name",
            'Invalid value: "B"',
        ),
        (
            _path(backend={"service": {"name": "1a", "port": {"number": 70000}}}),
            f"{HTTP}.backend.service.port.number",
            "Invalid value: 70000",
        ),
    ],
)
def test_a_bad_ingress_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(catalog.INGRESS, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_good_ingresses() -> None:
    assert creation_errors(catalog.INGRESS, _path()) == []
    assert creation_errors(catalog.INGRESS, _ingress(rules=[{"host": "*.a.b"}])) == []
    resource = {"resource": {"kind": "Bucket", "name": "b"}}
    assert creation_errors(catalog.INGRESS, _ingress(defaultBackend=resource)) == []


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


@pytest.mark.parametrize("kind", [catalog.CONFIG_MAP, catalog.SECRET], ids=lambda kind: kind.kind)
def test_immutable_data_stays(kind: Kind) -> None:
    old = of(kind, data={"a": _b64("x")}, immutable=True)

    assert update_errors(kind, old, old) == []
    assert update_errors(kind, of(kind, data={"a": _b64("y")}), old) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]
    assert update_errors(kind, {**old, "data": {}}, of(kind, data={"a": _b64("x")})) == []


def test_the_type_of_a_secret_stays() -> None:
    kind = catalog.SECRET
    old = of(kind, type="example.com/a")

    assert update_errors(kind, of(kind, type="example.com/b"), old) == [
        'type: Invalid value: "example.com/b": field is immutable'
    ]
    sent_without = of(kind)
    kind.prepare(sent_without, old)
    assert sent_without["type"] == "example.com/a"
    assert kind.selectable_fields(old) == {"type": "example.com/a"}


@pytest.mark.parametrize(
    "obj",
    [
        {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "x", "tls.key": "y"}},
        {"type": "kubernetes.io/basic-auth", "stringData": {"password": "x"}},
        {"type": "kubernetes.io/ssh-auth", "stringData": {"ssh-privatekey": "x"}},
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{}"}},
        {
            "metadata": {"name": "a", "annotations": {"kubernetes.io/service-account.name": "d"}},
            "type": "kubernetes.io/service-account-token",
        },
    ],
)
def test_typed_secrets_that_have_what_their_type_needs(obj: dict[str, Any]) -> None:
    assert creation_errors(catalog.SECRET, of(catalog.SECRET, **obj)) == []


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


def test_the_controller_of_an_ingress_class_stays() -> None:
    kind = catalog.INGRESS_CLASS
    old, new = of(kind, spec={"controller": "a.b/c"}), of(kind, spec={"controller": "a.b/d"})

    assert update_errors(kind, old, old) == []
    assert update_errors(kind, new, old) == [
        'spec.controller: Invalid value: "a.b/d": field is immutable'
    ]


def test_the_range_of_a_node_is_given_once() -> None:
    kind = catalog.NODE
    old, new = of(kind, spec={"podCIDR": "10.0.0.0/24"}), of(kind, spec={"podCIDR": "10.0.1.0/24"})

    assert update_errors(kind, old, of(kind)) == []
    assert update_errors(kind, new, old) == [
        'spec.podCIDR: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]


def test_new_events_say_who_did_what() -> None:
    event = of(
        catalog.EVENTS_EVENT,
        regarding={"namespace": "default"},
        type="Normal",
        reason="R",
        action="A",
        reportingController="example.com/c",
        reportingInstance="i",
    )

    assert creation_errors(catalog.EVENTS_EVENT, event) == []
    fields = catalog.EVENTS_EVENT.selectable_fields(event)
    assert (fields["regarding.namespace"], fields["reason"]) == ("default", "R")
    assert fields["reportingController"] == "example.com/c"


def test_events_of_other_namespaces_must_name_them() -> None:
    event = of(catalog.EVENT, involvedObject={})
    event["metadata"]["namespace"] = "shop"

    assert creation_errors(catalog.EVENT, event) == [
        'involvedObject.namespace: Invalid value: "": does not match event.namespace'
    ]


def test_what_objects_are_selected_by() -> None:
    event = {"involvedObject": {"kind": "Pod"}, "source": {"component": "k"}, "type": "Normal"}
    pod = {"spec": {"nodeName": "n", "hostNetwork": True}, "status": {"phase": "Running"}}

    assert catalog.EVENT.selectable_fields(event)["involvedObject.kind"] == "Pod"
    assert catalog.EVENT.selectable_fields(event)["source"] == "k"
    assert catalog.POD.selectable_fields(pod)["spec.hostNetwork"] == "true"
    assert catalog.POD.selectable_fields(pod)["spec.nodeName"] == "n"
    assert catalog.NODE.selectable_fields({"spec": {"unschedulable": True}}) == {
        "spec.unschedulable": "true"
    }
    assert catalog.NAMESPACE.selectable_fields({"status": {"phase": "Active"}})["status.phase"]
    assert catalog.PERSISTENT_VOLUME.selectable_fields({"metadata": {"name": "v"}}) == {"name": "v"}
    assert catalog.PERSISTENT_VOLUME_CLAIM.selectable_fields({}) == {"name": ""}


def test_a_pod_stops_at_once_where_nothing_runs() -> None:
    grace = catalog.POD.default_grace_seconds
    assert grace is not None

    assert grace({"spec": {"terminationGracePeriodSeconds": 7}}) == 0
    assert grace({"spec": {"nodeName": "n"}, "status": {"phase": "Failed"}}) == 0
    assert grace({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 7}}) == 7
    assert grace({"spec": {"nodeName": "n"}}) == 30


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
        ({"limits": {"ephemeral-storage": "1Gi"}}, "BestEffort"),
        ({"limits": {"cpu": "0"}}, "BestEffort"),
    ],
)
def test_a_new_pod_knows_its_quality_of_service(spec: dict[str, Any], expected: str) -> None:
    in_container = of(
        catalog.POD, spec={"containers": [{"name": "a", "image": "a", "resources": spec}]}
    )
    in_pod = of(catalog.POD, spec={"containers": [{"name": "a", "image": "a"}], "resources": spec})
    for obj in (in_container, in_pod):
        catalog.POD.default(obj)
        catalog.POD.prepare(obj, None)

        assert obj["status"] == {"phase": "Pending", "qosClass": expected}


def test_generated_namespaces_get_their_label_with_their_name() -> None:
    unnamed = {"metadata": {"generateName": "a-"}}

    catalog.NAMESPACE.default(unnamed)

    assert unnamed["metadata"] == {"generateName": "a-"}


def test_a_new_ingress_waits_for_its_address() -> None:
    obj = _path()

    catalog.INGRESS.prepare(obj, None)
    catalog.INGRESS.prepare(obj, obj)

    assert obj["status"] == {"loadBalancer": {}}


def test_a_node_may_get_a_provider_once() -> None:
    kind = catalog.NODE
    old, new = of(kind, spec={"providerID": "a"}), of(kind, spec={"providerID": "b"})

    assert update_errors(kind, new, old) == [
        "spec.providerID: Forbidden: node updates may not change providerID"
    ]
    taints = [{"key": "a", "effect": "NoExecute"}, {"key": "b", "effect": "NoExecute"}]
    assert creation_errors(kind, of(kind, spec={"taints": taints})) == []


@pytest.mark.parametrize(
    "kind",
    [catalog.POD, catalog.PERSISTENT_VOLUME, catalog.PERSISTENT_VOLUME_CLAIM],
    ids=lambda kind: kind.kind,
)
def test_an_update_keeps_the_status(kind: Kind) -> None:
    new = of(kind, spec={}, status={"phase": "Mine"})

    kind.prepare(new, of(kind, spec={}, status={"phase": "Bound"}))

    assert new["status"] == {"phase": "Bound"}
