"""What happens to an object between its defaults and its validation: one ordered chain.

Each step sees every write of its kinds and changes the object or refuses it. Quotas, priorities,
webhooks and policies join here, in Kubernetes' own order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from minikube_py.kinds.catalog import INGRESS_CLASS, NAMESPACE, STORAGE_CLASS
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import Forbidden, NotFound
from minikube_py.meta.objects import Object, annotations_of, name_of
from minikube_py.resources.namespaces import IMMORTAL, is_namespace, is_terminating

Operation = Literal["CREATE", "UPDATE", "DELETE"]

PVC_FINALIZER = "kubernetes.io/pvc-protection"
PV_FINALIZER = "kubernetes.io/pv-protection"
DEFAULT_STORAGE_CLASS = "storageclass.kubernetes.io/is-default-class"
_BETA_STORAGE_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
_CLAIM_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"
_LEGACY_INGRESS_CLASS = "kubernetes.io/ingress.class"
_TOLERATION_SECONDS = 300


class Lookup(Protocol):
    """What steps may know of other objects; shared states, never to be changed."""

    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None: ...

    def find_all(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]: ...


@dataclass(frozen=True)
class AdmissionRequest:
    """`obj` may be changed in place; it is the stored state for DELETE. `old` only on UPDATE."""

    operation: Operation
    kind: Kind
    namespace: str | None
    name: str
    obj: Object
    old: Object | None = None
    subresource: str = ""
    user: str = ""

    def forbidden(self, why: str) -> Forbidden:
        resource = self.kind.resource
        details = {"name": self.name, "group": self.kind.group, "kind": self.kind.plural}
        return Forbidden(f'{resource} "{self.name}" is forbidden: {why}', details=details)


Step = Callable[[AdmissionRequest, Lookup], None]


def admit(request: AdmissionRequest, lookup: Lookup) -> None:
    """Runs the chain; raises Forbidden or NotFound."""
    for step in _CHAIN:
        step(request, lookup)


def _namespace_lifecycle(request: AdmissionRequest, lookup: Lookup) -> None:
    if request.operation == "DELETE":
        if is_namespace(request.kind) and request.name in IMMORTAL:
            raise request.forbidden("this namespace may not be deleted")
        return
    if request.operation != "CREATE" or not request.kind.namespaced:
        return
    namespace = lookup.find(NAMESPACE, None, request.namespace or "")
    if namespace is None:
        raise NotFound.of("", "namespaces", request.namespace or "")
    if is_terminating(namespace):
        error = request.forbidden(
            f"unable to create new content in namespace {request.namespace} because it is being "
            "terminated"
        )
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {request.namespace} is being terminated",
            "field": "metadata.namespace",
        }
        error.details = {**(error.details or {}), "causes": [cause]}
        raise error


def _service_account(request: AdmissionRequest, _lookup: Lookup) -> None:
    """Every Pod has an account; `serviceAccount` is the field's old name, kept in step."""
    if not _is(request, "Pod", "CREATE"):
        return
    spec = request.obj.setdefault("spec", {})
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account


def _default_tolerations(request: AdmissionRequest, _lookup: Lookup) -> None:
    """A Pod stays five minutes on a node that is not ready, unless it says otherwise."""
    if not _is(request, "Pod", "CREATE"):
        return
    spec = request.obj["spec"]
    tolerations = spec.get("tolerations") or []
    for taint in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_tolerates(toleration, taint) for toleration in tolerations):
            tolerations.append(
                {
                    "key": taint,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": _TOLERATION_SECONDS,
                }
            )
    spec["tolerations"] = tolerations


def _tolerates(toleration: Object, taint: str) -> bool:
    return toleration.get("key") in (taint, None, "") and toleration.get("effect") in (
        "NoExecute",
        None,
        "",
    )


def _default_storage_class(request: AdmissionRequest, lookup: Lookup) -> None:
    """A claim that names no class gets the default one; "" asks for none."""
    if not _is(request, "PersistentVolumeClaim", "CREATE"):
        return
    spec = request.obj.setdefault("spec", {})
    if spec.get("storageClassName") is not None or _CLAIM_CLASS in annotations_of(request.obj):
        return
    chosen = _default_of(
        lookup.find_all(STORAGE_CLASS), (DEFAULT_STORAGE_CLASS, _BETA_STORAGE_CLASS)
    )
    if chosen is not None:
        spec["storageClassName"] = name_of(chosen)


def _default_ingress_class(request: AdmissionRequest, lookup: Lookup) -> None:
    if not _is(request, "Ingress", "CREATE"):
        return
    spec = request.obj.setdefault("spec", {})
    annotated = _LEGACY_INGRESS_CLASS in annotations_of(request.obj)
    if spec.get("ingressClassName") is not None or annotated:
        return
    chosen = _default_of(lookup.find_all(INGRESS_CLASS), (DEFAULT_INGRESS_CLASS,))
    if chosen is not None:
        spec["ingressClassName"] = name_of(chosen)


def _default_of(classes: Sequence[Object], markers: Sequence[str]) -> Object | None:
    """Of several defaults the newest, then the first by name, as in Kubernetes."""
    marked = [
        candidate
        for candidate in classes
        if any(annotations_of(candidate).get(marker) == "true" for marker in markers)
    ]
    by_name = sorted(marked, key=name_of)
    return max(by_name, key=lambda each: str(each["metadata"]["creationTimestamp"]), default=None)


def _storage_protection(request: AdmissionRequest, _lookup: Lookup) -> None:
    """Storage in use is not taken away: its controllers remove the finalizer when it is free."""
    for kind, finalizer in (
        ("PersistentVolumeClaim", PVC_FINALIZER),
        ("PersistentVolume", PV_FINALIZER),
    ):
        if _is(request, kind, "CREATE"):
            finalizers = request.obj["metadata"].setdefault("finalizers", [])
            if finalizer not in finalizers:
                finalizers.append(finalizer)


def _is(request: AdmissionRequest, kind: str, operation: Operation) -> bool:
    return request.kind.kind == kind and request.operation == operation


_CHAIN: tuple[Step, ...] = (
    _namespace_lifecycle,
    _service_account,
    _default_tolerations,
    _default_storage_class,
    _default_ingress_class,
    _storage_protection,
)
