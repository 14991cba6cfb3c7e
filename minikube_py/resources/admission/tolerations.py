"""DefaultTolerationSeconds: a Pod stays five minutes on a node that is not ready, unless it says
otherwise.
"""

from minikube_py.kinds.catalog import POD
from minikube_py.meta.objects import Object
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

_SECONDS = 300


def default_tolerations(request: AdmissionRequest, _lookup: Lookup) -> None:
    if not request.is_a(POD, "CREATE"):
        return
    spec = request.obj.setdefault("spec", {})
    tolerations = spec.get("tolerations") or []
    for taint in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_tolerates(toleration, taint) for toleration in tolerations):
            tolerations.append(
                {
                    "key": taint,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": _SECONDS,
                }
            )
    spec["tolerations"] = tolerations


def _tolerates(toleration: Object, taint: str) -> bool:
    return toleration.get("key") in (taint, None, "") and toleration.get("effect") in (
        "NoExecute",
        None,
        "",
    )
