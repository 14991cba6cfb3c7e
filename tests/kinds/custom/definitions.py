"""CustomResourceDefinitions for tests."""

from typing import Any

from minikube_py.kinds.apiextensions import custom_resource_definition as definition_kind
from minikube_py.kinds.custom.build import kinds_of
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object


def version(name: str = "v1", *, storage: bool = True, **more: Any) -> Object:
    schema = more.pop("schema", {"type": "object"})
    return {
        "name": name,
        "served": True,
        "storage": storage,
        "schema": {"openAPIV3Schema": schema},
        **more,
    }


def definition(
    *versions: Object, plural: str = "crontabs", kind: str = "CronTab", **spec: Any
) -> Object:
    group = spec.pop("group", "stable.example.com")
    names = {"plural": plural, "kind": kind, **spec.pop("names", {})}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "generation": 1},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": list(versions) or [version()],
            **spec,
        },
    }


def established(made: Object) -> Object:
    """With the status that the controller writes."""
    definition_kind.default(made)
    made["status"] = {
        "acceptedNames": made["spec"]["names"],
        "conditions": [{"type": "Established", "status": "True"}],
    }
    return made


def kind_with(schema: Object, **more: Any) -> Kind:
    """The kind of a definition of one version."""
    return kinds_of(established(definition(version(schema=schema, **more))))[0]


def spec_schema(**properties: Any) -> Object:
    """The root schema of objects whose spec has these properties."""
    spec = {"type": "object", "properties": properties}
    return {"type": "object", "properties": {"spec": spec}}
