from pathlib import Path

import pytest
import yaml

from minikube_py.cli.errors import CliError
from minikube_py.cli.kubeconfig import config_paths, find_access, merge_into, remove_context

CLUSTER = {"server": "https://127.0.0.1:6443"}


def config(name: str, **cluster: object) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {**CLUSTER, **cluster}}],
        "users": [{"name": name, "user": {"token": name}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def written(path: Path, name: str, **cluster: object) -> Path:
    path.write_text(yaml.safe_dump(config(name, **cluster)))
    return path


def test_merging_keeps_other_clusters_and_makes_the_new_one_current(tmp_path: Path) -> None:
    target = written(tmp_path / "config", "prod")

    merge_into([target], written(tmp_path / "new", "mk"))
    merge_into([target], written(tmp_path / "new", "mk", server="https://127.0.0.1:7443"))

    merged = yaml.safe_load(target.read_text())
    assert [entry["name"] for entry in merged["contexts"]] == ["prod", "mk"]
    assert merged["current-context"] == "mk"
    assert find_access([target], "mk").server == "https://127.0.0.1:7443"
    assert find_access([target], "prod").user == {"token": "prod"}


def test_a_new_file_is_private(tmp_path: Path) -> None:
    target = tmp_path / ".kube" / "config"

    merge_into([target], written(tmp_path / "new", "mk"))

    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["config"]


def test_a_link_stays_a_link_and_a_mode_stays(tmp_path: Path) -> None:
    real = written(tmp_path / "real", "prod")
    real.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(real)

    merge_into([link], written(tmp_path / "new", "mk"))

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640


def test_removing_leaves_what_others_use(tmp_path: Path) -> None:
    target = written(tmp_path / "config", "prod")
    merge_into([target], written(tmp_path / "new", "mk"))

    changed = remove_context([target, tmp_path / "missing"], "mk")
    unchanged = remove_context([target], "mk")

    left = yaml.safe_load(target.read_text())
    assert (changed, unchanged) == ([target], [])
    assert left["current-context"] == ""
    assert [entry["name"] for entry in left["clusters"]] == ["prod"]
    assert [entry["name"] for entry in left["users"]] == ["prod"]


def test_several_files_are_one_and_the_first_wins(tmp_path: Path) -> None:
    first, second = written(tmp_path / "1", "a"), written(tmp_path / "2", "b")

    assert find_access([first, second]).context == "a"
    assert find_access([first, second], "b").user == {"token": "b"}
    assert merge_into([first, second], written(tmp_path / "new", "b")) == second


def test_files_named_in_it_are_relative_to_it(tmp_path: Path) -> None:
    path = written(tmp_path / "config", "mk", **{"certificate-authority": "ca.pem"})

    assert find_access([path]).cluster["certificate-authority"] == str(tmp_path / "ca.pem")


def test_what_is_missing_is_said_with_what_there_is(tmp_path: Path) -> None:
    path = written(tmp_path / "config", "prod")

    with pytest.raises(CliError, match=r'no context "mk".*prod'):
        find_access([path], "mk")
    with pytest.raises(CliError, match="mk up"):
        find_access([tmp_path / "missing"])


def test_bad_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("a: b: c")

    with pytest.raises(CliError, match="config is not valid YAML"):
        find_access([path])


def test_the_flag_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a:/b")

    assert config_paths() == [Path("/a"), Path("/b")]
    assert config_paths(str(tmp_path)) == [tmp_path]


def test_under_sudo_it_is_the_invoking_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1")  # daemon, whose home is /usr/sbin

    assert config_paths() == [Path("/usr/sbin/.kube/config")]
