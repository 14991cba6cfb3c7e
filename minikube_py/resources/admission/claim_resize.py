"""PersistentVolumeClaimResize: a claim grows only where its class says that volumes can
(plugin/pkg/admission/storage/persistentvolume/resize).
"""

from decimal import Decimal

from minikube_py.kinds.catalog import PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS
from minikube_py.meta.objects import Object, annotations_of, get_path
from minikube_py.meta.quantity import parse_quantity
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

_CLAIM_CLASS = "volume.beta.kubernetes.io/storage-class"


def claim_resize(request: AdmissionRequest, lookup: Lookup) -> None:
    if not request.is_a(PERSISTENT_VOLUME_CLAIM, "UPDATE") or request.old is None:
        return
    if _asked(request.obj) <= _asked(request.old):
        return
    if get_path(request.old, "status", "phase") != "Bound":
        raise request.forbidden("only bound persistent volume claims can be expanded")
    name = annotations_of(request.obj).get(_CLAIM_CLASS)
    name = name or get_path(request.obj, "spec", "storageClassName", default="")
    storage_class = lookup.find(STORAGE_CLASS, None, name) if name else None
    if storage_class is None or not storage_class.get("allowVolumeExpansion"):
        raise request.forbidden(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions "
            "the pvc must support resize"
        )


def _asked(claim: Object) -> Decimal:
    return parse_quantity(get_path(claim, "spec", "resources", "requests", "storage", default="0"))
