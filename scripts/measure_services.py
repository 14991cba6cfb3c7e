"""Requests through a Service, by wrk: what each path costs in speed, and a proxy in CPU time.

Everything serves the same small page of one nginx in a Pod. The load generator, the proxies and
that nginx share the machine, so only what one round measures in turn compares.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Protocol

import docker
from tables import Table

IMAGE = "minikube-py/nginx:1"
SECONDS = 2
CONNECTIONS = 32
PROXY_PORT = 18479
HOST = "bench.localhost"
TABLE = "mk-bench-by-hand"
TICK = 1 / os.sysconf("SC_CLK_TCK")
Manifests = Sequence[dict[str, Any]]

BACKEND = """
user www-data;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  server { listen 80; keepalive_requests 1000000; location / { return 200 "%s"; } }
}
""" % ("x" * 600)

PROXY = """
user www-data;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  upstream pod { server POD:80; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:PORT;
    keepalive_requests 1000000;
    location / {
      proxy_pass http://pod;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
"""


class Cluster(Protocol):
    def apply_all(self, manifests: Manifests) -> None: ...

    def get(self, *words: str) -> Any: ...

    def status(self) -> Any: ...


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests a second, and seconds."""

    requests: int
    rate: float
    p50: float
    p99: float


def measure_services(cluster: Cluster, engine: docker.DockerClient, rounds: int) -> Sequence[Table]:
    cluster.apply_all(_manifests())
    pod = cluster.get("pod", "backend")["status"]["podIP"]
    kernel, http = (cluster.get("service", f"by-{path}")["spec"]["clusterIP"] for path in PATHS)
    status = cluster.status()
    unused = str(IPv4Network(status["serviceCIDR"]).broadcast_address - 5)
    ingress = f"127.0.0.1:{status['ingressHttpPort']}"
    with _by_hand(unused, pod), _nginx(engine, pod) as nginx:
        straight = {
            "the Pod itself": pod,
            "mk: ClusterIP, kernel path": kernel,
            "the same translation by hand (nft)": unused,
        }
        proxied = {
            "nginx as a proxy": (f"127.0.0.1:{PROXY_PORT}", nginx),
            "mk: ClusterIP, http path": (http, lambda: [int(status["pid"])]),
            "mk: Ingress": (ingress, lambda: [int(status["pid"])]),
        }
        return _run(straight, proxied, rounds)


PATHS = ("kernel", "http")
Processes = Callable[[], list[int]]


def _run(
    straight: dict[str, str], proxied: dict[str, tuple[str, Processes]], rounds: int
) -> Sequence[Table]:
    speed = Table(f"requests a second, {CONNECTIONS} connections", unit="/s", scale=1)
    middle = Table("latency of the middle request")
    slow = Table("latency of the slowest hundredth")
    cpu = Table("CPU time a request in the proxy", unit="us", scale=1e6)
    for _ in range(rounds):
        for name, address in straight.items():
            _note(name, _load(address), speed, middle, slow)
        for name, (address, processes) in proxied.items():
            before = cpu_of(processes())
            load = _load(address)
            cpu.add(name, (cpu_of(processes()) - before) / load.requests)
            _note(name, load, speed, middle, slow)
    return [speed, middle, slow, cpu]


def _note(name: str, load: Load, speed: Table, middle: Table, slow: Table) -> None:
    speed.add(name, load.rate)
    middle.add(name, load.p50)
    slow.add(name, load.p99)


def _load(address: str) -> Load:
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency",
         "-H", f"Host: {HOST}", f"http://{address}/"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    out = done.stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"error: requests to {address} failed:\n{out}")
    return Load(
        requests=int(_found(r"(\d+) requests in", out)),
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", out)),
        p50=_seconds(_found(r"^ +50% +(\S+)", out)),
        p99=_seconds(_found(r"^ +99% +(\S+)", out)),
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise SystemExit(f"error: wrk said something unexpected:\n{text}")
    return match[1]


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


def cpu_of(processes: list[int]) -> float:
    """Seconds they have used, in user and kernel mode."""
    total = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total * TICK


@contextmanager
def _by_hand(address: str, pod: str) -> Iterator[None]:
    """What mk's table does for one Service of one Pod, without mk."""
    script = f"""
table ip {TABLE} {{
  chain output {{
    type nat hook output priority -106;
    ip daddr {address} tcp dport 80 dnat to {pod}:80
  }}
}}
"""
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True, timeout=10)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "ip", TABLE], check=True, timeout=10)


@contextmanager
def _nginx(engine: docker.DockerClient, pod: str) -> Iterator[Processes]:
    """An nginx on the host's network in front of the Pod; gives its processes."""
    with tempfile.TemporaryDirectory(prefix="mk-bench-nginx-") as folder:
        config = PROXY.replace("POD", pod).replace("PORT", str(PROXY_PORT))
        Path(folder, "nginx.conf").write_text(config)
        container = engine.containers.run(
            IMAGE, ["nginx", "-c", "/bench/nginx.conf", "-g", "daemon off;"],
            detach=True, network_mode="host", volumes={folder: {"bind": "/bench", "mode": "ro"}},
        )  # fmt: skip
        try:
            yield lambda: [int(row[1]) for row in container.top()["Processes"]]
        finally:
            container.remove(force=True)


def _manifests() -> Manifests:
    meta = {"labels": {"app": "backend"}}
    container = {
        "name": "nginx",
        "image": IMAGE,
        "command": ["nginx", "-c", "/bench/nginx.conf", "-g", "daemon off;"],
        "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/bench"}],
    }
    volume = {"name": "config", "configMap": {"name": "backend"}}
    spec = {"containers": [container], "volumes": [volume]}
    services = [_service(path) for path in PATHS]
    return [
        _object("v1", "ConfigMap", "backend", data={"nginx.conf": BACKEND}),
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "backend", **meta}, "spec": spec},
        *services,
        _object("networking.k8s.io/v1", "Ingress", "bench", spec={"rules": [_rule()]}),
    ]


def _service(path: str) -> dict[str, Any]:
    made = _object(
        "v1",
        "Service",
        f"by-{path}",
        spec={"selector": {"app": "backend"}, "ports": [{"port": 80}]},
    )
    made["metadata"]["annotations"] = {"mk.dev/service-proxy": path}
    return made


def _rule() -> dict[str, Any]:
    backend = {"service": {"name": "by-http", "port": {"number": 80}}}
    return {
        "host": HOST,
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
    }


def _object(version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}
