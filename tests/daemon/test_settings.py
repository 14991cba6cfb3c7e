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


def test_a_relative_data_directory_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = parse_settings(["--data-dir", "state"])

    assert settings.data_dir == tmp_path / "state"
    assert settings.pods_dir == tmp_path / "state" / "pods"


def test_verbose_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MK_VERBOSE", "1")

    assert parse_settings([]).verbose


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        pytest.param(["--cluster", "No_Name"], "cluster name 'No_Name'", id="cluster name"),
        pytest.param(["--api-port", "65536"], "65536 is no port", id="port too high"),
        pytest.param(["--ingress-http-port", "0"], "0 is no port", id="port zero"),
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
