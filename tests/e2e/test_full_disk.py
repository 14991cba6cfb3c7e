"""A full disk refuses writes in words, loses nothing, and is forgiven once there is space."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import RunningCluster

pytestmark = [pytest.mark.e2e, pytest.mark.root]

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: {text}}}\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def fill(disk: Path) -> Path:
    path = disk / "fill"
    with path.open("wb") as file:
        for size in (65536, 4096, 512):
            while shutil.disk_usage(disk).free >= size:
                file.write(bytes(size))
                file.flush()
    return path


def test_a_full_disk_is_told_and_outlived(
    new_cluster: Callable[[], RunningCluster], small_disk: Path
) -> None:
    cluster = new_cluster()
    data = ("--data-dir", str(small_disk / "state"))
    context = ("--context", cluster.name)
    cluster.up("--runtime", "simulated", *data)
    cluster.mk(*context, "apply", "-f", "-", stdin=MAP.format(name="before", text="x"))
    filler = fill(small_disk)

    many = "---\n".join(MAP.format(name=f"big-{i}", text="x" * 60_000) for i in range(20))
    refused = cluster.mk(*context, "apply", "-f", "-", stdin=many, code=1)
    status = cluster.status()

    assert "is full; free some space" in refused
    assert "applied: none" in refused
    assert any("is full" in problem for problem in status["problems"])
    names = cluster.mk(*context, "get", "configmaps", "-o", "name")
    assert "configmap/before" in names
    assert "big-" not in names

    cluster.down()
    error = cluster.mk("up", "--cluster", cluster.name, *data, code=1)
    assert error.count("\n") == 1
    assert "is full" in error

    filler.unlink()
    cluster.up(*data)
    cluster.mk(*context, "apply", "-f", "-", stdin=MAP.format(name="after", text="x"))
    assert "configmap/before" in cluster.mk(*context, "get", "configmaps", "-o", "name")
