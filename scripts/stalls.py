#!/usr/bin/env python3
"""How long each kind of request keeps the API server's event loop from everything else.

    stalls.py [--pods N] [--watchers N] [OPERATION …]

A server of its own, in its own process and on a fresh database, notes for every turn of its loop
how much CPU time its thread used; each operation is asked for, and the longest turn is printed.
The budget is 20 ms at 10,000 objects. CPU time, because the wall clock also counts what the
machine's other processes took.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1]))

from minikube_py.apiserver.app import build_app, build_runner
from minikube_py.daemon.garbage import collect_in_small_portions
from minikube_py.kinds.catalog import CONFIG_MAP, NAMESPACE, POD, builtin_catalog
from minikube_py.resources.resources import Resources, ServiceAllocator
from minikube_py.store.sqlite import SqliteStore
from tests.apiserver.fake_streams import EchoStreams
from tests.apiserver.serving import Certificates

BUDGET = 0.020  # seconds
PODS = "/api/v1/pods"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
Operation = Callable[["Client"], Awaitable[None]]


class Turns:
    """The longest turn of the loop since it was last asked for."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.0005)
            self.longest = max(self.longest, time.thread_time() - before)

    async def answer(self, _request: web.Request) -> web.Response:
        longest, self.longest = self.longest, 0.0
        return web.json_response(longest)


def serve(pipe: Connection, certificates: Certificates, folder: str, pods: int) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(pipe, certificates, Path(folder), pods))


async def _serve(pipe: Connection, certificates: Certificates, folder: Path, pods: int) -> None:
    database = folder / "state.db"
    store = await SqliteStore.open(database)
    await _fill(_resources(store), pods)
    await store.close()
    # Opened anew: nothing is known from the writes, as after a restart.
    store = await SqliteStore.open(database)
    turns = Turns()
    app = build_app(_resources(store), streams=EchoStreams())
    app.router.add_get("/longest-turn", turns.answer)
    runner = build_runner(app)
    await runner.setup()
    secure = certificates.server_context()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048, ssl_context=secure).start()
    collect_in_small_portions(asyncio.get_running_loop().call_soon)
    task = asyncio.ensure_future(turns.run())
    pipe.send(runner.addresses[0][1])
    await task


def _resources(store: SqliteStore) -> Resources:
    return Resources(store, builtin_catalog(), allocator=ServiceAllocator("10.96.0.0/16"))


