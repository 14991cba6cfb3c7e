import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.container_runtime.followed_logs import Message, follow
from minikube_py.container_runtime.interface import (
    LogOptions,
    NoSuchContainer,
    RuntimeUnavailable,
)
from minikube_py.container_runtime.log_files import LogFiles

KEPT = 3


class Engine:
    """Writes and rotates as dockerd's json-file driver does."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "x-json.log"
        self.path.touch()
        self.number = 0

    def write(self, *, half: bool = False) -> None:
        """One record; `half` is what a reader may see of it in the middle of the write."""
        if not half:
            self.number += 1
        second = self.number % 60
        record = (
            f'{{"log":"line {self.number}\\n","stream":"stdout",'
            f'"time":"2026-11-23T10:00:{second:02}.5Z"}}\n'
        )
        with self.path.open("a") as file:
            file.write(record[:20] if half else record)

    def rotate(self) -> None:
        for number in range(KEPT - 1, 1, -1):
            older = Path(f"{self.path}.{number - 1}")
            if older.exists():
                older.rename(f"{self.path}.{number}")
        self.path.rename(f"{self.path}.1")
        self.path.touch()


def test_lines_are_read_in_order_over_several_files(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    files = LogFiles(engine.path)
    for _ in range(KEPT):
        engine.write()
        engine.write()
        engine.rotate()
    engine.write()

    read = []
    while lines := files.read():
        read += lines
    files.close()

    assert [number_of(line) for line in read] == [3, 4, 5, 6, 7]  # two kept besides the newest


@given(steps=st.lists(st.sampled_from(["write", "rotate", "read"]), max_size=60))
def test_a_reader_misses_and_repeats_nothing_that_was_not_thrown_away(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    engine = Engine(tmp_path_factory.mktemp("log"))
    files, read, rotations = LogFiles(engine.path), list[int](), 0
    for step in steps:
        if step == "write":
            engine.write()
        elif step == "rotate" and rotations < KEPT - 1:
            engine.rotate()
            rotations += 1
        elif step == "read":
            rotations = 0
            while lines := files.read():
                read += map(number_of, lines)
    while lines := files.read():
        read += map(number_of, lines)
    files.close()

    assert read == list(range(1, engine.number + 1))


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    files = LogFiles(path)

    first = files.read()
    nothing = files.read()
    with path.open("ab") as file:
        file.write(b"o\n")
    second = files.read()
    files.close()

    assert (first, nothing, second) == ([b"one"], [], [b"two"])


def test_a_reader_that_was_overtaken_goes_on_with_the_oldest_that_is_left(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.write()
    files = LogFiles(engine.path)
    assert [number_of(line) for line in files.read()] == [1]

    for _ in range(KEPT + 2):
        engine.rotate()
        engine.write()
    rest = []
    while lines := files.read():
        rest += lines
    files.close()

    assert [number_of(line) for line in rest] == [4, 5, 6]


async def test_following_ends_when_the_container_has_ended_and_all_is_read(tmp_path: Path) -> None:
    engine, ended = Engine(tmp_path), asyncio.Event()
    engine.write()

    async def at_the_end() -> None:
        await ended.wait()
        engine.write()

    seen: list[Message] = []
    async for messages in follow(engine.path, LogOptions(follow=True), at_the_end):
        seen += messages
        if not ended.is_set():
            engine.write()
            engine.rotate()
            ended.set()

    assert [content for _, _, content in seen] == [b"line 1\n", b"line 2\n", b"line 3\n"]
    assert seen[0] == ("stdout", b"2026-11-23T10:00:01.500000000Z", b"line 1\n")


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (LogOptions(follow=True, tail=2), [4, 5]),
        (LogOptions(follow=True, tail=0), []),
        (LogOptions(follow=True, tail=9), [1, 2, 3, 4, 5]),
        (LogOptions(follow=True, since=datetime(2026, 11, 23, 10, 0, 4, tzinfo=UTC)), [4, 5]),
        (LogOptions(follow=True, until=datetime(2026, 11, 23, 10, 0, 3, tzinfo=UTC)), [1, 2]),
    ],
)
async def test_only_what_was_asked_for_is_followed(
    tmp_path: Path, options: LogOptions, numbers: list[int]
) -> None:
    engine = Engine(tmp_path)
    for _ in range(5):
        engine.write()

    assert await followed(engine.path, options, gone(None)) == numbers


@pytest.mark.parametrize("error", [None, NoSuchContainer("removed")])
async def test_a_container_that_is_gone_ends_it(tmp_path: Path, error: Exception | None) -> None:
    engine = Engine(tmp_path)
    engine.write()

    assert await followed(engine.path, LogOptions(follow=True), gone(error)) == [1]


async def test_an_engine_that_is_away_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minikube_py.container_runtime.followed_logs._AWAY_SECONDS", 0)
    engine, asked = Engine(tmp_path), 0
    engine.write()

    async def ended() -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise RuntimeUnavailable("restarting")

    assert await followed(engine.path, LogOptions(follow=True), ended) == [1]
    assert asked == 3


async def test_a_line_that_a_crash_cut_is_left_out(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.write(half=True)
    with engine.path.open("a") as file:
        file.write("\n")
    engine.write()

    assert await followed(engine.path, LogOptions(follow=True), gone(None)) == [1]


async def test_no_file_stays_open(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.rotate()
    engine.write()
    before = open_files()

    await followed(engine.path, LogOptions(follow=True), gone(None))

    assert open_files() == before


async def followed(
    path: Path, options: LogOptions, ended: Callable[[], Awaitable[object]]
) -> list[int]:
    return [
        int(content.split()[1])
        async for messages in follow(path, options, ended)
        for _, _, content in messages
    ]


def gone(error: Exception | None) -> Callable[[], Awaitable[None]]:
    async def ended() -> None:
        if error is not None:
            raise error

    return ended


def number_of(line: bytes) -> int:
    return int(line.split(b"\\n", 1)[0].rsplit(b" ", 1)[1])


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
