"""[sig-storage] Downward API volume, Projected downwardAPI: the same said of two sources."""

from typing import Any

import pytest

from tests.conformance.conftest import Group
from tests.conformance.shown_files import read, reader, shown_files, watcher
from tests.e2e.conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

AREAS = ("Downward API volume", "Projected downwardAPI")
RESOURCES = {
    "requests": {"cpu": "250m", "memory": "32Mi"},
    "limits": {"cpu": "1250m", "memory": "64Mi"},
}
SHOWN = {
    "cpu_limit": ("limits.cpu", "1m"),
    "cpu_request": ("requests.cpu", "1m"),
    "memory_limit": ("limits.memory", "1"),
    "memory_request": ("requests.memory", "1"),
}


def slug(area: str) -> str:
    return area.lower().replace(" ", "-")


def volume(area: str, *items: dict[str, Any], **spec: Any) -> dict[str, Any]:
    if area == AREAS[0]:
        return {"downwardAPI": {"items": list(items), **spec}}
    return {"projected": {"sources": [{"downwardAPI": {"items": list(items)}}], **spec}}


def field(path: str, name: str, **more: Any) -> dict[str, Any]:
    return {"path": name, "fieldRef": {"fieldPath": path}, **more}


def amounts() -> list[dict[str, Any]]:
    return [
        {
            "path": name,
            "resourceFieldRef": {
                "containerName": "app", "resource": resource, "divisor": divisor,
            },
        }
        for name, (resource, divisor) in SHOWN.items()
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made(group: Group) -> Group:
    cases, unlimited, changing = {}, {}, {}
    for area in AREAS:
        name = field("metadata.name", "podname")
        cases[f"{slug(area)}-amounts"] = volume(area, *amounts())
        cases[f"{slug(area)}-name"] = volume(area, name)
        cases[f"{slug(area)}-mode"] = volume(area, name, defaultMode=0o400)
        cases[f"{slug(area)}-item-mode"] = volume(area, {**name, "mode": 0o400})
        unlimited[f"{slug(area)}-amounts"] = volume(area, *amounts()[::2])
        changing[f"{slug(area)}-changing"] = volume(
            area, field("metadata.labels", "labels"), field("metadata.annotations", "annotations")
        )
    group.apply(
        watcher("changing", changing, metadata={"labels": {"key1": "value1", "key2": "value2"},
                                                "annotations": {"builder": "bar"}}),
        reader("limited", cases, container={"resources": RESOURCES}),
        reader("unlimited", unlimited),
    )  # fmt: skip
    return group


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_containers_cpu_limit(made: Group, area: str) -> None:
    assert amount(made, area, "cpu_limit") == 1250


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_containers_cpu_request(made: Group, area: str) -> None:
    assert amount(made, area, "cpu_request") == 250


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_containers_memory_limit(made: Group, area: str) -> None:
    assert amount(made, area, "memory_limit") == 64 << 20


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_containers_memory_request(made: Group, area: str) -> None:
    assert amount(made, area, "memory_request") == 32 << 20


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_node_allocatable_cpu_as_default_cpu_limit_if_the_limit_is_not_set(
    made: Group, area: str
) -> None:
    [node] = made.cluster.get("nodes")["items"]
    cpus = node["status"]["allocatable"]["cpu"]

    assert amount(made, area, "cpu_limit", "unlimited") == int(cpus) * 1000


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_node_allocatable_memory_as_default_memory_limit_if_the_limit_is_not_set(
    made: Group, area: str
) -> None:
    [node] = made.cluster.get("nodes")["items"]
    memory = node["status"]["allocatable"]["memory"]

    found = amount(made, area, "memory_limit", "unlimited")
    assert found == int(memory.removesuffix("Ki")) * (1024 if memory.endswith("Ki") else 1)


@pytest.mark.parametrize("area", AREAS)
def test_should_provide_podname_only(made: Group, area: str) -> None:
    found = shown_files(made, "limited", f"{slug(area)}-name")

    assert sorted(found) == ["", "podname"]
    assert found["podname"].text == "limited"


@pytest.mark.parametrize("area", AREAS)
def test_should_set_default_mode_on_files(made: Group, area: str) -> None:
    assert shown_files(made, "limited", f"{slug(area)}-mode")["podname"].mode == 0o400


@pytest.mark.parametrize("area", AREAS)
def test_should_set_mode_on_item_file(made: Group, area: str) -> None:
    assert shown_files(made, "limited", f"{slug(area)}-item-mode")["podname"].mode == 0o400


@pytest.mark.parametrize("area", AREAS)
def test_should_update_labels_on_modification(made: Group, area: str) -> None:
    made.ready("changing")
    path, key = f"{slug(area)}-changing/labels", slug(area)
    before = read(made, "changing", path)

    made.kubectl("label", "pod", "changing", f"{key}=value3")

    assert 'key1="value1"\nkey2="value2"' in before
    eventually("the label", lambda: f'{key}="value3"' in read(made, "changing", path), 10)


@pytest.mark.parametrize("area", AREAS)
def test_should_update_annotations_on_modification(made: Group, area: str) -> None:
    made.ready("changing")
    path = f"{slug(area)}-changing/annotations"
    before = read(made, "changing", path)

    made.kubectl("annotate", "pod", "changing", "--overwrite", f"builder={slug(area)}")

    assert 'builder="' in before
    wanted = f'builder="{slug(area)}"'
    eventually("the annotation", lambda: wanted in read(made, "changing", path), 10)


def amount(group: Group, area: str, name: str, pod: str = "limited") -> int:
    return int(shown_files(group, pod, f"{slug(area)}-amounts")[name].text)
