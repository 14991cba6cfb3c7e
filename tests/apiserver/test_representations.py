"""Tables, metadata, YAML, gzip: one object in many shapes."""

from typing import Any

import pytest
import yaml

from minikube_py.apiserver.negotiation import Media, negotiate
from minikube_py.meta.errors import NotAcceptable
from tests.apiserver.serving import Cluster
from tests.apiserver.test_verbs import MAPS, config_map

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
METADATA = "application/json;as=PartialObjectMetadata{};v=v1;g=meta.k8s.io,application/json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("", Media(), id="nothing"),
        pytest.param("*/*", Media(), id="anything"),
        pytest.param(
            "application/vnd.kubernetes.protobuf,application/json", Media(), id="protobuf-or-json"
        ),
        pytest.param("application/yaml", Media("yaml"), id="yaml"),
        pytest.param(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Media("json", "Table", "meta.k8s.io", "v1"),
            id="table",
        ),
        pytest.param(
            "application/json;as=Chart;v=v1;g=meta.k8s.io,application/json",
            Media(),
            id="unknown-as",
        ),
        pytest.param("application/json;q=0.1,application/yaml", Media("yaml"), id="quality"),
    ],
)
def test_the_first_clause_that_can_be_served_wins(accept: str, expected: Media) -> None:
    assert negotiate(accept) == expected


def test_protobuf_alone_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptable, match="application/json"):
        negotiate("application/vnd.kubernetes.protobuf")


async def test_a_list_as_a_table_has_cells_and_metadata(cluster: Cluster) -> None:
    await cluster.http.post(MAPS, json=config_map("a", x="1", y="2"))

    table = await (await cluster.http.get(MAPS, headers=TABLE)).json()

    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 2]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("include", "kind"),
    [
        pytest.param("None", None, id="none"),
        pytest.param("Metadata", "PartialObjectMetadata", id="metadata"),
        pytest.param("Object", "ConfigMap", id="object"),
    ],
)
async def test_rows_carry_what_was_asked_for(
    cluster: Cluster, include: str, kind: str | None
) -> None:
    await cluster.http.post(MAPS, json=config_map("a"))

    answer = await cluster.http.get(f"{MAPS}/a", headers=TABLE, params={"includeObject": include})

    row = (await answer.json())["rows"][0]
    assert row.get("object", {}).get("kind") == kind


async def test_metadata_alone_leaves_the_rest_out(cluster: Cluster) -> None:
    await cluster.http.post(MAPS, json=config_map("a", x="1"))

    one: dict[str, Any] = await (
        await cluster.http.get(f"{MAPS}/a", headers={"Accept": METADATA.format("")})
    ).json()
    listed = await (
        await cluster.http.get(MAPS, headers={"Accept": METADATA.format("List")})
    ).json()

    assert set(one) == {"kind", "apiVersion", "metadata"}
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["items"][0]["metadata"]["name"] == "a"


async def test_yaml_is_answered_to_those_who_ask(cluster: Cluster) -> None:
    await cluster.http.post(MAPS, json=config_map("a", x="1"))

    answer = await cluster.http.get(f"{MAPS}/a", headers={"Accept": "application/yaml"})

    assert answer.content_type == "application/yaml"
    assert yaml.safe_load(await answer.text())["data"] == {"x": "1"}


async def test_large_lists_are_compressed_for_those_who_accept_it(cluster: Cluster) -> None:
    for number in range(3):
        await cluster.http.post(MAPS, json=config_map(f"m{number}", x="y" * 100_000))

    plain = await cluster.http.get(MAPS, headers={"Accept-Encoding": "identity"})
    squeezed = await cluster.http.get(MAPS, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert int(plain.headers["Content-Length"]) > 300_000
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert await squeezed.json() == await plain.json()


async def test_pretty_indents(cluster: Cluster) -> None:
    await cluster.http.post(MAPS, json=config_map("a"))

    text = await (await cluster.http.get(f"{MAPS}/a", params={"pretty": "true"})).text()

    assert '\n  "kind": "ConfigMap"' in text
