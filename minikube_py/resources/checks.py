"""Validation of a write as a whole: metadata, the kind's own rules, and those of a subresource."""

from minikube_py.kinds.fields import validate_object_meta, validate_object_meta_update
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import FieldError, Invalid
from minikube_py.meta.objects import Object, name_of


def refuse_bad_creation(kind: Kind, obj: Object) -> None:
    """Raises Invalid."""
    _refuse(kind, obj, [*_meta_errors(kind, obj), *kind.validate_create(obj)])


def refuse_bad_update(kind: Kind, subresource: str, new: Object, old: Object) -> None:
    """Raises Invalid."""
    _refuse(kind, new, _update_errors(kind, subresource, new, old))


def _update_errors(kind: Kind, subresource: str, new: Object, old: Object) -> list[FieldError]:
    errors = [
        *_meta_errors(kind, new),
        *validate_object_meta_update(new, old),
    ]
    if subresource == "binding":
        return errors
    if subresource == "status":
        return [*errors, *kind.validate_status(new, old)]
    if kind.update_repeats_create:
        errors += kind.validate_create(new)
    part = kind.parts.get(subresource)
    validate = part.validate_update if part is not None else kind.validate_update
    return [*errors, *validate(new, old)]


def _meta_errors(kind: Kind, obj: Object) -> list[FieldError]:
    return validate_object_meta(
        obj,
        namespaced=kind.namespaced,
        name_problem=kind.name_problem,
        custom=kind.inline_schema is not None,
    )


def _refuse(kind: Kind, obj: Object, errors: list[FieldError]) -> None:
    if errors:
        unique = list(dict.fromkeys(errors))
        raise Invalid.of(kind.group, kind.kind, name_of(obj), unique)
