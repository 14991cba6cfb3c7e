"""What admission policies and their bindings share, whether they validate or mutate.

A policy says which requests it is about and what it wants of them, in CEL; a binding puts it to
work, with parameters. Expressions are kept as they are written.
"""

import re
from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.rules import (
    FAILURE_POLICIES,
    check_required,
    default_selection,
    validate_conditions,
    validate_rule,
    validate_selection,
)
from minikube_py.kinds.columns import AGE, NAME, UNSET, from_object, from_path
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    forbidden,
    invalid,
    not_supported,
    required,
    validate_selector,
)
from minikube_py.kinds.kind import Column
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, split_api_version

_RULE_FIELDS = ("resourceRules", "excludeResourceRules")
_IDENTIFIER = "[_a-zA-Z][_a-zA-Z0-9]*"
_RESERVED = (
    "true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|"
    "namespace|return|var|void|while"
)
_NOT_FOUND_ACTIONS = ("Allow", "Deny")


# --- policies ------------------------------------------------------------------------------------


def default_policy(obj: Object) -> None:
    spec = obj.get("spec")
    if spec is None:
        return
    if not spec.get("failurePolicy"):
        spec["failurePolicy"] = "Fail"
    if spec.get("matchConstraints") is not None:
        default_selection(spec["matchConstraints"], _RULE_FIELDS)


def validate_policy(spec: Object, operations: Sequence[str] = ()) -> list[FieldError]:
    """All but what the policy wants; `operations` where not every one may be matched."""
    path = "spec"
    errors = check_choice(f"{path}.failurePolicy", spec.get("failurePolicy"), FAILURE_POLICIES)
    if spec.get("paramKind") is not None:
        errors += _validate_param_kind(spec["paramKind"], f"{path}.paramKind")
    errors += _validate_constraints(spec.get("matchConstraints"), f"{path}.matchConstraints")
    errors += validate_operations(spec.get("matchConstraints"), operations, "matchConstraints")
    errors += validate_conditions(spec.get("matchConditions") or [], f"{path}.matchConditions")
    variables = spec.get("variables") or []
    for index, variable in enumerate(variables):
        errors += _validate_variable(variable, f"{path}.variables[{index}]")
    return errors + check_unique(f"{path}.variables", variables, "name")


def _validate_param_kind(reference: Object, path: str) -> list[FieldError]:
    api_version, kind = reference.get("apiVersion") or "", reference.get("kind") or ""
    errors = _validate_api_version(api_version, f"{path}.apiVersion")
    if not kind:
        return [*errors, required(f"{path}.kind")]
    problem = names.dns1035_problem(kind.lower())
    if problem:
        detail = f"may have mixed case, but should otherwise match: {problem}"
        errors.append(invalid(f"{path}.kind", kind, detail))
    return errors


def _validate_api_version(api_version: str, path: str) -> list[FieldError]:
    if not api_version:
        return [required(path)]
    if api_version.count("/") > 1:
        detail = f"unexpected GroupVersion string: {api_version}"
        return [invalid(path, api_version, detail)]
    group, version = split_api_version(api_version)
    errors = check(path, group, names.subdomain_problem) if group else []
    if not version:
        return [*errors, invalid(path, api_version, "version must be specified")]
    return errors + check(path, version, names.dns1035_problem)


def _validate_constraints(constraints: Object | None, path: str) -> list[FieldError]:
    if constraints is None:
        return [required(path)]
    errors = validate_match_resources(constraints, path)
    if not constraints.get("resourceRules"):
        errors.append(required(f"{path}.resourceRules"))
    return errors


def validate_match_resources(resources: Object, path: str) -> list[FieldError]:
    errors = validate_selection(resources, path)
    for field in _RULE_FIELDS:
        for index, rule in enumerate(resources.get(field) or []):
            at = f"{path}.{field}[{index}]"
            errors += _validate_resource_names(rule.get("resourceNames") or [], at)
            errors += validate_rule(rule, at)
    return errors


def _validate_resource_names(resource_names: Sequence[str], path: str) -> list[FieldError]:
    at = f"{path}.resourceNames"
    errors = []
    for index, name in enumerate(resource_names):
        errors += check(f"{at}[{index}]", name, names.path_segment_problem)
    return errors + check_unique(at, resource_names)


def validate_operations(
    resources: Object | None, operations: Sequence[str], field: str
) -> list[FieldError]:
    if not operations:
        return []
    return [
        not_supported(f"spec.{field}.resourceRules.operations", operation, operations)
        for rule in (resources or {}).get("resourceRules") or []
        for operation in rule.get("operations") or []
        if operation not in operations
    ]


def _validate_variable(variable: Object, path: str) -> list[FieldError]:
    name, errors = variable.get("name") or "", []
    if not name.strip():
        errors.append(required(f"{path}.name", "name is not specified"))
    elif not re.fullmatch(_IDENTIFIER, name) or re.fullmatch(_RESERVED, name):
        errors.append(invalid(f"{path}.name", name, "name is not a valid CEL identifier"))
    return errors + check_expression(variable, path)


def check_expression(holder: Object, path: str) -> list[FieldError]:
    if (holder.get("expression") or "").strip():
        return []
    return [required(f"{path}.expression", "expression is not specified")]


def _param_kind(obj: Object) -> str:
    reference = get_path(obj, "spec", "paramKind")
    if reference is None:
        return UNSET
    return f"{reference.get('apiVersion') or ''}/{reference.get('kind') or ''}"


PARAM_KIND = Column(
    "ParamKind",
    from_object(_param_kind),
    description="ParamKind specifies the kind of resources used to parameterize this policy",
)

# --- bindings ------------------------------------------------------------------------------------


def default_binding(obj: Object) -> None:
    resources = get_path(obj, "spec", "matchResources")
    if resources is not None:
        default_selection(resources, _RULE_FIELDS)


def validate_binding(spec: Object) -> list[FieldError]:
    errors = check_required("spec.policyName", spec.get("policyName"), names.subdomain_problem)
    if spec.get("paramRef") is not None:
        errors += _validate_param_ref(spec["paramRef"], "spec.paramRef")
    if spec.get("matchResources") is not None:
        errors += validate_match_resources(spec["matchResources"], "spec.matchResources")
    return errors


def _validate_param_ref(reference: Object, path: str) -> list[FieldError]:
    name, selector = reference.get("name") or "", reference.get("selector")
    errors = check(f"{path}.name", name, names.path_segment_problem)
    errors += validate_selector(selector, f"{path}.selector")
    if name and selector is not None:
        detail = "name and selector are mutually exclusive"
        errors += [forbidden(f"{path}.{field}", detail) for field in ("name", "selector")]
    elif not name and selector is None:
        errors.append(required(path, "one of name or selector must be specified"))
    field = "parameterNotFoundAction"
    return errors + check_choice(f"{path}.{field}", reference.get(field), _NOT_FOUND_ACTIONS)


def _param_ref(obj: Object) -> str:
    reference = get_path(obj, "spec", "paramRef")
    if reference is None:
        return UNSET
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    labels = get_path(reference, "selector", "matchLabels", default={})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "*"


BINDING_COLUMNS = (
    NAME,
    Column(
        "PolicyName",
        from_path("spec", "policyName"),
        description="The policy that this binding puts to work.",
    ),
    Column("ParamRef", from_object(_param_ref), description="The parameters it does so with."),
    AGE,
)
