"""A FlowSchema: which requests belong to which priority level. Kept; the server has one queue."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path
from minikube_py.kinds.fields import (
    check,
    check_choice,
    check_unique,
    forbidden,
    invalid,
    not_supported,
    required,
)
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, find_condition, get_path, name_of

GROUP = "flowcontrol.apiserver.k8s.io"
EXEMPT = "exempt"
_DEFAULT_PRECEDENCE, _MAX_PRECEDENCE = 1000, 10000
_METHODS = ("ByNamespace", "ByUser")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_VERBS = frozenset(
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"]
)
_NAMESPACE_RULE = "each member of this list must be '*' or a DNS-1123 label; "


def default_schema(obj: Object) -> None:
    spec = obj.get("spec")
    if spec is not None and not spec.get("matchingPrecedence"):
        spec["matchingPrecedence"] = _DEFAULT_PRECEDENCE


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = _validate_precedence(spec.get("matchingPrecedence") or 0, name_of(obj))
    method = spec.get("distinguisherMethod")
    if method is not None:
        errors += check_choice("spec.distinguisherMethod.type", method.get("type"), _METHODS)
    level, path = get_path(spec, "priorityLevelConfiguration", "name"), "priorityLevelConfiguration"
    if level:
        errors += check(f"spec.{path}.name", level, names.subdomain_problem)
    else:
        errors.append(required(f"spec.{path}.name", "must reference a priority level"))
    for index, rule in enumerate(spec.get("rules") or []):
        errors += _validate_rule(rule, f"spec.rules[{index}]")
    return errors


def _validate_precedence(value: int, name: str) -> list[FieldError]:
    path = "spec.matchingPrecedence"
    if value <= 0:
        return [invalid(path, value, "must be a positive value")]
    if value > _MAX_PRECEDENCE:
        return [invalid(path, value, f"must not be greater than {_MAX_PRECEDENCE}")]
    if value == 1 and name != EXEMPT:
        detail = "only the schema named 'exempt' may have matchingPrecedence 1"
        return [invalid(path, value, detail)]
    return []


def _validate_rule(rule: Object, path: str) -> list[FieldError]:
    errors = []
    if not rule.get("subjects"):
        errors.append(required(f"{path}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(rule.get("subjects") or []):
        errors += _validate_subject(subject, f"{path}.subjects[{index}]")
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        detail = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(required(path, detail))
    for index, one in enumerate(rule.get("resourceRules") or []):
        errors += _validate_resource_rule(one, f"{path}.resourceRules[{index}]")
    for index, one in enumerate(rule.get("nonResourceRules") or []):
        errors += _validate_url_rule(one, f"{path}.nonResourceRules[{index}]")
    return errors


def _validate_subject(subject: Object, path: str) -> list[FieldError]:
    kind = subject.get("kind") or ""
    wanted = _SUBJECTS.get(kind)
    if wanted is None:
        return [not_supported(f"{path}.kind", kind, _SUBJECTS)]
    errors = [
        forbidden(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{other}'")
        for other, field in _SUBJECTS.items()
        if field != wanted and subject.get(field) is not None
    ]
    named = subject.get(wanted)
    if named is None:
        detail = f"{wanted} is required when subject kind is '{kind}'"
        return [*errors, required(f"{path}.{wanted}", detail)]
    if not named.get("name"):
        errors.append(required(f"{path}.{wanted}.name"))
    return errors if kind != "ServiceAccount" else errors + _validate_account(named, path)


def _validate_account(account: Object, path: str) -> list[FieldError]:
    at, name, namespace = f"{path}.serviceAccount", account.get("name"), account.get("namespace")
    errors = check(f"{at}.name", name, names.subdomain_problem) if name and name != "*" else []
    if not namespace:
        return [*errors, required(f"{at}.namespace", "must specify namespace for service account")]
    return errors + check(f"{at}.namespace", namespace, names.label_problem)


def _validate_resource_rule(rule: Object, path: str) -> list[FieldError]:
    errors = _validate_verbs(rule.get("verbs") or [], f"{path}.verbs")
    for field, noun, plural in (
        ("apiGroups", "api group", "api groups"),
        ("resources", "resource", "resources"),
    ):
        values = rule.get(field) or []
        if not values:
            detail = f"resource rules must supply at least one {noun}"
            errors.append(required(f"{path}.{field}", detail))
        errors += _alone(values, f"{path}.{field}", plural)
    spaces, at = rule.get("namespaces") or [], f"{path}.namespaces"
    if not spaces and not rule.get("clusterScope"):
        detail = "resource rules that are not cluster scoped must supply at least one namespace"
        errors.append(required(at, detail))
    if "*" in spaces:
        return errors + _alone(spaces, at, "namespaces")
    for index, space in enumerate(spaces):
        problem = names.label_problem(space)
        if problem:
            errors.append(invalid(f"{at}[{index}]", space, f"{_NAMESPACE_RULE}{problem}"))
    return errors


def _validate_url_rule(rule: Object, path: str) -> list[FieldError]:
    errors = _validate_verbs(rule.get("verbs") or [], f"{path}.verbs")
    urls, at = rule.get("nonResourceURLs") or [], f"{path}.nonResourceURLs"
    if not urls:
        errors.append(required(at, "nonResourceURLs must contain at least one value"))
    if "*" in urls:
        return errors + _alone(urls, at, "non-resource URLs")
    for index, url in enumerate(urls):
        errors += check(f"{at}[{index}]", url, _url_problem)
    return errors


def _url_problem(url: str) -> str | None:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    return "wildcard can only do suffix matching" if "*" in url.removesuffix("/*") else None


def _validate_verbs(verbs: Sequence[str], path: str) -> list[FieldError]:
    if not verbs:
        return [required(path, "verbs must contain at least one value")]
    if "*" in verbs:
        return _alone(verbs, path, "verbs")
    errors = [] if _VERBS.issuperset(verbs) else [not_supported(path, verbs, _VERBS)]
    return errors + check_unique(path, verbs)


def _alone(values: Sequence[str], path: str, noun: str) -> list[FieldError]:
    if len(values) < 2 or "*" not in values:
        return []
    return [invalid(path, values, f"if '*' is present, must not specify other {noun}")]


def _missing_level(obj: Object) -> str:
    condition = find_condition(obj, "Dangling")
    return "?" if condition is None else str(condition.get("status") or "?")


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="FlowSchema",
    plural="flowschemas",
    columns=(
        NAME,
        Column(
            "PriorityLevel",
            from_path("spec", "priorityLevelConfiguration", "name"),
            description="The priority level that its requests belong to.",
        ),
        Column(
            "MatchingPrecedence",
            from_path("spec", "matchingPrecedence"),
            description="Of several that match, the lowest one counts.",
        ),
        Column(
            "DistinguisherMethod",
            from_path("spec", "distinguisherMethod", "type", default=NONE),
            description="What makes requests different flows.",
        ),
        AGE,
        Column(
            "MissingPL",
            from_object(_missing_level),
            description="references a broken or non-existent PriorityLevelConfiguration",
        ),
    ),
    namespaced=False,
    default=default_schema,
    validate_create=validate_create,
)
