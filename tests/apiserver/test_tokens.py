"""Tokens on request, and the keys by which anyone can check them."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from minikube_py.kinds.catalog import POD, SERVICE_ACCOUNT
from minikube_py.meta.objects import uid_of
from minikube_py.meta.timestamps import parse_time
from tests.apiserver.serving import Cluster

PATH = "/api/v1/namespaces/default/serviceaccounts/robot/token"
ISSUER = "https://kubernetes.default.svc.cluster.local"


@pytest.fixture
async def robots(secured: Cluster) -> Cluster:
    """With the account `robot` in `default`, and a Pod of its."""
    await secured.resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})
    spec = {"containers": [{"name": "a", "image": "a"}], "serviceAccountName": "robot"}
    await secured.resources.create(POD, "default", {"metadata": {"name": "p"}, "spec": spec})
    return secured


async def request_token(cluster: Cluster, **spec: Any) -> dict[str, Any]:
    answer = await cluster.http.post(PATH, json={"spec": spec})
    made: dict[str, Any] = await answer.json()
    assert answer.status == 201, made
    return made


async def test_a_request_is_answered_with_what_was_filled_in(robots: Cluster) -> None:
    made = await request_token(robots)

    assert made["kind"] == "TokenRequest"
    assert made["metadata"]["name"] == "robot"
    assert made["metadata"]["namespace"] == "default"
    assert made["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600}
    lifetime = parse_time(made["status"]["expirationTimestamp"]) - datetime.now(UTC)
    assert 3500 < lifetime.total_seconds() <= 3600


async def test_another_library_trusts_the_token_by_the_published_keys(robots: Cluster) -> None:
    uid = uid_of(robots.resources.get(POD, "default", "p"))
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": uid}
    made = await request_token(
        robots, audiences=["vault"], expirationSeconds=1200, boundObjectRef=bound
    )
    discovery = await robots.http.get("/.well-known/openid-configuration")
    configuration = await discovery.json()
    keys = await robots.http.get(configuration["jwks_uri"].removeprefix(ISSUER))
    published = jwt.PyJWKSet.from_dict(await keys.json())
    token = made["status"]["token"]

    key = published[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=configuration["id_token_signing_alg_values_supported"],
        audience="vault",
        issuer=configuration["issuer"],
    )

    assert claims["sub"] == "system:serviceaccount:default:robot"
    assert claims["exp"] - claims["iat"] == 1200
    assert claims["kubernetes.io"]["pod"] == {"name": "p", "uid": uid}
    assert keys.headers["Content-Type"] == "application/jwk-set+json"
    assert keys.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param(
            {"spec": {"expirationSeconds": 599}},
            422,
            "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 "
            "minutes",
            id="too-short",
        ),
        pytest.param(
            {"spec": {"expirationSeconds": 2**33}},
            422,
            "may not specify a duration larger than 2^32 seconds",
            id="too-long",
        ),
        pytest.param(
            {"spec": {"boundObjectRef": {"kind": "Pod", "name": "q"}}},
            404,
            'pods "q" not found',
            id="no-such-pod",
        ),
        pytest.param(
            {"spec": {"boundObjectRef": {"kind": "Pod", "name": "p", "uid": "old"}}},
            409,
            "the UID in the bound object reference (old) does not match",
            id="other-pod",
        ),
        pytest.param(
            {"spec": {"boundObjectRef": {"apiVersion": "apps/v1", "kind": "Deployment"}}},
            400,
            "cannot bind token to object of type apps/v1, Kind=Deployment",
            id="other-kind",
        ),
        pytest.param(
            {"metadata": {"name": "else"}, "spec": {}},
            400,
            "the name of the object (else) does not match the name on the URL (robot)",
            id="other-name",
        ),
        pytest.param(
            {"metadata": {"namespace": "else"}, "spec": {}},
            400,
            "does not match the namespace sent on the request",
            id="other-namespace",
        ),
    ],
)
async def test_requests_that_are_refused(
    robots: Cluster, body: dict[str, Any], code: int, message: str
) -> None:
    answer = await robots.http.post(PATH, json=body)
    status = await answer.json()

    assert answer.status == code
    assert message in status["message"]


async def test_there_are_tokens_of_accounts_that_exist_alone(robots: Cluster) -> None:
    answer = await robots.http.post(PATH.replace("robot", "nobody"), json={})

    assert answer.status == 404
    assert (await answer.json())["message"] == 'serviceaccounts "nobody" not found'


async def test_where_nobody_issues_tokens_nothing_is_published(cluster: Cluster) -> None:
    await cluster.resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})

    codes = [
        (await cluster.http.post(PATH, json={})).status,
        (await cluster.http.get("/openid/v1/jwks")).status,
    ]

    assert codes == [404, 404]
