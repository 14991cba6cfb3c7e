"""Server-side apply of custom kinds: lists whose keys have defaults."""

from minikube_py.kinds.schema import schema_for
from minikube_py.resources.apply.structure import item_key
from tests.kinds.custom.definitions import kind_with, spec_schema


def test_a_missing_key_of_an_item_has_the_default_of_its_schema() -> None:
    properties = {
        "port": {"type": "integer"},
        "protocol": {"type": "string", "default": "SCTP"},
    }
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        "items": {"type": "object", "required": ["port"], "properties": properties},
    }
    spec = schema_for(kind_with(spec_schema(ports=ports))).field("spec")
    assert spec is not None
    schema = spec.field("ports")
    assert schema is not None

    assert item_key({"port": 80}, schema, ()) == item_key(
        {"port": 80, "protocol": "SCTP"}, schema, ()
    )
    assert item_key({"port": 80}, schema, ()) != item_key(
        {"port": 80, "protocol": "TCP"}, schema, ()
    )
