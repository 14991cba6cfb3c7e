"""What a CustomResourceDefinition must be (apiextensions' validation.go): names, versions, columns,
subresources. Its schemas have modules of their own below `kinds.custom`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.custom.schema_rules import schema_errors
from minikube_py.kinds.custom.selectable import selectable_errors
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.jsonpath import BadJsonPath, parse_path
from minikube_py.meta.objects import Object, get_path, is_condition_true, name_of

Node = Mapping[str, Any]
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = (
    "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
)  # fmt: skip
_MAX_CATEGORIES = 256
_MAX_WARNING = 256


def creation_errors(definition: Object) -> list[FieldError]:
    return [
        *_name_errors(definition),
        *_spec_errors(definition["spec"]),
        *(_schemas_errors(definition["spec"], None)),
    ]


def update_errors(new: Object, old: Object) -> list[FieldError]:
    """What was accepted once and isn't touched stays accepted, of schemas at least."""
    spec, before = new["spec"], old["spec"]
    errors = [*_name_errors(new), *_spec_errors(spec), *_schemas_errors(spec, before)]
    if is_condition_true(old, "Established"):
        for path in ("scope", "names.kind"):
            steps = path.split(".")
            changed, was = get_path(spec, *steps), get_path(before, *steps)
            errors += fields.check_immutable(f"spec.{path}", changed, was)
    for path in ("group", "names.plural"):
        steps = path.split(".")
        changed, was = get_path(spec, *steps), get_path(before, *steps)
        errors += fields.check_immutable(f"spec.{path}", changed, was)
    return [*errors, *status_errors(new)]


def status_errors(definition: Object) -> list[FieldError]:
    status = definition.get("status") or {}
    stored: Sequence[str] = status.get("storedVersions") or []
    path = "status.storedVersions"
    errors = list(_names_errors(status.get("acceptedNames") or {}, "status.acceptedNames"))
    if not stored:
        return [*errors, fields.invalid(path, stored, "must have at least one stored version")]
    versions = definition["spec"].get("versions") or []
    for version in versions:
        if version.get("storage") and version["name"] not in stored:
            detail = f"must have the storage version {version['name']}"
            errors.append(fields.invalid(path, list(stored), detail))
    known = {version["name"] for version in versions}
    for index, name in enumerate(stored):
        if name not in known:
            detail = "missing from spec.versions; v1 was previously a storage version, and must "
            detail = detail.replace("v1", name, 1)
            detail += "remain in spec.versions until a storage migration ensures no data remains "
            detail += f"persisted in {name} and removes {name} from status.storedVersions"
            errors.append(fields.invalid(f"{path}[{index}]", name, detail))
    return errors


# --- the definition ------------------------------------------------------------------------------


def _name_errors(definition: Object) -> Iterator[FieldError]:
    spec, name = definition["spec"], name_of(definition)
    wanted = f"{get_path(spec, 'names', 'plural', default='')}.{spec.get('group', '')}"
    if name != wanted:
        yield fields.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')


def _spec_errors(spec: Node) -> Iterator[FieldError]:
    yield from _group_errors(spec.get("group") or "")
    yield from fields.check_choice("spec.scope", spec.get("scope"), ("Cluster", "Namespaced"))
    if spec.get("preserveUnknownFields"):
        detail = (
            "cannot set to true, set x-preserve-unknown-fields to true in "
            "spec.versions[*].schema instead"
        )
        yield fields.invalid("spec.preserveUnknownFields", True, detail)
    given = spec.get("names") or {}
    for name in ("plural", "singular", "kind", "listKind"):
        if not given.get(name):
            yield fields.required(f"spec.names.{name}")
    yield from _names_errors(given, "spec.names")
    yield from _conversion_errors(spec.get("conversion") or {})
    yield from _versions_errors(spec.get("versions") or [])


def _group_errors(group: str) -> Iterator[FieldError]:
    if not group:
        yield fields.required("spec.group")
    elif problem := names.subdomain_problem(group):
        yield fields.invalid("spec.group", group, problem)
    elif "." not in group:
        yield fields.invalid("spec.group", group, "should be a domain with at least one dot")


def _names_errors(given: Node, path: str) -> Iterator[FieldError]:
    for name in ("plural", "singular"):
        if given.get(name):
            yield from fields.check(f"{path}.{name}", given[name], names.dns1035_problem)
    for name in ("kind", "listKind"):
        problem = names.dns1035_problem(given[name].lower()) if given.get(name) else None
        if problem:
            detail = f"may have mixed case, but should otherwise match: {problem}"
            yield fields.invalid(f"{path}.{name}", given[name], detail)
    for name in ("shortNames", "categories"):
        for index, value in enumerate(given.get(name) or ()):
            yield from fields.check(f"{path}.{name}[{index}]", value, names.dns1035_problem)
    if given.get("kind") and given["kind"] == given.get("listKind"):
        detail = "kind and listKind may not be the same"
        yield fields.invalid(f"{path}.listKind", given["listKind"], detail)


