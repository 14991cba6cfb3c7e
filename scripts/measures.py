#!/usr/bin/env python3
"""Measures mk beside its peers in one run, in turn, over several rounds; only the ratios mean
something.

    measures.py [--rounds N] [up] [pod] [pods] [restart] [service] [api]

up       `mk up` until ready (Docker running), and the same on paper
pod      apply of one Pod until its container runs, beside `docker start` of a container that joins
a running
         namespace, `docker run`, and a Swarm service of one replica
pods     10, 30 and 100 replicas until all are Ready and the delete of 30, beside Swarm, Compose and
         podman; the daemon's memory and idle CPU with 0, 30 and 100 Pods
restart  a killed container until its successor runs, beside Swarm
service  requests through a Service: kernel path beside the same translation written by hand and the
         Pod itself; http path and Ingress beside nginx, with the CPU time they take
api      durable creates beside etcd and the raw store; get, list, watch and memory by number of
         Pods

The machine's speed swings while it measures: so each round measures every contender once, and the
ratio to mk's
figure is taken inside the round. Needs scripts/setup; makes a cluster of its own and removes it.
"""

import argparse
import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import yaml
from measure_api import measure_creates, measure_growth
from measure_pods import measure_pods
from measure_services import Manifests, measure_services
from tables import Table, timed

CLUSTER = "bench"
ON_PAPER = f"{CLUSTER}-paper"
PAPER = ("up", "--runtime", "simulated")
IMAGE = "minikube-py/busybox:1"
DEADLINE = 60  # seconds for any one measurement
SLEEP = ["sleep", "100000"]
MEASURES = ("up", "pod", "pods", "restart", "service", "api")


# -- mk ----------------------------------------------------------------------------------------


class Cluster:
    """A cluster of the benchmark's own, spoken to over its API with one kept connection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {
            **os.environ,
            "KUBECONFIG": str(folder / "kubeconfig"),
            "MK_STATE_ROOT": str(folder / "state"),
            "MK_RUN_ROOT": str(folder / "run"),
        }

    def mk(self, *words: str, cluster: str = CLUSTER) -> str:
        return self._run(words[0], "--cluster", cluster, *words[1:])

    def _run(self, *words: str) -> str:
        mk = str(Path(sys.executable).with_name("mk"))
        done = subprocess.run(
            [mk, *words],
            env=self._env, capture_output=True, text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"error: mk {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def status(self) -> Any:
        return json.loads(self.mk("status", "-o", "json"))

    def get(self, *words: str) -> Any:
        return json.loads(self._run("get", *words, "-o", "json"))

    def apply_all(self, manifests: Manifests) -> None:
        """Applies, and waits until all is ready."""
        file = self._folder / "manifests.yaml"
        file.write_text(yaml.safe_dump_all(manifests))
        self._run("apply", str(file), "--wait")

    def connect(self) -> http.client.HTTPSConnection:
        config = yaml.safe_load((self._folder / "kubeconfig").read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        trust = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]))
            pem.write(base64.b64decode(user["client-key-data"]))
            pem.flush()
            trust.load_cert_chain(pem.name)
        address = urlsplit(cluster["server"])
        return http.client.HTTPSConnection(
            str(address.hostname), address.port, context=trust, timeout=DEADLINE
        )

    def apply(self, connection: http.client.HTTPSConnection, pod: dict[str, Any]) -> None:
        body, name = json.dumps(pod), pod["metadata"]["name"]
        path = f"/api/v1/namespaces/default/pods/{name}?fieldManager=bench&force=true"
        connection.request("PATCH", path, body, {"Content-Type": "application/apply-patch+yaml"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"error: apply: {content.decode()}")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        connection = self.connect()
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"error: {method} {path}: {content.decode()}")
        return json.loads(content)

    @contextmanager
    def watching(self, path: str) -> Iterator[Iterator[Any]]:
        """An object's states as the API tells them, from now on."""
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        try:
            yield (json.loads(line)["object"] for line in answer)
        finally:
            connection.close()


def pod_manifest(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": IMAGE, "command": SLEEP}],
        },
    }


