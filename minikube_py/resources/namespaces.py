"""What is special about Namespaces: their own finalizer, their phases, the ones that must stay."""

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, is_deleting

FINALIZER = "kubernetes"
DEFAULT_ACCOUNT = "default"
IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


def is_namespace(kind: Kind) -> bool:
    return kind.kind == "Namespace" and kind.group == ""


def prepare_namespace(new: Object, old: Object | None) -> None:
    """Content is removed before the object: only `finalize_namespace` takes the finalizer away."""
    if old is not None:
        finalizers = (old.get("spec") or {}).get("finalizers") or []
        new["spec"] = {**(new.get("spec") or {}), "finalizers": list(finalizers)}
        return
    spec = new.setdefault("spec", {})
    spec["finalizers"] = list(dict.fromkeys([FINALIZER, *(spec.get("finalizers") or [])]))
    new["status"] = {"phase": "Active"}


def default_account(namespace: str) -> Object:
    """The ServiceAccount that is made with the namespace."""
    metadata = {"name": DEFAULT_ACCOUNT, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def holds_content(obj: Object) -> bool:
    """Still has finalizers of its own in spec."""
    return bool((obj.get("spec") or {}).get("finalizers"))


def is_terminating(obj: Object) -> bool:
    return is_deleting(obj) or (obj.get("status") or {}).get("phase") == "Terminating"
