"""Expired bootstrap tokens are removed, others stay."""

import pytest

from minikube_py.controllers.bootstrap_token_cleaner import new_bootstrap_token_cleaner
from minikube_py.kinds.catalog import SECRET
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import format_time
from tests.control_loop.harness import ControlPlane


def token(name: str, expiration: str) -> Object:
    return {
        "metadata": {"name": name},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {"expiration": expiration} if expiration else {},
    }


@pytest.fixture
async def cleaned(plane: ControlPlane) -> ControlPlane:
    plane.start_controllers(new_bootstrap_token_cleaner)
    return plane


async def test_what_has_expired_goes(cleaned: ControlPlane) -> None:
    past = format_time(cleaned.clock())
    cleaned.clock.forward(1)
    for name, expiration in (("past", past), ("lasting", ""), ("unreadable", "soon")):
        await cleaned.create(SECRET, token(name, expiration), "kube-system")
    await cleaned.create(SECRET, token("elsewhere", past))
    await cleaned.create(SECRET, {**token("opaque", past), "type": "Opaque"}, "kube-system")

    await cleaned.eventually(lambda: cleaned.find(SECRET, "past", "kube-system") is None)
    await cleaned.settled()

    assert cleaned.names(SECRET, "kube-system") == {"lasting", "unreadable", "opaque"}
    assert cleaned.find(SECRET, "elsewhere") is not None
