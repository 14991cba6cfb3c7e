"""Clients of every sort against a whole cluster: they must not notice that it isn't Kubernetes.

Where a Pod's content does not matter the cluster is one on paper (no Docker, no root); `real`
is one on the host's Engine. Both are made once a session and purged at its end.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import RunningCluster, left_on_host, run_command

PROGRAMS = Path(os.environ.get("MK_CACHE", "/var/cache/minikube-py")) / "clients"
OLD, USUAL, NEWEST = "kubectl-1.20.0", "kubectl-1.32.3", "kubectl-1.37.1"
HELMS = ("helm-3.17.2", "helm-4.3.1")
CHART = Path(__file__).parent / "chart"
CRDS = CHART / "crds"


def program(name: str) -> str:
    """The path of a client that scripts/clients has fetched."""
    path = PROGRAMS / name
    assert path.exists(), f"{name} is missing in {PROGRAMS}: run 'sudo ./scripts/setup --dev'"
    return str(path)


@dataclass(frozen=True)
class Kubectl:
    """One release of kubectl, bound to a cluster and a namespace."""

    name: str
    cluster: RunningCluster
    namespace: str = "default"

    @property
    def is_old(self) -> bool:
        """1.20 lacks some commands, flags and output words of today's."""
        return self.name == OLD

    @property
    def is_newest(self) -> bool:
        return self.name == NEWEST

    @property
    def env(self) -> dict[str, str]:
        home = self.cluster.folder / self.name  # each release keeps a discovery cache of its own
        return {**self.cluster.env, "HOME": str(home), "TERM": "dumb"}

    def command(self, *words: str) -> list[str]:
        return [program(self.name), "-n", self.namespace, *words]

    def __call__(
        self,
        *words: str,
        stdin: str | None = None,
        code: int = 0,
        env: dict[str, str] | None = None,
    ) -> str:
        """stdout of a command whose exit code must be `code`; with stderr, if `code` is not 0."""
        done = run_command(
            *self.command(*words), stdin=stdin, env={**self.env, **(env or {})}, seconds=60
        )
        assert done.code == code, (
            f"{self.name} {' '.join(words)}: exit code {done.code}\n{done.out}\n{done.err}"
        )
        return done.out if code == 0 else done.out + done.err

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on; the caller ends it."""
        return subprocess.Popen(
            self.command(*words),
            env={**os.environ, **self.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def get(self, *words: str) -> Any:
        return json.loads(self("get", *words, "-o", "json"))

    def apply(self, manifest: str | dict[str, Any], *options: str) -> str:
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self("apply", *options, "-f", "-", stdin=text)

    def into(self, namespace: str) -> "Kubectl":
        return replace(self, namespace=namespace)


def _running(folder: Path, *options: str, leaves: bool = False) -> Iterator[RunningCluster]:
    cluster = RunningCluster(f"c-{secrets.token_hex(3)}", folder)
    try:
        cluster.up(*options)
        yield cluster
    finally:
        cluster.purge()
    assert not leaves or not left_on_host(cluster.name), "something was left on this host"


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    """A cluster whose Pods exist on paper; tests keep to namespaces of their own."""
    yield from _running(tmp_path_factory.mktemp("paper"), "--runtime", "simulated")


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    """A cluster on Docker, for what must really run; its tests are marked docker and root."""
    yield from _running(tmp_path_factory.mktemp("real"), leaves=True)


def _own_namespace(cluster: RunningCluster) -> Iterator[str]:
    name = f"n-{secrets.token_hex(3)}"
    kubectl = Kubectl(USUAL, cluster)
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(paper: RunningCluster) -> Iterator[str]:
    """A namespace of the test's own on paper."""
    yield from _own_namespace(paper)


@pytest.fixture
def real_namespace(real: RunningCluster) -> Iterator[str]:
    yield from _own_namespace(real)


@pytest.fixture(params=[OLD, USUAL, NEWEST])
def kubectl(request: pytest.FixtureRequest, paper: RunningCluster, namespace: str) -> Kubectl:
    """Each release of kubectl in turn."""
    return Kubectl(request.param, paper, namespace)


@pytest.fixture(params=[OLD, USUAL, NEWEST])
def real_kubectl(
    request: pytest.FixtureRequest, real: RunningCluster, real_namespace: str
) -> Kubectl:
    return Kubectl(request.param, real, real_namespace)
