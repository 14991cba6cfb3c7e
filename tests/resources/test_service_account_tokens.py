import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import NODE, POD, SECRET, SERVICE_ACCOUNT
from minikube_py.meta.errors import BadRequest, Conflict, NotFound
from minikube_py.meta.objects import Object, uid_of
from minikube_py.resources.json_web_tokens import SigningKey, base64url
from minikube_py.resources.resources import Resources
from minikube_py.resources.service_account_tokens import BoundObject, ServiceAccountTokens
from tests.resources.conftest import FakeClock

ISSUER = "https://kubernetes.default.svc.cluster.local"
NewTokens = Callable[..., ServiceAccountTokens]


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
async def tokens(resources: Resources, clock: FakeClock, key: SigningKey) -> ServiceAccountTokens:
    """Of a cluster where `default` has the account `robot`."""
    await resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})
    return ServiceAccountTokens(
        resources, key, issuer=ISSUER, clock=clock, new_id=lambda: "id-of-token"
    )


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def create_pod(resources: Resources, *, node: str | None = None) -> Object:
    spec: Object = {"containers": [{"name": "a", "image": "a"}], "serviceAccountName": "robot"}
    if node:
        spec["nodeName"] = node
    pod = {"metadata": {"name": "p"}, "spec": spec}
    return (await resources.create(POD, "default", pod)).object


async def test_a_token_says_what_kubernetes_tokens_say(
    resources: Resources, tokens: ServiceAccountTokens, clock: FakeClock
) -> None:
    account = resources.get(SERVICE_ACCOUNT, "default", "robot")
    now = int(clock().timestamp())

    claims = claims_of(tokens.issue("default", "robot").token)

    assert claims == {
        "aud": [ISSUER],
        "exp": now + 3600,
        "iat": now,
        "iss": ISSUER,
        "jti": "id-of-token",
        "kubernetes.io": {
            "namespace": "default",
            "serviceaccount": {"name": "robot", "uid": uid_of(account)},
        },
        "nbf": now,
        "sub": "system:serviceaccount:default:robot",
    }


async def test_a_token_speaks_for_its_account_and_groups(
    resources: Resources, tokens: ServiceAccountTokens
) -> None:
    reviewed = tokens.review(tokens.issue("default", "robot").token)

    assert reviewed is not None
    assert reviewed.user.name == "system:serviceaccount:default:robot"
    assert reviewed.user.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:default",
    )
    assert reviewed.user.uid == uid_of(resources.get(SERVICE_ACCOUNT, "default", "robot"))
    assert reviewed.user.extra == {
        "authentication.kubernetes.io/credential-id": ("JTI=id-of-token",)
    }
    assert reviewed.audiences == (ISSUER,)


async def test_a_token_ends_when_it_expires(tokens: ServiceAccountTokens, clock: FakeClock) -> None:
    issued = tokens.issue("default", "robot", expiration_seconds=600)
    clock.advance(599)
    assert tokens.review(issued.token) is not None

    clock.advance(1)

    assert issued.expires == clock()
    assert tokens.review(issued.token) is None


async def test_a_token_ends_with_its_account_even_when_one_of_the_same_name_follows(
    resources: Resources, tokens: ServiceAccountTokens
) -> None:
    issued = tokens.issue("default", "robot")
    await resources.delete(SERVICE_ACCOUNT, "default", "robot")
    assert tokens.review(issued.token) is None

    await resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})

    assert tokens.review(issued.token) is None


async def test_a_token_bound_to_a_pod_tells_the_pod_and_ends_with_it(
    resources: Resources, tokens: ServiceAccountTokens
) -> None:
    node = (await resources.create(NODE, None, {"metadata": {"name": "n"}})).object
    pod = await create_pod(resources, node="n")
    token = tokens.issue("default", "robot", bound=BoundObject("Pod", "p", uid_of(pod))).token

    reviewed = tokens.review(token)

    assert reviewed is not None
    extra = {name.rpartition("/")[2]: value for name, value in reviewed.user.extra.items()}
    assert extra == {
        "pod-name": ("p",),
        "pod-uid": (uid_of(pod),),
        "node-name": ("n",),
        "node-uid": (uid_of(node),),
        "credential-id": ("JTI=id-of-token",),
    }
    await resources.finish_pod_deletion("default", "p", uid_of(pod))
    assert tokens.review(token) is None


@pytest.mark.parametrize("kind", [SECRET, NODE], ids=["Secret", "Node"])
async def test_a_token_bound_to_another_object_ends_with_it(
    resources: Resources, tokens: ServiceAccountTokens, kind: Any
) -> None:
    namespace = "default" if kind.namespaced else None
    await resources.create(kind, namespace, {"metadata": {"name": "bound"}})
    token = tokens.issue("default", "robot", bound=BoundObject(kind.kind, "bound")).token
    assert tokens.review(token) is not None

    await resources.delete(kind, namespace, "bound")

    assert tokens.review(token) is None


