"""Run by test_crash: a parent that never opens the store, and forks a writer a round, so that a
round costs no interpreter start.

stdin: one line a round. stdout: `pid N`, then `ack REVISION COUNTER KEY` for every write that
returned, until the writer is killed.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from minikube_py.store.cipher import AesGcmCipher
from minikube_py.store.interface import Put
from minikube_py.store.sqlite import SqliteStore

WRITERS = 6


def encode(counter: int, key: str) -> Put:
    word = "s3cret-payload " if key.startswith("/sealed/") else "open-payload "
    filler = word * random.randrange(1, 40)
    return Put(key, lambda revision: f"{revision} {counter} {filler}".encode())


async def write_until_killed(folder: Path) -> None:
    cipher = AesGcmCipher.from_key_file(folder / "key", ("/sealed/",))
    store = await SqliteStore.open(folder / "state.db", cipher=cipher)
    counter = store.revision * 100

    async def writer(number: int) -> None:
        nonlocal counter
        while True:
            counter += 1
            mine, key = counter, str(number)
            # Two keys, one write: a torn revision would show as two different counters.
            revision = await store.write(
                encode(mine, "/left/" + key), encode(mine, "/sealed/" + key)
            )
            os.write(1, f"ack {revision} {mine} {key}\n".encode())
            if random.random() < 0.02:
                await store.compact(max(store.compacted_revision, store.revision - 20))

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))


def main() -> None:
    folder = Path(sys.argv[1])
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            random.seed()
            asyncio.run(write_until_killed(folder))
        os.write(1, f"pid {pid}\n".encode())
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
