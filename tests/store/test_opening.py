"""Opening is work on another thread: giving it up must not pull the database from under it."""

import asyncio
import contextlib
from pathlib import Path

from minikube_py.store.interface import Put, StoreCannotOpen
from minikube_py.store.sqlite import SqliteStore


async def test_an_opening_that_is_given_up_lets_the_next_one_in(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.write(*(Put(f"/k/{n}", lambda revision: b"x" * 1000) for n in range(500)))
    await store.close()

    for turns in range(40):
        opening = asyncio.ensure_future(SqliteStore.open(path))
        for _ in range(turns % 8):
            await asyncio.to_thread(lambda: None)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError, StoreCannotOpen):
            await (await opening).close()

    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(StoreCannotOpen):  # the last one is still letting go
                store = await SqliteStore.open(path)
                break
            await asyncio.to_thread(lambda: None)
    assert store.count("/k/") == 500
    await store.close()