async def test_binding_to_what_is_not_there_or_not_the_accounts_is_refused(
    resources: Resources, tokens: ServiceAccountTokens
) -> None:
    await resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "other"}})
    await create_pod(resources)

    with pytest.raises(NotFound, match='pods "q" not found'):
        tokens.issue("default", "robot", bound=BoundObject("Pod", "q"))
    with pytest.raises(BadRequest, match='serviceaccount "other" to pod running with different'):
        tokens.issue("default", "other", bound=BoundObject("Pod", "p"))
    with pytest.raises(Conflict, match=r"the UID in the bound object reference \(old\)"):
        tokens.issue("default", "robot", bound=BoundObject("Pod", "p", "old"))
    with pytest.raises(BadRequest, match="cannot bind token to object of type Service"):
        tokens.issue("default", "robot", bound=BoundObject("Service", "p"))


async def test_a_token_for_another_audience_is_nothing_to_the_api(
    tokens: ServiceAccountTokens,
) -> None:
    token = tokens.issue("default", "robot", audiences=["vault", "spare"]).token

    reviewed = tokens.review(token, ["vault", "else"])

    assert tokens.review(token) is None
    assert reviewed is not None
    assert reviewed.audiences == ("vault",)


async def test_kubelets_tokens_live_long_and_say_when_they_should_have_been_replaced(
    resources: Resources, tokens: ServiceAccountTokens, clock: FakeClock
) -> None:
    await create_pod(resources)
    now = int(clock().timestamp())

    issued = tokens.issue(
        "default", "robot", expiration_seconds=3607, bound=BoundObject("Pod", "p")
    )

    claims = claims_of(issued.token)
    assert claims["kubernetes.io"]["warnafter"] == now + 3607
    assert claims["exp"] == now + 365 * 24 * 3600
    assert int(issued.expires.timestamp()) == now + 3607


async def test_a_legacy_token_lasts_as_long_as_its_secret_holds_it(
    resources: Resources, tokens: ServiceAccountTokens, clock: FakeClock
) -> None:
    account = resources.get(SERVICE_ACCOUNT, "default", "robot")
    token = tokens.issue_legacy(account, "robot-token")
    assert tokens.review(token) is None
    secret = {
        "metadata": {
            "name": "robot-token",
            "annotations": {"kubernetes.io/service-account.name": "robot"},
        },
        "type": "kubernetes.io/service-account-token",
        "stringData": {"token": token},
    }
    await resources.create(SECRET, "default", secret)
    clock.advance(10 * 365 * 24 * 3600)
    assert tokens.review(token) is not None

    await resources.modify(SECRET, "default", "robot-token", lambda obj: obj.update(data={}))

    assert tokens.review(token) is None


def _with_header(token: str, header: dict[str, Any]) -> str:
    _, claims, signature = token.split(".")
    return f"{base64url(json.dumps(header).encode())}.{claims}.{signature}"


async def test_what_this_cluster_did_not_sign_is_no_token(
    resources: Resources, tokens: ServiceAccountTokens, clock: FakeClock
) -> None:
    token = tokens.issue("default", "robot").token
    other_key = SigningKey(ec.generate_private_key(ec.SECP256R1()))
    foreign = ServiceAccountTokens(resources, other_key, issuer=ISSUER, clock=clock)
    head, claims, signature = token.split(".")
    changed = base64url(json.dumps({**claims_of(token), "exp": 2**40}).encode())

    forged = [
        "",
        "a.b.c",
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{changed}.{signature}",
        f"{head}.{claims}.{signature}.",
        f"{token}==",
        _with_header(token, {"alg": "none"}),
        _with_header(token, {"alg": "HS256"}),
        foreign.issue("default", "robot").token,
        "\u00e9.\u00e9.\u00e9",
    ]

    assert [tokens.review(each) for each in forged] == [None] * len(forged)


@given(st.data())
def test_a_token_that_was_touched_is_no_token(data: st.DataObject) -> None:
    signing = SigningKey(ec.generate_private_key(ec.SECP256R1()))
    token = signing.sign({"sub": "me"})
    at = data.draw(st.integers(0, len(token) - 1))
    touched = token[:at] + data.draw(st.text(max_size=3)) + token[at + 1 :]

    claims = signing.verified(touched)

    # The last character of a part carries bits that nobody reads: it may change unseen.
    assert claims in (None, {"sub": "me"})
    assert claims is None or len(touched) == len(token)


async def test_signed_claims_of_another_shape_are_no_token(
    tokens: ServiceAccountTokens, key: SigningKey
) -> None:
    shapes: list[dict[str, Any]] = [
        {},
        {"iss": ISSUER, "aud": [ISSUER], "exp": 2**33},
        {"iss": ISSUER, "aud": [ISSUER], "exp": 2**33, "kubernetes.io": {"namespace": "default"}},
        {"iss": ISSUER, "aud": [ISSUER], "exp": 2**62, "kubernetes.io": []},
        {"iss": ISSUER, "aud": [ISSUER], "exp": "soon"},
    ]

    assert [tokens.review(key.sign(claims)) for claims in shapes] == [None] * len(shapes)


def test_the_published_key_is_the_one_that_signs(
    resources: Resources, clock: FakeClock, key: SigningKey
) -> None:
    tokens = ServiceAccountTokens(resources, key, issuer=ISSUER, clock=clock)

    (published,) = tokens.jwks()["keys"]
    configuration = tokens.openid_configuration()

    assert published["kid"] == key.key_id
    assert configuration["issuer"] == ISSUER
    assert configuration["jwks_uri"] == f"{ISSUER}/openid/v1/jwks"
