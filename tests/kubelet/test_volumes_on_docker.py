"""Volumes of pods that live through their daemon's death."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, POD
from minikube_py.meta.mounts import mounts_below
from minikube_py.meta.objects import Object
from minikube_py.resources.options import DeleteOptions
from tests.kubelet.conftest import BUSYBOX, World, container, sleeper

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_what_a_pod_mounted_goes_though_it_ended_unseen(docker_world: World) -> None:
    """The daemon is killed, and while it is away the pod is removed by force."""
    sources: dict[str, Any] = {
        "memory": {"emptyDir": {"medium": "Memory"}},
        "disk": {"emptyDir": {}},
        "files": {"image": {"reference": BUSYBOX}},
    }
    parts = [{"name": name, "mountPath": f"/{name}"} for name in sources]
    parts.append({"name": "disk", "mountPath": "/part", "subPath": "part"})
    await docker_world.pod(
        "web",
        volumes=[{"name": name, **source} for name, source in sources.items()],
        containers=[sleeper(volumeMounts=parts)],
    )
    await docker_world.ready("web")
    mounted = len(mounts_below(docker_world.data_dir))
    kept = docker_world.data_dir / "image-volumes"
    images = len(list(kept.iterdir()))

    await docker_world.stop_kubelet()
    await docker_world.resources.delete(
        POD, "default", "web", DeleteOptions(grace_period_seconds=0)
    )
    docker_world.start_kubelet()

    await docker_world.nothing_left()
    assert (mounted, images) == (2, 1)
    assert mounts_below(docker_world.data_dir) == []
    await docker_world.eventually(lambda: not any(kept.iterdir()), "no image is kept")


async def test_files_change_together_and_within_a_second(docker_world: World) -> None:
    """The container tells of each time it saw two files of different versions."""
    await docker_world.create(CONFIG_MAP, "pair", data={"a": "0", "b": "0"})
    script = """
        trap 'exit 0' TERM
        while :; do
            cd "$(readlink -f /v/..data)" || continue
            a=$(cat a 2>/dev/null) && b=$(cat b 2>/dev/null) || continue
            echo > /tmp/looked
            [ "$a" = "$b" ] || echo "torn $a $b" >> /tmp/torn
        done
    """
    mounts = [{"name": "v", "mountPath": "/v"}]
    await docker_world.pod(
        "web",
        volumes=[{"name": "v", "configMap": {"name": "pair"}}],
        containers=[container("app", "sh", "-c", script, volumeMounts=mounts)],
    )
    pod = await docker_world.ready("web")
    folder = docker_world.data_dir / "pods" / pod["metadata"]["uid"] / "volumes" / "v"

    for number in ("1", "2", "3", "4", "5"):
        change = partial(_set_data, {"a": number, "b": number})
        await docker_world.resources.modify(CONFIG_MAP, "default", "pair", change)
        shows = partial(_shows, folder / "a", number)
        await docker_world.eventually(shows, "it shows", 1.0)

    assert await docker_world.exec("web", "app", "cat", "/v/a", "/v/b") == "55"
    assert await docker_world.exec("web", "app", "ls", "/tmp") == "looked\n"


def _set_data(data: dict[str, str], obj: Object) -> None:
    obj["data"] = data


def _shows(path: Path, text: str) -> bool:
    return path.read_text() == text
