"""The host has no room, or something is gone: told as an Event, and repaired when it can be."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ImageInfo,
    ImageNotFound,
    StartFailed,
)
from minikube_py.meta.objects import uid_of
from tests.kubelet.conftest import World, container, sleeper, state_of

QUICK = {"mk.dev/restart-backoff": "10ms"}


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Where the pods' files go; remove what is returned to have room again."""
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", data], check=True)
    filler = data / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(1 << 17))
    yield filler
    subprocess.run(["umount", "--lazy", data], check=True)


@pytest.mark.root
async def test_a_full_disk_is_told_and_outlived(full_disk: Path, paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])

    await paper_world.told("web", "FailedSync")
    messages = dict(paper_world.events("web"))
    assert "No space left on device" in messages["FailedSync"]

    full_disk.unlink()  # noqa: ASYNC240
    pod = await paper_world.ready("web")
    assert state_of(pod)["restartCount"] == 0


class _Faulty:
    """A runtime that fails at its first `name`, with `error`."""

    def __init__(self, whole: ContainerRuntime, name: str, error: Exception) -> None:
        self._whole = whole
        self._name = name
        self._error: Exception | None = error
        self.has_image = True

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._whole, name)
        if name != self._name:
            return method

        async def fail_once(*arguments: Any, **options: Any) -> Any:
            if self._error is not None:
                error, self._error = self._error, None
                self.has_image = not isinstance(error, ImageNotFound)
                raise error
            return await method(*arguments, **options)

        return fail_once

    async def image(self, reference: str) -> ImageInfo | None:
        return await self._whole.image(reference) if self.has_image else None

    async def pull_image(self, reference: str, **options: Any) -> None:
        await self._whole.pull_image(reference, **options)
        self.has_image = True


async def _restart_with(world: World, name: str, error: Exception) -> None:
    await world.stop_kubelet()
    world.runtime = cast(ContainerRuntime, _Faulty(world.runtime, name, error))
    world.start_kubelet()


async def test_an_image_that_vanished_before_its_container_was_made_is_pulled_again(
    paper_world: World,
) -> None:
    await _restart_with(paper_world, "create_container", ImageNotFound("No such image: busybox"))

    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")

    await paper_world.told("web", "Started")
    reasons = [reason for reason, _ in paper_world.events("web")]
    assert "Error: No such image: busybox" in dict(paper_world.events("web")).values()
    assert reasons.index("Failed") < reasons.index("Pulling")


async def test_a_process_that_cannot_be_made_is_told_and_tried_again(paper_world: World) -> None:
    cannot = "OCI runtime create failed: fork/exec: resource temporarily unavailable"
    await _restart_with(paper_world, "start_container", StartFailed(cannot))

    await paper_world.pod("web", annotations=QUICK, containers=[sleeper()])
    await paper_world.ready("web")

    await paper_world.told("web", "Started")
    assert any(cannot in message for _, message in paper_world.events("web"))


async def test_a_container_that_crashes_for_ever_does_not_fill_the_disk(
    paper_world: World,
) -> None:
    pod = await paper_world.pod("web", annotations=QUICK, containers=[container("app", "false")])

    await paper_world.until("web", lambda pod: state_of(pod).get("restartCount", 0) >= 6, "often")

    kept = list((paper_world.data_dir / "pods" / uid_of(pod) / "containers/app").iterdir())
    assert len(kept) <= 4
    assert len(await paper_world.containers("web")) <= 4
