"""kubectl for those who run the cluster: nodes, rights, certificates, disruption."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.clients.conftest import Kubectl
from tests.e2e.conftest import eventually


@pytest.fixture
def node(kubectl: Kubectl) -> Iterator[str]:
    """The cluster's node, as it was before when the test has ended."""
    name = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    yield name
    kubectl("uncordon", name)


def test_taints_keep_pods_away(kubectl: Kubectl, node: str) -> None:
    key = f"{kubectl.namespace}/closed"
    kubectl("taint", "nodes", node, f"{key}=yes:PreferNoSchedule")
    again = kubectl("taint", "nodes", node, f"{key}=no:PreferNoSchedule", code=1)
    kubectl("taint", "nodes", node, f"{key}=no:PreferNoSchedule", "--overwrite")
    taints = kubectl.get("node", node)["spec"]["taints"]
    kubectl("taint", "nodes", node, f"{key}-")

    assert "overwrite" in again
    assert [taint["value"] for taint in taints if taint["key"] == key] == ["no"]
    left = kubectl.get("node", node)["spec"].get("taints") or []
    assert key not in [taint["key"] for taint in left]


def test_cordon_drain_and_uncordon(kubectl: Kubectl, node: str) -> None:
    kubectl("create", "deployment", "web", "--image=web:1", "--replicas=2")
    kubectl("run", "bare", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    ours = "--pod-selector=app=web"

    kubectl("cordon", node)
    shown = kubectl("get", "nodes")
    kubectl("drain", node, ours, "--ignore-daemonsets", "--timeout=40s")
    pods = kubectl.get("pods", "-l", "app=web")["items"]
    kubectl("uncordon", node)
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")

    assert "SchedulingDisabled" in shown
    assert {pod["status"]["phase"] for pod in pods} == {"Pending"}
    kubectl("get", "pod/bare")


def test_drain_waits_for_a_disruption_budget(kubectl: Kubectl, node: str) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    if kubectl.is_old:
        return  # it makes policy/v1beta1, which no current cluster serves
    kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=1")
    status = {"observedGeneration": 1, "desiredHealthy": 1, "currentHealthy": 1}
    patch = json.dumps({"status": {**status, "disruptionsAllowed": 0, "expectedPods": 1}})
    kubectl("patch", "pdb/web", "--subresource=status", "--type=merge", "-p", patch)

    refused = kubectl(
        "drain", node, "--pod-selector=app=web", "--ignore-daemonsets", "--timeout=2s", code=1
    )

    assert "Cannot evict pod" in refused


def test_rights_are_asked_for(kubectl: Kubectl) -> None:
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods")
    kubectl("create", "rolebinding", "jane", "--role=reader", "--user=jane")
    jane = ("--as=jane",)

    assert kubectl("auth", "can-i", "create", "deployments").strip() == "yes"
    assert kubectl("auth", "can-i", "list", "pods", *jane).strip() == "yes"
    assert kubectl("auth", "can-i", "delete", "pods", *jane, code=1).startswith("no")
    listed = kubectl("auth", "can-i", "--list", *jane)
    assert "[get list]" in listed
    kubectl("get", "pods", *jane)
    refused = kubectl("get", "secrets", *jane, code=1)
    assert 'User "jane" cannot list resource "secrets" in API group ""' in refused
    if not kubectl.is_old:
        assert "jane" in kubectl("auth", "whoami", *jane)


def test_reconcile_adds_what_a_role_lacks(kubectl: Kubectl) -> None:
    role: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "namespace": kubectl.namespace},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    kubectl("create", "role", "reader", "--verb=list", "--resource=pods")

    kubectl("auth", "reconcile", "-f", "-", stdin=json.dumps(role))

    verbs = {verb for rule in kubectl.get("role", "reader")["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list"}


@pytest.mark.parametrize(("verb", "condition"), [("approve", "Approved"), ("deny", "Denied")])
def test_certificates_are_approved_and_denied(kubectl: Kubectl, verb: str, condition: str) -> None:
    name = f"{verb}-{kubectl.namespace}"
    kubectl.apply(
        {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name},
            "spec": {
                "request": base64.b64encode(signing_request("jane")).decode(),
                "signerName": "example.com/ours",
                "usages": ["client auth"],
            },
        }
    )
    pending = kubectl("get", "csr", name)

    kubectl("certificate", verb, name)

    assert "Pending" in pending
    assert condition in kubectl("get", "csr", name)
    assert condition in kubectl("describe", "csr", name)
    kubectl("delete", "csr", name)


def test_usage_of_pods_and_nodes(kubectl: Kubectl) -> None:
    kubectl("run", "one", "--image=web:1")
    kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=20s")

    pods = eventually("the pod's usage is known", lambda: kubectl("top", "pods"))
    nodes = kubectl("top", "nodes")

    assert pods.split()[:3] == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert "one" in pods
    assert len(nodes.splitlines()) == 2


def signing_request(name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
