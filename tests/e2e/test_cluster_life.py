"""`mk up`, `down`, `purge`, `status`; one line says what to do when something is in the way."""

import json
import socket
from collections.abc import Callable

import pytest

from tests.e2e.conftest import BUSYBOX, IDLE, MK, RunningCluster, left_on_host, run_command

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]


def test_purge_leaves_nothing_on_the_host(new_cluster: Callable[[], RunningCluster]) -> None:
    cluster = new_cluster()
    cluster.up()
    cluster.kubectl("run", "pod", f"--image={BUSYBOX}", "--", *IDLE)
    cluster.wait_ready("pod")
    assert left_on_host(cluster.name)

    purged = run_command(MK, "purge", "--cluster", cluster.name, "--yes", env=cluster.env)

    assert (purged.code, purged.err) == (0, "")
    assert left_on_host(cluster.name) == []
    assert not (cluster.folder / "state" / cluster.name).exists()
    assert cluster.name not in (cluster.folder / "kubeconfig").read_text()


def test_status_tells_what_runs_where(cluster: RunningCluster) -> None:
    status = cluster.status()

    assert status["cluster"] == cluster.name
    assert status["ready"] is True
    assert status["api"].startswith("https://127.0.0.1:")
    assert (cluster.folder / "kubeconfig").exists()
    state = cluster.folder / "state" / cluster.name
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_second_up_says_that_it_runs(cluster: RunningCluster) -> None:
    pid = cluster.status()["pid"]

    said = cluster.up()

    assert "running" in said
    assert cluster.status()["pid"] == pid


def test_a_taken_port_is_named_with_the_flag_that_helps(
    new_cluster: Callable[[], RunningCluster],
) -> None:
    cluster = new_cluster()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        error = cluster.mk("up", "--cluster", cluster.name, "--api-port", str(port), code=1).strip()

    assert error.count("\n") == 0
    assert str(port) in error
    assert "--api-port" in error


def test_a_taken_range_is_named_with_the_flag_that_helps(
    new_cluster: Callable[[], RunningCluster], cluster: RunningCluster
) -> None:
    taken = cluster.status()["podCIDR"]

    other = new_cluster()
    error = other.mk("up", "--cluster", other.name, "--pod-cidr", taken, code=1).strip()

    assert error.count("\n") == 0
    assert "--pod-cidr" in error


def test_no_docker_says_how_to_get_it(new_cluster: Callable[[], RunningCluster]) -> None:
    cluster = new_cluster()
    done = run_command(
        MK, "up", "--cluster", cluster.name,
        env={**cluster.env, "DOCKER_HOST": "unix:///nowhere/docker.sock"},
    )  # fmt: skip

    assert done.code == 1
    assert done.err.strip().count("\n") == 0
    assert "Docker" in done.err


def test_no_root_says_so(new_cluster: Callable[[], RunningCluster]) -> None:
    cluster = new_cluster()
    done = run_command("unshare", "--user", MK, "up", "--cluster", cluster.name, env=cluster.env)

    assert done.code == 1
    assert done.err.strip().count("\n") == 0
    assert "sudo mk up" in done.err


def test_two_clusters_live_side_by_side(
    new_cluster: Callable[[], RunningCluster], cluster: RunningCluster
) -> None:
    other = new_cluster()
    other.up()

    first, second = cluster.status(), other.status()

    assert first["api"] != second["api"]
    assert first["podCIDR"] != second["podCIDR"]
    other.kubectl("run", "pod", f"--image={BUSYBOX}", "--", *IDLE)
    other.wait_ready("pod")
    assert "NotFound" in cluster.kubectl("get", "pod", "pod", code=1)


def test_secrets_are_sealed_on_disk(cluster: RunningCluster) -> None:
    cluster.kubectl("create", "secret", "generic", "sealed", "--from-literal=word=xyzzy-plugh-42")
    state = cluster.folder / "state" / cluster.name

    raw = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())

    assert b"xyzzy-plugh-42" not in raw
    assert b"eHl6enktcGx1Z2gtNDI" not in raw
    keys = [p for p in state.rglob("*key*") if p.is_file()]
    assert keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)


def test_a_simulated_cluster_needs_neither_docker_nor_root(
    new_cluster: Callable[[], RunningCluster],
) -> None:
    cluster = new_cluster()

    def as_nobody(*words: str) -> str:
        # A user namespace without a mapping: nobody's identity and no capability on this host, but
        # files are still readable, wherever the interpreter is installed.
        done = run_command(
            "unshare", "--user", MK, *words,
            env={**cluster.env, "HOME": str(cluster.folder), "DOCKER_HOST": "unix:///nowhere"},
        )  # fmt: skip
        assert done.code == 0, done.err
        return done.out

    as_nobody("up", "--cluster", cluster.name, "--runtime", "simulated")
    try:
        config = str(cluster.folder / "kubeconfig")
        manifest = json.dumps(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web"},
                "spec": {
                    "replicas": 3,
                    "selector": {"matchLabels": {"app": "web"}},
                    "template": {
                        "metadata": {"labels": {"app": "web"}},
                        "spec": {"containers": [{"name": "web", "image": "any/image:1"}]},
                    },
                },
            }
        )
        run_command("kubectl", "--kubeconfig", config, "apply", "-f", "-", stdin=manifest)
        rolled = run_command(
            "kubectl",
            "--kubeconfig",
            config,
            "rollout",
            "status",
            "deployment/web",
            "--timeout=30s",
        )
        assert "successfully rolled out" in rolled.out, rolled.err
    finally:
        as_nobody("purge", "--cluster", cluster.name, "--yes")
