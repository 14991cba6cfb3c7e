import asyncio

import pytest

from minikube_py.meta.objects import Key
from minikube_py.scheduler.queue import SchedulingQueue

A, B, C = Key("default/a"), Key("default/b"), Key("default/c")


async def test_the_most_important_comes_first_then_who_waits_longest() -> None:
    queue = SchedulingQueue()
    queue.add(A, 0)
    queue.add(B, 0)
    queue.add(C, 100)

    assert [await queue.get() for _ in range(3)] == [C, A, B]


async def test_a_pod_is_in_the_queue_once() -> None:
    queue = SchedulingQueue()
    queue.add(A, 0)
    queue.add(A, 0)
    queue.add(B, 0)

    assert [await queue.get() for _ in range(2)] == [A, B]


async def test_a_forgotten_pod_does_not_come() -> None:
    queue = SchedulingQueue()
    queue.add(A, 0)
    queue.add(B, 0)
    queue.forget(A)

    assert await queue.get() == B


@pytest.mark.looptime
async def test_a_parked_pod_comes_back_when_something_changes_but_not_before_its_back_off() -> None:
    queue = SchedulingQueue(base_delay=1, max_delay=10)
    loop = asyncio.get_running_loop()
    waits = []
    for _ in range(5):
        queue.park(A, 0)
        start = loop.time()
        queue.wake()
        await queue.get()
        waits.append(round(loop.time() - start))

    assert waits == [1, 2, 4, 8, 10]


@pytest.mark.looptime
async def test_a_parked_pod_stays_while_nothing_changes() -> None:
    queue = SchedulingQueue(base_delay=1)
    queue.park(A, 0)
    queue.park(B, 0)
    await asyncio.sleep(100)

    queue.wake(lambda key: key == B)

    assert await queue.get() == B


@pytest.mark.looptime
async def test_a_parked_pod_comes_back_after_five_minutes_should_a_change_have_been_missed() -> (
    None
):
    queue = SchedulingQueue(base_delay=1)
    queue.park(A, 0)
    start = asyncio.get_running_loop().time()

    assert await queue.get() == A
    assert round(asyncio.get_running_loop().time() - start) == 300


@pytest.mark.looptime
async def test_a_retry_comes_by_itself() -> None:
    queue = SchedulingQueue(base_delay=1)
    queue.retry(A, 0)

    assert await queue.get() == A


@pytest.mark.looptime
async def test_a_changed_pod_is_tried_at_once() -> None:
    queue = SchedulingQueue(base_delay=60)
    queue.park(A, 0)

    queue.add(A, 0)

    async with asyncio.timeout(1):
        assert await queue.get() == A
