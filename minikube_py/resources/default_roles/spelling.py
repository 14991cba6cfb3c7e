"""How the tables of default roles are written: words and spaces, as few marks as can be."""

from collections.abc import Mapping, Sequence

from minikube_py.meta.objects import Object

GROUP = "rbac.authorization.k8s.io"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
READ = "get list watch"
WRITE = "create delete deletecollection patch update"


def rule(verbs: str, group: str, resources: str, *, names: str = "") -> Object:
    """`group` "" is the core group; several are separated by spaces, core written `core`."""
    groups = ["" if word == "core" else word for word in group.split()] or [""]
    found: Object = {"apiGroups": groups, "resources": resources.split(), "verbs": verbs.split()}
    return {**found, "resourceNames": names.split()} if names else found


def paths(verbs: str, urls: str) -> Object:
    return {"nonResourceURLs": urls.split(), "verbs": verbs.split()}


def events() -> Object:
    return rule("create patch update", "core events.k8s.io", "events")


def metadata(name: str, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> Object:
    found: Object = {
        "name": name,
        "labels": {**_LABELS, **(labels or {})},
        "annotations": {AUTOUPDATE: "true"},
    }
    return {**found, "namespace": namespace} if namespace else found


def cluster_role(name: str, *rules: Object, labels: Mapping[str, str] | None = None) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": metadata(name, labels=labels),
        "rules": list(rules),
    }


def role(namespace: str, name: str, *rules: Object) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": metadata(name, namespace=namespace),
        "rules": list(rules),
    }


def user(name: str) -> Object:
    return {"apiGroup": GROUP, "kind": "User", "name": name}


def group(name: str) -> Object:
    return {"apiGroup": GROUP, "kind": "Group", "name": name}


def cluster_role_binding(role_name: str, subjects: Sequence[Object], *, name: str = "") -> Object:
    """Named like its role."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata(name or role_name),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role_name},
        "subjects": list(subjects),
    }


def role_binding(namespace: str, name: str, role_name: str, subjects: Sequence[Object]) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(name, namespace=namespace),
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": role_name},
        "subjects": list(subjects),
    }
