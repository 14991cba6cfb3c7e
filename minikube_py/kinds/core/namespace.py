"""A Namespace: the scope of names, deleted with all that is in it."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.dev_annotations import validate_dev_annotations
from minikube_py.kinds.fields import validate_finalizers
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import label_problem
from minikube_py.meta.objects import Object, annotations_of, get_path, name_of

_NAME_LABEL = "kubernetes.io/metadata.name"


def default_namespace(obj: Object) -> None:
    obj["spec"] = obj.get("spec") or {}
    if name_of(obj):
        labels = obj["metadata"].get("labels") or {}
        obj["metadata"]["labels"] = {**labels, _NAME_LABEL: name_of(obj)}


def validate_create(obj: Object) -> Sequence[FieldError]:
    finalizers = get_path(obj, "spec", "finalizers", default=[])
    errors = validate_finalizers(finalizers, "spec.finalizers")
    return errors + validate_dev_annotations(annotations_of(obj), "metadata.annotations")


def selectable_fields(obj: Object) -> Mapping[str, str]:
    phase = get_path(obj, "status", "phase", default="")
    return {"status.phase": phase, "name": name_of(obj)}


KIND = Kind(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    columns=(
        NAME,
        Column("Status", from_path("status", "phase"), description="The status of the namespace"),
        AGE,
    ),
    short_names=("ns",),
    namespaced=False,
    has_generation=False,
    subresources=("finalize",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    name_problem=label_problem,
    default=default_namespace,
    validate_create=validate_create,
    selectable_fields=selectable_fields,
)