def _conversion_errors(conversion: Node) -> Iterator[FieldError]:
    strategy, path = conversion.get("strategy"), "spec.conversion.strategy"
    if strategy == "Webhook":
        message = (
            'Unsupported value: "Webhook": this server calls no conversion webhooks; with the '
            'strategy "None" objects are served in every version with the same fields; supported '
            'values: "None"'
        )
        yield FieldError(path, "FieldValueNotSupported", message)
    elif strategy != "None":
        yield fields.not_supported(path, strategy, ("None", "Webhook"))
    elif conversion.get("webhook"):
        detail = "should not be set when strategy is not set to Webhook"
        yield fields.forbidden("spec.conversion.webhook", detail)


# --- versions ------------------------------------------------------------------------------------


def _versions_errors(versions: Sequence[Node]) -> Iterator[FieldError]:
    path = "spec.versions"
    if not versions:
        yield fields.required(path, "must have at least one version")
        return
    listed = [version.get("name", "") for version in versions]
    if len(set(listed)) != len(listed):
        yield fields.invalid(path, listed, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        yield fields.invalid(path, listed, detail)
    for index, version in enumerate(versions):
        yield from _version_errors(version, f"{path}[{index}]")


def _version_errors(version: Node, path: str) -> Iterator[FieldError]:
    yield from fields.check(f"{path}.name", version.get("name") or "", names.dns1035_problem)
    if not get_path(version, "schema", "openAPIV3Schema"):
        yield fields.required(f"{path}.schema.openAPIV3Schema", "schemas are required")
    warning = version.get("deprecationWarning")
    if warning is not None and not version.get("deprecated"):
        detail = "can only be set for deprecated versions"
        yield fields.invalid(f"{path}.deprecationWarning", warning, detail)
    elif warning is not None and len(warning.encode()) > _MAX_WARNING:
        yield fields.too_long(f"{path}.deprecationWarning", _MAX_WARNING)
    subresources = version.get("subresources") or {}
    if subresources.get("scale") is not None:
        yield from _scale_errors(subresources["scale"], f"{path}.subresources.scale")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column_errors(column, f"{path}.additionalPrinterColumns[{index}]")
    yield from selectable_errors(version, f"{path}.selectableFields")


def _schemas_errors(spec: Node, before: Node | None) -> Iterator[FieldError]:
    known = {
        version["name"]: get_path(version, "schema", "openAPIV3Schema")
        for version in (before or {}).get("versions") or ()
    }
    for index, version in enumerate(spec.get("versions") or ()):
        schema = get_path(version, "schema", "openAPIV3Schema")
        if schema and known.get(version.get("name")) != schema:
            path = f"spec.versions[{index}].schema.openAPIV3Schema"
            yield from schema_errors(schema, path)


def _scale_errors(scale: Node, path: str) -> Iterator[FieldError]:
    for name, below, needed in (
        ("specReplicasPath", ".spec", True),
        ("statusReplicasPath", ".status", True),
        ("labelSelectorPath", ".status", False),
    ):
        value, field = scale.get(name) or "", f"{path}.{name}"
        if not value:
            if needed:
                yield fields.required(field)
            continue
        problem = _simple_path_problem(value)
        allowed = (f"{below}.",) if needed else (".spec.", ".status.")
        if problem is None and not value.startswith(allowed):
            places = " or ".join(each.rstrip(".") for each in allowed)
            problem = f"should be a json path under {places}"
        if problem:
            yield fields.invalid(field, value, problem)


def _simple_path_problem(path: str) -> str | None:
    if not path.startswith("."):
        return "must be a simple json path starting with ."
    if "[" in path or "]" in path or ".." in path:
        return "must be a json path in the dot notation, without array indexes"
    return None


def _column_errors(column: Node, path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield fields.required(f"{path}.name")
    yield from _one_of(column.get("type") or "", _COLUMN_TYPES, f"{path}.type", is_needed=True)
    yield from _one_of(column.get("format") or "", _COLUMN_FORMATS, f"{path}.format")
    expression = column.get("jsonPath") or ""
    if not expression:
        yield fields.required(f"{path}.jsonPath")
    elif problem := _expression_problem(expression, parse_path):
        yield fields.invalid(f"{path}.jsonPath", expression, problem)


def _expression_problem(expression: str, parse: Callable[[str], object]) -> str | None:
    if not expression.startswith("."):
        return "must be a simple json path starting with ."
    try:
        parse(expression)
    except BadJsonPath as error:
        return f"is an invalid JSONPath: {error}"
    return None


def _one_of(
    value: str, allowed: Sequence[str], path: str, *, is_needed: bool = False
) -> Iterator[FieldError]:
    detail = f"must be one of {','.join(allowed)}"
    if not value and is_needed:
        yield fields.required(path, detail)
    elif value and value not in allowed:
        yield fields.invalid(path, value, detail)
