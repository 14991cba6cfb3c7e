"""Which Secrets make a bootstrap token, and for whom."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import NAMESPACE, SECRET
from minikube_py.resources.bootstrap_tokens import BootstrapTokens
from minikube_py.resources.resources import Resources
from tests.resources.conftest import FakeClock

TOKEN = "abcdef.0123456789abcdef"
GOOD = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
}


async def tokens_with(
    resources: Resources,
    clock: FakeClock,
    data: dict[str, str],
    type_: str = "bootstrap.kubernetes.io/token",
) -> BootstrapTokens:
    await resources.create(NAMESPACE, None, {"metadata": {"name": "kube-system"}})
    secret: dict[str, Any] = {
        "metadata": {"name": "bootstrap-token-abcdef"},
        "type": type_,
        "stringData": data,
    }
    await resources.create(SECRET, "kube-system", secret)
    return BootstrapTokens(resources, clock)


async def test_a_good_token_is_a_bootstrapper(resources: Resources, clock: FakeClock) -> None:
    groups = {"auth-extra-groups": "system:bootstrappers:workers,system:bootstrappers:a-b"}
    tokens = await tokens_with(resources, clock, GOOD | groups)

    user = tokens.review(TOKEN)

    assert user is not None
    assert user.name == "system:bootstrap:abcdef"
    assert user.groups == (
        "system:bootstrappers",
        "system:bootstrappers:a-b",
        "system:bootstrappers:workers",
    )


async def test_it_ends_when_it_expires(resources: Resources, clock: FakeClock) -> None:
    tokens = await tokens_with(resources, clock, GOOD | {"expiration": "2026-01-31T12:00:10Z"})
    assert tokens.review(TOKEN) is not None

    clock.advance(10)

    assert tokens.review(TOKEN) is None


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"token-id": "ghijkl"}, id="other-id"),
        pytest.param({"token-secret": "0123456789abcdee"}, id="other-secret"),
        pytest.param({"usage-bootstrap-authentication": "false"}, id="not-for-authentication"),
        pytest.param({"expiration": "soon"}, id="unreadable-expiration"),
        pytest.param({"auth-extra-groups": "system:masters"}, id="foreign-group"),
    ],
)
async def test_secrets_that_let_nobody_in(
    resources: Resources, clock: FakeClock, changed: dict[str, str]
) -> None:
    tokens = await tokens_with(resources, clock, GOOD | changed)

    assert tokens.review(TOKEN) is None


async def test_only_the_right_type_counts(resources: Resources, clock: FakeClock) -> None:
    tokens = await tokens_with(resources, clock, GOOD, "Opaque")

    assert tokens.review(TOKEN) is None
    assert tokens.review("ABCDEF.0123456789abcdef") is None
    assert tokens.review("ghijkl.0123456789abcdef") is None
