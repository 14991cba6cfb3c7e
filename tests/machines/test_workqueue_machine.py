"""The work queue against the simplest model of its promise."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from minikube_py.control_loop.workqueue import WorkQueue

KEYS = st.sampled_from("abcd")


class WorkQueueMachine(RuleBasedStateMachine):
    """`wanted` are keys somebody asked for that no worker has taken since."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.queue: WorkQueue[str] = WorkQueue()
        self.wanted: set[str] = set()
        self.running: set[str] = set()

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.wanted.add(key)

    @precondition(lambda self: self.wanted - self.running)
    @rule()
    def take(self) -> None:
        key = self._run(self.queue.get())

        assert key not in self.running, "the same key runs twice"
        assert key in self.wanted, "nobody asked for this key"
        self.wanted.discard(key)
        self.running.add(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(key)
        self.queue.done(key)

    @invariant()
    def what_is_ready_is_what_is_wanted_and_not_running(self) -> None:
        assert len(self.queue) == len(self.wanted - self.running)

    def teardown(self) -> None:
        for key in sorted(self.running):
            self.queue.done(key)
        drained = set()
        while len(self.queue):
            drained.add(self._run(self.queue.get()))
        self.loop.close()
        assert drained == self.wanted, "a key was lost"

    def _run(self, work: Coroutine[Any, Any, str]) -> str:
        return self.loop.run_until_complete(asyncio.wait_for(work, 1))


TestWorkQueueMachine = WorkQueueMachine.TestCase
TestWorkQueueMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
