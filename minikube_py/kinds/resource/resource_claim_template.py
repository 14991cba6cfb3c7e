"""A ResourceClaimTemplate: the claim that is made for each Pod that names it."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.fields import check_immutable, validate_annotations, validate_labels
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.resource.claim_spec import default_claim_spec, validate_claim_spec
from minikube_py.kinds.resource.devices import GROUP
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def default_template(obj: Object) -> None:
    default_claim_spec(get_path(obj, "spec", "spec"))


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec, path = obj.get("spec") or {}, "spec.metadata"
    metadata = spec.get("metadata") or {}
    return [
        *validate_labels(metadata.get("labels"), f"{path}.labels"),
        *validate_annotations(metadata.get("annotations"), f"{path}.annotations"),
        *validate_claim_spec(spec.get("spec") or {}, "spec.spec"),
    ]


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("spec", new.get("spec"), old.get("spec"))


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    columns=(NAME, AGE),
    has_status=False,
    has_generation=False,
    default=default_template,
    validate_create=validate_create,
    validate_update=validate_update,
)
