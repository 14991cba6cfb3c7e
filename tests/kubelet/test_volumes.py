import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.kubelet.field_refs import PodPlace
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.podspec import member as member_of
from minikube_py.kubelet.projections import Projector
from minikube_py.kubelet.volumes import DOCKER_VOLUME_ANNOTATION, VolumeProblem, Volumes
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.mounts import mounts_below
from minikube_py.meta.objects import Object
from tests.control_loop.harness import FakeClock


@dataclass
class Shelf:
    """Volumes of one pod, on a folder of the test's."""

    folder: Path
    volumes: Volumes
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)

    def claim(self, namespace: str, name: str) -> Object | None:
        return self.objects.get(("PersistentVolumeClaim", name))

    def volume(self, name: str) -> Object | None:
        return self.objects.get(("PersistentVolume", name))

    def pull_secrets(self, pod: Object) -> list[Object]:
        return []

    def projector(self) -> Projector:
        place = PodPlace("192.0.2.1", "", {"cpu": "4", "memory": "8Gi"})
        return Projector(lambda kind, _namespace, name: self.objects.get((kind, name)), place)

    async def mounts(self, pod: Object) -> dict[str, Any]:
        ready = await self.volumes.set_up(pod, self.projector())
        found = member_of(pod, "app")
        assert found is not None
        mounts = await self.volumes.mounts(pod, found, ready, {"NAME": "sub"})
        return {mount.target: mount for mount in mounts}

    async def only_path(self, source: dict[str, Any], **mount: Any) -> Path:
        mounts = await self.mounts(pod(source, **mount))
        return Path(mounts["/data"].source)


def pod(source: dict[str, Any], security: dict[str, Any] | None = None, **mount: Any) -> Object:
    return {
        "metadata": {
            "name": "web",
            "namespace": "default",
            "uid": "u1",
            "labels": {"b": "2", "a": "1"},
        },
        "spec": {
            "securityContext": security or {},
            "volumes": [{"name": "data", **source}],
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "resources": {"limits": {"cpu": "2"}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data", **mount}],
                }
            ],
        },
    }


@pytest.fixture
def shelf(tmp_path: Path, mounts_gone: None) -> Iterator[Shelf]:
    clock, files = FakeClock(), HostFiles()
    runtime = SimulatedRuntime(Cluster("t"), clock=clock, state_dir=tmp_path / "paper")
    made = Shelf(tmp_path / "pods", None)  # type: ignore[arg-type]
    made.volumes = Volumes(made.folder, files, runtime, made, clock)
    yield made
    files.close()


async def test_empty_directories_are_for_everyone(shelf: Shelf) -> None:
    path = await shelf.only_path({"emptyDir": {}})

    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    assert path == shelf.folder / "u1" / "volumes" / "data"


