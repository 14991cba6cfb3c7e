"""The API: durable creates beside etcd and beside the raw store, and how reading, watching and
memory grow with the number of Pods.

Creates are asked for by wrk over TLS with kept connections, of mk's whole daemon (on paper: it
authenticates a token, authorizes, defaults, validates, admits and tells watchers) and of etcd
through its JSON gateway, which has none of that to do but passes every request on to its own gRPC
server; both on the same disk, both acknowledge after an fsync. The raw store is called in process.
The load generator runs on the same cores.
"""

import asyncio
import base64
import contextlib
import http.client
import json
import multiprocessing
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import stalls
import trustme
import uvloop
from measure_services import cpu_of
from tables import Table

from minikube_py.store.interface import Put
from minikube_py.store.sqlite import SqliteStore
from tests.apiserver.serving import Certificates

CLIENTS = (1, 64)
SECONDS = 3
SIZES = (100, 1_000, 10_000)
WATCHERS = 1_000
TOLD = 20
VALUE = {"text": "x" * 1000}
MAPS = "/api/v1/namespaces/default/configmaps"
COUNTED = """
local number = 0
function request()
  number = number + 1
  return wrk.format("POST", nil, nil, string.format([[%s]], number))
end
"""


class Cluster(Protocol):
    def connect(self) -> http.client.HTTPSConnection: ...

    def status(self) -> Any: ...


# -- creates -----------------------------------------------------------------------------------


def measure_creates(cluster: Cluster, folder: Path, rounds: int) -> Sequence[Table]:
    """`cluster` has none of Docker; etcd is left out where it is not installed."""
    token, address = _token(cluster), cluster.connect()
    tables = [Table(f"durable creates a second, clients: {n}", "/s", 1) for n in CLIENTS]
    cpu = Table(f"CPU time of the server a create, clients: {CLIENTS[-1]}", "us", 1e6)
    url, pid = f"https://{address.host}:{address.port}{MAPS}", int(cluster.status()["pid"])
    with _etcd(folder) as etcd:
        for number in range(rounds):
            for clients, table in zip(CLIENTS, tables, strict=True):
                loads = {"mk: create of a ConfigMap": Load(url, pid, *_create(number, token))}
                if etcd:
                    loads = {"etcd: put by its JSON gateway": Load(*etcd, *_put(number)), **loads}
                for name, load in loads.items():
                    rate, seconds = load.run(clients)
                    table.add(name, rate)
                    if clients == CLIENTS[-1]:
                        cpu.add(name, seconds)
                table.add("the store alone, in process", _in_own_process(folder, clients))
    return [*tables, cpu]


def _token(cluster: Cluster) -> str:
    """Of a ServiceAccount that may do all: wrk has no client certificates."""
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    who = {"kind": "ServiceAccount", "name": "bench", "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    _post(cluster, accounts, {"metadata": {"name": "bench"}})
    _post(cluster, roles, {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [who]})
    answer = _post(cluster, f"{accounts}/bench/token", {"spec": {}})
    return str(answer["status"]["token"])


def _post(cluster: Cluster, path: str, body: Any) -> Any:
    connection = cluster.connect()
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    if answer.status >= 300:
        raise SystemExit(f"error: POST {path}: {content}")
    return content


def _create(number: int, token: str) -> tuple[str, Sequence[str]]:
    body = {"metadata": {"name": f"r{number}-CLIENTS-%d"}, "data": VALUE}
    return json.dumps(body), [f"Authorization: Bearer {token}"]


def _put(number: int) -> tuple[str, Sequence[str]]:
    """The gateway wants base64; every key is new, but for the last digits all are the same."""
    stored = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": VALUE}
    key = base64.b64encode(f"/registry/configmaps/default/{number:07}".encode()).decode()
    value = base64.b64encode(json.dumps(stored).encode()).decode()
    return json.dumps({"key": f"{key.rstrip('=')}%08d", "value": value}), []


@dataclass(frozen=True)
class Load:
    """`body` has a place for a number that wrk counts up."""

    url: str
    pid: int
    body: str
    headers: Sequence[str] = ()

    def run(self, clients: int) -> tuple[float, float]:
        """(answers a second, seconds of the server's CPU time an answer)."""
        before = cpu_of([self.pid])
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(COUNTED % self.body.replace("CLIENTS", str(clients)))
            script.flush()
            words = [word for header in self.headers for word in ("-H", header)]
            done = subprocess.run(
                ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "-s", script.name,
                 "-H", "Content-Type: application/json", *words, self.url],
                capture_output=True, text=True, timeout=60, check=True,
            )  # fmt: skip
        out = done.stdout
        count, rate = re.search(r"(\d+) requests in", out), re.search(r"Requests/sec:\s+(\S+)", out)
        if count is None or rate is None or "Non-2xx" in out or "Socket errors" in out:
            raise SystemExit(f"error: requests to {self.url} failed:\n{out}")
        return float(rate[1]), (cpu_of([self.pid]) - before) / int(count[1])


