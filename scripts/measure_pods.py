"""Many Pods at once beside the other orchestrators of a Docker host: up, gone again, and what the
daemon costs while they run.

One round is every contender once, one after the other; each runs the same program, which ends when
it is told to. A contender that cannot run here is named with its reason instead of a figure.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import docker
import yaml
from tables import Table, timed

IMAGE = "minikube-py/busybox:1"
PROGRAM = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]
CROWDS = ((10, 3), (30, 2), (100, 1))  # Pods at once, rounds at most
DELETED = 30
COSTS = (0, 30, 100)
NAME = "bench-crowd"
DEADLINE = 180  # seconds for any one measurement
SETTLE_SECONDS, IDLE_SECONDS = 3, 10
TICK = os.sysconf("SC_CLK_TCK")


class Cluster(Protocol):
    def mk(self, *words: str) -> str: ...
    def status(self) -> Any: ...
    def call(self, method: str, path: str, body: Any = None) -> Any: ...
    def watching(self, path: str) -> AbstractContextManager[Iterator[Any]]: ...


class Contender(Protocol):
    label: str

    def up(self, many: int) -> None:
        """Returns when so many run (for mk: are Ready)."""
        ...

    def down(self) -> None:
        """Returns when no container of them is left."""
        ...


def measure_pods(cluster: Cluster, engine: docker.DockerClient, rounds: int) -> Iterator[Table]:
    memory = Table("memory of the daemon and its helper (PSS)", unit="MB", scale=1)
    idle = Table(f"CPU of the daemon and its helper, idle for {IDLE_SECONDS} s", "%", 100)
    deleted = Table(f"delete of {DELETED} Pods until their containers are gone")
    mk = Mk(cluster, engine)
    with tempfile.TemporaryDirectory(prefix="mk-bench-pods-") as folder, ExitStack() as ending:
        contenders, skipped = peers(Path(folder), ending)
        contenders = [mk, Swarm(engine), *contenders]
        note_costs(cluster, 0, memory, idle)
        for many, most in CROWDS:
            table = Table(f"{many} replicas until all are Ready")
            for _ in range(min(rounds, most)):
                for contender in contenders:
                    table.add(contender.label, timed(lambda who=contender, n=many: who.up(n)))
                    if contender is mk and many in COSTS and f"{many} Pods" not in memory.rows:
                        note_costs(cluster, many, memory, idle)
                    took = timed(contender.down)
                    if many == DELETED:
                        deleted.add(contender.label, took)
            yield table
    yield from (deleted, memory, idle)
    for line in skipped:
        print(f"  {line}", flush=True)


def peers(folder: Path, ending: ExitStack) -> tuple[list[Contender], list[str]]:
    """Those that run here, and why the others don't."""
    found: list[Contender] = []
    skipped: list[str] = []
    for make in (Compose, PodmanPlay):
        try:
            peer = make(folder)
        except (CannotRun, subprocess.SubprocessError) as reason:
            skipped.append(f"{make.label}: not measured, {reason}")
        else:
            ending.callback(peer.close)
            found.append(peer)
    return found, skipped


class CannotRun(Exception):
    """Why, in the program's own words."""


# -- the contenders ----------------------------------------------------------------------------


@dataclass
class Mk:
    cluster: Cluster
    engine: docker.DockerClient
    label = "mk: a Deployment"

    def up(self, many: int) -> None:
        deployments = "/apis/apps/v1/namespaces/default/deployments"
        states = f"{deployments}?watch=1&fieldSelector=metadata.name={NAME}"
        with self.cluster.watching(states) as changes:
            self.cluster.call("POST", deployments, deployment(many))
            next(one for one in changes if one.get("status", {}).get("readyReplicas") == many)

    def down(self) -> None:
        path = f"/apis/apps/v1/namespaces/default/deployments/{NAME}"
        self.cluster.call("DELETE", f"{path}?propagationPolicy=Background")
        until_gone(self.engine, {"name": f"_{NAME}-"})


@dataclass
class Swarm:
    engine: docker.DockerClient
    label = "Swarm: a service"

    def up(self, many: int) -> None:
        service = self.engine.services.create(
            IMAGE, PROGRAM, name=NAME, mode=docker.types.ServiceMode("replicated", many)
        )
        until(lambda: running(service) == many)

    def down(self) -> None:
        self.engine.services.get(NAME).remove()
        until_gone(self.engine, {"label": f"com.docker.swarm.service.name={NAME}"})