async def _fill(resources: Resources, pods: int) -> None:
    await resources.create(NAMESPACE, None, {"metadata": {"name": "default"}})
    for start in range(0, pods, 500):
        numbers = range(start, min(start + 500, pods))
        await asyncio.gather(*(resources.create(POD, "default", pod(n)) for n in numbers))
    await asyncio.gather(
        *(resources.create(CONFIG_MAP, "default", config_map(n)) for n in range(pods // 2))
    )


def pod(number: int) -> dict[str, object]:
    labels = {"app": f"app-{number % 100}", "tier": "web", "number": str(number)}
    container = {
        "name": "main",
        "image": "nginx:1.25",
        "env": [{"name": f"NAME_{index}", "value": "value"} for index in range(5)],
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    return {
        "metadata": {"name": f"pod-{number:05}", "labels": labels},
        "spec": {"containers": [container]},
    }


def config_map(number: int) -> dict[str, object]:
    return {"metadata": {"name": f"settings-{number:05}"}, "data": {"key": "value"}}


class Client:
    def __init__(self, session: aiohttp.ClientSession, watchers: int) -> None:
        self.session = session
        self.watchers = watchers
        self.longest_before = 0.0
        """Of an operation that is over before its clean-up."""

    async def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        async with self.session.get(path, headers=headers) as response:
            return await response.read()

    async def longest_turn(self) -> float:
        return float(json.loads(await self.get("/longest-turn")))

    @contextlib.asynccontextmanager
    async def watching(self, path: str) -> AsyncIterator[None]:
        """`watchers` watches, each read to the end of what is there."""
        opened = []
        try:
            for start in range(0, self.watchers, 50):
                size = min(50, self.watchers - start)
                opened += await asyncio.gather(*(self.session.get(path) for _ in range(size)))
            yield
        finally:
            for response in opened:
                response.close()


def reading(path: str, headers: dict[str, str] | None = None) -> Operation:
    async def operation(client: Client) -> None:
        await client.get(path, headers)

    return operation


async def pages(client: Client) -> None:
    """The past, page by page, while new objects arrive."""
    token, number = "", 0
    while True:
        page = json.loads(await client.get(f"{PODS}?limit=500&continue={token}"))
        number += 1
        async with client.session.post(
            "/api/v1/namespaces/default/configmaps",
            json={"metadata": {"generateName": "between-"}},
        ):
            pass
        token = page["metadata"].get("continue", "")
        if not token:
            return


async def the_past(client: Client) -> None:
    revision = json.loads(await client.get(f"{PODS}?limit=1"))["metadata"]["resourceVersion"]
    path = "/api/v1/namespaces/default/configmaps"
    async with client.session.post(path, json={"metadata": {"generateName": "later-"}}):
        pass
    await client.get(f"{PODS}?resourceVersion={revision}&resourceVersionMatch=Exact")


async def first_events(client: Client) -> None:
    path = f"{PODS}?watch=1&timeoutSeconds=1"
    async with client.session.get(path) as response:
        await response.read()


async def chosen_events(client: Client) -> None:
    path = f"{PODS}?watch=1&timeoutSeconds=1&fieldSelector=spec.nodeName%3Dnone"
    async with client.session.get(path) as response:
        await response.read()


def fan_out(path: str) -> Operation:
    async def operation(client: Client) -> None:
        now = json.loads(await client.get(f"{PODS}?limit=1"))["metadata"]["resourceVersion"]
        async with client.watching(f"{path}&resourceVersion={now}"):
            await asyncio.sleep(1)  # what opening them took is not what is asked here
            await client.longest_turn()
            for _ in range(5):
                body = {"metadata": {"generateName": "told-"}}
                async with client.session.post("/api/v1/namespaces/default/configmaps", json=body):
                    pass
                await asyncio.sleep(0.3)
            client.longest_before = await client.longest_turn()

    return operation


async def delete_all(client: Client) -> None:
    async with client.session.delete("/api/v1/namespaces/default/configmaps") as response:
        await response.read()


_WATCH = "/api/v1/configmaps?watch=1"
OPERATIONS: dict[str, Operation] = {
    "field-selector": reading(f"{PODS}?fieldSelector=spec.nodeName%3Dnone"),
    "field-selector-again": reading(f"{PODS}?fieldSelector=spec.nodeName%3Dnone"),
    "field-selector-limit": reading(
        "/api/v1/configmaps?fieldSelector=metadata.name%21%3Dx&limit=4000"
    ),
    "label-selector": reading(f"{PODS}?labelSelector=app%3Dapp-7"),
    "label-selector-not": reading(f"{PODS}?labelSelector=app%21%3Dapp-7"),
    "list": reading(PODS),
    "list-gzip": reading(PODS, {"Accept-Encoding": "gzip"}),
    "list-limit": reading(f"{PODS}?limit=500"),
    "list-pages": pages,
    "list-exact": the_past,
    "list-yaml": reading(PODS + "?limit=1000", {"Accept": "application/yaml"}),
    "list-pretty": reading(f"{PODS}?pretty=1"),
    "table": reading(PODS, TABLE),
    "table-object": reading(f"{PODS}?includeObject=Object", TABLE),
    "metadata-list": reading(PODS, METADATA),
    "watch-from-nothing": first_events,
    "watch-from-nothing-chosen": chosen_events,
    "fan-out": fan_out(_WATCH),
    "fan-out-chosen": fan_out(f"{_WATCH}&fieldSelector=metadata.namespace%3Ddefault"),
    "delete-collection": delete_all,
}


async def measure(port: int, certificates: Certificates, wanted: list[str], watchers: int) -> bool:
    connector = aiohttp.TCPConnector(limit=0, ssl=certificates.client_context("admin"))
    timeout = aiohttp.ClientTimeout(total=None)
    url = f"https://127.0.0.1:{port}"
    kept = True
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:
        client = Client(session, watchers)
        for name in wanted or OPERATIONS:
            await client.longest_turn()
            started = time.perf_counter()
            await OPERATIONS[name](client)
            took, longest = time.perf_counter() - started, await client.longest_turn()
            longest, client.longest_before = client.longest_before or longest, 0.0
            verdict = "ok" if longest <= BUDGET else "TOO LONG"
            kept = kept and longest <= BUDGET
            print(f"{name:28}{longest * 1000:8.1f} ms{took * 1000:10.0f} ms whole   {verdict}")
            sys.stdout.flush()
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--watchers", type=int, default=1_000)
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help=", ".join(OPERATIONS))
    asked = parser.parse_args()
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    certificates = Certificates.new()
    with tempfile.TemporaryDirectory(prefix="mk-stalls-") as folder:
        server = fork.Process(target=serve, args=(there, certificates, folder, asked.pods))
        server.start()
        try:
            kept = asyncio.run(measure(here.recv(), certificates, asked.operations, asked.watchers))
        finally:
            server.terminate()
            server.join()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
