"""A DeviceClass: a kind of device that claims may ask for by name."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME
from minikube_py.kinds.fields import invalid
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.resource.devices import (
    GROUP,
    MAX_ITEMS,
    check_size,
    validate_configuration,
    validate_selectors,
)
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import qualified_name_problem
from minikube_py.meta.objects import Object


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    configurations = spec.get("config") or []
    errors = validate_selectors(spec.get("selectors") or [], "spec.selectors")
    errors += check_size(configurations, MAX_ITEMS, "spec.config")
    for index, configuration in enumerate(configurations):
        errors += validate_configuration(configuration, f"spec.config[{index}]")
    name = spec.get("extendedResourceName")
    if name is not None and not _is_extended(name):
        detail = "must be a valid extended resource name"
        errors.append(invalid("spec.extendedResourceName", name, detail))
    return errors


def _is_extended(name: str) -> bool:
    domain, slash, _ = name.partition("/")
    if not slash or "kubernetes.io" in domain or name.startswith("requests."):
        return False
    return qualified_name_problem(f"requests.{name}") is None


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="DeviceClass",
    plural="deviceclasses",
    columns=(NAME, AGE),
    namespaced=False,
    has_status=False,
    validate_create=validate_create,
)
