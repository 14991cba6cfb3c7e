import subprocess
import sys
from typing import Any

import pytest

from minikube_py.kinds import openapi
from minikube_py.kinds.catalog import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    EVENT,
    POD,
    SECRET,
    SERVICE,
    builtin_catalog,
)
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import (
    KUBERNETES_VERSION,
    Schema,
    definition_name,
    definitions,
    did_you_mean,
    prune_unknown,
    schema_for,
    type_errors,
    unknown_fields,
)
from minikube_py.kinds.type_check import check_value

C0 = "spec.template.spec.containers[0]"


def _deployment(**container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", **container}]}}},
    }


def test_importing_the_catalog_reads_no_definitions() -> None:
    code = (
        "import minikube_py.kinds.catalog, minikube_py.kinds.schema\n"
        "from minikube_py.kinds.openapi import definitions\n"
        "assert definitions.cache_info().currsize == 0\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_version_is_that_of_the_definitions() -> None:
    assert KUBERNETES_VERSION.startswith("v1.")
    assert len(definitions()) > 500


def test_definitions_have_their_published_form() -> None:
    service = definitions()["io.k8s.api.core.v1.Service"]

    assert service["type"] == "object"
    assert service["properties"]["spec"]["$ref"] == "#/definitions/io.k8s.api.core.v1.ServiceSpec"
    assert "enum" not in service["properties"]["kind"]


@pytest.mark.parametrize("kind", builtin_catalog().all(), ids=repr)
def test_every_kind_has_a_schema(kind: Kind) -> None:
    schema = schema_for(kind)

    assert schema.type == "object"
    assert schema.field("metadata") is not None
    assert (schema.field("status") is not None) or not kind.has_status


def test_schemas_know_how_lists_and_maps_merge() -> None:
    template = schema_for(DEPLOYMENT)
    for name in ("spec", "template", "spec"):
        child = template.field(name)
        assert child is not None
        template = child
    containers, selector = template.field("containers"), template.field("nodeSelector")
    assert containers is not None
    assert selector is not None

    assert (containers.list_type, containers.list_map_keys) == ("map", ("name",))
    assert (containers.patch_strategy, containers.patch_merge_key) == ("merge", "name")
    assert containers.items is not None
    assert containers.items.required == ("name",)
    assert selector.map_type == "atomic"
    assert selector.additional is not None
    assert selector.additional.type == "string"
    assert template.field("nope") is None
    assert template.field("containers") is containers
    assert "containers" in template.description or template.description


def test_special_types_are_recognized() -> None:
    ports = schema_for(SERVICE).field("spec")
    assert ports is not None
    list_of_ports = ports.field("ports")
    assert list_of_ports is not None
    assert list_of_ports.items is not None
    target = list_of_ports.items.field("targetPort")
    data = schema_for(CONTROLLER_REVISION).field("data")

    assert target is not None
    assert target.int_or_string
    assert data is not None
    assert data.preserve_unknown
    assert repr(schema_for(POD)) == "<Schema io.k8s.api.core.v1.Pod>"
    assert definition_name(POD) == "io.k8s.api.core.v1.Pod"


def test_unknown_fields_are_named_by_path() -> None:
    obj = _deployment(imagee="x", resources={"limit": {}})
    obj["spec"]["replcas"] = 3
    obj["metadata"]["labels"] = {"any": "thing"}

    assert unknown_fields(obj, DEPLOYMENT) == [
        f"{C0}.imagee",
        f"{C0}.resources.limit",
        "spec.replcas",
    ]


def test_unknown_fields_are_pruned_and_the_rest_stays() -> None:
    obj = _deployment(imagee="x", image="y")

    assert prune_unknown(obj, DEPLOYMENT) == [f"{C0}.imagee"]
    assert obj == _deployment(image="y")


def test_free_objects_keep_everything() -> None:
    obj = {"data": {"spec": {"replcas": 1}}, "revision": 1}

    assert unknown_fields(obj, CONTROLLER_REVISION) == []
    assert type_errors(obj, CONTROLLER_REVISION) == []


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("spec.replcas", "replicas"),
        (f"{C0}.imagee", "image"),
        (f"{C0}.volumemounts", "volumeMounts"),
        ("spec.template.spec.restart", "restartPolicy"),
        ("Spec", "spec"),
        ("spec.xyz", None),
        ("spec.nope.nope", None),
    ],
)
def test_a_misspelt_field_is_explained(path: str, meant: str | None) -> None:
    assert did_you_mean(path, DEPLOYMENT) == meant


