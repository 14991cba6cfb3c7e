"""Mounts, ownership and sizes of files on this host."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikube_py.kubelet.host_files import FileProblem, HostFiles, HostLacks
from minikube_py.meta.mounts import mounts_below


@pytest.fixture
def files(mounts_gone: None) -> Iterator[HostFiles]:
    made = HostFiles()
    yield made
    made.close()


@pytest.mark.root
async def test_a_bound_part_shows_the_file_that_is_there_now(
    files: HostFiles, tmp_path: Path
) -> None:
    volume, target = tmp_path / "volume", tmp_path / "parts" / "0"
    volume.mkdir()
    (volume / "file").write_text("old")

    await files.bind_sub_path(volume, "file", target, create=False)
    await files.bind_sub_path(volume, "file", target, create=False)
    once = len(mounts_below(tmp_path))
    (volume / "file").unlink()
    (volume / "file").write_text("new")
    before = target.read_text()
    await files.bind_sub_path(volume, "file", target, create=False)

    assert once == 1
    assert (before, target.read_text()) == ("old", "new")
    assert len(mounts_below(tmp_path)) == 1


@pytest.mark.root
async def test_removing_takes_mounts_away_and_never_what_they_show(
    files: HostFiles, tmp_path: Path
) -> None:
    volume, pod = tmp_path / "volume", tmp_path / "pod"
    (volume / "folder").mkdir(parents=True)
    (volume / "folder" / "precious").touch()

    await files.bind_sub_path(volume, "folder", pod / "parts" / "0", create=False)
    await files.bind_read_only(volume, pod / "parts" / "1")
    await files.remove(pod)

    assert not pod.exists()
    assert (volume / "folder" / "precious").exists()


@pytest.mark.root
async def test_a_read_only_tree_is_so_in_what_is_mounted_below_it(
    files: HostFiles, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    await files.mount_memory(source / "inner", size_bytes=0, group=None)

    await files.bind_read_only(source, target)

    for path in (target / "file", target / "inner" / "file"):
        with pytest.raises(OSError, match="Read-only"):
            path.touch()
    (source / "inner" / "file").touch()
    assert (target / "inner" / "file").exists()


@pytest.mark.root
async def test_a_group_is_given_the_whole_tree_and_again_only_if_asked(
    files: HostFiles, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    file = tree / "folder" / "file"
    file.touch()
    outside = tmp_path / "outside"
    outside.touch()
    (tree / "link").symlink_to(outside)

    await files.own(tree, 1234)
    given = file.stat()
    os.chown(file, 0, 0)
    await files.own(tree, 1234, always=False)
    trusted = file.stat().st_gid
    await files.own(tree, 1234, always=True)

    assert (given.st_gid, stat.S_IMODE(given.st_mode) & 0o660) == (1234, 0o660)
    assert (tree / "folder").stat().st_mode & 0o2770 == 0o2770
    assert (tree / "link").lstat().st_gid == 1234
    assert outside.stat().st_gid == 0
    assert (trusted, file.stat().st_gid) == (0, 1234)


async def test_what_a_tree_takes_counts_hard_links_once(files: HostFiles, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "file"
    file.write_bytes(bytes(1 << 20))
    before = await files.taken(tmp_path)
    os.link(file, tmp_path / "again")

    assert before.bytes >= 1 << 20
    assert before.inodes == 2
    assert await files.taken(tmp_path) == before


async def test_nfs_names_the_package_it_needs(
    files: HostFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "minikube_py.kubelet.host_files.shutil.which"
    monkeypatch.setattr(nowhere, lambda _name, path: None)

    with pytest.raises(HostLacks, match="install the package nfs-common"):
        await files.mount_nfs(tmp_path / "nfs", "server:/path", [])


async def test_nfs_is_mounted_as_the_volume_says(
    files: HostFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the host's own programs, which here say what they were asked."""
    for name in ("mount", "mount.nfs"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "asked: $@" >&2\nexit 32\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(FileProblem) as raised:
        await files.mount_nfs(tmp_path / "nfs", "server:/path", ["nfsvers=4", "ro"])

    assert f"asked: -t nfs -o nfsvers=4,ro server:/path {tmp_path}/nfs" in str(raised.value)
