"""Parts of volumes, opened so that nothing leads out of them."""

import os
import stat
from pathlib import Path

import pytest

from minikube_py.kubelet.sub_paths import MissingSubPath, OutsideVolume, open_sub_path


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    made.chmod(0o775)
    (tmp_path / "outside").mkdir()
    return made


def shown(volume: Path, sub_path: str, *, create: bool = True) -> Path:
    opened = open_sub_path(volume, sub_path, create=create)
    try:
        return Path(os.readlink(f"/proc/self/fd/{opened}"))  # noqa: PTH115
    finally:
        os.close(opened)


def test_missing_folders_get_the_volumes_mode(volume: Path) -> None:
    found = shown(volume, "a/b")

    assert found == volume / "a" / "b"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (found, found.parent)} == {0o775}


def test_links_that_stay_inside_are_followed(volume: Path) -> None:
    (volume / "real").mkdir()
    (volume / "link").symlink_to("real")

    assert shown(volume, "link/new") == volume / "real" / "new"


def test_the_volume_itself_may_be_a_link(volume: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(volume)

    assert shown(tmp_path / "alias", "a") == volume / "a"


@pytest.mark.parametrize("sub_path", ["..", "a/../../outside", "/etc", "link", "link/passwd"])
def test_what_leads_out_is_refused(volume: Path, sub_path: str) -> None:
    (volume / "link").symlink_to("../outside")

    with pytest.raises(OutsideVolume):
        open_sub_path(volume, sub_path, create=True)


def test_a_folder_that_becomes_a_link_meanwhile_is_refused(
    volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a container would, between the look and the opening."""
    (volume / "a").mkdir()
    resolve = os.path.realpath

    def swapping(path: str | Path) -> str:
        found = resolve(path)
        if str(path).endswith("/a"):
            (volume / "a").rmdir()
            (volume / "a").symlink_to(tmp_path / "outside")
        return found

    monkeypatch.setattr("minikube_py.kubelet.sub_paths.os.path.realpath", swapping)

    with pytest.raises(OutsideVolume):
        open_sub_path(volume, "a", create=True)


@pytest.mark.parametrize("sub_path", ["nothing", "file/below"])
def test_nothing_is_made_where_nothing_may_be_written(volume: Path, sub_path: str) -> None:
    (volume / "file").touch()

    with pytest.raises(MissingSubPath):
        open_sub_path(volume, sub_path, create=False)

    assert [entry.name for entry in volume.iterdir()] == ["file"]
