"""What a CustomResourceDefinition may say, and what it says by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from minikube_py.kinds.apiextensions.custom_resource_definition import KIND
from minikube_py.meta.objects import Object
from tests.kinds.custom.definitions import definition, spec_schema, version

SCHEMA = "spec.versions[0].schema.openAPIV3Schema"


def completed(made: Object) -> Object:
    KIND.default(made)
    KIND.prepare(made, None)
    return made


def refusals(made: Object) -> list[str]:
    return [str(error) for error in KIND.validate_create(completed(made))]


def of_schema(**properties: Any) -> list[str]:
    """Refusals of a schema whose spec has these properties, without where it stands."""
    found = refusals(definition(version(schema=spec_schema(**properties))))
    return [text.removeprefix(f"{SCHEMA}.properties[spec].") for text in found]


def test_names_and_conversion_are_filled_in() -> None:
    made = completed(definition())

    names = made["spec"]["names"]
    assert (names["singular"], names["listKind"]) == ("crontab", "CronTabList")
    assert made["spec"]["conversion"] == {"strategy": "None"}
    assert made["status"]["storedVersions"] == ["v1"]
    assert made["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert refusals(definition()) == []


def changed(change: Callable[[Object], object]) -> Object:
    made = definition()
    change(made)
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            changed(lambda d: d["metadata"].update(name="x")),
            'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
        ),
        (
            definition(group="nodots"),
            'spec.group: Invalid value: "nodots": should be a domain with at least one dot',
        ),
        (
            definition(scope="Galaxy"),
            'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"',
        ),
        (
            definition(names={"kind": "Cron_Tab"}),
            'spec.names.kind: Invalid value: "Cron_Tab": may have mixed case',
        ),
        (
            definition(names={"listKind": "CronTab"}),
            'spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same',
        ),
        (
            definition(names={"shortNames": ["A"]}),
            'spec.names.shortNames[0]: Invalid value: "A"',
        ),
        (
            definition(preserveUnknownFields=True),
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true",
        ),
        (
            definition(conversion={"strategy": "Webhook", "webhook": {}}),
            'spec.conversion.strategy: Unsupported value: "Webhook": this server calls no '
            "conversion webhooks",
        ),
        (
            definition(version("v1"), version("v2")),
            'spec.versions: Invalid value: ["v1","v2"]: must have exactly one version marked as '
            "storage version",
        ),
        (
            definition(version("v1"), version("v1", storage=False)),
            'spec.versions: Invalid value: ["v1","v1"]: must contain unique version names',
        ),
        (definition(version("V1")), 'spec.versions[0].name: Invalid value: "V1"'),
        (
            changed(lambda d: d["spec"]["versions"][0].pop("schema")),
            f"{SCHEMA}: Required value: schemas are required",
        ),
        (
            definition(version(deprecationWarning="old")),
            'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for '
            "deprecated versions",
        ),
        (
            definition(version(additionalPrinterColumns=[{"name": "A", "type": "text"}])),
            'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "text": must be one '
            "of boolean,date,integer,number,string",
        ),
        (
            definition(
                version(
                    additionalPrinterColumns=[{"name": "A", "type": "date", "jsonPath": ".a[b"}]
                )
            ),
            "spec.versions[0].additionalPrinterColumns[0].jsonPath: Invalid value",
        ),
        (
            definition(
                version(
                    subresources={
                        "scale": {
                            "specReplicasPath": ".replicas",
                            "statusReplicasPath": ".status.n",
                        }
                    }
                )
            ),
            "spec.versions[0].subresources.scale.specReplicasPath: Invalid value: "
            '".replicas": should be a json path under .spec',
        ),
        (
            definition(version(selectableFields=[{"jsonPath": ".metadata.name"}])),
            "spec.versions[0].selectableFields[0].jsonPath: Invalid value: "
            '".metadata.name": must not point to fields in metadata',
        ),
        (
            definition(version(selectableFields=[{"jsonPath": ".spec.nope"}])),
            "spec.versions[0].selectableFields[0].jsonPath: Invalid value: "
            '".spec.nope": is an invalid path: does not refer to a valid field',
        ),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(made: Object, message: str) -> None:
    found = refusals(made)

    assert any(text.startswith(message) for text in found), found


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({}, "type: Required value: must not be empty for specified object fields"),
        ({"type": "null"}, "type: Forbidden: type cannot be set to null"),
        ({"type": "array"}, "items: Required value: must be specified"),
        ({"type": "array", "items": [{}]}, "items: Forbidden: items must be a schema object"),
        (
            {"type": "array", "items": {}},
            "items.type: Required value: must not be empty for specified array items",
        ),
        ({"type": "string", "$ref": "#/a"}, "$ref: Forbidden: $ref is not supported"),
        (
            {"type": "string", "definitions": {"a": {}}},
            "definitions: Forbidden: definitions is not supported",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "uniqueItems: Forbidden: uniqueItems cannot be set to true",
        ),
        (
            {"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": {}},
            "additionalProperties: Forbidden: additionalProperties and properties are mutual",
        ),
        (
            {"type": "string", "pattern": "("},
            'pattern: Invalid value: "(": must be a valid regular',
        ),
        (
            {"type": "string", "oneOf": [{"type": "string"}]},
            "oneOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            {"type": "object", "anyOf": [{"properties": {"b": {"minimum": 1}}}]},
            "properties[b]: Required value: because it is defined in",
        ),
        (
            {"type": "string", "not": {"default": "x"}},
            "not.default: Forbidden: must be undefined to be structural",
        ),
        (
            {"type": "string", "x-kubernetes-int-or-string": True},
            'type: Invalid value: "string": must be empty if x-kubernetes-int-or-string is true',
        ),
        (
            {"x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
            "type: Required value: must be object if x-kubernetes-embedded-resource is true",
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            "properties: Required value: must not be empty if x-kubernetes-embedded-resource",
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
            "x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
        ),
        (
            {"type": "string", "x-kubernetes-list-type": "set"},
            'type: Invalid value: "string": must be array if x-kubernetes-list-type is specified',
        ),
        (
            {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
            "x-kubernetes-list-map-keys: Required value: must not be empty",
        ),
        (
            {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "items.properties[name].default: Required value: this property is in",
        ),
        (
            {
                "type": "array",
                "items": {"type": "object"},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            'x-kubernetes-list-map-keys[0]: Invalid value: "name": must appear as property',
        ),
        (
            {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
            "items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list",
        ),
        (
            {"type": "string", "x-kubernetes-map-type": "atomic"},
            'type: Invalid value: "string": must be object if x-kubernetes-map-type is specified',
        ),
        (
            {"type": "integer", "default": "x"},
            'default: Invalid value: "string":',
        ),
        (
            {"type": "object", "properties": {"b": {"type": "string"}}, "default": {"c": 1}},
            'default: Invalid value: {"c":1}: must not have unknown fields',
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": "self > 3"}]},
            'x-kubernetes-validations[0].rule: Invalid value: "self > 3": compilation failed',
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"b": None}}},
            "items.properties[b].type: Required value",
        ),
        (
            {"type": "array", "items": {"type": 3}},
            "items.type: Invalid value: 3: must be a string",
        ),
    ],
)
def test_a_schema_that_is_not_structural_is_refused(node: Object, message: str) -> None:
    found = [text.removeprefix("properties[a].") for text in of_schema(a=node)]

    assert any(text.startswith(message) for text in found), found


@pytest.mark.parametrize(
    "node",
    [
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {
            "x-kubernetes-int-or-string": True,
            "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"pattern": "^a"}],
        },
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": True},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"protocol": {"type": "string", "default": "TCP"}},
            },
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["protocol"],
        },
        {
            "type": "object",
            "properties": {"b": {"type": "integer"}},
            "anyOf": [{"properties": {"b": {"minimum": 1}}}, {"required": ["b"]}],
            "default": {"b": 1},
        },
    ],
)
def test_schemas_as_generators_write_them_are_taken(node: Object) -> None:
    assert of_schema(a=node) == []


def test_metadata_may_only_be_narrowed_by_name() -> None:
    good = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}
    bad = {"type": "object", "properties": {"labels": {"type": "object"}}}

    def found(metadata: Object) -> list[str]:
        schema = {"type": "object", "properties": {"metadata": metadata}}
        return refusals(definition(version(schema=schema)))

    assert found(good) == []
    assert "must not specify anything other than name and generateName" in found(bad)[0]


# --- updates -------------------------------------------------------------------------------------


def update_refusals(new: Object, old: Object) -> list[str]:
    KIND.default(new)
    new["status"] = old["status"]
    KIND.prepare(new, old)
    return [str(error) for error in KIND.validate_update(new, old)]


def test_what_established_objects_rely_on_is_fixed() -> None:
    old = completed(definition())
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]

    found = update_refusals(definition(scope="Cluster", names={"kind": "Other"}), old)

    assert found == [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Other": field is immutable',
    ]


def test_before_it_is_established_scope_may_change() -> None:
    assert update_refusals(definition(scope="Cluster"), completed(definition())) == []


def test_a_new_storage_version_is_remembered_and_an_old_one_must_stay() -> None:
    old = completed(definition())
    new = definition(version("v1", storage=False), version("v2"))

    assert update_refusals(new, old) == []
    assert new["status"]["storedVersions"] == ["v1", "v2"]

    gone = definition(version("v2"))
    found = update_refusals(gone, new)
    assert 'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions' in found[0]


def test_a_bad_schema_that_was_taken_once_and_is_left_alone_stops_no_update() -> None:
    bad = version(schema=spec_schema(a={}))
    old = completed(definition(bad))

    assert update_refusals(definition(bad, names={"shortNames": ["ct"]}), old) == []
