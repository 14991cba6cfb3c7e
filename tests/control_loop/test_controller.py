import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.kinds.catalog import CONFIG_MAP
from minikube_py.meta.errors import Conflict, Forbidden
from minikube_py.meta.objects import Key, Object
from tests.control_loop.harness import ControlPlane

KEY = Key("default/a")


@asynccontextmanager
async def running(controller: Controller) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(controller.run())
        yield
        task.cancel()


@pytest.mark.looptime
async def test_a_key_that_fails_is_tried_again_after_longer_and_longer_waits() -> None:
    loop, times = asyncio.get_running_loop(), list[float]()
    enough = asyncio.Event()

    async def reconcile(_key: Key) -> None:
        times.append(loop.time())
        if len(times) == 4:
            enough.set()
            return
        raise Forbidden("not yet")

    controller = Controller("test", reconcile, base_delay=1, max_delay=60)
    controller.enqueue(KEY)
    async with running(controller):
        await enough.wait()

    waits = [round(later - earlier) for earlier, later in pairwise(times)]
    assert waits == [1, 2, 4]


@pytest.mark.looptime
async def test_a_failing_key_does_not_hold_up_others() -> None:
    done = asyncio.Event()

    async def reconcile(key: Key) -> None:
        if key == KEY:
            raise RuntimeError("always")
        done.set()

    controller = Controller("test", reconcile, workers=1)
    controller.enqueue(KEY)
    controller.enqueue(Key("default/b"))
    async with running(controller), asyncio.timeout(1):
        await done.wait()


@pytest.mark.looptime
async def test_a_reconcile_can_ask_to_be_called_again() -> None:
    loop, times = asyncio.get_running_loop(), list[float]()
    twice = asyncio.Event()

    async def reconcile(_key: Key) -> Requeue | None:
        times.append(loop.time())
        if len(times) == 2:
            twice.set()
            return None
        return Requeue(30)

    controller = Controller("test", reconcile)
    controller.enqueue(KEY)
    async with running(controller):
        await twice.wait()

    assert times[1] - times[0] == pytest.approx(30)


@pytest.mark.looptime
async def test_the_same_failure_is_told_once_and_a_lost_race_not_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    errors: list[Exception | None] = [
        Conflict("lost a race"),
        Forbidden("no"),
        Forbidden("no"),
        Forbidden("another reason"),
        None,
        Forbidden("no"),
    ]
    finished = asyncio.Event()

    async def reconcile(_key: Key) -> Requeue | None:
        if not errors:
            finished.set()
            return None
        error = errors.pop(0)
        if error is not None:
            raise error
        return Requeue(1)

    controller = Controller("test", reconcile)
    controller.enqueue(KEY)
    async with running(controller):
        await finished.wait()

    told = [record.getMessage().split("error=")[1] for record in caplog.records]
    assert told == ["Forbidden: no", "Forbidden: another reason", "Forbidden: no"]


@pytest.mark.looptime
async def test_a_reconcile_that_hangs_is_cut_off_and_tried_again() -> None:
    calls, again = list[int](), asyncio.Event()

    async def reconcile(_key: Key) -> None:
        calls.append(1)
        if len(calls) == 2:
            again.set()
            return
        await asyncio.Event().wait()

    controller = Controller("test", reconcile, timeout=5)
    controller.enqueue(KEY)
    async with running(controller), asyncio.timeout(10):
        await again.wait()


@pytest.mark.looptime
async def test_one_key_never_runs_twice_at_once() -> None:
    running_now, most, done = list[int](), list[int](), asyncio.Event()

    async def reconcile(_key: Key) -> None:
        running_now.append(1)
        most.append(len(running_now))
        await asyncio.sleep(1)
        running_now.pop()
        if len(most) == 3:
            done.set()

    controller = Controller("test", reconcile, workers=4)
    loop = asyncio.get_running_loop()
    async with running(controller):
        controller.enqueue(KEY)
        for delay in (0.5, 1.5):
            loop.call_later(delay, controller.enqueue, KEY)
        await done.wait()

    assert most == [1, 1, 1]


async def test_changes_lead_to_the_keys_of_the_old_and_the_new_object(plane: ControlPlane) -> None:
    keys: asyncio.Queue[Key] = asyncio.Queue()

    async def reconcile(key: Key) -> None:
        keys.put_nowait(key)

    def by_team(obj: Object) -> list[Key]:
        return [Key(obj["metadata"]["labels"]["team"])]

    controller = Controller("test", reconcile)
    controller.watches(plane.informers.of(CONFIG_MAP), by_team)
    plane.start(controller)
    body = {"metadata": {"name": "a", "labels": {"team": "red"}}}
    await plane.create(CONFIG_MAP, body)
    first = await keys.get()

    await plane.change(CONFIG_MAP, "a", lambda obj: obj["metadata"].update(labels={"team": "blue"}))

    assert first == "red"
    assert {await keys.get(), await keys.get()} == {"red", "blue"}
