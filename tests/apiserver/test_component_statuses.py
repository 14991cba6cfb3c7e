"""ComponentStatus: made up from checks when asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.serving import Certificates, Cluster, serve

API = "/api/v1/componentstatuses"


async def _well() -> None: ...


async def _broken() -> None:
    raise OSError("no space left\non the disk")


@pytest.fixture
async def cluster(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Cluster]:
    components = {"scheduler": _well, "etcd-0": _broken}
    async with serve(tmp_path, certificates, components=components) as cluster:
        yield cluster


async def test_each_component_says_how_it_is(cluster: Cluster) -> None:
    listed = await (await cluster.http.get(API)).json()
    one = await (await cluster.http.get(f"{API}/etcd-0")).json()

    assert listed["kind"] == "ComponentStatusList"
    assert [item["metadata"]["name"] for item in listed["items"]] == ["scheduler", "etcd-0"]
    assert listed["items"][0]["conditions"][0]["status"] == "True"
    assert one["conditions"] == [
        {"type": "Healthy", "status": "False", "message": "no space left on the disk"}
    ]


async def test_they_are_printed_as_a_table(cluster: Cluster) -> None:
    accept = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    table = await (await cluster.http.get(API, headers=accept)).json()
    row = await (await cluster.http.get(f"{API}/scheduler", headers=accept)).json()

    assert [one["cells"][:2] for one in table["rows"]] == [
        ["scheduler", "Healthy"],
        ["etcd-0", "Unhealthy"],
    ]
    assert row["rows"][0]["cells"][:2] == ["scheduler", "Healthy"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        pytest.param("GET", f"{API}/none", 404, id="unknown"),
        pytest.param("POST", API, 405, id="create"),
        pytest.param("GET", f"{API}?watch=1", 405, id="watch"),
    ],
)
async def test_nothing_else_is_known(cluster: Cluster, method: str, path: str, code: int) -> None:
    assert (await cluster.http.request(method, path)).status == code
