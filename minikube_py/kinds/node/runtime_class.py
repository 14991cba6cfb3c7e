"""A RuntimeClass: which container runtime Pods that name it run under."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.fields import check, check_immutable, validate_labels
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.pod_template.placement import validate_tolerations
from minikube_py.kinds.quantities import default_resource_list, validate_resource_requirements
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def default_class(obj: Object) -> None:
    default_resource_list(get_path(obj, "overhead", "podFixed"))


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = check("handler", obj.get("handler") or "", names.label_problem)
    fixed = get_path(obj, "overhead", "podFixed")
    errors += validate_resource_requirements({"limits": fixed}, "overhead")
    scheduling = obj.get("scheduling") or {}
    errors += validate_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector")
    tolerations = scheduling.get("tolerations") or []
    return errors + validate_tolerations(tolerations, "scheduling.tolerations")


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("handler", new.get("handler"), old.get("handler"))


KIND = Kind(
    group="node.k8s.io",
    version="v1",
    kind="RuntimeClass",
    plural="runtimeclasses",
    columns=(
        NAME,
        Column("Handler", from_path("handler"), description="What the node knows the runtime by."),
        AGE,
    ),
    namespaced=False,
    has_status=False,
    has_generation=False,
    default=default_class,
    validate_create=validate_create,
    validate_update=validate_update,
)