@contextmanager
def _etcd(folder: Path) -> Iterator[tuple[str, int] | None]:
    """Where it takes puts, and its process; None when it is not installed."""
    program = shutil.which("etcd")
    if program is None:
        print("etcd is left out: install it (Debian: etcd-server)", file=sys.stderr)
        yield None
        return
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "etcd-ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = folder / "etcd.pem", folder / "etcd-key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    client, peer = _free_port(), _free_port()
    url = f"https://127.0.0.1:{client}"
    trust = ssl.create_default_context(cafile=str(folder / "etcd-ca.pem"))
    with (folder / "etcd.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--data-dir", str(folder / "etcd"), "--cert-file", str(chain),
             "--key-file", str(key), "--listen-client-urls", url, "--advertise-client-urls", url,
             "--listen-peer-urls", f"http://127.0.0.1:{peer}",
             "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
             "--initial-cluster", f"default=http://127.0.0.1:{peer}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait_until_serving(client, trust)
        yield f"{url}/v3/kv/put", process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_serving(port: int, trust: ssl.SSLContext) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=trust)
        with contextlib.suppress(OSError):
            connection.request("POST", "/v3/kv/put", '{"key":"YQ==","value":"YQ=="}')
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("error: etcd did not start within 20 s")


def _in_own_process(folder: Path, clients: int) -> float:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=lambda: there.send(uvloop.run(_writes(folder, clients))))
    process.start()
    rate: float = here.recv()
    process.join()
    return rate