@pytest.mark.parametrize(
    ("kind", "obj", "expected"),
    [
        (
            DEPLOYMENT,
            {"spec": {"replicas": "3"}},
            'spec.replicas: Invalid value: "3": must be an integer, not a string; remove the '
            "quotes",
        ),
        (
            DEPLOYMENT,
            {"spec": {"paused": 1}},
            "spec.paused: Invalid value: 1: must be true or false, not an integer",
        ),
        (
            DEPLOYMENT,
            {"spec": {"replicas": True}},
            "spec.replicas: Invalid value: true: must be an integer, not a boolean",
        ),
        (
            DEPLOYMENT,
            {"spec": {"replicas": 3.5}},
            "spec.replicas: Invalid value: 3.5: must be an integer, not a number",
        ),
        (
            DEPLOYMENT,
            {"spec": {"replicas": 2**31}},
            "spec.replicas: Invalid value: 2147483648: must be an integer between -2147483648 and "
            "2147483647",
        ),
        (
            DEPLOYMENT,
            {"spec": {"paused": "true"}},
            'spec.paused: Invalid value: "true": must be true or false, not a string; remove the '
            "quotes",
        ),
        (
            DEPLOYMENT,
            {"metadata": {"labels": {"a": 1}}},
            "metadata.labels[a]: Invalid value: 1: must be a string, not an integer; put it in "
            "quotes",
        ),
        (
            DEPLOYMENT,
            {"metadata": {"labels": {"a": True}}},
            "metadata.labels[a]: Invalid value: true: must be a string, not a boolean; put it in "
            "quotes",
        ),
        (
            DEPLOYMENT,
            {"spec": {"template": {"spec": {"containers": {"name": "a"}}}}},
            "spec.template.spec.containers: Invalid value: must be a list (items that start with "
            "'-'), not an object",
        ),
        (
            DEPLOYMENT,
            {"spec": []},
            "spec: Invalid value: must be an object (key: value), not a list; remove the leading "
            "'-'",
        ),
        (
            DEPLOYMENT,
            {"spec": "x"},
            'spec: Invalid value: "x": must be an object (key: value), not a string',
        ),
        (
            DEPLOYMENT,
            {"spec": {"template": {"spec": {"containers": [None]}}}},
            "spec.template.spec.containers[0]: Invalid value: null: must be set; remove the empty "
            "list item",
        ),
        (
            DEPLOYMENT,
            {"spec": {"strategy": {"rollingUpdate": {"maxSurge": True}}}},
            "spec.strategy.rollingUpdate.maxSurge: Invalid value: true: must be an integer or a "
            "string, not a boolean",
        ),
        (
            DEPLOYMENT,
            _deployment(resources={"limits": {"cpu": "1x"}}),
            f'{C0}.resources.limits[cpu]: Invalid value: "1x": quantities must match the regular '
            "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            DEPLOYMENT,
            _deployment(resources={"limits": {"cpu": True}}),
            f"{C0}.resources.limits[cpu]: Invalid value: true: must be a quantity such as 500m or "
            "128Mi, not a boolean",
        ),
        (
            DEPLOYMENT,
            {"metadata": {"labels": []}},
            "metadata.labels: Invalid value: must be an object (key: value), not a list; remove "
            "the leading '-'",
        ),
        (
            DEPLOYMENT,
            {"metadata": {"name": {"a": "b"}}},
            "metadata.name: Invalid value: must be a string, not an object",
        ),
        (
            DEPLOYMENT,
            {"metadata": {"name": ["a"]}},
            "metadata.name: Invalid value: must be a string, not a list",
        ),
        (
            SECRET,
            {"data": {"a": "not base64!"}},
            'data[a]: Invalid value: "not base64!": must be base64-encoded (plain text belongs '
            "into stringData)",
        ),
        (
            EVENT,
            {"firstTimestamp": "today"},
            'firstTimestamp: Invalid value: "today": must be a time as in RFC 3339, for example '
            "2026-01-31T12:00:00Z",
        ),
    ],
)
def test_a_wrong_type_says_what_is_allowed(kind: Kind, obj: dict[str, Any], expected: str) -> None:
    errors = type_errors(obj, kind)

    assert [str(error) for error in errors] == [expected]
    assert errors[0].reason == "FieldValueTypeInvalid"


def test_numbers_of_custom_schemas_are_checked() -> None:
    schema = Schema({"type": "object", "properties": {"a": {"type": "number"}, "b": {}}})

    wrong = [str(error) for error in check_value({"a": "x", "b": "any", "c": 1}, schema)]

    assert wrong == ['a: Invalid value: "x": must be a number, not a string']
    assert list(check_value({"a": 1.5}, schema)) == []


def test_fields_that_say_so_keep_what_is_unknown() -> None:
    free = {"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": True}

    assert Schema(free).preserve_unknown
    assert not Schema({"type": "object", "properties": {}}).preserve_unknown
    assert repr(Schema(free)) == "<Schema object>"


def test_null_counts_as_absent() -> None:
    obj = {"spec": None, "metadata": {"labels": None}}

    assert type_errors(obj, DEPLOYMENT) == []


@pytest.mark.parametrize("value", [{"a": None}])
def test_a_null_in_a_map_counts_as_absent(value: dict[str, Any]) -> None:
    assert type_errors({"metadata": {"labels": value}}, DEPLOYMENT) == []


def test_quantities_and_ports_may_be_numbers_or_text() -> None:
    obj = _deployment(
        resources={"limits": {"cpu": 0.5, "memory": 1024}},
        readinessProbe={"httpGet": {"port": "web"}},
        livenessProbe={"httpGet": {"port": 80}},
    )

    assert type_errors(obj, DEPLOYMENT) == []


def test_a_long_value_is_cut_in_the_message() -> None:
    [error] = type_errors({"data": {"a": "!" * 1000}}, SECRET)

    assert len(str(error)) < 200


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "find_spec", lambda _name: None)

    with pytest.raises(RuntimeError, match="run scripts/setup"):
        openapi._newest_folder()


def test_wrongly_typed_parts_hold_no_unknown_fields() -> None:
    misplaced = {"spec": ["a"], "metadata": {"labels": "x"}}

    assert unknown_fields(misplaced, DEPLOYMENT) == []
    assert unknown_fields({"metadata": {"name": {"a": 1}}}, DEPLOYMENT) == []
