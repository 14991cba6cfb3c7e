"""Secrets that hold a ServiceAccount's token live and go with the account."""

from base64 import b64decode
from functools import partial

import pytest

from minikube_py.controllers.service_account_token import new_service_account_token_controller
from minikube_py.kinds.catalog import SECRET, SERVICE_ACCOUNT
from minikube_py.meta.objects import Object, name_of, uid_of
from tests.control_loop.harness import ControlPlane


class NumberedTokens:
    """Tokens that say whose they are."""

    def issue_legacy(self, account: Object, secret_name: str) -> str:
        return f"token-of-{name_of(account)}-in-{secret_name}"


def secret(account: str, **annotations: str) -> Object:
    named = {f"kubernetes.io/service-account.{key}": value for key, value in annotations.items()}
    return {
        "metadata": {
            "name": "s",
            "annotations": {"kubernetes.io/service-account.name": account, **named},
        },
        "type": "kubernetes.io/service-account-token",
    }


@pytest.fixture
async def robot(plane: ControlPlane) -> Object:
    """The account `robot`, and the controller runs."""
    plane.start_controllers(
        partial(new_service_account_token_controller, tokens=NumberedTokens(), ca_certificate="PEM")
    )
    return await plane.create(SERVICE_ACCOUNT, {"metadata": {"name": "robot"}})


def data_of(plane: ControlPlane) -> dict[str, str]:
    data = plane.get(SECRET, "s").get("data") or {}
    return {key: b64decode(value).decode() for key, value in data.items()}


async def test_a_secret_that_names_an_account_gets_its_token(
    plane: ControlPlane, robot: Object
) -> None:
    await plane.create(SECRET, secret("robot"))

    expected = {"token": "token-of-robot-in-s", "namespace": "default", "ca.crt": "PEM"}
    await plane.eventually(lambda: data_of(plane) == expected)
    annotations = plane.get(SECRET, "s")["metadata"]["annotations"]
    assert annotations["kubernetes.io/service-account.uid"] == uid_of(robot)


async def test_what_is_there_is_kept_but_for_the_authority(
    plane: ControlPlane, robot: Object
) -> None:
    given = {"token": "mine", "ca.crt": "old"}
    await plane.create(SECRET, {**secret("robot"), "stringData": given})

    expected = {"token": "mine", "namespace": "default", "ca.crt": "PEM"}
    await plane.eventually(lambda: data_of(plane) == expected)


async def test_it_goes_with_its_account(plane: ControlPlane, robot: Object) -> None:
    await plane.create(SECRET, secret("robot"))
    await plane.eventually(lambda: "token" in data_of(plane))

    await plane.resources.delete(SERVICE_ACCOUNT, "default", "robot")

    await plane.eventually(lambda: plane.find(SECRET, "s") is None)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(secret("nobody"), id="missing"),
        pytest.param(secret("robot", uid="of-another"), id="another-of-the-name"),
    ],
)
async def test_a_secret_of_no_account_goes(
    plane: ControlPlane, robot: Object, wanted: Object
) -> None:
    await plane.create(SECRET, wanted)

    await plane.eventually(lambda: plane.find(SECRET, "s") is None)


async def test_other_secrets_are_left_alone(plane: ControlPlane, robot: Object) -> None:
    before = await plane.create(SECRET, {**secret("nobody"), "type": "Opaque"})

    await plane.settled()

    assert plane.get(SECRET, "s") == before