@pytest.mark.root
async def test_memory_is_a_mount_that_goes_with_the_pod(shelf: Shelf) -> None:
    path = await shelf.only_path({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    again = await shelf.only_path({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    size = os.statvfs(path)

    await shelf.volumes.tear_down("u1")

    assert path == again
    assert size.f_blocks * size.f_frsize == 1 << 20
    assert not path.exists()


@pytest.mark.root
def test_a_test_that_is_interrupted_leaves_nothing_mounted(
    tmp_path: Path, mounts_gone: None
) -> None:
    (tmp_path / "test_interrupted.py").write_text(
        "from tests.kubelet.conftest import HostFiles, mounts_gone\n"
        "async def test_it(tmp_path, mounts_gone):\n"
        "    await HostFiles().mount_memory(tmp_path / 'memory', size_bytes=0, group=None)\n"
        "    raise KeyboardInterrupt\n"
    )
    base = tmp_path / "base"

    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={base}"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, f"--config-file={root}/pyproject.toml", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert "KeyboardInterrupt" in done.stdout
    assert (base / "test_it0" / "memory").is_dir()
    assert mounts_below(tmp_path) == []


@pytest.mark.root
async def test_the_pods_group_owns_its_volumes(shelf: Shelf) -> None:
    shelf.objects[("Secret", "login")] = {"data": {"key": "eA=="}}
    secret = {"secret": {"secretName": "login", "defaultMode": 0o400}}

    empty = await shelf.mounts(pod({"emptyDir": {}}, {"fsGroup": 1234}))
    files = await shelf.mounts(pod(secret, {"fsGroup": 1234}))

    directory = os.stat(empty["/data"].source)  # noqa: PTH116
    key = os.stat(files["/data"].source + "/key")  # noqa: PTH116
    assert (directory.st_gid, directory.st_mode & stat.S_ISGID) == (1234, stat.S_ISGID)
    assert (key.st_gid, stat.S_IMODE(key.st_mode)) == (1234, 0o440)


async def test_keys_become_files_with_modes_and_paths_of_their_own(shelf: Shelf) -> None:
    shelf.objects[("ConfigMap", "c")] = {
        "data": {"a": "1", "b": "2"},
        "binaryData": {"bin": "AAE="},
    }
    items = [{"key": "a", "path": "deep/a", "mode": 0o600}, {"key": "bin", "path": "bin"}]

    path = await shelf.only_path({"configMap": {"name": "c", "items": items, "defaultMode": 0o444}})

    assert (path / "deep" / "a").read_text() == "1"
    assert (path / "bin").read_bytes() == b"\x00\x01"
    assert stat.S_IMODE((path / "deep" / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE((path / "bin").stat().st_mode) == 0o444
    assert not (path / "b").exists()


async def test_projected_volumes_join_their_sources(shelf: Shelf) -> None:
    shelf.objects[("ConfigMap", "c")] = {"data": {"a": "1"}}
    shelf.objects[("Secret", "s")] = {"data": {"b": "Mg=="}}
    fields = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "app", "resource": "limits.cpu"}},
    ]
    sources = [
        {"configMap": {"name": "c"}},
        {"secret": {"name": "s"}},
        {"downwardAPI": {"items": fields}},
        {"configMap": {"name": "missing", "optional": True}},
    ]

    path = await shelf.only_path({"projected": {"sources": sources}})

    found = {name: (path / name).read_text() for name in ("a", "b", "labels", "cpu")}
    assert found == {"a": "1", "b": "2", "labels": 'a="1"\nb="2"', "cpu": "2"}


@pytest.mark.parametrize(
    ("source", "message", "unsupported"),
    [
        ({"csi": {"driver": "x"}}, 'volume "data": source csi is not supported', True),
        ({"iscsi": {}}, 'volume "data": source iscsi is not supported', True),
        ({"configMap": {"name": "nope"}}, 'configmap "nope" not found', False),
        ({"secret": {"secretName": "nope"}}, 'secret "nope" not found', False),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            "projected.sources.serviceAccountToken is not supported",
            True,
        ),
        (
            {"persistentVolumeClaim": {"claimName": "nope"}},
            'persistentvolumeclaim "nope" not found',
            False,
        ),
        (
            {"hostPath": {"path": "/nonexistent/x", "type": "Directory"}},
            "hostPath type check failed: /nonexistent/x is not a directory",
            False,
        ),
        (
            {"hostPath": {"path": "/etc", "type": "Socket"}},
            "hostPath type check failed: /etc is not a socket file",
            False,
        ),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_mounted_is_named(
    shelf: Shelf, source: dict[str, Any], message: str, unsupported: bool
) -> None:
    with pytest.raises(VolumeProblem) as raised:
        await shelf.mounts(pod(source))

    assert message in str(raised.value)
    assert raised.value.unsupported is unsupported


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMap": {"name": "c"}}, "configmap references non-existent config key: k"),
        ({"secret": {"secretName": "s"}}, "references non-existent secret key: k"),
    ],
    ids=["configMap", "secret"],
)
async def test_a_key_that_is_missing_is_named_unless_it_is_optional(
    shelf: Shelf, source: dict[str, Any], message: str
) -> None:
    shelf.objects[("ConfigMap", "c")] = {"data": {}}
    shelf.objects[("Secret", "s")] = {"data": {}}
    [spec] = source.values()
    spec["items"] = [{"key": "k", "path": "k"}]

    with pytest.raises(VolumeProblem) as raised:
        await shelf.mounts(pod(source))
    spec["optional"] = True
    path = await shelf.only_path(source)

    assert str(raised.value) == f'MountVolume.SetUp failed for volume "data" : {message}'
    assert _names(path) == ["..data"]


@pytest.mark.parametrize("missing", ["NOBODY", "TWICE"])
async def test_a_sub_path_needs_the_variables_it_names(shelf: Shelf, missing: str) -> None:
    with pytest.raises(VolumeProblem, match=f'missing value for "{missing}" in subPathExpr'):
        await shelf.mounts(pod({"emptyDir": {}}, subPathExpr=f"$(NAME)/$({missing})"))


async def test_files_to_be_made_need_their_folder(shelf: Shelf, tmp_path: Path) -> None:
    """As kubelet: FileOrCreate makes no folders."""
    path = tmp_path / "nothing" / "file"

    with pytest.raises(VolumeProblem, match=f"open {path}: no such file or directory"):
        await shelf.mounts(pod({"hostPath": {"path": str(path), "type": "FileOrCreate"}}))


async def test_host_paths_may_be_made(shelf: Shelf, tmp_path: Path) -> None:
    made = tmp_path / "made" / "here"
    file = tmp_path / "file"

    await shelf.only_path({"hostPath": {"path": str(made), "type": "DirectoryOrCreate"}})
    await shelf.only_path({"hostPath": {"path": str(file), "type": "FileOrCreate"}})

    assert made.is_dir()
    assert file.is_file()


async def test_a_claim_is_a_volume_of_the_engine(shelf: Shelf) -> None:
    shelf.objects[("PersistentVolumeClaim", "data")] = {
        "spec": {"volumeName": "pv"},
        "status": {"phase": "Bound"},
    }
    shelf.objects[("PersistentVolume", "pv")] = {
        "metadata": {"name": "pv", "annotations": {DOCKER_VOLUME_ANNOTATION: "mk-t-pv"}},
        "spec": {"capacity": {}, "claimRef": {}},
    }
    source = {"persistentVolumeClaim": {"claimName": "data"}}

    whole = (await shelf.mounts(pod(source)))["/data"]
    part = (await shelf.mounts(pod(source, subPath="db")))["/data"]

    assert (whole.source, whole.is_volume) == ("mk-t-pv", True)
    assert part.is_volume is False
    assert part.source != whole.source


async def test_sub_paths_are_made_and_expanded(shelf: Shelf) -> None:
    source: dict[str, Any] = {"emptyDir": {}}

    plain = await shelf.only_path(source, subPath="a/b")
    (plain / "here").touch()
    expanded = await shelf.only_path(source, subPathExpr="x/$(NAME)")
    (expanded / "there").touch()

    volume = shelf.folder / "u1" / "volumes" / "data"
    assert (volume / "a" / "b" / "here").is_file()
    assert (volume / "x" / "sub" / "there").is_file()
    assert stat.S_IMODE((volume / "a").stat().st_mode) == 0o777


@pytest.mark.parametrize("sub_path", ["../other", "/etc", "link"])
async def test_a_sub_path_may_not_leave_its_volume(shelf: Shelf, sub_path: str) -> None:
    volume = await shelf.only_path({"emptyDir": {}})
    (volume / "link").symlink_to("/etc")

    with pytest.raises(VolumeProblem, match="leaves volume"):
        await shelf.mounts(pod({"emptyDir": {}}, subPath=sub_path))


async def test_a_sub_path_of_projected_files_is_the_file_itself(shelf: Shelf) -> None:
    shelf.objects[("ConfigMap", "c")] = {"data": {"a": "1"}}

    path = await shelf.only_path({"configMap": {"name": "c"}}, subPath="a")

    assert path.read_text() == "1"
    assert not path.is_symlink()


async def test_refreshing_changes_only_what_changed(shelf: Shelf) -> None:
    shelf.objects[("ConfigMap", "c")] = {"data": {"a": "1", "b": "1"}}
    obj = pod({"configMap": {"name": "c"}})
    path = Path((await shelf.mounts(obj))["/data"].source)

    unchanged = shelf.volumes.refresh(obj, shelf.projector())
    shelf.objects[("ConfigMap", "c")] = {"data": {"a": "2"}}
    changed = shelf.volumes.refresh(obj, shelf.projector())

    assert (unchanged, changed) == (False, True)
    assert (path / "a").read_text() == "2"
    assert _names(path) == ["..data", "a"]


def _names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("..2"))
