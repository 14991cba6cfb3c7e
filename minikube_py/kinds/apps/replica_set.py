"""A ReplicaSet: so many Pods of one template, none replaced when the template changes."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import check_immutable, check_not_negative
from minikube_py.kinds.kind import Column, Kind, Scale
from minikube_py.kinds.pod_template import (
    default_template,
    template_containers_columns,
    validate_selector_and_template,
)
from minikube_py.kinds.pod_template.workload import REPLICA_COLUMNS
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.selectors import format_label_selector


def default_replica_set(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    default_template(spec)


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"replicas": 0}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    return [
        *check_not_negative("spec.replicas", spec.get("replicas")),
        *check_not_negative("spec.minReadySeconds", spec.get("minReadySeconds")),
        *validate_selector_and_template(spec, "replica set"),
    ]


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    path = ("spec", "selector")
    return check_immutable("spec.selector", get_path(new, *path), get_path(old, *path))


def selectable_fields(obj: Object) -> Mapping[str, str]:
    return {"status.replicas": str(get_path(obj, "status", "replicas", default=0))}


def _selector(obj: Object) -> str:
    return format_label_selector(get_path(obj, "spec", "selector"))


KIND = Kind(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    columns=(
        NAME,
        *REPLICA_COLUMNS,
        AGE,
        *template_containers_columns(),
        Column(
            "Selector",
            from_object(_selector),
            priority=1,
            description="Labels of the pods that belong to the ReplicaSet.",
        ),
    ),
    short_names=("rs",),
    categories=("all",),
    scale=Scale(selector=_selector),
    default=default_replica_set,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
    selectable_fields=selectable_fields,
)
