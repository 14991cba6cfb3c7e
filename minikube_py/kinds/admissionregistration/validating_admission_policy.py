"""A ValidatingAdmissionPolicy: what must hold of changes, in CEL; its binding puts it to work."""

from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.policies import (
    PARAM_KIND,
    check_expression,
    default_policy,
    validate_policy,
)
from minikube_py.kinds.admissionregistration.rules import GROUP
from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    invalid,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, name_of

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_MAX_ANNOTATIONS, _MAX_VALUE_BYTES = 20, 5 * 1024
_NOTHING = "validations or auditAnnotations must contain at least one item"


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    validations, annotations = spec.get("validations") or [], spec.get("auditAnnotations") or []
    errors = validate_policy(spec)
    if not validations and not annotations:
        return errors + [
            required(f"spec.{name}", _NOTHING) for name in ("validations", "auditAnnotations")
        ]
    for index, validation in enumerate(validations):
        errors += _validate_validation(validation, f"spec.validations[{index}]")
    path = "spec.auditAnnotations"
    if len(annotations) > _MAX_ANNOTATIONS:
        detail = f"must not have more than {_MAX_ANNOTATIONS} auditAnnotations"
        errors.append(invalid(path, annotations, detail))
    for index, annotation in enumerate(annotations):
        errors += _validate_annotation(name_of(obj), annotation, f"{path}[{index}]")
    return errors + check_unique(path, annotations, "key")


def _validate_validation(validation: Object, path: str) -> list[FieldError]:
    errors = check_expression(validation, path)
    said, message = validation.get("messageExpression") or "", validation.get("message") or ""
    if said and not said.strip():
        detail = "must be non-empty if specified"
        errors.append(invalid(f"{path}.messageExpression", said, detail))
    if message and not message.strip():
        detail = "message must be non-empty if specified"
        errors.append(invalid(f"{path}.message", message, detail))
    elif set("\n\r") & set(message.strip()):
        detail = "message must not contain line breaks"
        errors.append(invalid(f"{path}.message", message, detail))
    reason = validation.get("reason")
    return errors + check_choice(f"{path}.reason", reason, _REASONS, must_be_set=False)


def _validate_annotation(policy: str, annotation: Object, path: str) -> list[FieldError]:
    key, value = annotation.get("key") or "", (annotation.get("valueExpression") or "").strip()
    if policy:
        errors = check(f"{path}.key", f"{policy}/{key}", names.qualified_name_problem)
    else:
        errors = [invalid(f"{path}.key", key, "requires metadata.name be non-empty")]
    if not value:
        errors.append(required(f"{path}.valueExpression", "valueExpression is not specified"))
    elif len(value.encode()) > _MAX_VALUE_BYTES:
        detail = f"must not exceed {_MAX_VALUE_BYTES} bytes in length"
        errors.append(required(f"{path}.valueExpression", detail))
    return errors


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    columns=(
        NAME,
        Column(
            "Validations",
            from_object(lambda obj: len(get_path(obj, "spec", "validations", default=[]))),
            type="integer",
            description="Validations indicates the number of validation rules of this policy",
        ),
        PARAM_KIND,
        AGE,
    ),
    categories=("api-extensions",),
    namespaced=False,
    default=default_policy,
    validate_create=validate_create,
)
