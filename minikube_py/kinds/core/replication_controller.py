"""A ReplicationController: what ReplicaSets were before they had a group."""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object, labels_text
from minikube_py.kinds.fields import check_not_negative, invalid, required
from minikube_py.kinds.kind import Column, Kind, Scale
from minikube_py.kinds.pod_template import (
    default_template,
    template_containers_columns,
    validate_template,
)
from minikube_py.kinds.pod_template.workload import REPLICA_COLUMNS
from minikube_py.kinds.status_counts import status_counts
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, labels_of


def default_replication_controller(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    if spec.get("template") is None:
        return
    default_template(spec)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not spec.get("selector"):
        spec["selector"] = dict(labels)
    if labels and not labels_of(obj):
        obj.setdefault("metadata", {})["labels"] = dict(labels)


def prepare(new: Object, old: Object | None) -> None:
    if old is None:
        new["status"] = {"replicas": 0}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = check_not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    if not spec.get("selector"):
        errors.append(required("spec.selector"))
    errors += check_not_negative("spec.replicas", spec.get("replicas"))
    if spec.get("template") is None:
        return [*errors, required("spec.template")]
    return errors + _validate_template(spec)


def _validate_template(spec: Object) -> list[FieldError]:
    at, template = "spec.template", spec["template"]
    labels = get_path(template, "metadata", "labels", default={})
    errors = []
    if any(labels.get(key) != value for key, value in (spec.get("selector") or {}).items()):
        detail = "`selector` does not match template `labels`"
        errors.append(invalid(f"{at}.metadata.labels", labels, detail))
    return errors + validate_template(template, at, owner="ReplicationController")


def selectable_fields(obj: Object) -> Mapping[str, str]:
    return {"status.replicas": str(get_path(obj, "status", "replicas", default=0))}


def _selector(obj: Object) -> str:
    selector = get_path(obj, "spec", "selector", default={})
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


KIND = Kind(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    columns=(
        NAME,
        *REPLICA_COLUMNS,
        AGE,
        *template_containers_columns(),
        Column(
            "Selector",
            from_object(lambda obj: labels_text(get_path(obj, "spec", "selector"))),
            priority=1,
            description="Labels of the pods that belong to it.",
        ),
    ),
    short_names=("rc",),
    categories=("all",),
    scale=Scale(selector=_selector),
    default=default_replication_controller,
    prepare=prepare,
    validate_create=validate_create,
    validate_status=status_counts(
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
    ),
    selectable_fields=selectable_fields,
)
