"""What the node and its containers use: measured when asked, at most once a second."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.container_runtime.usage import Sample, Stats, usage_between
from minikube_py.kubelet.usage import UsageReader, this_host

START = datetime(2026, 1, 1, tzinfo=UTC)


class OneContainer:
    """A runtime whose container uses half a core."""

    def __init__(self) -> None:
        self.asked = 0

    async def stats(self) -> Sequence[Stats]:
        self.asked += 1
        used = int((now() - START).total_seconds() * 5e8)
        return [Stats("c", "uid", "app", used, 4096, now())]


def now() -> datetime:
    return START + timedelta(seconds=asyncio.get_running_loop().time())


@pytest.fixture
def runtime() -> OneContainer:
    return OneContainer()


@pytest.fixture
def reader(runtime: OneContainer) -> UsageReader:
    return UsageReader(cast(ContainerRuntime, runtime), now, None)


@pytest.mark.looptime
async def test_the_first_answer_measures_over_half_a_second(reader: UsageReader) -> None:
    usage = await reader.read()

    assert usage.window_seconds == pytest.approx(0.5)
    assert usage.containers[0].cpu_nanocores == pytest.approx(5e8)
    assert usage.cpu_nanocores == pytest.approx(5e8)
    assert usage.sample.memory_working_set_bytes == 4096


@pytest.mark.looptime
async def test_later_answers_measure_since_the_one_before(reader: UsageReader) -> None:
    await reader.read()
    await asyncio.sleep(20)

    assert (await reader.read()).window_seconds == pytest.approx(20)


@pytest.mark.looptime
async def test_many_who_ask_at_once_share_an_answer(
    reader: UsageReader, runtime: OneContainer
) -> None:
    answers = await asyncio.gather(*(reader.read() for _ in range(5)))

    assert len(set(map(id, answers))) == 1
    assert runtime.asked == 2


@pytest.mark.looptime
async def test_an_old_sample_says_nothing_of_now(reader: UsageReader) -> None:
    await reader.read()
    await asyncio.sleep(300)

    assert (await reader.read()).window_seconds == pytest.approx(0.5)


def test_a_container_that_is_new_has_used_all_of_its_time_since() -> None:
    before = Sample(START, 0, 0)
    at = START + timedelta(seconds=2)
    after = Sample(at, 10, 0, [Stats("new", "uid", "app", 10**9, 1, at)])

    assert usage_between(before, after).containers[0].cpu_nanocores == 5 * 10**8


def test_time_that_runs_backwards_is_no_negative_usage() -> None:
    before = Sample(START, 100, 0)

    assert usage_between(before, Sample(START + timedelta(seconds=1), 50, 0)).cpu_nanocores == 0


def test_the_host_is_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 10 50 9999 77 1 2 3 0 0\ncpu0 1 1 1 1\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n")

    cpu, memory = this_host(tmp_path)

    assert (cpu, memory) == (163 * 10_000_000, 600 * 1024)
