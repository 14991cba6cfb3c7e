"""The roles that people are given: cluster-admin, admin, edit, view.

The last three hold what ClusterRoles with their labels add up to, so that whoever brings custom
resources can bring roles that join them.
"""

from minikube_py.meta.objects import Object
from minikube_py.resources.default_roles.spelling import READ, WRITE, cluster_role, paths, rule

_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def cluster_roles() -> list[Object]:
    return [
        cluster_role("cluster-admin", rule("*", "*", "*"), paths("*", "*")),
        _aggregated("admin"),
        _aggregated("edit", joins="admin"),
        _aggregated("view", joins="edit"),
        cluster_role("system:aggregate-to-admin", *_admin(), labels=_joining("admin")),
        cluster_role("system:aggregate-to-edit", *_edit(), labels=_joining("edit")),
        cluster_role("system:aggregate-to-view", *_view(), labels=_joining("view")),
    ]


def _joining(name: str) -> dict[str, str]:
    return {f"{_AGGREGATE}{name}": "true"} if name else {}


def _aggregated(name: str, *, joins: str = "") -> Object:
    selectors = [{"matchLabels": _joining(name)}]
    made = cluster_role(name, labels=_joining(joins))
    return {**made, "aggregationRule": {"clusterRoleSelectors": selectors}}


def _admin() -> list[Object]:
    return [
        rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
        rule(f"{READ} {WRITE}", "rbac.authorization.k8s.io", "rolebindings roles"),
    ]


def _edit() -> list[Object]:
    """Reading Secrets and speaking to Pods is here and not in view: it gives more than it shows."""
    pods = "pods pods/attach pods/exec pods/portforward pods/proxy"
    workloads = (
        "daemonsets deployments deployments/rollback deployments/scale replicasets "
        "replicasets/scale"
    )
    return [
        rule(READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
        rule("impersonate", "", "serviceaccounts"),
        rule(WRITE, "", pods),
        rule("create", "", "pods/eviction"),
        rule(
            WRITE,
            "",
            "configmaps events persistentvolumeclaims replicationcontrollers "
            "replicationcontrollers/scale secrets serviceaccounts services services/proxy",
        ),
        rule("create", "", "serviceaccounts/token"),
        rule(WRITE, "apps", f"{workloads} statefulsets statefulsets/scale"),
        rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
        rule(WRITE, "batch", "cronjobs jobs"),
        rule(
            WRITE,
            "extensions",
            f"{workloads} ingresses networkpolicies replicationcontrollers/scale",
        ),
        rule(WRITE, "policy", "poddisruptionbudgets"),
        rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
        rule(f"{READ} {WRITE}", "coordination.k8s.io", "leases"),
        rule(WRITE, "resource.k8s.io", "resourceclaims resourceclaimtemplates"),
    ]


def _view() -> list[Object]:
    workloads = (
        "daemonsets daemonsets/status deployments deployments/scale deployments/status "
        "replicasets replicasets/scale replicasets/status"
    )
    return [
        rule(
            READ,
            "",
            "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
            "replicationcontrollers replicationcontrollers/scale serviceaccounts services "
            "services/status",
        ),
        rule(
            READ,
            "",
            "bindings events limitranges namespaces/status pods/log pods/status "
            "replicationcontrollers/status resourcequotas resourcequotas/status",
        ),
        rule(READ, "", "namespaces"),
        rule(READ, "discovery.k8s.io", "endpointslices"),
        rule(
            READ,
            "apps",
            f"controllerrevisions {workloads} statefulsets statefulsets/scale statefulsets/status",
        ),
        rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
        rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
        rule(
            READ,
            "extensions",
            f"{workloads} ingresses ingresses/status networkpolicies replicationcontrollers/scale",
        ),
        rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
        rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
        rule(
            READ,
            "resource.k8s.io",
            "resourceclaims resourceclaims/status resourceclaimtemplates",
        ),
    ]
