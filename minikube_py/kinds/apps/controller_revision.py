"""A ControllerRevision: one remembered state of a StatefulSet's template, never changed."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path
from minikube_py.kinds.fields import check_immutable, check_not_negative, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, controller_of


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = [] if obj.get("data") is not None else [required("data", "data is mandatory")]
    return errors + check_not_negative("revision", obj.get("revision"))


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    return check_immutable("data", new.get("data"), old.get("data"))


def _controller(obj: Object) -> str:
    owner = controller_of(obj)
    if owner is None:
        return NONE
    group = str(owner.get("apiVersion", "")).rpartition("/")[0]
    kind = str(owner.get("kind", "")).lower()
    return f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"


KIND = Kind(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    columns=(
        NAME,
        Column("Controller", from_object(_controller), description="Controller of the object"),
        Column(
            "Revision",
            from_path("revision", default=0),
            description="Number of the remembered state.",
        ),
        AGE,
    ),
    has_status=False,
    has_generation=False,
    validate_create=validate_create,
    validate_update=validate_update,
)
