"""The files of images as folders, kept for as long as a pod shows them."""

import io
import tarfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from minikube_py.container_runtime.interface import ImageNotFound
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.kubelet.host_files import FileProblem, HostFiles
from minikube_py.kubelet.image_volumes import ImageVolumes
from minikube_py.kubelet.images import Images
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object
from tests.control_loop.harness import FakeClock

FILES = {"app/file": b"content", "etc/hosts": b"", "etc/own": b"x", ".dockerenv": b"", "proc/": b""}


class Runtime(SimulatedRuntime):
    """Its images have files; counts how often they were asked for."""

    asked = 0
    broken = False

    async def image_files(self, image_id: str) -> AsyncGenerator[bytes, None]:
        self.asked += 1
        if self.broken:
            raise ImageNotFound("it vanished")
        yield _tar()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, len(content)
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(
        Cluster("t"), clock=FakeClock(), state_dir=tmp_path / "paper", missing_images=["missing:1"]
    )


@pytest.fixture
def images(tmp_path: Path, runtime: Runtime) -> Iterator[ImageVolumes]:
    files = HostFiles()
    yield ImageVolumes(tmp_path / "kept", runtime, Images(runtime, FakeClock()), files)
    files.close()


def pod(uid: str) -> Object:
    return {"metadata": {"name": uid, "namespace": "default", "uid": uid}}


async def test_two_pods_share_what_was_unpacked_once(
    images: ImageVolumes, runtime: Runtime, tmp_path: Path
) -> None:
    first = await images.set_up(pod("u1"), {"reference": "app:1"}, [])
    second = await images.set_up(pod("u2"), {"reference": "app:1"}, [])
    await images.release("u1")
    text = (second / "app" / "file").read_text()
    await images.release("u2")
    await images.release("u3")

    assert first == second
    assert runtime.asked == 1
    assert text == "content"
    assert list((tmp_path / "kept").iterdir()) == []


async def test_what_the_engine_adds_is_left_out(images: ImageVolumes) -> None:
    found = await images.set_up(pod("u1"), {"reference": "app:1"}, [])

    names = sorted(str(path.relative_to(found)) for path in found.rglob("*"))
    assert names == ["app", "app/file", "etc", "etc/own"]


async def test_what_was_cut_short_is_begun_again(images: ImageVolumes, runtime: Runtime) -> None:
    runtime.broken = True
    with pytest.raises(ImageNotFound):
        await images.set_up(pod("u1"), {"reference": "app:1"}, [])

    runtime.broken = False
    found = await images.set_up(pod("u1"), {"reference": "app:1"}, [])

    assert (found / "app" / "file").exists()
    assert not (found.parent / "unpacking").exists()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"reference": "missing:1", "pullPolicy": "Never"},
            'image "missing:1" is not present with pull policy of Never',
        ),
        (
            {"reference": "missing:1", "pullPolicy": "IfNotPresent"},
            'failed to pull image "missing:1": manifest for missing:1 not found',
        ),
        ({"reference": "A B"}, "invalid reference format"),
    ],
    ids=["never", "not-there", "no-reference"],
)
async def test_an_image_that_cannot_be_had_is_told(
    images: ImageVolumes, spec: dict[str, str], message: str
) -> None:
    with pytest.raises(FileProblem, match=message):
        await images.set_up(pod("u1"), spec, [])
