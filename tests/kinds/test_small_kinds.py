from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from tests.kinds.builders import creation_errors, of, update_errors


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


def test_the_range_of_a_node_is_given_once() -> None:
    kind = catalog.NODE
    old, new = of(kind, spec={"podCIDR": "10.0.0.0/24"}), of(kind, spec={"podCIDR": "10.0.1.0/24"})

    assert update_errors(kind, old, of(kind)) == []
    assert update_errors(kind, new, old) == [
        'spec.podCIDR: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]


def test_events_of_other_namespaces_must_name_them() -> None:
    event = of(catalog.EVENT, involvedObject={})
    event["metadata"]["namespace"] = "shop"

    assert creation_errors(catalog.EVENT, event) == [
        'involvedObject.namespace: Invalid value: "": does not match event.namespace'
    ]


def test_generated_namespaces_get_their_label_with_their_name() -> None:
    unnamed = {"metadata": {"generateName": "a-"}}

    catalog.NAMESPACE.default(unnamed)

    assert unnamed["metadata"] == {"generateName": "a-"}


def test_a_node_may_get_a_provider_once() -> None:
    kind = catalog.NODE
    old, new = of(kind, spec={"providerID": "a"}), of(kind, spec={"providerID": "b"})

    assert update_errors(kind, new, old) == [
        "spec.providerID: Forbidden: node updates may not change providerID"
    ]
    taints = [{"key": "a", "effect": "NoExecute"}, {"key": "b", "effect": "NoExecute"}]
    assert creation_errors(kind, of(kind, spec={"taints": taints})) == []
