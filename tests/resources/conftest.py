from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import NAMESPACE, builtin_catalog
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Resources, ServiceAllocator
from minikube_py.store.sqlite import SqliteStore


@dataclass
class FakeClock:
    """Stands still until told to move."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def uids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"uid-{next(numbers)}"


def new_resources(store: SqliteStore, clock: FakeClock) -> Resources:
    return Resources(
        store,
        builtin_catalog(),
        clock=clock,
        allocator=ServiceAllocator("10.96.0.0/16"),
        new_uid=uids(),
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "state.db")
    yield opened
    await opened.close()


@pytest.fixture
async def resources(store: SqliteStore, clock: FakeClock) -> Resources:
    """A cluster with the namespaces `default` and `other`."""
    made = new_resources(store, clock)
    for name in ("default", "other"):
        await made.create(NAMESPACE, None, {"metadata": {"name": name}})
    return made


def config_map(name: str = "settings", **data: str) -> Object:
    return {"metadata": {"name": name}, "data": data}


def pod(name: str = "web", **metadata: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "main", "image": "nginx:1.25"}]},
    }


def deployment(name: str = "web", replicas: int = 2) -> Object:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "nginx:1.25"}]},
            },
        },
    }


def service(name: str = "web", **spec: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], "selector": {"app": name}, **spec},
    }
