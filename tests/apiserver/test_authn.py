"""Who is asking: tokens of every sort, and those who act as someone else."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from minikube_py.kinds.catalog import SECRET, SERVICE_ACCOUNT
from minikube_py.meta.objects import Object
from tests.apiserver.serving import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


async def whoami(cluster: Cluster, **headers: str) -> tuple[int, dict[str, Any]]:
    """(status, user info or Status) of a request without a certificate."""
    async with cluster.client(None) as anyone:
        answer = await anyone.post(WHOAMI, json={}, headers=headers)
        body = await answer.json()
    return answer.status, body["status"]["userInfo"] if answer.ok else body


async def as_admin(cluster: Cluster, *headers: tuple[str, str]) -> tuple[int, dict[str, Any]]:
    answer = await cluster.http.post(WHOAMI, json={}, headers=list(headers))
    body = await answer.json()
    return answer.status, body["status"]["userInfo"] if answer.ok else body


async def give(cluster: Cluster, user: str, rule: Object) -> None:
    role = {"metadata": {"name": f"of-{user}"}, "rules": [rule]}
    binding = {
        "metadata": {"name": f"of-{user}"},
        "roleRef": {"kind": "ClusterRole", "name": f"of-{user}"},
        "subjects": [{"kind": "User", "name": user}],
    }
    assert (await cluster.http.post(f"{RBAC}/clusterroles", json=role)).status == 201
    assert (await cluster.http.post(f"{RBAC}/clusterrolebindings", json=binding)).status == 201


async def test_the_token_file_lets_the_admin_in(secured: Cluster) -> None:
    token = (secured.folder / "tokens.csv").read_text().partition(",")[0]

    status, user = await whoami(secured, Authorization=f"Bearer {token}")

    assert status == 201
    assert user == {
        "username": "kubernetes-admin",
        "uid": "kubernetes-admin",
        "groups": ["system:masters", "system:authenticated"],
    }


async def test_a_certificate_is_told_from_others_by_its_fingerprint(secured: Cluster) -> None:
    leaf = secured.certificates.alice.cert_chain_pems[0].bytes()
    fingerprint = x509.load_pem_x509_certificate(leaf).fingerprint(SHA256()).hex()

    async with secured.client("alice") as alice:
        answers = [await (await alice.post(WHOAMI, json={})).json() for _ in range(2)]

    for answer in answers:
        assert answer["status"]["userInfo"] == {
            "username": "alice",
            "groups": ["people", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [f"X509SHA256={fingerprint}"]},
        }


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "abcdef.0123456789abcdef", "Bearer"])
async def test_a_wrong_token_is_no_anonymity(secured: Cluster, token: str) -> None:
    status, answer = await whoami(secured, Authorization=f"Bearer {token}")
    async with secured.client(None) as anyone:
        headers = {"Authorization": f"Bearer {token}"}
        health = (await anyone.get("/readyz", headers=headers)).status

    assert (status, answer["reason"], answer["message"]) == (401, "Unauthorized", "Unauthorized")
    assert health == 401


async def test_nobody_in_particular_gets_no_more_by_a_role(secured: Cluster) -> None:
    binding = {
        "metadata": {"name": "all-for-all"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "Group", "name": "system:unauthenticated"}],
    }
    answer = await secured.http.post(f"{RBAC}/clusterrolebindings", json=binding)
    assert answer.status == 201

    async with secured.client(None) as anyone:
        codes = [(await anyone.get(path)).status for path in (MAPS, "/version", "/metrics")]

    assert codes == [401, 200, 401]


async def test_an_account_is_known_by_its_token_until_it_is_gone(secured: Cluster) -> None:
    await secured.resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})
    path = "/api/v1/namespaces/default/serviceaccounts/robot/token"
    token = (await (await secured.http.post(path, json={})).json())["status"]["token"]

    status, user = await whoami(secured, Authorization=f"Bearer {token}")
    await secured.resources.delete(SERVICE_ACCOUNT, "default", "robot")
    after, _ = await whoami(secured, Authorization=f"Bearer {token}")

    assert (status, after) == (201, 401)
    assert user["username"] == "system:serviceaccount:default:robot"
    assert user["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]
    assert list(user["extra"]) == ["authentication.kubernetes.io/credential-id"]


async def test_a_websocket_may_carry_its_token_as_a_protocol(secured: Cluster) -> None:
    token = (secured.folder / "tokens.csv").read_text().partition(",")[0]
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    protocol = f"base64url.bearer.authorization.k8s.io.{encoded}"

    async with secured.client(None) as anyone:
        answer = await anyone.get(MAPS, headers={"Sec-WebSocket-Protocol": f"x, {protocol}"})
        wrong = await anyone.get(MAPS, headers={"Sec-WebSocket-Protocol": protocol[:-8]})

    assert (answer.status, wrong.status) == (200, 401)


async def test_a_bootstrap_token_is_a_user_of_its_own(secured: Cluster) -> None:
    secret = {
        "metadata": {"name": "bootstrap-token-abcdef"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
        },
    }
    await secured.resources.create(SECRET, "kube-system", secret)

    status, user = await whoami(secured, Authorization="Bearer abcdef.0123456789abcdef")

    assert status == 201
    assert user == {
        "username": "system:bootstrap:abcdef",
        "groups": ["system:bootstrappers", "system:authenticated"],
    }


# --- acting as someone else ----------------------------------------------------------------------


async def test_acting_as_someone_else_is_being_them_alone(secured: Cluster) -> None:
    status, user = await as_admin(
        secured,
        ("Impersonate-User", "bob"),
        ("Impersonate-Group", "people"),
        ("Impersonate-Group", "readers"),
        ("Impersonate-Uid", "42"),
        ("Impersonate-Extra-Scopes", "view"),
        ("Impersonate-Extra-Scopes", "edit"),
        ("Impersonate-Extra-acme.com%2Fproject", "x"),
    )
    refused = await secured.http.get(MAPS, headers={"Impersonate-User": "bob"})

    assert status == 201
    assert user == {
        "username": "bob",
        "uid": "42",
        "groups": ["people", "readers", "system:authenticated"],
        "extra": {"scopes": ["view", "edit"], "acme.com/project": ["x"]},
    }
    assert refused.status == 403


@pytest.mark.parametrize(
    ("headers", "groups"),
    [
        pytest.param([("User", "bob")], ["system:authenticated"], id="user"),
        pytest.param(
            [("User", "system:serviceaccount:a:b")],
            ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
            id="account",
        ),
        pytest.param(
            [("User", "system:serviceaccount:a:b"), ("Group", "x")],
            ["x", "system:authenticated"],
            id="account-with-groups",
        ),
        pytest.param(
            [("User", "bob"), ("Group", "system:authenticated")],
            ["system:authenticated"],
            id="said-once",
        ),
    ],
)
async def test_groups_of_those_one_acts_as(
    secured: Cluster, headers: list[tuple[str, str]], groups: list[str]
) -> None:
    _, user = await as_admin(secured, *((f"Impersonate-{name}", value) for name, value in headers))

    assert user["groups"] == groups


async def test_whoever_acts_as_nobody_is_not_told_to_log_in(secured: Cluster) -> None:
    status, answer = await as_admin(secured, ("Impersonate-User", "system:anonymous"))

    assert status == 403
    assert 'User "system:anonymous" cannot create' in answer["message"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        pytest.param(
            {"Impersonate-User": "bob"},
            'users "bob" is forbidden: User "alice" cannot impersonate resource "users" in API '
            'group "" at the cluster scope',
            id="user",
        ),
        pytest.param(
            {"Impersonate-User": "carol", "Impersonate-Group": "system:masters"},
            'groups "system:masters" is forbidden: User "alice" cannot impersonate resource '
            '"groups" in API group "" at the cluster scope',
            id="group",
        ),
        pytest.param(
            {"Impersonate-User": "carol", "Impersonate-Uid": "1"},
            'uids.authentication.k8s.io "1" is forbidden: User "alice" cannot impersonate '
            'resource "uids" in API group "authentication.k8s.io" at the cluster scope',
            id="uid",
        ),
        pytest.param(
            {"Impersonate-User": "carol", "Impersonate-Extra-Scopes": "x"},
            'userextras.authentication.k8s.io "x" is forbidden: User "alice" cannot impersonate '
            'resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster '
            "scope",
            id="extra",
        ),
        pytest.param(
            {"Impersonate-User": "system:serviceaccount:a:b"},
            'serviceaccounts "b" is forbidden: User "alice" cannot impersonate resource '
            '"serviceaccounts" in API group "" in the namespace "a"',
            id="account",
        ),
    ],
)
async def test_acting_as_someone_needs_a_right_to_each_part(
    secured: Cluster, headers: dict[str, str], message: str
) -> None:
    rule = {
        "apiGroups": [""],
        "resources": ["users"],
        "resourceNames": ["carol"],
        "verbs": ["impersonate"],
    }
    await give(secured, "alice", rule)

    async with secured.client("alice") as alice:
        carol = await alice.post(WHOAMI, json={}, headers={"Impersonate-User": "carol"})
        answer = await alice.post(WHOAMI, json={}, headers=headers)
        refusal = await answer.json()

    assert carol.status == 201
    assert (answer.status, refusal["message"]) == (403, message)


async def test_a_group_without_a_user_is_nobody_to_act_as(secured: Cluster) -> None:
    status, answer = await as_admin(secured, ("Impersonate-Group", "people"))
    async with secured.client(None) as anyone:
        unknown = await anyone.post(WHOAMI, json={}, headers={"Impersonate-User": "bob"})

    assert status == 400
    assert "without impersonating a user name" in answer["message"]
    assert unknown.status == 401
