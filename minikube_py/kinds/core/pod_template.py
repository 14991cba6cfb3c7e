"""A PodTemplate: a template of Pods that stands for itself, for whoever makes Pods of it."""

from collections.abc import Sequence

from minikube_py.kinds.columns import NAME, from_object, labels_text
from minikube_py.kinds.kind import Column, Kind
from minikube_py.kinds.pod_template import (
    default_template,
    template_containers_columns,
    validate_any_template,
)
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def validate_create(obj: Object) -> Sequence[FieldError]:
    return validate_any_template(obj.get("template") or {}, "template")


KIND = Kind(
    group="",
    version="v1",
    kind="PodTemplate",
    plural="podtemplates",
    columns=(
        NAME,
        *template_containers_columns("template", priority=0),
        Column(
            "Pod Labels",
            from_object(lambda obj: labels_text(get_path(obj, "template", "metadata", "labels"))),
            description="The labels that its Pods get.",
        ),
    ),
    has_status=False,
    default=default_template,
    validate_create=validate_create,
)
