"""Ports and ranges: asked for, kept from the last run, or the first free ones."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from minikube_py.daemon.choices import (
    Choices,
    StartFailure,
    choose_api_port,
    choose_ingress_ports,
    is_free,
    load_choices,
    save_choices,
)
from minikube_py.daemon.settings import Settings
from minikube_py.meta.cluster import Cluster

LAST = Choices("10.244.0.0/16", "10.96.0.0/16", "10.96.0.10", 6443, 8080, 8443)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Cluster("t-choices"), tmp_path)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port another program listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.fixture
def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_was_saved_is_loaded_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "cluster.json"

    save_choices(path, LAST)

    assert load_choices(path) == LAST
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_cluster_has_no_choices_yet(tmp_path: Path) -> None:
    assert load_choices(tmp_path / "cluster.json") is None


@pytest.mark.parametrize("content", ["", "[]", '{"pod_cidr": "x"}', "{"])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cluster.json"
    path.write_text(content)

    with pytest.raises(StartFailure, match=r"cluster\.json is damaged .* 'mk purge'"):
        load_choices(path)


def test_a_port_that_is_listened_on_is_not_free(taken: int, free: int) -> None:
    assert not is_free(taken, "127.0.0.1")
    assert is_free(free, "127.0.0.1")


def test_the_last_runs_port_comes_first(settings: Settings, free: int) -> None:
    assert choose_api_port(settings, replace(LAST, api_port=free)) == free


def test_the_last_runs_port_is_left_to_who_took_it(settings: Settings, taken: int) -> None:
    assert choose_api_port(settings, replace(LAST, api_port=taken)) in range(6443, 6543)


def test_a_port_that_was_asked_for_is_never_replaced(settings: Settings, taken: int) -> None:
    with pytest.raises(StartFailure, match=f"port {taken} is taken .*--api-port"):
        choose_api_port(replace(settings, api_port=taken), None)


def test_an_asked_for_port_wins_over_the_last(settings: Settings, free: int) -> None:
    assert choose_api_port(replace(settings, api_port=free), LAST) == free


def test_ingress_ports_come_in_a_pair(settings: Settings) -> None:
    http, https = choose_ingress_ports(settings, None)

    assert http == 80 or http in range(8080, 8100)
    assert https == 443 or https in range(8443, 8463)


def test_one_port_for_http_and_https_is_refused(settings: Settings) -> None:
    both = replace(settings, ingress_http_port=8080, ingress_https_port=8080)

    with pytest.raises(StartFailure, match="both 8080: give two ports"):
        choose_ingress_ports(both, None)


def test_on_paper_there_is_no_ingress(settings: Settings) -> None:
    assert choose_ingress_ports(replace(settings, runtime="simulated"), None) == (0, 0)


@pytest.mark.parametrize(
    ("address", "shared", "free"),
    [
        pytest.param("127.0.0.9", True, True, id="another-clusters-service"),
        pytest.param("127.0.0.9", False, False, id="a-program-on-one-address"),
        pytest.param("0.0.0.0", True, False, id="another-clusters-ingress"),
    ],
)
def test_an_ingress_port_is_free_beside_services_of_another_cluster(
    address: str, shared: bool, free: bool
) -> None:
    with socket.socket() as other:
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind((address, 0))
        other.listen()

        assert is_free(other.getsockname()[1], "0.0.0.0") is free