async def _writes(folder: Path, clients: int) -> float:
    """Writes a second of so many writers, each waiting for its own."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        store = await SqliteStore.open(Path(own) / "raw.db")
        done, end = [0], time.perf_counter() + SECONDS
        value = json.dumps({"metadata": {"name": "a"}, "data": VALUE}).encode()

        async def write(writer: int) -> None:
            number = 0
            while time.perf_counter() < end:
                key = f"/registry/configmaps/default/{writer}-{number}"
                await store.write(Put(key, lambda _revision: value, expected=0))
                number += 1
                done[0] += 1

        await asyncio.gather(*map(write, range(clients)))
        await store.close()
    return done[0] / SECONDS


# -- reading, watching, memory -----------------------------------------------------------------


def measure_growth(folder: Path, rounds: int) -> Sequence[Table]:
    """The API alone, in its own process, with so many Pods (and half as many ConfigMaps)."""
    tables = {
        "get": Table("get of one Pod"),
        "list": Table("list of all Pods"),
        "middle": Table(f"one write until {WATCHERS} watchers know: the middle one"),
        "slowest": Table(f"one write until {WATCHERS} watchers know: the slowest hundredth"),
        "turn": Table("longest turn of the loop meanwhile (CPU time)"),
        "killed": Table(f"longest turn when {WATCHERS} watchers are killed at once (CPU time)"),
        "memory": Table("memory of the API with its store", "MB", 1 / 2**20),
    }
    with contextlib.ExitStack() as serving:
        # All at first: a fork would have what this process used for the ones before.
        started = {size: serving.enter_context(_serving(folder, size)) for size in SIZES}
        for size, (_, pid) in started.items():
            tables["memory"].add(f"{size:,} Pods", _resident(pid))
        for _ in range(rounds):
            for size, (api, _) in started.items():
                for name, value in api.round().items():
                    tables[name].add(f"{size:,} Pods", value)
    return list(tables.values())


class Api:
    """The server of stalls.py, asked as admin."""

    def __init__(self, port: int, certificates: Certificates) -> None:
        self._port = port
        self._context = certificates.client_context("admin")
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=self._context, timeout=60
        )

    def round(self) -> dict[str, float]:
        self._longest_turn()
        single = f"{stalls.PODS.replace('/pods', '/namespaces/default/pods')}/pod-00007"
        found = {
            "get": statistics.median(self._timed(single) for _ in range(50)),
            "list": statistics.median(self._timed(stalls.PODS) for _ in range(3)),
        }
        reading = self._longest_turn()
        delays, telling = asyncio.run(self._fan_out())
        found["middle"] = statistics.median(delays)
        found["slowest"] = statistics.quantiles(delays, n=100)[98]
        found["turn"] = max(reading, telling)
        time.sleep(1)  # until the last of them is gone
        found["killed"] = self._longest_turn()
        return found

    def _longest_turn(self) -> float:
        """Since it was last asked for."""
        return float(json.loads(self._ask("GET", "/longest-turn")))

    def _timed(self, path: str) -> float:
        started = time.perf_counter()
        self._ask("GET", path)
        return time.perf_counter() - started

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        data = json.dumps(body) if body is not None else None
        self._connection.request(method, path, data, headers)
        return self._connection.getresponse().read()

    async def _fan_out(self) -> tuple[list[float], float]:
        """Seconds from before the write to each watcher's event, over TOLD writes, and the longest
        turn of the loop meanwhile. Ends as if the process with the watchers was killed.
        """
        now = json.loads(self._ask("GET", f"{MAPS}?limit=1"))["metadata"]["resourceVersion"]
        request = f"GET {MAPS}?watch=1&resourceVersion={now} HTTP/1.1\r\nHost: mk\r\n\r\n".encode()
        lines = []
        for _ in range(WATCHERS):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._context, server_hostname="127.0.0.1"
            )
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n")
            lines.append((reader, writer))
        await asyncio.sleep(1)
        delays: list[float] = []
        for _ in range(TOLD):
            began = time.perf_counter()
            body = {"metadata": {"generateName": "told-"}}
            asking = asyncio.to_thread(self._ask, "POST", MAPS, body)
            told = asyncio.gather(*(_event(reader, began) for reader, _ in lines))
            await asking
            delays += await told
        telling = self._longest_turn()
        for _, writer in lines:
            writer.transport.abort()
        return delays, telling


async def _event(reader: asyncio.StreamReader, began: float) -> float:
    """One chunk of a watch's answer."""
    size = int(await reader.readuntil(b"\r\n"), 16)
    await reader.readexactly(size + 2)
    return time.perf_counter() - began


@contextmanager
def _serving(folder: Path, pods: int) -> Iterator[tuple[Api, int]]:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    certificates = Certificates.new()
    with tempfile.TemporaryDirectory(dir=folder) as own:
        server = context.Process(target=stalls.serve, args=(there, certificates, own, pods))
        server.start()
        try:
            yield Api(here.recv(), certificates), int(server.pid or 0)
        finally:
            server.terminate()
            server.join()


def _resident(pid: int) -> float:
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return float(found[1]) * 1024 if found else 0.0
