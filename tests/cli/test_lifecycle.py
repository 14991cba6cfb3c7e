"""`mk up`, `status`, `down` and `purge` with a real daemon on the simulated runtime: no Docker, no
root.
"""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from minikube_py.cli.main import main
from tests.cli.conftest import Done

Mk = Callable[..., Done]


_SYSCTL_POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  securityContext: {sysctls: [{name: %s, value: "1024"}]}
  containers: [{name: app, image: "app:1"}]
"""


@pytest.fixture
def cluster() -> str:
    return f"t-{secrets.token_hex(3)}"


@pytest.fixture
def mk(
    tmp_path: Path,
    cluster: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Mk]:
    monkeypatch.setenv("MK_STATE_ROOT", str(tmp_path / "state"))
    monkeypatch.setenv("MK_RUN_ROOT", str(tmp_path / "run"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: str) -> Done:
        capfd.readouterr()
        code = main(list(words))
        shown = capfd.readouterr()
        return Done(code, shown.out, shown.err)

    yield run
    main(["purge", "--cluster", cluster, "--yes"])


def test_a_cluster_comes_up_is_found_again_and_goes_without_a_trace(
    mk: Mk, cluster: str, tmp_path: Path
) -> None:
    named = ("--cluster", cluster)
    up = mk("up", *named, "--runtime", "simulated")
    again = mk("up", *named)
    other = mk("up", *named, "--runtime", "docker")
    status = json.loads(mk("status", *named, "-o", "json").out)
    nodes = mk("get", "nodes")
    api = mk("get", "endpoints", "kubernetes", "-o", "jsonpath={.subsets[*].addresses[*].ip}")

    assert up.code == 0, up.err
    assert f"Cluster {cluster} is ready" in up.out
    assert (again.code, other.code, nodes.code) == (0, 1, 0)
    assert "already runs with --runtime simulated" in other.err
    assert status["ready"]
    assert status["problems"] == []
    assert " Ready " in nodes.out
    assert api.out == status["podCIDR"].replace("0.0/16", "0.1")
    assert (tmp_path / "state" / cluster).stat().st_mode & 0o777 == 0o700

    down = mk("down", *named)
    stopped = mk("status", *named)
    purged = mk("purge", *named, "--yes")

    assert (down.code, stopped.code, purged.code) == (0, 1, 0)
    assert "stopped" in stopped.out
    assert list((tmp_path / "state").iterdir()) == []
    assert yaml.safe_load((tmp_path / "kubeconfig").read_text())["contexts"] == []


def test_purge_makes_kubectl_forget_the_kinds_that_were_served(
    mk: Mk, cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("KUBECACHEDIR", str(cache))
    other = cache / "discovery" / "other.example_6443"
    other.mkdir(parents=True)
    mk("up", "--cluster", cluster, "--runtime", "simulated")

    subprocess.run(["kubectl", "get", "pods"], check=True, capture_output=True, timeout=60)
    asked = set((cache / "discovery").iterdir())
    mk("purge", "--cluster", cluster, "--yes")

    assert len(asked) == 2
    assert set((cache / "discovery").iterdir()) == {other}


def test_a_daemon_that_cannot_start_says_why_in_one_line(mk: Mk, cluster: str) -> None:
    done = mk("up", "--cluster", cluster, "--runtime", "simulated", "--pod-cidr", "nonsense")

    assert done.code == 1
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1


def test_what_is_not_running_is_said(mk: Mk, cluster: str, tmp_path: Path) -> None:
    state = tmp_path / "state" / cluster
    state.mkdir(parents=True)
    (state / "daemon.log").touch()

    assert mk("down", "--cluster", cluster).out == f"Cluster {cluster} is not running\n"
    assert json.loads(mk("status", "--cluster", cluster, "-o", "json").out)["pid"] is None
    assert "add --yes" in mk("purge", "--cluster", cluster).err
    assert "lower case" in mk("status", "--cluster", "Bad_Name").err


def test_purge_leaves_a_folder_alone_that_holds_no_cluster(
    mk: Mk, cluster: str, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").touch()

    done = mk("purge", "--cluster", cluster, "--yes", "--data-dir", str(precious))

    assert (precious / "thesis.txt").exists()
    assert done.code == 1


def test_what_is_on_paper_stays_on_paper_at_the_next_up(mk: Mk, cluster: str) -> None:
    named = ("--cluster", cluster)
    mk("up", *named, "--runtime", "simulated", "--service-proxy", "kernel")
    down = mk("down", *named)
    mk("up", *named)
    status = json.loads(mk("status", *named, "-o", "json").out)

    assert f"`mk up --cluster {cluster}` starts it again" in down.out
    assert (status["runtime"], status["serviceProxy"]) == ("simulated", "kernel")


def test_unsafe_sysctls_are_allowed_by_a_flag_that_the_next_up_remembers(
    mk: Mk, cluster: str, tmp_path: Path
) -> None:
    named = ("--cluster", cluster)
    mk("up", *named, "--runtime", "simulated", "--allowed-unsafe-sysctls", "net.core.*")
    other = mk("up", *named, "--allowed-unsafe-sysctls", "")
    mk("down", *named)
    mk("up", *named)
    for name, sysctl in (("good", "net.core.somaxconn"), ("bad", "net.ipv4.tcp_rfc1337")):
        pod = tmp_path / f"{name}.yaml"
        pod.write_text(_SYSCTL_POD % (name, sysctl))
        mk("apply", "-f", str(pod))

    good = mk("wait", "--for=condition=Ready", "pod/good")
    bad = mk("wait", "--for=jsonpath={.status.reason}=SysctlForbidden", "pod/bad")
    message = mk("get", "pod", "bad", "-o", "jsonpath={.status.message}")

    assert "already runs with --allowed-unsafe-sysctls net.core.*" in other.err
    assert (good.code, bad.code) == (0, 0), good.err + bad.err
    assert message.out.strip() == (
        'Pod was rejected: forbidden sysctl: "net.ipv4.tcp_rfc1337" not allowlisted'
    )


def test_a_port_that_is_none_is_refused_before_anything_starts(
    mk: Mk, cluster: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        mk("up", "--cluster", cluster, "--api-port", "99999")

    assert end.value.code == 2
    assert "99999 is no port" in capfd.readouterr().err
    assert not (tmp_path / "state").exists()


def test_purge_of_what_is_not_there_says_so(mk: Mk, cluster: str) -> None:
    done = mk("purge", "--cluster", cluster)  # and does not ask

    assert done.code == 0
    assert "does not exist" in done.out
