"""The roles of the system's own users, and of what people install beside it: schedulers,
provisioners, monitoring, other API servers.

The controllers of this cluster run inside the daemon and need none, so Kubernetes'
`system:controller:*` are not here.
"""

from minikube_py.meta.objects import Object
from minikube_py.resources.default_roles.spelling import (
    READ,
    cluster_role,
    cluster_role_binding,
    events,
    group,
    paths,
    role,
    role_binding,
    rule,
    user,
)

_PUBLIC = "/healthz /livez /readyz /version /version/"
_CERTIFICATES = "certificates.k8s.io"


def cluster_roles() -> list[Object]:
    return [*_for_everyone(), *_for_components(), *_for_nodes(), *_for_certificates()]


def roles() -> list[Object]:
    leases = (
        rule("create get list update watch", "coordination.k8s.io", "leases"),
        rule("create get list update watch", "coordination.k8s.io", "leasecandidates"),
    )
    authentication = rule(READ, "", "configmaps", names="extension-apiserver-authentication")
    return [
        role("kube-system", "extension-apiserver-authentication-reader", authentication),
        role("kube-system", "system::leader-locking-kube-controller-manager", *leases),
        role("kube-system", "system::leader-locking-kube-scheduler", *leases),
    ]


def cluster_role_bindings() -> list[Object]:
    everyone = [group("system:authenticated")]
    return [
        cluster_role_binding("cluster-admin", [group("system:masters")]),
        cluster_role_binding("system:discovery", everyone),
        cluster_role_binding("system:basic-user", everyone),
        cluster_role_binding(
            "system:public-info-viewer", [*everyone, group("system:unauthenticated")]
        ),
        cluster_role_binding("system:monitoring", [group("system:monitoring")]),
        cluster_role_binding("system:node", []),
        cluster_role_binding("system:node-proxier", [user("system:kube-proxy")]),
        cluster_role_binding(
            "system:kube-controller-manager", [user("system:kube-controller-manager")]
        ),
        cluster_role_binding("system:kube-scheduler", [user("system:kube-scheduler")]),
        cluster_role_binding("system:volume-scheduler", [user("system:kube-scheduler")]),
        cluster_role_binding(
            "system:service-account-issuer-discovery", [group("system:serviceaccounts")]
        ),
    ]


def role_bindings() -> list[Object]:
    reader, manager, scheduler = (each["metadata"]["name"] for each in roles())
    scheduling, managing = user("system:kube-scheduler"), user("system:kube-controller-manager")
    place = "kube-system"
    return [
        role_binding(place, f"system::{reader}", reader, [managing, scheduling]),
        role_binding(place, manager, manager, [managing]),
        role_binding(place, scheduler, scheduler, [scheduling]),
    ]


def _for_everyone() -> list[Object]:
    discovery = "/api /api/* /apis /apis/* /openapi /openapi/*"
    return [
        cluster_role("system:discovery", paths("get", f"{_PUBLIC} {discovery}")),
        cluster_role("system:public-info-viewer", paths("get", _PUBLIC)),
        cluster_role(
            "system:basic-user",
            rule(
                "create",
                "authorization.k8s.io",
                "selfsubjectaccessreviews selfsubjectrulesreviews",
            ),
            rule("create", "authentication.k8s.io", "selfsubjectreviews"),
        ),
        cluster_role(
            "system:monitoring",
            paths(
                "get",
                "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*",
            ),
        ),
        cluster_role(
            "system:service-account-issuer-discovery",
            paths("get", "/.well-known/openid-configuration /openid/v1/jwks"),
        ),
        cluster_role("system:auth-delegator", *_delegation()),
    ]


def _delegation() -> list[Object]:
    return [
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    ]


def _leader(name: str) -> list[Object]:
    return [
        rule("create", "coordination.k8s.io", "leases"),
        rule("get update", "coordination.k8s.io", "leases", names=name),
    ]