def probed_manifest(name: str) -> dict[str, Any]:
    """The same Pod, Ready once its web server answers."""
    pod = pod_manifest(name)
    pod["spec"]["containers"][0] |= {
        "command": ["httpd", "-f", "-p", "8080"],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    return pod


def is_ready(pod: Any) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def states_of(name: str) -> str:
    return f"/api/v1/pods?watch=1&fieldSelector=metadata.name={name}"


def container_of(pod: Any) -> tuple[str, bool]:
    """(container id, whether it runs)."""
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    identifier = statuses[0].get("containerID", "").removeprefix("docker://")
    return identifier, "running" in statuses[0].get("state", {})


def until_running(states: Iterator[Any], *, other_than: str = "") -> str:
    for pod in states:
        identifier, running = container_of(pod)
        if running and identifier != other_than:
            return identifier
    raise SystemExit("error: the watch ended before the Pod ran")


# -- the measures ------------------------------------------------------------------------------


def measure_up(cluster: Cluster, rounds: int) -> Table:
    table = Table("mk up until ready")
    for _ in range(rounds):
        table.add("mk up, new cluster, Docker running", timed(lambda: cluster.mk("up")))
        cluster.mk("down")
        table.add("mk up, again on its state", timed(lambda: cluster.mk("up")))
        cluster.mk("purge", "--yes")
        table.add("mk up --runtime simulated", timed(lambda: cluster.mk(*PAPER, cluster=ON_PAPER)))
        cluster.mk("purge", "--yes", cluster=ON_PAPER)
    return table


def measure_pod(cluster: Cluster, engine: docker.DockerClient, rounds: int) -> Table:
    table = Table("one Pod: apply until its container runs")
    connection = cluster.connect()
    holder = engine.containers.run(IMAGE, SLEEP, detach=True, network_mode="none")
    try:
        for number in range(rounds):
            name = f"pod-{number}"
            with cluster.watching(states_of(name)) as states:
                started = time.perf_counter()
                cluster.apply(connection, pod_manifest(name))
                until_running(states)
                table.add("mk: apply of a Pod → running", time.perf_counter() - started)
            probed = f"probed-{number}"
            with cluster.watching(states_of(probed)) as states:
                started = time.perf_counter()
                cluster.apply(connection, probed_manifest(probed))
                next(pod for pod in states if is_ready(pod))
                table.add("mk: apply → Ready, with a probe", time.perf_counter() - started)
            joined = engine.containers.create(IMAGE, SLEEP, network_mode=f"container:{holder.id}")
            table.add("docker start into a running namespace", timed(joined.start))
            joined.remove(force=True)
            started = time.perf_counter()
            ran = engine.containers.run(IMAGE, SLEEP, detach=True)
            table.add("docker run", time.perf_counter() - started)
            ran.remove(force=True)
            table.add("Swarm: a service of one replica → running", swarm_service(engine, number))
            engine.services.get(f"bench-{number}").remove()
    finally:
        holder.remove(force=True)
        connection.close()
    return table


def swarm_service(engine: docker.DockerClient, number: int) -> float:
    started = time.perf_counter()
    service = engine.services.create(IMAGE, SLEEP, name=f"bench-{number}")
    wait_for(lambda: running_tasks(service))
    return time.perf_counter() - started


def running_tasks(service: Any) -> list[str]:
    """Container ids of the service's running tasks."""
    return [
        task["Status"]["ContainerStatus"]["ContainerID"]
        for task in service.tasks()
        if task["Status"]["State"] == "running"
    ]


def wait_for(check: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if result := check():
            return result
        time.sleep(0.005)
    raise SystemExit(f"error: not within {DEADLINE} s")


def measure_restart(cluster: Cluster, engine: docker.DockerClient, rounds: int) -> Table:
    table = Table("a killed container until its successor runs")
    connection = cluster.connect()
    for number in range(rounds):
        name = f"victim-{number}"  # a fresh Pod each round: the first restart is what is compared
        with cluster.watching(states_of(name)) as states:
            cluster.apply(connection, pod_manifest(name))
            first = until_running(states)
            started = time.perf_counter()
            engine.containers.get(first).kill()
            until_running(states, other_than=first)
            table.add("mk: killed → running again", time.perf_counter() - started)
        service = engine.services.create(IMAGE, SLEEP, name=f"bench-victim-{number}")
        before = wait_for(lambda service=service: running_tasks(service))[0]
        started = time.perf_counter()
        engine.containers.get(before).kill()
        wait_for(lambda service=service, before=before: set(running_tasks(service)) - {before})
        table.add("Swarm: killed → running again", time.perf_counter() - started)
        service.remove()
    connection.close()
    return table


def measure_api(cluster: Cluster, folder: Path, rounds: int) -> None:
    """On paper: what is measured are the API and the store."""
    cluster.mk(*PAPER)
    try:
        for table in measure_creates(cluster, folder, rounds):
            table.print()
    finally:
        cluster.mk("purge", "--yes")
    for table in measure_growth(folder, rounds):
        table.print()


@contextmanager
def swarm(engine: docker.DockerClient) -> Iterator[None]:
    """A Swarm of this host alone; left again, and its network with it."""
    if engine.info()["Swarm"]["LocalNodeState"] != "inactive":
        raise SystemExit("error: this Engine is in a Swarm already: measure on another one")
    had_gateway = bool(engine.networks.list(names=["docker_gwbridge"]))
    engine.swarm.init(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")
    try:
        yield
    finally:
        engine.swarm.leave(force=True)
        if not had_gateway:
            for network in engine.networks.list(names=["docker_gwbridge"]):
                network.remove()


def measure_all(
    wanted: set[str], cluster: Cluster, engine: docker.DockerClient, folder: Path, rounds: int
) -> None:
    if "up" in wanted:
        measure_up(cluster, rounds).print()
    if "api" in wanted:
        measure_api(cluster, folder, rounds)
    if wanted - {"up", "api"}:
        cluster.mk("up")
        if "service" in wanted:
            for table in measure_services(cluster, engine, rounds):
                table.print()
    if wanted & {"pod", "pods", "restart"}:
        with swarm(engine):
            for table in measure_beside_swarm(wanted, cluster, engine, rounds):
                table.print()


def measure_beside_swarm(
    wanted: set[str], cluster: Cluster, engine: docker.DockerClient, rounds: int
) -> Iterator[Table]:
    if "pods" in wanted:
        yield from measure_pods(cluster, engine, rounds)
    if "pod" in wanted:
        yield measure_pod(cluster, engine, rounds)
    if "restart" in wanted:
        yield measure_restart(cluster, engine, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("measures", nargs="*", metavar="|".join(MEASURES))
    flags = parser.parse_args()
    wanted = set(flags.measures or MEASURES)
    if unknown := wanted - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}; there are {MEASURES}")
    if os.geteuid() != 0:
        raise SystemExit("error: run with sudo: a cluster on Docker needs root")
    engine = docker.from_env()
    with tempfile.TemporaryDirectory(prefix="mk-bench-") as folder:
        cluster = Cluster(Path(folder))
        try:
            measure_all(wanted, cluster, engine, Path(folder), flags.rounds)
        finally:
            cluster.mk("purge", "--yes")


if __name__ == "__main__":
    main()
