"""[sig-storage] ConfigMap, Secrets, Projected configMap, Projected secret.

The four say the same of four sources; the pods of all start together.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.conftest import Group
from tests.conformance.shown_files import (
    config_map,
    manifest,
    read,
    reader,
    secret,
    shown_files,
    watcher,
)
from tests.e2e.conftest import CommandFailed, eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

Source = Callable[..., dict[str, Any]]
DATA = {"data-1": "value-1", "data-2": "value-2", "data-3": "value-3"}
ITEM = [{"key": "data-2", "path": "path/to/data-2"}]
ITEM_MODE = [{**ITEM[0], "mode": 0o400}]
NON_ROOT = {"runAsUser": 1000, "runAsNonRoot": True}
WITH_GROUP = {**NON_ROOT, "fsGroup": 1001}


def plain_config_map(name: str, **spec: Any) -> dict[str, Any]:
    return {"configMap": {"name": name, **spec}}


def plain_secret(name: str, **spec: Any) -> dict[str, Any]:
    return {"secret": {"secretName": name, **spec}}


def projected_config_map(name: str, **spec: Any) -> dict[str, Any]:
    return _projected("configMap", name, spec)


def projected_secret(name: str, **spec: Any) -> dict[str, Any]:
    return _projected("secret", name, spec)


def _projected(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    of_volume = {key: spec.pop(key) for key in ("defaultMode",) if key in spec}
    return {"projected": {"sources": [{kind: {"name": name, **spec}}], **of_volume}}


SOURCES: dict[str, Source] = {
    "ConfigMap": plain_config_map,
    "Secrets": plain_secret,
    "Projected configMap": projected_config_map,
    "Projected secret": projected_secret,
}
CONFIG_MAPS = ("ConfigMap", "Projected configMap")
SECRETS = ("Secrets", "Projected secret")


def slug(area: str) -> str:
    return area.lower().replace(" ", "-")


def object_name(area: str, use: str = "test") -> str:
    return f"{slug(area)}-{use}"


def made_object(area: str, use: str, data: dict[str, str], **fields: Any) -> str:
    make = config_map if area in CONFIG_MAPS else secret
    return make(object_name(area, use), data, **fields)


def cases_of(area: str) -> dict[str, Any]:
    """For root."""
    source, name = SOURCES[area], object_name(area)
    return {
        f"{slug(area)}-plain": source(name),
        f"{slug(area)}-mode": source(name, defaultMode=0o400),
        f"{slug(area)}-mapped": source(name, items=ITEM),
        f"{slug(area)}-item-mode": source(name, items=ITEM_MODE),
        f"{slug(area)}-again": source(name),
    }


def non_root_cases(area: str) -> dict[str, Any]:
    source, name = SOURCES[area], object_name(area)
    return {f"{slug(area)}-plain": source(name), f"{slug(area)}-mapped": source(name, items=ITEM)}


def group_cases(area: str) -> dict[str, Any]:
    return {f"{slug(area)}-mode": SOURCES[area](object_name(area), defaultMode=0o440)}


def changing_cases(area: str) -> dict[str, Any]:
    source, prefix = SOURCES[area], slug(area)
    return {
        f"{prefix}-updated": source(object_name(area, "updated")),
        f"{prefix}-deleted": source(object_name(area, "deleted"), optional=True),
        f"{prefix}-changed": source(object_name(area, "changed"), optional=True),
        f"{prefix}-created": source(object_name(area, "created"), optional=True),
    }


def all_cases(cases: Callable[[str], dict[str, Any]], areas: tuple[str, ...]) -> dict[str, Any]:
    return {name: source for area in areas for name, source in cases(area).items()}


@pytest.fixture(scope="module")
def made(group: Group) -> Iterator[Group]:
    areas = tuple(SOURCES)
    # Another Secret of the same name elsewhere must not matter.
    other = f"{group.namespace}-other"
    group.cluster.kubectl("create", "namespace", other)
    group.cluster.kubectl("-n", other, "apply", "-f", "-", stdin=made_object(
        "Secrets", "test", {"data-1": "of another namespace"}))  # fmt: skip
    for area in areas:
        group.apply(
            made_object(area, "test", DATA),
            *(
                made_object(area, use, {"data-1": "value-1"})
                for use in ("updated", "deleted", "changed")
            ),
            made_object(area, "immutable", {"data-1": "value-1"}),
        )
    binary = {"dump.bin": "3q2+7w=="}
    group.apply(config_map("binary", {"text": "plain"}, binaryData=binary))
    group.apply(
        watcher("changing", all_cases(changing_cases, areas)),
        reader(
            "root", {**all_cases(cases_of, areas), "binary": plain_config_map("binary")}
        ),
        reader("non-root", all_cases(non_root_cases, CONFIG_MAPS), securityContext=NON_ROOT),
        reader("with-group", all_cases(group_cases, SECRETS), securityContext=WITH_GROUP),
        _all_components(),
    )  # fmt: skip
    yield group
    group.cluster.kubectl("delete", "namespace", other, "--wait=false")


def _all_components() -> str:
    name = {"path": "podname", "fieldRef": {"fieldPath": "metadata.name"}}
    sources = [
        {"configMap": {"name": object_name("Projected configMap"), "items": ITEM}},
        {"secret": {"name": object_name("Projected secret")}},
        {"downwardAPI": {"items": [name]}},
    ]
    return reader("all-components", {"all": {"projected": {"sources": sources}}})


@pytest.mark.parametrize("area", SOURCES)
def test_should_be_consumable_from_pods_in_volume(made: Group, area: str) -> None:
    found = shown_files(made, "root", f"{slug(area)}-plain")

    texts = {name: file.text for name, file in found.items() if name}
    assert texts == DATA
    assert {file.mode for name, file in found.items() if name} == {0o644}


@pytest.mark.parametrize("area", SOURCES)
def test_should_be_consumable_from_pods_in_volume_with_default_mode_set(
    made: Group, area: str
) -> None:
    found = shown_files(made, "root", f"{slug(area)}-mode")

    assert (found["data-1"].text, found["data-1"].mode) == ("value-1", 0o400)


@pytest.mark.parametrize("area", CONFIG_MAPS)
def test_should_be_consumable_from_pods_in_volume_as_non_root(made: Group, area: str) -> None:
    assert shown_files(made, "non-root", f"{slug(area)}-plain")["data-1"].text == "value-1"


@pytest.mark.parametrize("area", SECRETS)
def test_should_be_consumable_as_non_root_with_default_mode_and_fs_group_set(
    made: Group, area: str
) -> None:
    found = shown_files(made, "with-group", f"{slug(area)}-mode")["data-1"]

    assert (found.text, found.mode) == ("value-1", 0o440)


@pytest.mark.parametrize("area", SOURCES)
def test_should_be_consumable_from_pods_in_volume_with_mappings(made: Group, area: str) -> None:
    found = shown_files(made, "root", f"{slug(area)}-mapped")

    assert sorted(found) == ["", "path/to/data-2"]
    assert found["path/to/data-2"].text == "value-2"


@pytest.mark.parametrize("area", SOURCES)
def test_should_be_consumable_with_mappings_and_item_mode_set(made: Group, area: str) -> None:
    found = shown_files(made, "root", f"{slug(area)}-item-mode")["path/to/data-2"]

    assert (found.text, found.mode) == ("value-2", 0o400)


@pytest.mark.parametrize("area", CONFIG_MAPS)
def test_should_be_consumable_with_mappings_as_non_root(made: Group, area: str) -> None:
    assert shown_files(made, "non-root", f"{slug(area)}-mapped")["path/to/data-2"].text == "value-2"


@pytest.mark.parametrize("area", SOURCES)
def test_should_be_consumable_in_multiple_volumes_in_the_same_pod(made: Group, area: str) -> None:
    first = shown_files(made, "root", f"{slug(area)}-plain")
    again = shown_files(made, "root", f"{slug(area)}-again")

    assert first == again


def test_config_map_binary_data_should_be_reflected_in_volume(made: Group) -> None:
    found = shown_files(made, "root", "binary")

    assert found["dump.bin"].content == b"\xde\xad\xbe\xef"
    assert found["text"].text == "plain"


@pytest.mark.parametrize("area", CONFIG_MAPS)
def test_updates_should_be_reflected_in_volume(made: Group, area: str) -> None:
    made.ready("changing")
    path = f"{slug(area)}-updated/data-1"
    before = read(made, "changing", path)

    made.apply(made_object(area, "updated", {"data-1": "value-2"}))

    assert before == "value-1"
    _until_shows(made, path, "value-2")


@pytest.mark.parametrize("area", SOURCES)
def test_optional_updates_should_be_reflected_in_volume(made: Group, area: str) -> None:
    made.ready("changing")
    prefix = slug(area)
    kind = "configmap" if area in CONFIG_MAPS else "secret"

    made.kubectl("delete", kind, object_name(area, "deleted"))
    made.apply(
        made_object(area, "changed", {"data-3": "value-3"}),
        made_object(area, "created", {"data-1": "value-1"}),
    )

    _until_shows(made, f"{prefix}-created/data-1", "value-1")
    _until_shows(made, f"{prefix}-changed/data-3", "value-3")
    eventually("the file is gone", lambda: _is_gone(made, f"{prefix}-deleted/data-1"), 5)


@pytest.mark.parametrize("area", ["ConfigMap", "Secrets"])
def test_should_be_immutable_if_immutable_field_is_set(made: Group, area: str) -> None:
    made.apply(made_object(area, "immutable", {"data-1": "value-2"}))
    made.apply(made_object(area, "immutable", {"data-1": "value-2"}, immutable=True))

    for fields in ({"immutable": False}, {"immutable": True, "data": {}}):
        with pytest.raises(CommandFailed, match="immutable"):
            made.kubectl("replace", "-f", "-", stdin=manifest(
                "ConfigMap" if area == "ConfigMap" else "Secret",
                {"name": object_name(area, "immutable")},
                **fields,
            ))  # fmt: skip
    made.kubectl("delete", "configmap" if area == "ConfigMap" else "secret",
                 object_name(area, "immutable"))  # fmt: skip


def test_secrets_should_be_able_to_mount_regardless_of_one_with_same_name_in_another_namespace(
    made: Group,
) -> None:
    assert shown_files(made, "root", "secrets-plain")["data-1"].text == "value-1"


def test_projected_combined_should_project_all_components_that_make_up_the_projection_api(
    made: Group,
) -> None:
    found = shown_files(made, "all-components", "all")

    assert found["path/to/data-2"].text == "value-2"
    assert found["data-1"].text == "value-1"
    assert found["podname"].text == "all-components"


def _until_shows(group: Group, path: str, text: str) -> None:
    def shows() -> bool:
        try:
            return read(group, "changing", path) == text
        except CommandFailed:
            return False

    eventually(f"{path} is {text}", shows, 10)


def _is_gone(group: Group, path: str) -> bool:
    names = group.kubectl("exec", "changing", "--", "ls", f"/cases/{path.rpartition('/')[0]}")
    return path.rpartition("/")[2] not in names.split()
