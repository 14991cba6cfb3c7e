"""How a failing start is told, and that the daemon starts only once in a data directory."""

import os
import ssl
from pathlib import Path

import pytest

from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.daemon.assembly import (
    _start_failure,
    _without_public_authorities,
    assemble,
    open_runtime,
)
from minikube_py.daemon.choices import StartFailure
from minikube_py.daemon.settings import Settings
from minikube_py.meta.cluster import Cluster
from minikube_py.network.sockets import AddressTaken
from minikube_py.store.interface import StoreCannotOpen


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (StartFailure("give two ports"), "give two ports"),
        (RuntimeFailure("no Docker"), "no Docker"),
        (StoreCannotOpen("damaged"), "damaged"),
        (AddressTaken(98, "port 80 is taken"), "port 80 is taken"),
    ],
)
def test_what_a_user_can_act_on_becomes_one_line(error: Exception, line: str) -> None:
    deep = ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("beside"), error])])

    for given in (error, deep):
        told = _start_failure(given)
        assert isinstance(told, StartFailure)
        assert str(told) == line


def test_a_bug_stays_what_it_is() -> None:
    bug, two = KeyError("x"), ExceptionGroup("two", [KeyError("x"), ValueError("y")])

    assert _start_failure(bug) is bug
    assert _start_failure(ExceptionGroup("alone in its group", [bug])) is bug
    assert _start_failure(two) is two


async def test_a_damaged_plan_ends_the_start_with_advice(tmp_path: Path) -> None:
    settings = Settings(Cluster("t-damaged"), tmp_path, runtime="simulated")
    (tmp_path / "cluster.json").write_text("{")

    with pytest.raises(StartFailure, match="is damaged"):
        async with assemble(settings):
            pytest.fail("it started")


async def test_on_paper_no_engine_is_asked(tmp_path: Path) -> None:
    runtime = open_runtime(Settings(Cluster("t-paper"), tmp_path, runtime="simulated"))

    await runtime.ping()
    await runtime.close()

    assert type(runtime).__name__ == "SimulatedRuntime"


@pytest.mark.parametrize("before", [None, "/some/bundle.pem"])
def test_the_public_authorities_are_left_out_only_meanwhile(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if before is not None:
        monkeypatch.setenv("SSL_CERT_FILE", before)

    with _without_public_authorities():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()

    assert context.get_ca_certs() == []
    assert os.environ.get("SSL_CERT_FILE") == before
