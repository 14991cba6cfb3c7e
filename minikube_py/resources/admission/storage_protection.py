"""Storage in use is not taken away: its controllers remove the finalizer when it is free."""

from minikube_py.kinds.catalog import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

PVC_FINALIZER = "kubernetes.io/pvc-protection"
PV_FINALIZER = "kubernetes.io/pv-protection"
_FINALIZERS = ((PERSISTENT_VOLUME_CLAIM, PVC_FINALIZER), (PERSISTENT_VOLUME, PV_FINALIZER))


def storage_protection(request: AdmissionRequest, _lookup: Lookup) -> None:
    for kind, finalizer in _FINALIZERS:
        if request.is_a(kind, "CREATE"):
            finalizers = request.obj["metadata"].setdefault("finalizers", [])
            if finalizer not in finalizers:
                finalizers.append(finalizer)
