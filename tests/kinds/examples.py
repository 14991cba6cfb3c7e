"""A valid object of each kind that is only kept here, and what may change in it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from tests.kinds.builders import creation_errors, update_errors
from tests.kinds.keys import certificate, issued, signing_request

CONDITION: Object = {
    "type": "Ready",
    "status": "True",
    "reason": "Test",
    "message": "",
    "lastTransitionTime": "2026-01-31T12:00:00Z",
}
WEBHOOK: Object = {
    "name": "check.example.com",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "clientConfig": {"service": {"namespace": "default", "name": "hook"}},
    "rules": [
        {
            "operations": ["CREATE"],
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": ["pods"],
        }
    ],
}
MATCHED: Object = {
    "resourceRules": [
        {
            "operations": ["CREATE"],
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "resources": ["deployments"],
        }
    ]
}
CLAIM_SPEC: Object = {
    "devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}]}
}
_FLOW_RULE: Object = {
    "subjects": [{"kind": "Group", "group": {"name": "system:authenticated"}}],
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    ],
}


@dataclass(frozen=True)
class Example:
    """`change` is a merge patch that is allowed; `status` what /status takes."""

    kind: Kind
    fields: Mapping[str, object]
    change: Mapping[str, object] = field(default_factory=dict)
    status: Mapping[str, object] = field(default_factory=lambda: {"conditions": [CONDITION]})
    name: str = "a"

    def object(self) -> Object:
        """A copy of its own: defaulting writes into what it is given."""
        metadata = {"name": self.name}
        if self.kind.namespaced:
            metadata["namespace"] = "default"
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.kind,
            "metadata": metadata,
            **copy.deepcopy(dict(self.fields)),
        }


RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
SUBJECT = {"kind": "User", "name": "jane"}
EXAMPLES = (
    Example(catalog.ROLE, {"rules": RULES}, {"rules": []}, name="pods:read"),
    Example(catalog.CLUSTER_ROLE, {"rules": RULES}, {"rules": []}, name="system:a"),
    Example(
        catalog.ROLE_BINDING,
        {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [SUBJECT]},
        {"subjects": []},
    ),
    Example(
        catalog.CLUSTER_ROLE_BINDING,
        {"roleRef": {"kind": "ClusterRole", "name": "a"}, "subjects": [SUBJECT]},
        {"subjects": []},
    ),
    Example(
        catalog.API_SERVICE,
        {
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"namespace": "kube-system", "name": "metrics-server"},
            }
        },
        {"spec": {"versionPriority": 200}},
        name="v1beta1.metrics.k8s.io",
    ),
    Example(catalog.PRIORITY_CLASS, {"value": 1000}, {"description": "matters"}),
    Example(catalog.VALIDATING_WEBHOOK_CONFIGURATION, {"webhooks": [WEBHOOK]}, {"webhooks": []}),
    Example(catalog.MUTATING_WEBHOOK_CONFIGURATION, {"webhooks": [WEBHOOK]}, {"webhooks": []}),
    Example(
        catalog.VALIDATING_ADMISSION_POLICY,
        {
            "spec": {
                "matchConstraints": MATCHED,
                "validations": [{"expression": "object.spec.replicas <= 5"}],
            }
        },
        {"spec": {"failurePolicy": "Ignore"}},
    ),
    Example(
        catalog.VALIDATING_ADMISSION_POLICY_BINDING,
        {"spec": {"policyName": "a", "validationActions": ["Deny"]}},
        {"spec": {"validationActions": ["Warn"]}},
    ),
    Example(
        catalog.MUTATING_ADMISSION_POLICY,
        {
            "spec": {
                "matchConstraints": MATCHED,
                "reinvocationPolicy": "Never",
                "mutations": [
                    {
                        "patchType": "ApplyConfiguration",
                        "applyConfiguration": {"expression": "Object{}"},
                    }
                ],
            }
        },
        {"spec": {"reinvocationPolicy": "IfNeeded"}},
    ),
    Example(
        catalog.MUTATING_ADMISSION_POLICY_BINDING,
        {"spec": {"policyName": "a"}},
        {"spec": {"policyName": "b"}},
    ),
    Example(
        catalog.RUNTIME_CLASS,
        {"handler": "runc", "overhead": {"podFixed": {"cpu": "0.25"}}},
        {"scheduling": {"nodeSelector": {"a": "b"}}},
    ),
    Example(
        catalog.CERTIFICATE_SIGNING_REQUEST,
        {
            "spec": {
                "request": signing_request(),
                "signerName": "example.com/signer",
                "usages": ["client auth"],
            }
        },
        {"metadata": {"labels": {"a": "b"}}},
        {"certificate": issued()},
    ),
    Example(
        catalog.CLUSTER_TRUST_BUNDLE,
        {"spec": {"trustBundle": certificate()}},
        {"spec": {"trustBundle": certificate("other")}},
    ),
    Example(
        catalog.POD_CERTIFICATE_REQUEST,
        {
            "spec": {
                "signerName": "example.com/signer",
                "podName": "web",
                "podUID": "1",
                "serviceAccountName": "default",
                "serviceAccountUID": "2",
                "nodeName": "mk",
                "nodeUID": "3",
                "stubPKCS10Request": "MAA=",
            }
        },
        {"metadata": {"labels": {"a": "b"}}},
    ),
    Example(
        catalog.NETWORK_POLICY,
        {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}},
        {"spec": {"podSelector": {"matchLabels": {"app": "web"}}}},
    ),
    Example(
        catalog.IP_ADDRESS,
        {
            "spec": {
                "parentRef": {"resource": "services", "namespace": "default", "name": "kubernetes"}
            }
        },
        {"metadata": {"labels": {"a": "b"}}},
        name="10.96.0.1",
    ),
    Example(
        catalog.SERVICE_CIDR,
        {"spec": {"cidrs": ["10.0.0.0/16"]}},
        {"spec": {"cidrs": ["10.0.0.0/16", "2001:db8::/64"]}},
    ),
    Example(catalog.CSI_DRIVER, {"spec": {}}, {"spec": {"requiresRepublish": True}}),
    Example(
        catalog.CSI_NODE,
        {"spec": {"drivers": [{"name": "d.example.com", "nodeID": "1"}]}},
        {"spec": {"drivers": []}},
    ),
    Example(
        catalog.CSI_STORAGE_CAPACITY,
        {"storageClassName": "fast", "capacity": "1024Mi"},
        {"capacity": "2Gi"},
    ),
    Example(
        catalog.VOLUME_ATTACHMENT,
        {
            "spec": {
                "attacher": "d.example.com",
                "nodeName": "mk",
                "source": {"persistentVolumeName": "pv"},
            }
        },
        {"metadata": {"labels": {"a": "b"}}},
        {"attached": True},
    ),
    Example(
        catalog.VOLUME_ATTRIBUTES_CLASS,
        {"driverName": "d.example.com", "parameters": {"iops": "3000"}},
        {"metadata": {"labels": {"a": "b"}}},
    ),
    Example(
        catalog.FLOW_SCHEMA,
        {"spec": {"priorityLevelConfiguration": {"name": "a"}, "rules": [_FLOW_RULE]}},
        {"spec": {"matchingPrecedence": 5000}},
    ),
    Example(
        catalog.PRIORITY_LEVEL_CONFIGURATION,
        {
            "spec": {
                "type": "Limited",
                "limited": {"limitResponse": {"type": "Queue", "queuing": {}}},
            }
        },
        {"spec": {"limited": {"nominalConcurrencyShares": 5}}},
    ),
    Example(
        catalog.DEVICE_CLASS,
        {"spec": {"selectors": [{"cel": {"expression": "device.driver == 'd'"}}]}},
        {"spec": {"extendedResourceName": "example.com/gpu"}},
    ),
    Example(
        catalog.RESOURCE_CLAIM,
        {"spec": CLAIM_SPEC},
        {"metadata": {"labels": {"a": "b"}}},
        {"allocation": {"devices": {}}},
    ),
    Example(
        catalog.RESOURCE_CLAIM_TEMPLATE,
        {"spec": {"spec": CLAIM_SPEC}},
        {"metadata": {"labels": {"a": "b"}}},
    ),
    Example(
        catalog.RESOURCE_SLICE,
        {
            "spec": {
                "driver": "d.example.com",
                "nodeName": "mk",
                "pool": {"name": "mk", "generation": 1, "resourceSliceCount": 1},
                "devices": [{"name": "gpu-0", "attributes": {"model": {"string": "x"}}}],
            }
        },
        {"spec": {"devices": []}},
    ),
    Example(
        catalog.DEVICE_TAINT_RULE,
        {"spec": {"taint": {"key": "broken", "effect": "NoSchedule"}}},
        {"spec": {"deviceSelector": {"driver": "d.example.com"}}},
    ),
    Example(
        catalog.STORAGE_VERSION_MIGRATION,
        {"spec": {"resource": {"group": "apps", "resource": "deployments"}}},
        {"metadata": {"labels": {"a": "b"}}},
    ),
)


def example(kind: Kind) -> Object:
    """A fresh copy of the valid object of `kind`."""
    return next(each for each in EXAMPLES if each.kind is kind).object()


GONE: Final = object()


def altered(obj: Object, path: str, value: Any) -> Object:
    """A copy with one place changed: `spec.rules.0.verbs`; GONE takes it away."""
    copied = copy.deepcopy(obj)
    holder: Any = copied
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        holder = holder[step] if isinstance(step, int) else holder.setdefault(step, {})
    if value is GONE:
        del holder[last]
    elif isinstance(last, int) and last == len(holder):
        holder.append(copy.deepcopy(value))
    else:
        holder[last] = copy.deepcopy(value)
    return copied


def errors_with(kind: Kind, path: str, value: Any) -> list[str]:
    """Of creating the example with one place changed."""
    return creation_errors(kind, altered(example(kind), path, value))


def errors_of_change(kind: Kind, path: str, value: Any) -> list[str]:
    """Of updating the example so."""
    stored = example(kind)
    return update_errors(kind, altered(stored, path, value), stored)
