"""Where a container's own files are on the host."""

from pathlib import Path

import pytest

from minikube_py.container_runtime import writable_layers

LINE = "29 1 0:42 {root} {where} rw - {type} {source} {options}\n"


def line(where: str, type_: str, options: str) -> str:
    return LINE.format(root="/", where=where, type=type_, source=type_, options=options)


def test_the_engine_s_overlay_says_it() -> None:
    said = {"GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/docker/overlay2/a/diff"}}}

    assert writable_layers.of_inspected(said) == "/docker/overlay2/a/diff"


@pytest.mark.parametrize(
    "inspected",
    [
        pytest.param({"GraphDriver": {"Name": "vfs", "Data": None}}, id="no-layers"),
        pytest.param({"GraphDriver": {"Name": "zfs", "Data": {"Dataset": "a"}}}, id="no-folder"),
        pytest.param({}, id="layers-in-containerd"),
    ],
)
def test_others_do_not(inspected: dict[str, object]) -> None:
    assert writable_layers.of_inspected(inspected) == ""


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        pytest.param(
            line("/proc", "proc", "rw")
            + line("/", "overlay", "rw,lowerdir=/s/1/fs,upperdir=/s/2/fs,workdir=/s/2/work"),
            "/s/2/fs",
            id="an-overlay",
        ),
        pytest.param(
            line("/", "overlay", "rw,lowerdir=l/A,upperdir=a/diff"), "", id="relative-paths"
        ),
        pytest.param(line("/", "ext4", "rw,upperdir=/a"), "", id="no-overlay"),
        pytest.param(line("/mnt", "overlay", "rw,upperdir=/a"), "", id="not-the-root"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_kernel_says_it_of_a_process(mounts: str, found: str) -> None:
    assert writable_layers.upper_dir(mounts) == found


def test_of_a_process_that_is_gone_nothing_is_known(tmp_path: Path) -> None:
    assert writable_layers.of_process(7, tmp_path) == ""
