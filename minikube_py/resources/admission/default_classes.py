"""The class of a claim or an Ingress that names none: the one marked as the default."""

from collections.abc import Sequence

from minikube_py.kinds.catalog import (
    INGRESS,
    INGRESS_CLASS,
    PERSISTENT_VOLUME_CLAIM,
    STORAGE_CLASS,
)
from minikube_py.meta.objects import Object, annotations_of, name_of
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

DEFAULT_STORAGE_CLASS = "storageclass.kubernetes.io/is-default-class"
_BETA_STORAGE_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
_CLAIM_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"
_LEGACY_INGRESS_CLASS = "kubernetes.io/ingress.class"


def default_storage_class(request: AdmissionRequest, lookup: Lookup) -> None:
    """A claim that names no class gets the default one; "" asks for none."""
    if not request.is_a(PERSISTENT_VOLUME_CLAIM, "CREATE"):
        return
    spec = request.obj.setdefault("spec", {})
    if spec.get("storageClassName") is not None or _CLAIM_CLASS in annotations_of(request.obj):
        return
    chosen = _default_of(
        lookup.find_all(STORAGE_CLASS), (DEFAULT_STORAGE_CLASS, _BETA_STORAGE_CLASS)
    )
    if chosen is not None:
        spec["storageClassName"] = name_of(chosen)


def default_ingress_class(request: AdmissionRequest, lookup: Lookup) -> None:
    if not request.is_a(INGRESS, "CREATE"):
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
