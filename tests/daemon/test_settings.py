"""The daemon's flags become one checked value."""

from pathlib import Path

import pytest

from minikube_py.daemon.settings import parse_settings


def test_no_flag_means_the_default_cluster_on_docker() -> None:
    settings = parse_settings([])

    assert settings.cluster.name == "mk"
    assert settings.data_dir == settings.cluster.default_data_dir
    assert (settings.runtime, settings.service_proxy) == ("docker", "auto")
    assert settings.api_port is None
    assert not settings.simulated


@pytest.mark.parametrize(
    ("flags", "zones"),
    [
        pytest.param([], 3, id="as last time"),
        pytest.param(["--zones", "0"], 0, id="none any more"),
        pytest.param(["--zones", "2"], 2, id="others"),
    ],
)
def test_zones_are_those_of_the_last_run_unless_told_otherwise(
    flags: list[str], zones: int, tmp_path: Path
) -> None:
    (tmp_path / "cluster.json").write_text('{"nodes": 3, "zones": 3}')

    settings = parse_settings(["--data-dir", str(tmp_path), *flags])

    assert (settings.nodes, settings.zones) == (3, zones)


def test_a_relative_data_directory_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = parse_settings(["--data-dir", "state"])

    assert settings.data_dir == tmp_path / "state"
    assert settings.pods_dir == tmp_path / "state" / "pods"


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        pytest.param([], ("net.core.*",), id="as last time"),
        pytest.param(["--allowed-unsafe-sysctls", ""], (), id="none any more"),
        pytest.param(["--allowed-unsafe-sysctls=kernel/sem"], ("kernel.sem",), id="others"),
    ],
)
def test_unsafe_sysctls_are_those_of_the_last_run_unless_told_otherwise(
    flags: list[str], allowed: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "cluster.json").write_text('{"allowed_unsafe_sysctls": "net.core.*"}')

    settings = parse_settings(["--data-dir", str(tmp_path), *flags])

    assert settings.allowed_unsafe_sysctls == allowed


def test_verbose_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MK_VERBOSE", "1")

    assert parse_settings([]).verbose


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        pytest.param(["--cluster", "No_Name"], "cluster name 'No_Name'", id="cluster name"),
        pytest.param(["--api-port", "65536"], "65536 is no port", id="port too high"),
        pytest.param(["--ingress-http-port", "0"], "0 is no port", id="port zero"),
        pytest.param(["--nodes", "33"], "33 nodes: give 1 to 32", id="nodes"),
        pytest.param(["--zones", "-1"], "-1 zones: give 0 to 32", id="zones"),
        pytest.param(["--allowed-unsafe-sysctls", "vm.*"], "the whole host's", id="sysctl"),
        pytest.param(["--runtime", "podman"], "invalid choice: 'podman'", id="runtime"),
    ],
)
def test_flags_that_make_no_sense_are_refused_by_name(
    flags: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_settings(flags)

    assert ended.value.code == 2
    assert word in capsys.readouterr().err
