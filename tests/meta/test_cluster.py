import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.cluster import BadClusterName, Cluster, record_paths, run_root, state_root

_NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)


@given(_NAMES)
def test_interface_names_fit_the_kernel(name: str) -> None:
    cluster = Cluster(name)

    for interface in (cluster.bridge, cluster.service_device):
        assert len(interface) <= 15
        assert "/" not in interface


@given(_NAMES, _NAMES)
def test_clusters_share_no_names(one: str, other: str) -> None:
    first, second = Cluster(one), Cluster(other)

    if one != other:
        assert first.bridge != second.bridge
        assert first.network != second.network
        assert first.nft_table != second.nft_table
        assert first.record_path != second.record_path


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a" * 41, "a/b", "a\n"])
def test_a_bad_cluster_name_says_what_is_allowed(name: str) -> None:
    with pytest.raises(BadClusterName, match="at most 40 lower case letters"):
        Cluster(name)


def test_everything_carries_the_clusters_name() -> None:
    cluster = Cluster("lab")

    assert (cluster.network, cluster.nft_table) == ("mk-lab", "mk-lab")
    assert cluster.volume("pvc-1") == "mk-lab-pvc-1"
    assert cluster.default_data_dir.name == "lab"


def test_places_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MK_STATE_ROOT", str(tmp_path / "state"))
    monkeypatch.setenv("MK_RUN_ROOT", str(tmp_path / "run"))

    assert state_root() == tmp_path / "state"
    assert run_root() == tmp_path / "run"
    assert Cluster("lab").record_path == tmp_path / "run" / "lab.json"


def test_roots_clusters_live_in_the_hosts_places(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MK_STATE_ROOT", "MK_RUN_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert state_root() == Path("/var/lib/minikube-py")
    assert record_paths(Cluster("lab")) == [Path("/run/minikube-py/lab.json")]


def test_other_users_clusters_live_at_home_and_roots_are_seen_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MK_STATE_ROOT", "MK_RUN_ROOT", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    own = tmp_path / ".local" / "state" / "minikube-py" / "run" / "lab.json"
    assert record_paths(Cluster("lab")) == [own, Path("/run/minikube-py/lab.json")]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_root() == tmp_path / "xdg" / "minikube-py"
