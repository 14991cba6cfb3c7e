"""A real cluster on the host's Docker Engine, shared by the tests that don't restart it.

It has a name, ports and state of its own and is purged at the end; then nothing may be left.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

REPO = Path(__file__).resolve().parents[2]
MANIFESTS = REPO / "manifests"
MK = str(Path(sys.executable).with_name("mk"))
BUSYBOX = "minikube-py/busybox:1"
IDLE = ("sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait")
"""A command that does nothing and, unlike a bare sleep as process 1, ends when it is told to."""
NGINX = "minikube-py/nginx:1"
_T = TypeVar("_T")


class CommandFailed(AssertionError):
    """A command's exit code was not the expected one; shows all it printed."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def run_command(
    *words: str, stdin: str | None = None, env: dict[str, str] | None = None, seconds: float = 120
) -> Done:
    """Runs a program to its end; never raises on its exit code."""
    done = subprocess.run(
        words,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def eventually(what: str, check: Callable[[], _T | None], seconds: float = 30) -> _T:
    """Polls until `check` gives something true; an AssertionError or OSError counts as not yet."""
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if result := check():
                return result
        except (AssertionError, OSError) as error:
            last = f": {error}"
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s{last}")
        time.sleep(0.05)


@dataclass(frozen=True)
class RunningCluster:
    """One cluster, spoken to as users do."""

    name: str
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "KUBECACHEDIR": str(self.folder / "cache"),
            "MK_STATE_ROOT": str(self.folder / "state"),
            "MK_RUN_ROOT": str(self.folder / "run"),
            "NO_COLOR": "1",
        }

    def mk(self, *words: str, stdin: str | None = None, code: int = 0, seconds: float = 120) -> str:
        """stdout of `mk`, whose exit code must be `code` (then, if it is not 0, stderr)."""
        done = run_command(
            MK,
            *words,
            stdin=stdin,
            env=self.env,
            seconds=seconds,
        )
        return _checked(f"mk {' '.join(words)}", done, code)

    def kubectl(self, *words: str, stdin: str | None = None, code: int = 0) -> str:
        program = shutil.which("kubectl")
        assert program, (
            "kubectl is missing: scripts/test installs one, or install kubernetes-client"
        )
        done = run_command(program, "--context", self.name, *words, stdin=stdin, env=self.env)
        return _checked(f"kubectl {' '.join(words)}", done, code)

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, manifest: str) -> str:
        return self.kubectl("apply", "-f", "-", stdin=manifest)

    def up(self, *words: str) -> str:
        return self.mk("up", "--cluster", self.name, *words)

    def down(self, *words: str) -> str:
        return self.mk("down", "--cluster", self.name, *words)

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.mk("status", "--cluster", self.name, "-o", "json")))

    def purge(self) -> None:
        self.mk("purge", "--cluster", self.name, "--yes")

    def wait_ready(self, pod: str, namespace: str = "default", seconds: int = 60) -> None:
        self.kubectl(
            "wait", "-n", namespace, "--for=condition=Ready", f"pod/{pod}", f"--timeout={seconds}s"
        )

    def containers(self) -> dict[str, str]:
        """Docker's id → name, pool left out."""
        done = run_command(
            "docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}",
            "--filter", f"label=io.minikube-py.cluster={self.name}",
        )  # fmt: skip
        rows = (line.split(" ", 1) for line in done.out.splitlines())
        return {identifier: name for identifier, name in rows if name.startswith("k8s_")}


def left_on_host(name: str) -> list[str]:
    """Whatever of cluster `name` is still on this machine."""
    label = f"label=io.minikube-py.cluster={name}"
    bridge = f"mk-{name}"
    found = []
    for what, words in {
        "container": ("docker", "ps", "-aq", "--filter", label),
        "network": ("docker", "network", "ls", "-q", "--filter", f"name=^{bridge}$"),
        "volume": ("docker", "volume", "ls", "-q", "--filter", label),
    }.items():
        found += [f"{what} {line}" for line in run_command(*words).out.split()]
    links = run_command("ip", "-o", "link").out
    found += [f"link {line}" for line in links.splitlines() if name in line]
    routes = run_command("ip", "route").out
    found += [f"route {line}" for line in routes.splitlines() if name in line]
    tables = run_command("nft", "list", "tables").out
    found += [f"nftables {line}" for line in tables.splitlines() if name in line]
    rules = run_command("iptables", "-S").out
    found += [f"iptables {line}" for line in rules.splitlines() if name in line]
    return found


@pytest.fixture(scope="session")
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], RunningCluster]]:
    """Makes clusters that are not up yet; all are purged in the end, and must leave nothing."""
    made: list[RunningCluster] = []

    def make() -> RunningCluster:
        cluster = RunningCluster(f"t-{secrets.token_hex(3)}", tmp_path_factory.mktemp("cluster"))
        made.append(cluster)
        return cluster

    yield make
    for cluster in made:
        cluster.purge()
    left = [line for cluster in made for line in left_on_host(cluster.name)]
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="session")
def cluster(new_cluster: Callable[[], RunningCluster]) -> RunningCluster:
    """A cluster that is up for the whole run; tests keep to namespaces of their own."""
    cluster = new_cluster()
    cluster.up()
    return cluster


@pytest.fixture
def namespace(cluster: RunningCluster) -> Iterator[str]:
    """A namespace of the test's own, deleted with all in it."""
    name = f"test-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=true")


def _checked(command: str, done: Done, code: int) -> str:
    if done.code != code:
        raise CommandFailed(
            f"`{command}` gave exit code {done.code}, not {code}\n{done.out}\n{done.err}"
        )
    return done.out if code == 0 else done.err
