"""A MutatingAdmissionPolicy: what is done to changes before they are stored, in CEL."""

from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.policies import (
    PARAM_KIND,
    check_expression,
    default_policy,
    validate_policy,
)
from minikube_py.kinds.admissionregistration.rules import (
    GROUP,
    MUTATING_OPERATIONS,
    REINVOCATION_POLICIES,
)
from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import check_choice, forbidden, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path

_HOLDERS = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = validate_policy(spec, MUTATING_OPERATIONS)
    mutations = spec.get("mutations") or []
    if not mutations:
        detail = "mutations must contain at least one item"
        errors.append(required("spec.mutations", detail))
    for index, mutation in enumerate(mutations):
        errors += _validate_mutation(mutation, f"spec.mutations[{index}]")
    field = "reinvocationPolicy"
    return errors + check_choice(f"spec.{field}", spec.get(field), REINVOCATION_POLICIES)


def _validate_mutation(mutation: Object, path: str) -> list[FieldError]:
    type_ = mutation.get("patchType") or ""
    errors = check_choice(f"{path}.patchType", type_, _HOLDERS)
    if errors:
        return errors
    wanted = _HOLDERS[type_]
    for field in _HOLDERS.values():
        holder, at = mutation.get(field), f"{path}.{field}"
        if field != wanted and holder is not None:
            errors.append(forbidden(at, f"must not be specified when patchType is {type_}"))
        elif field == wanted and holder is None:
            errors.append(required(at, f"must be specified when patchType is {type_}"))
        elif holder is not None:
            errors += check_expression(holder, at)
    return errors


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    columns=(
        NAME,
        Column(
            "Mutations",
            from_object(lambda obj: len(get_path(obj, "spec", "mutations", default=[]))),
            type="integer",
            description="Mutation indicates the number of mutations of this policy",
        ),
        PARAM_KIND,
        AGE,
    ),
    categories=("api-extensions",),
    namespaced=False,
    has_status=False,
    default=default_policy,
    validate_create=validate_create,
)
