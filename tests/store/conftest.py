from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from minikube_py.store.interface import Encode, Put
from minikube_py.store.sqlite import SqliteStore

OpenStore = Callable[..., Awaitable[SqliteStore]]


def text(value: str) -> Encode:
    """Bytes that carry their own revision, as objects do."""
    return lambda revision: f"{value}@{revision}".encode()


def put(key: str, value: str = "v", expected: int | None = None) -> Put:
    return Put(key, text(value), expected)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def open_store(database: Path) -> AsyncIterator[OpenStore]:
    """Opens the same database again and again; closes what is left open."""
    opened: list[SqliteStore] = []

    async def open_one(**settings: object) -> SqliteStore:
        store = await SqliteStore.open(database, **settings)  # type: ignore[arg-type]
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> SqliteStore:
    return await open_store()
