"""Questions about who someone is and what they may do."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import SERVICE_ACCOUNT
from tests.apiserver.serving import Cluster

AUTHENTICATION = "/apis/authentication.k8s.io/v1"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ISSUER = "https://kubernetes.default.svc.cluster.local"
PODS = {"verb": "list", "resource": "pods", "namespace": "default"}


async def ask(cluster: Cluster, path: str, spec: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = await cluster.http.post(path, json={"spec": spec, **more})
    return answer.status, await answer.json()


async def let_view(cluster: Cluster, subject: dict[str, Any], role: str = "view") -> None:
    binding = {
        "metadata": {"name": "lookers"},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
    path = f"{RBAC}/namespaces/default/rolebindings"
    assert (await cluster.http.post(path, json=binding)).status == 201


async def test_may_someone_else(secured: Cluster) -> None:
    await let_view(secured, {"kind": "Group", "name": "lookers"})
    path = f"{AUTHORIZATION}/subjectaccessreviews"

    may = await ask(secured, path, {"groups": ["lookers"], "resourceAttributes": PODS})
    not_there = {**PODS, "namespace": "other"}
    may_not = await ask(secured, path, {"groups": ["lookers"], "resourceAttributes": not_there})
    url = {"verb": "get", "path": "/metrics"}
    not_url = await ask(secured, path, {"user": "bob", "nonResourceAttributes": url})

    assert may[0] == 201
    assert may[1]["kind"] == "SubjectAccessReview"
    assert may[1]["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "lookers/default" of ClusterRole "view" to Group '
        '"lookers"',
    }
    assert may_not[1]["status"] == not_url[1]["status"] == {"allowed": False}


async def test_a_role_that_is_missing_is_the_reason_of_a_no(secured: Cluster) -> None:
    await let_view(secured, {"kind": "User", "name": "alice"}, "lost")

    async with secured.client("alice") as alice:
        spec = {"resourceAttributes": PODS}
        path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
        review = await (await alice.post(path, json={"spec": spec})).json()
        refusal = await (await alice.get("/api/v1/namespaces/default/pods")).json()

    reason = 'RBAC: clusterrole.rbac.authorization.k8s.io "lost" not found'
    assert review["status"] == {"allowed": False, "reason": reason}
    assert refusal["message"] == (
        'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the '
        f'namespace "default": {reason}'
    )


async def test_selectors_are_part_of_a_question(secured: Cluster) -> None:
    attributes = {**PODS, "fieldSelector": {"rawSelector": "spec.nodeName=a"}}

    status, review = await ask(
        secured, f"{AUTHORIZATION}/selfsubjectaccessreviews", {"resourceAttributes": attributes}
    )

    assert status == 201
    assert review["status"]["allowed"] is True


LOCAL = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
SELF, ANY = f"{AUTHORIZATION}/selfsubjectaccessreviews", f"{AUTHORIZATION}/subjectaccessreviews"


@pytest.mark.parametrize(
    ("path", "body", "field", "message"),
    [
        pytest.param(
            SELF,
            {"spec": {}},
            "spec.resourceAttributes",
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            id="neither",
        ),
        pytest.param(
            SELF,
            {"spec": {"resourceAttributes": {}, "nonResourceAttributes": {}}},
            "spec.nonResourceAttributes",
            "cannot be specified in combination with resourceAttributes",
            id="both",
        ),
        pytest.param(
            ANY,
            {"spec": {"resourceAttributes": PODS}},
            "spec.user",
            "at least one of user or group must be specified",
            id="nobody",
        ),
        pytest.param(
            ANY,
            {"metadata": {"name": "x"}, "spec": {"user": "a", "resourceAttributes": PODS}},
            "metadata",
            "must be empty",
            id="named",
        ),
        pytest.param(
            LOCAL,
            {"spec": {"user": "a", "resourceAttributes": {**PODS, "namespace": "other"}}},
            "spec.resourceAttributes.namespace",
            "must match metadata.namespace",
            id="other-namespace",
        ),
        pytest.param(
            LOCAL,
            {"spec": {"user": "a", "nonResourceAttributes": {"path": "/", "verb": "get"}}},
            "spec.nonResourceAttributes",
            "disallowed on this kind of request",
            id="local-path",
        ),
        pytest.param(
            SELF,
            {"spec": {"resourceAttributes": {**PODS, "labelSelector": {}}}},
            "spec.resourceAttributes.labelSelector.requirements",
            "requirements or rawSelector is required",
            id="empty-selector",
        ),
        pytest.param(
            SELF,
            {
                "spec": {
                    "resourceAttributes": {
                        **PODS,
                        "labelSelector": {
                            "rawSelector": "a",
                            "requirements": [{"key": "a", "operator": "Exists"}],
                        },
                    }
                }
            },
            "spec.resourceAttributes.labelSelector.rawSelector",
            "may not specified at the same time as requirements",
            id="two-selectors",
        ),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    secured: Cluster, path: str, body: dict[str, Any], field: str, message: str
) -> None:
    answer = await secured.http.post(path, json=body)
    status = await answer.json()

    assert answer.status == 422
    (cause,) = status["details"]["causes"]
    assert cause["field"] == field
    assert message in cause["message"]


async def test_a_namespaces_own_question(secured: Cluster) -> None:
    await let_view(secured, {"kind": "User", "name": "bob"})
    spec = {"user": "bob", "resourceAttributes": PODS}

    status, review = await ask(secured, LOCAL, spec)
    elsewhere, refusal = await ask(secured, LOCAL, spec, metadata={"namespace": "other"})
    nowhere, _ = await ask(secured, f"{AUTHORIZATION}/localsubjectaccessreviews", spec)

    assert (status, review["status"]["allowed"]) == (201, True)
    assert elsewhere == 400
    assert "does not match the namespace sent on the request" in refusal["message"]
    assert nowhere in (404, 405)


async def test_what_may_i(secured: Cluster) -> None:
    await let_view(secured, {"kind": "User", "name": "alice"})
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"

    async with secured.client("alice") as alice:
        review = await (await alice.post(path, json={"spec": {"namespace": "default"}})).json()
        without = await alice.post(path, json={"spec": {}})

    rules, paths = review["status"]["resourceRules"], review["status"]["nonResourceRules"]
    assert any("pods/log" in rule["resources"] for rule in rules)
    assert not any("secrets" in rule["resources"] for rule in rules)
    assert any("/apis/*" in rule["nonResourceURLs"] for rule in paths)
    assert review["status"]["incomplete"] is False
    assert without.status == 400


async def test_masters_may_everything(secured: Cluster) -> None:
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"

    _, review = await ask(secured, path, {"namespace": "default"})

    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert everything in review["status"]["resourceRules"]


async def test_whose_token_is_this(secured: Cluster) -> None:
    await secured.resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})
    request = "/api/v1/namespaces/default/serviceaccounts/robot/token"
    _, made = await ask(secured, request, {"audiences": ["vault", ISSUER]})
    token, path = made["status"]["token"], f"{AUTHENTICATION}/tokenreviews"

    known = await ask(secured, path, {"token": token})
    for_vault = await ask(secured, path, {"token": token, "audiences": ["vault", "x"]})
    for_other = await ask(secured, path, {"token": token, "audiences": ["x"]})
    wrong = await ask(secured, path, {"token": "nonsense"})
    none = await ask(secured, path, {})

    assert known[0] == 201
    assert known[1]["status"]["authenticated"] is True
    assert known[1]["status"]["audiences"] == [ISSUER]
    assert known[1]["status"]["user"]["username"] == "system:serviceaccount:default:robot"
    assert "system:authenticated" in known[1]["status"]["user"]["groups"]
    assert for_vault[1]["status"]["audiences"] == ["vault"]
    assert for_other[1]["status"] == wrong[1]["status"]
    assert wrong[1]["status"] == {"user": {}, "error": "invalid bearer token"}
    assert none[0] == 400


async def test_unknown_fields_and_wrong_types_are_told(secured: Cluster) -> None:
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    spec = {"resourceAttributes": PODS, "usr": "x"}

    answer = await secured.http.post(path, json={"spec": spec})
    strict = await secured.http.post(f"{path}?fieldValidation=Strict", json={"spec": spec})
    wrong = await secured.http.post(path, json={"spec": {"resourceAttributes": ["pods"]}})

    assert answer.status == 201
    assert "unknown field" in answer.headers["Warning"]
    assert (strict.status, wrong.status) == (400, 400)
