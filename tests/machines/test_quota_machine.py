"""However writes come together, and whichever of them fail: no quota is ever exceeded, and what is
left in the books is what is stored.
"""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from minikube_py.kinds.catalog import NAMESPACE, POD, RESOURCE_QUOTA, builtin_catalog
from minikube_py.meta.errors import AlreadyExists, Forbidden, NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.quantity import parse_quantity
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from minikube_py.store.sqlite import SqliteStore

NAMES = [f"pod-{number}" for number in range(6)]
LIMIT = {"pods": "4", "requests.cpu": "5"}
_EXPECTED = (AlreadyExists, Forbidden, NotFound)
_Step = tuple[str, str, int]


class Quotas(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()

    @initialize()
    def begin(self) -> None:
        path = Path(self.folder.name) / "state.db"
        self.store = self.run(SqliteStore.open(path))
        allocator = ServiceAllocator("10.96.0.0/16")
        self.resources = Resources(self.store, builtin_catalog(), allocator=allocator)
        self.run(self.resources.create(NAMESPACE, None, {"metadata": {"name": "default"}}))
        quota = {"metadata": {"name": "team"}, "spec": {"hard": LIMIT}}
        self.run(self.resources.create(RESOURCE_QUOTA, "default", quota))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @rule(
        steps=st.lists(
            st.tuples(
                st.sampled_from(["create", "create", "create", "delete", "finish"]),
                st.sampled_from(NAMES),
                st.integers(0, 3),
            ),
            min_size=1,
            max_size=12,
        ),
        turns=st.lists(st.integers(0, 3), min_size=12, max_size=12),
    )
    def at_once(self, steps: list[_Step], turns: list[int]) -> None:
        """Each begins some turns of the loop after the others."""

        async def later(step: _Step, wait: int) -> None:
            for _ in range(wait):
                await asyncio.sleep(0)
            await self.act(*step)

        async def together() -> list[Any]:
            works = (later(step, wait) for step, wait in zip(steps, turns, strict=False))
            return await asyncio.gather(*works, return_exceptions=True)

        results = self.run(together())
        wrong = [
            r for r in results if isinstance(r, BaseException) and not isinstance(r, _EXPECTED)
        ]
        assert not wrong

    async def act(self, action: str, name: str, cpu: int) -> None:
        if action == "create":
            await self.resources.create(POD, "default", _pod(name, cpu))
        elif action == "delete":
            await self.resources.delete(POD, "default", name)
        else:
            await self.resources.update_status(
                POD, "default", name, lambda pod: pod["status"].update(phase="Succeeded")
            )

    @rule(cpu=st.integers(0, 2))
    def fills_up_to_the_brim(self, cpu: int) -> None:
        """What is refused when nothing else happens did not fit."""
        before = self.totals()
        try:
            self.run(self.resources.create(POD, "default", _pod("extra", cpu)))
        except Forbidden:
            assert before["pods"] + 1 > 4 or before["requests.cpu"] + cpu > 5
        except AlreadyExists:
            return

    @invariant()
    def within_the_quota(self) -> None:
        if not hasattr(self, "resources"):
            return
        found = self.totals()
        assert found["pods"] <= 4
        assert found["requests.cpu"] <= 5
        quota = self.resources.get(RESOURCE_QUOTA, "default", "team")
        used = self.resources.quotas.used(quota)
        assert {name: parse_quantity(value) for name, value in used.items()} == found
        assert not self.resources.quotas.shares_of("default")

    def totals(self) -> dict[str, Any]:
        pods = self.resources.list(POD, "default").objects()
        alive = [pod for pod in pods if pod["status"]["phase"] != "Succeeded"]
        cpus = (pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in alive)
        return {"pods": len(alive), "requests.cpu": sum(map(parse_quantity, cpus))}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


def _pod(name: str, cpu: int) -> Object:
    resources = {"requests": {"cpu": str(cpu)}}
    container = {"name": "main", "image": "a:1", "resources": resources}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


TestQuotas = Quotas.TestCase
TestQuotas.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
