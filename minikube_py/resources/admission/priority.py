"""Priority: a Pod's class becomes a number, and one class at most is everybody's default
(plugin/pkg/admission/priority).
"""

from minikube_py.kinds.catalog import POD, PRIORITY_CLASS
from minikube_py.meta.objects import Object, name_of
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

_PREEMPTS = "PreemptLowerPriority"
_KEPT = ("priority", "preemptionPolicy")


def pod_priority(request: AdmissionRequest, lookup: Lookup) -> None:
    if request.is_a(POD, "CREATE"):
        _resolve(request, lookup)
    elif request.is_a(POD, "UPDATE") and request.old is not None:
        # Clients that replace a Pod need not know what was resolved for it.
        spec, before = request.obj.setdefault("spec", {}), request.old.get("spec") or {}
        for field in _KEPT:
            if spec.get(field) is None and before.get(field) is not None:
                spec[field] = before[field]


def one_default_class(request: AdmissionRequest, lookup: Lookup) -> None:
    writes = request.is_a(PRIORITY_CLASS, "CREATE") or request.is_a(PRIORITY_CLASS, "UPDATE")
    if not writes or not request.obj.get("globalDefault"):
        return
    default = _default_class(lookup)
    if default is not None and name_of(default) != request.name:
        raise request.forbidden(
            f"PriorityClass {name_of(default)} is already marked as default. Only one default can "
            "exist"
        )


def _resolve(request: AdmissionRequest, lookup: Lookup) -> None:
    spec = request.obj.setdefault("spec", {})
    chosen = _class_of(request, spec, lookup)
    value = chosen.get("value", 0)
    policy = chosen.get("preemptionPolicy") or _PREEMPTS
    if spec.get("priority") not in (None, value):
        raise request.forbidden(
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
            f"priority admission controller computed {value} from the given PriorityClass name"
        )
    if spec.get("preemptionPolicy") not in (None, policy):
        raise request.forbidden(
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be "
            f"provided in pod spec; priority admission controller computed {policy} from the given "
            "PriorityClass name"
        )
    spec["priority"], spec["preemptionPolicy"] = value, policy


def _class_of(request: AdmissionRequest, spec: Object, lookup: Lookup) -> Object:
    """Names the default class in `spec` where there is one and the Pod names none."""
    name = spec.get("priorityClassName")
    if name:
        found = lookup.find(PRIORITY_CLASS, None, name)
        if found is None:
            raise request.forbidden(f"no PriorityClass with name {name} was found")
        return found
    default = _default_class(lookup)
    if default is None:
        return {}
    spec["priorityClassName"] = name_of(default)
    return default


def _default_class(lookup: Lookup) -> Object | None:
    """Of several, which only two writes at once can bring about, the least."""
    marked = [each for each in lookup.find_all(PRIORITY_CLASS) if each.get("globalDefault")]
    return min(marked, key=lambda each: (each.get("value", 0), name_of(each)), default=None)
