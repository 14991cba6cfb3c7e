"""One daemon a directory, one start at a time on a host."""

import asyncio
from pathlib import Path

import pytest

from minikube_py.daemon.choices import StartFailure
from minikube_py.daemon.locks import one_start_at_a_time, only_daemon


def test_a_second_daemon_on_the_same_directory_is_told_about_the_first(tmp_path: Path) -> None:
    with (
        only_daemon(tmp_path / "data"),
        pytest.raises(StartFailure, match="mk status"),
        only_daemon(tmp_path / "data"),
    ):
        pass

    with only_daemon(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_starts_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    order: list[str] = []
    first_is_in, first_may_go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with one_start_at_a_time():
            order.append("first in")
            first_is_in.set()
            await first_may_go.wait()
            order.append("first out")

    async def second() -> None:
        await first_is_in.wait()
        asyncio.get_running_loop().call_soon(first_may_go.set)
        async with one_start_at_a_time():
            order.append("second in")

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(first())
        group.create_task(second())

    assert order == ["first in", "first out", "second in"]