class Compose:
    label = "docker-compose up --scale"

    def __init__(self, folder: Path) -> None:
        if shutil.which("docker-compose") is None:
            raise CannotRun("docker-compose is not installed")
        self._file = folder / "compose.yaml"
        app = {"image": IMAGE, "command": [word.replace("$", "$$") for word in PROGRAM]}
        self._file.write_text(yaml.safe_dump({"version": "3", "services": {"app": app}}))

    def up(self, many: int) -> None:
        self._run("up", "-d", "--scale", f"app={many}")

    def down(self) -> None:
        self._run("down", "-t", "10")

    def close(self) -> None:
        self._run("down", "-t", "0")

    def _run(self, *words: str) -> None:
        run("docker-compose", "-f", str(self._file), "-p", NAME, *words)


class PodmanPlay:
    """With storage of its own, removed with it. It makes Pods one after the other."""

    label = "podman kube play, without network"

    def __init__(self, folder: Path) -> None:
        if shutil.which("podman") is None:
            raise CannotRun("podman is not installed")
        self._manifest = folder / "pods.yaml"
        self._storage = folder / "root" / "overlay"
        limits = folder / "containers.conf"
        # Of itself it raises limits, which needs a capability that a nested host lacks.
        limits.write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        )
        settings = ("env", f"CONTAINERS_CONF={limits}")
        self._podman = (
            *settings,
            "podman",
            "--root",
            str(folder / "root"),
            "--runroot",
            str(folder / "run"),
        )
        archive = folder / "image.tar"
        run("docker", "save", IMAGE, "-o", str(archive))
        self._run("load", "-i", str(archive))
        try:
            self.up(1)
            self.down()
        except subprocess.CalledProcessError as error:
            self.close()
            raise CannotRun(first_line(error.stderr)) from error

    def up(self, many: int) -> None:
        pods = [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{NAME}-{number}"},
                "spec": pod_spec(f"localhost/{IMAGE}"),
            }
            for number in range(many)
        ]
        self._manifest.write_text(yaml.safe_dump_all(pods))
        self._run("kube", "play", "--network", "none", str(self._manifest))

    def down(self) -> None:
        self._run("kube", "down", str(self._manifest))

    def close(self) -> None:
        """Its storage is a mount of its own while it is in use."""
        self._run("pod", "rm", "--all", "--force", "--time", "0")
        if self._storage.is_mount():
            run("umount", str(self._storage))

    def _run(self, *words: str) -> None:
        run(*self._podman, *words)


def deployment(many: int) -> dict[str, Any]:
    labels = {"app": NAME}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(IMAGE)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {"replicas": many, "selector": {"matchLabels": labels}, "template": template},
    }


def pod_spec(image: str) -> dict[str, Any]:
    return {"containers": [{"name": "app", "image": image, "command": PROGRAM}]}


# -- what the daemon costs ---------------------------------------------------------------------


def note_costs(cluster: Cluster, many: int, memory: Table, idle: Table) -> None:
    """By number of Pods, each row once: the first is what the others are compared with."""
    time.sleep(SETTLE_SECONDS)
    processes = family(int(cluster.status()["pid"]))
    before = sum(map(cpu_seconds, processes))
    time.sleep(IDLE_SECONDS)
    used = sum(map(cpu_seconds, processes)) - before
    memory.add(f"{many} Pods", sum(map(pss_megabytes, processes)))
    idle.add(f"{many} Pods", max(used, 1 / TICK) / IDLE_SECONDS)  # no less than can be measured


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grandchild for child in children for grandchild in family(int(child)))]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def pss_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


# -- waiting -----------------------------------------------------------------------------------


def running(service: Any) -> int:
    return sum(task["Status"]["State"] == "running" for task in service.tasks())


def until_gone(engine: docker.DockerClient, filters: dict[str, str]) -> None:
    until(lambda: not engine.api.containers(all=True, filters=filters))


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not check():
        if time.monotonic() > deadline:
            raise SystemExit(f"error: not within {DEADLINE} s")
        time.sleep(0.05)


def run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)


def first_line(text: str) -> str:
    return (text.strip().splitlines() or ["without saying why"])[0]
