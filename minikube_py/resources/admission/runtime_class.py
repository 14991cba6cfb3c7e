"""RuntimeClass: a Pod gets its class's overhead, and goes where the class can run
(plugin/pkg/admission/runtimeclass).
"""

from minikube_py.kinds.catalog import POD, RUNTIME_CLASS
from minikube_py.kinds.quantities import default_resource_list
from minikube_py.meta.objects import Object, get_path
from minikube_py.resources.admission.request import AdmissionRequest, Lookup
from minikube_py.resources.pod_totals import parsed


def runtime_class(request: AdmissionRequest, lookup: Lookup) -> None:
    if not request.is_a(POD, "CREATE"):
        return
    spec = request.obj.setdefault("spec", {})
    name = spec.get("runtimeClassName")
    chosen = lookup.find(RUNTIME_CLASS, None, name) if name else {}
    if chosen is None:
        raise request.forbidden(f'pod rejected: RuntimeClass "{name}" not found')
    _set_overhead(request, spec, get_path(chosen, "overhead", "podFixed", default={}))
    scheduling = chosen.get("scheduling") or {}
    _select_nodes(request, spec, scheduling.get("nodeSelector") or {})
    for toleration in scheduling.get("tolerations") or []:
        present = spec.setdefault("tolerations", [])
        if toleration not in present:
            present.append(dict(toleration))


def _set_overhead(request: AdmissionRequest, spec: Object, fixed: Object) -> None:
    overhead = spec.get("overhead") or {}
    if overhead and not fixed:
        raise request.forbidden(
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        )
    if overhead and parsed(overhead) != parsed(fixed):
        raise request.forbidden(
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
        )
    if fixed:
        spec["overhead"] = dict(fixed)
        default_resource_list(spec["overhead"])


def _select_nodes(request: AdmissionRequest, spec: Object, wanted: Object) -> None:
    own = spec.get("nodeSelector") or {}
    for label, value in wanted.items():
        if own.get(label, value) != value:
            raise request.forbidden(
                f"conflict: runtimeClass.scheduling.nodeSelector[{label}] = {value}; "
                f"pod.spec.nodeSelector[{label}] = {own[label]}"
            )
    if wanted:
        spec["nodeSelector"] = {**own, **wanted}
