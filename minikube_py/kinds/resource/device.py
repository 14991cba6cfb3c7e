"""One device of a ResourceSlice: what it is, what it can, which nodes reach it."""

import re
from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import (
    check,
    check_unique,
    invalid,
    required,
    too_long,
)
from minikube_py.kinds.pod_template import validate_node_selector
from minikube_py.kinds.resource.devices import check_name, check_size, validate_taint
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_MAX_FEATURES, _MAX_TAINTS, _MAX_TEXT, _MAX_CONSUMED = 32, 16, 64, 2
_MAX_IDENTIFIER = 32
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_VERSION = (
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
)
_VALUES = ("bool", "bools", "int", "ints", "string", "strings", "version", "versions")
_NODE_FIELDS = ("nodeName", "nodeSelector", "allNodes")
_ONE_NODE_FIELD = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
    "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"
)
_NO_NODE_FIELD = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set "
    "to true in the ResourceSlice spec"
)


def validate_device(device: Object, path: str, *, chooses_nodes: bool) -> list[FieldError]:
    """`chooses_nodes`: nodes are said by each device rather than by the slice."""
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    errors = check_name(device.get("name"), f"{path}.name")
    count = len(attributes) + len(capacity)
    if count > _MAX_FEATURES:
        detail = f"the total number of attributes and capacities must not exceed {_MAX_FEATURES}"
        errors.append(invalid(path, count, detail))
    for name, value in attributes.items():
        at = f"{path}.attributes"
        errors += _validate_feature_name(name, at) + _validate_attribute(value, f"{at}[{name}]")
    for name in capacity:
        errors += _validate_feature_name(name, f"{path}.capacity")
    taints, consumed = device.get("taints") or [], device.get("consumesCounters") or []
    errors += check_size(taints, _MAX_TAINTS, f"{path}.taints")
    for index, taint in enumerate(taints):
        errors += validate_taint(taint, f"{path}.taints[{index}]")
    errors += check_size(consumed, _MAX_CONSUMED, f"{path}.consumesCounters")
    for index, counters in enumerate(consumed):
        errors += validate_counters(counters, f"{path}.consumesCounters[{index}]", "counterSet")
    errors += check_unique(f"{path}.consumesCounters", consumed, "counterSet")
    return errors + _validate_nodes(device, path, chooses_nodes=chooses_nodes)


def _validate_feature_name(name: str, path: str) -> list[FieldError]:
    domain, slash, rest = name.partition("/")
    if not slash:
        return _validate_identifier(domain, path)
    errors = check(path, domain, names.subdomain_problem) if domain else []
    if not domain:
        errors.append(invalid(path, "", "the domain must not be empty"))
    if not rest:
        return [*errors, invalid(path, "", "the name must not be empty")]
    return errors + _validate_identifier(rest, path)


def _validate_identifier(name: str, path: str) -> list[FieldError]:
    if len(name) > _MAX_IDENTIFIER:
        return [too_long(path, _MAX_IDENTIFIER)]
    if re.fullmatch(_IDENTIFIER, name):
        return []
    detail = (
        "a valid C identifier must start with alphabetic character or '_', followed by a string of "
        "alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used "
        "for validation is '[A-Za-z_][A-Za-z0-9_]*')"
    )
    return [invalid(path, name, detail)]


def _validate_attribute(value: Mapping[str, Any], path: str) -> list[FieldError]:
    given = [field for field in _VALUES if value.get(field) is not None]
    errors = []
    for field in ("string", "version"):
        text = value.get(field)
        if text is not None and len(text) > _MAX_TEXT:
            errors.append(too_long(f"{path}.{field}", _MAX_TEXT))
    version = value.get("version")
    if version is not None and not re.fullmatch(_VERSION, version):
        detail = "must be a string compatible with semver.org spec 2.0.0"
        errors.append(invalid(f"{path}.version", version, detail))
    if len(given) != 1:
        errors.append(invalid(path, value or "", "exactly one value must be specified"))
    return errors


def validate_counters(counters: Object, path: str, name: str) -> list[FieldError]:
    """A named set of counters, offered (`name`) or taken from (`counterSet`)."""
    errors = check_name(counters.get(name), f"{path}.{name}")
    if not counters.get("counters"):
        return [*errors, required(f"{path}.counters")]
    for counter in counters["counters"]:
        errors += check(f"{path}.counters", counter, names.label_problem)
    return errors


def _validate_nodes(device: Object, path: str, *, chooses_nodes: bool) -> list[FieldError]:
    given = [field for field in _NODE_FIELDS if device.get(field) is not None]
    if not chooses_nodes:
        return [invalid(path, None, _NO_NODE_FIELD)] if given else []
    errors = validate_node_choice(device, path)
    if not given:
        errors.append(required(path, _ONE_NODE_FIELD))
    elif len(given) > 1:
        errors.append(invalid(path, shown(given), _ONE_NODE_FIELD))
    return errors


def validate_node_choice(holder: Object, path: str) -> list[FieldError]:
    """nodeName, nodeSelector and allNodes, each as far as it is there."""
    errors = []
    name, selector = holder.get("nodeName"), holder.get("nodeSelector")
    if name is not None:
        errors += check(f"{path}.nodeName", name, names.subdomain_problem)
    if selector is not None:
        errors += validate_node_selector(selector, f"{path}.nodeSelector")
    if holder.get("allNodes") is False:
        detail = "must be either unset or set to true"
        errors.append(invalid(f"{path}.allNodes", False, detail))
    return errors


def shown(fields: list[str]) -> str:
    """Fields as messages list them."""
    return "{" + ", ".join(f"`{field}`" for field in fields) + "}"
