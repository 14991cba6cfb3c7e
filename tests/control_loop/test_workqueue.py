import asyncio

import pytest

from minikube_py.control_loop.workqueue import QueueShutDown, WorkQueue


async def test_a_key_added_twice_is_handed_out_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a")

    assert await queue.get() == "a"
    assert len(queue) == 0


async def test_keys_come_in_the_order_they_were_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in ("b", "a", "c"):
        queue.add(key)

    assert [await queue.get() for _ in range(3)] == ["b", "a", "c"]


async def test_a_key_added_while_it_runs_is_handed_out_again_only_after_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()

    queue.add("a")
    queue.add("a")
    waiting_before_done = len(queue)
    queue.done("a")

    assert waiting_before_done == 0
    assert await queue.get() == "a"
    assert len(queue) == 0


async def test_get_waits_for_the_next_key() -> None:
    queue: WorkQueue[str] = WorkQueue()
    asyncio.get_running_loop().call_soon(queue.add, "late")

    assert await queue.get() == "late"


async def test_several_waiting_workers_each_get_a_key() -> None:
    queue: WorkQueue[str] = WorkQueue()

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(queue.get()) for _ in range(3)]
        group.create_task(_add(queue, "a", "b", "c"))

    assert sorted(worker.result() for worker in workers) == ["a", "b", "c"]


async def test_a_cancelled_worker_loses_no_key() -> None:
    queue: WorkQueue[str] = WorkQueue()
    async with asyncio.TaskGroup() as group:
        worker = group.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
        worker.cancel()

    assert await queue.get() == "a"


@pytest.mark.looptime
async def test_a_delayed_key_comes_when_its_time_has_come() -> None:
    queue: WorkQueue[str] = WorkQueue()
    start = asyncio.get_running_loop().time()
    queue.add_after("a", 2.5)

    await queue.get()

    assert asyncio.get_running_loop().time() - start == pytest.approx(2.5)


@pytest.mark.looptime
async def test_of_two_delays_the_earlier_one_holds() -> None:
    queue: WorkQueue[str] = WorkQueue()
    start = asyncio.get_running_loop().time()
    queue.add_after("a", 5)
    queue.add_after("a", 1)
    queue.add_after("a", 3)

    await queue.get()

    assert asyncio.get_running_loop().time() - start == pytest.approx(1)


async def test_a_delay_of_nothing_adds_at_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 0)

    assert len(queue) == 1


@pytest.mark.looptime
async def test_failures_double_the_delay_up_to_the_limit_until_forgotten() -> None:
    queue: WorkQueue[str] = WorkQueue(base_delay=1, max_delay=5)

    delays = []
    for _ in range(4):
        delays.append(queue.add_rate_limited("a"))
        queue.done(await queue.get())
    failures = queue.failures("a")
    queue.forget("a")

    assert delays == [1, 2, 4, 5]
    assert failures == 4
    assert queue.add_rate_limited("a") == 1
    queue.shut_down()


def test_very_many_failures_do_not_overflow() -> None:
    async def fail_often() -> float:
        queue: WorkQueue[str] = WorkQueue(base_delay=0.001, max_delay=7)
        delays = [queue.add_rate_limited("a") for _ in range(5000)]
        queue.shut_down()
        return delays[-1]

    assert asyncio.run(fail_often()) == 7


async def test_a_queue_that_is_shut_down_drains_and_then_refuses() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add_after("b", 1)
    queue.shut_down()
    queue.add("c")
    queue.add_after("d", 0)

    assert await queue.get() == "a"
    with pytest.raises(QueueShutDown):
        await queue.get()


async def _add(queue: WorkQueue[str], *keys: str) -> None:
    for key in keys:
        queue.add(key)