def _for_components() -> list[Object]:
    services = "endpoints services"
    return [
        cluster_role("system:kube-aggregator", rule(READ, "", services)),
        cluster_role("system:kube-dns", rule("list watch", "", services)),
        cluster_role(
            "system:heapster",
            rule(READ, "", "events namespaces nodes pods"),
            rule(READ, "extensions", "deployments"),
        ),
        cluster_role(
            "system:kube-controller-manager",
            events(),
            *_leader("kube-controller-manager"),
            rule("create", "", "secrets serviceaccounts"),
            rule("delete", "", "secrets"),
            rule("get", "", "configmaps namespaces secrets serviceaccounts"),
            rule("update", "", "secrets serviceaccounts"),
            *_delegation(),
            rule("list watch", "*", "*"),
            rule("create", "", "serviceaccounts/token"),
        ),
        cluster_role("system:kube-scheduler", *_scheduler()),
        cluster_role(
            "system:volume-scheduler",
            rule(f"{READ} patch update", "", "persistentvolumes"),
            rule(READ, "storage.k8s.io", "storageclasses"),
            rule(f"{READ} patch update", "", "persistentvolumeclaims"),
        ),
        cluster_role(
            "system:persistent-volume-provisioner",
            rule(f"{READ} create delete", "", "persistentvolumes"),
            rule(f"{READ} update", "", "persistentvolumeclaims"),
            rule(READ, "storage.k8s.io", "storageclasses"),
            rule("watch", "", "events"),
            events(),
        ),
    ]


def _scheduler() -> list[Object]:
    return [
        events(),
        *_leader("kube-scheduler"),
        rule(READ, "", "nodes"),
        rule(f"{READ} delete", "", "pods"),
        rule("create", "", "bindings pods/binding"),
        rule("patch update", "", "pods/status"),
        rule(READ, "", "replicationcontrollers services"),
        rule(READ, "apps extensions", "replicasets"),
        rule(READ, "apps", "statefulsets"),
        rule(READ, "policy", "poddisruptionbudgets"),
        rule(READ, "", "persistentvolumeclaims persistentvolumes"),
        *_delegation(),
        rule(READ, "storage.k8s.io", "csinodes"),
        rule(READ, "", "namespaces"),
        rule(READ, "storage.k8s.io", "csidrivers"),
        rule(READ, "storage.k8s.io", "csistoragecapacities"),
    ]


def _for_nodes() -> list[Object]:
    requests = rule("create get list watch", _CERTIFICATES, "certificatesigningrequests")
    return [
        cluster_role("system:node", *_node(), requests),
        cluster_role("system:node-bootstrapper", requests),
        cluster_role(
            "system:node-problem-detector",
            rule("get", "", "nodes"),
            rule("patch", "", "nodes/status"),
            events(),
        ),
        cluster_role(
            "system:node-proxier",
            rule("list watch", "", "endpoints services"),
            rule(READ, "", "nodes"),
            events(),
            rule("list watch", "discovery.k8s.io", "endpointslices"),
        ),
        cluster_role(
            "system:kubelet-api-admin",
            rule(READ, "", "nodes"),
            rule("proxy", "", "nodes"),
            rule("*", "", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
        ),
    ]


def _node() -> list[Object]:
    return [
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
        rule(READ, "", "services"),
        rule(f"{READ} create", "", "nodes"),
        rule("patch update", "", "nodes/status"),
        rule("patch update", "", "nodes"),
        rule("create patch update", "", "events"),
        rule(READ, "", "pods"),
        rule("create delete", "", "pods"),
        rule("patch update", "", "pods/status"),
        rule("create", "", "pods/eviction"),
        rule(READ, "", "configmaps secrets"),
        rule("get", "", "persistentvolumeclaims persistentvolumes"),
        rule("get", "", "endpoints"),
        rule("create delete get patch update", "coordination.k8s.io", "leases"),
        rule("get", "storage.k8s.io", "volumeattachments"),
        rule("create", "", "serviceaccounts/token"),
        rule("get patch update", "", "persistentvolumeclaims/status"),
        rule(READ, "storage.k8s.io", "csidrivers"),
        rule("create delete get patch update", "storage.k8s.io", "csinodes"),
        rule(READ, "node.k8s.io", "runtimeclasses"),
    ]


def _for_certificates() -> list[Object]:
    prefix = f"system:{_CERTIFICATES}:"
    requesting = [
        cluster_role(
            f"{prefix}certificatesigningrequests:{client}",
            rule("create", _CERTIFICATES, f"certificatesigningrequests/{client}"),
        )
        for client in ("nodeclient", "selfnodeclient")
    ]
    signers = (
        "kube-apiserver-client",
        "kube-apiserver-client-kubelet",
        "kubelet-serving",
        "legacy-unknown",
    )
    approving = [
        cluster_role(
            f"{prefix}{signer}-approver",
            rule("approve", _CERTIFICATES, "signers", names=f"kubernetes.io/{signer}"),
        )
        for signer in signers
    ]
    return [*requesting, *approving]
