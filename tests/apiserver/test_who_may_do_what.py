"""A table of who may do what: asked over HTTPS, with real tokens and the default roles."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from minikube_py.kinds.catalog import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    NAMESPACE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
)
from minikube_py.meta.objects import Object
from tests.apiserver.serving import Certificates, Cluster, serve

HOME = "/api/v1/namespaces/home"
APPS = "/apis/apps/v1/namespaces/home/deployments"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SSAR = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

# What each request answers to: no role, view, edit, admin (bound in `home`), cluster-admin. A 1 is
# anything but 403; whether the object exists is not the matter here.
COLUMNS = ("nobody", "view", "edit", "admin", "cluster-admin")
TABLE: dict[tuple[str, str], str] = {
    ("GET", f"{HOME}/pods"): "01111",
    ("GET", f"{HOME}/pods?watch=1&timeoutSeconds=1"): "01111",
    ("GET", f"{HOME}/pods/p"): "01111",
    ("GET", f"{HOME}/pods/p/log"): "01111",
    ("GET", f"{HOME}/pods/p/status"): "01111",
    ("POST", f"{HOME}/pods"): "00111",
    ("DELETE", f"{HOME}/pods/p"): "00111",
    ("DELETE", f"{HOME}/pods"): "00111",
    ("POST", f"{HOME}/pods/p/exec"): "00111",
    ("GET", f"{HOME}/pods/p/exec"): "00111",
    ("POST", f"{HOME}/pods/p/portforward"): "00111",
    ("POST", f"{HOME}/pods/p/eviction"): "00111",
    ("POST", f"{HOME}/pods/p/binding"): "00001",
    ("PATCH", f"{HOME}/pods/p/status"): "00001",
    ("GET", f"{HOME}/configmaps"): "01111",
    ("PUT", f"{HOME}/configmaps/c"): "00111",
    ("GET", f"{HOME}/secrets"): "00111",
    ("GET", f"{HOME}/secrets/s"): "00111",
    ("POST", f"{HOME}/secrets"): "00111",
    ("GET", f"{HOME}/serviceaccounts"): "01111",
    ("POST", f"{HOME}/serviceaccounts/view/token"): "00111",
    ("GET", f"{HOME}/endpoints"): "01111",
    ("PUT", f"{HOME}/endpoints/e"): "00001",
    ("POST", f"{HOME}/events"): "00111",
    ("GET", APPS): "01111",
    ("POST", APPS): "00111",
    ("GET", f"{APPS}/d/scale"): "01111",
    ("PATCH", f"{APPS}/d/scale"): "00111",
    ("PUT", f"{APPS}/d/status"): "00001",
    ("GET", "/apis/networking.k8s.io/v1/namespaces/home/ingresses"): "01111",
    ("POST", "/apis/networking.k8s.io/v1/namespaces/home/ingresses"): "00111",
    ("GET", "/apis/discovery.k8s.io/v1/namespaces/home/endpointslices"): "01111",
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/home/leases"): "00111",
    ("GET", f"{RBAC}/namespaces/home/roles"): "00011",
    ("POST", f"{RBAC}/namespaces/home/rolebindings"): "00011",
    ("GET", f"{RBAC}/clusterroles"): "00001",
    ("POST", f"{RBAC}/clusterrolebindings"): "00001",
    ("GET", HOME): "01111",
    ("DELETE", HOME): "00001",
    ("GET", "/api/v1/namespaces"): "00001",
    ("GET", "/api/v1/namespaces/default/pods"): "00001",
    ("GET", "/api/v1/pods"): "00001",
    ("GET", "/api/v1/nodes"): "00001",
    ("GET", "/apis/storage.k8s.io/v1/storageclasses"): "00001",
    ("POST", SSAR): "11111",
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"): "00001",
    ("POST", "/apis/authorization.k8s.io/v1/namespaces/home/localsubjectaccessreviews"): "00011",
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"): "00001",
    ("GET", "/version"): "11111",
    ("GET", "/readyz"): "11111",
    ("GET", "/apis"): "11111",
    ("GET", "/openapi/v3"): "11111",
    ("GET", "/.well-known/openid-configuration"): "11111",
    ("GET", "/openid/v1/jwks"): "11111",
    ("GET", "/metrics"): "00001",
}


def binding(role: str, *, account: str = "") -> Object:
    """To the account named like the role, unless another is named."""
    return {
        "metadata": {"name": f"test-{role}"},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account or role, "namespace": "home"}],
    }


@pytest.fixture
async def home(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Cluster]:
    """A cluster whose namespace `home` has an account of each sort, named like its role."""
    async with serve(tmp_path, certificates, secured=True) as cluster:
        resources = cluster.resources
        await resources.create(NAMESPACE, None, {"metadata": {"name": "home"}})
        for name in COLUMNS:
            await resources.create(SERVICE_ACCOUNT, "home", {"metadata": {"name": name}})
        for role in ("view", "edit", "admin"):
            await resources.create(ROLE_BINDING, "home", binding(role))
        await resources.create(CLUSTER_ROLE_BINDING, None, binding("cluster-admin"))
        await resources.create(CONFIG_MAP, "home", {"metadata": {"name": "c"}})
        yield cluster


async def token_of(cluster: Cluster, account: str) -> str:
    """As kubectl create token gets it."""
    answer = await cluster.http.post(f"{HOME}/serviceaccounts/{account}/token", json={})
    assert answer.status == 201
    token: str = (await answer.json())["status"]["token"]
    return token


async def allowed(
    anyone: aiohttp.ClientSession, token: str, method: str, path: str
) -> tuple[bool, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    # A body that is no object: who may, gets an error of another kind, and nothing changes.
    async with anyone.request(method, path, headers=headers, data=b"[]") as answer:
        assert answer.status != 401
        is_refused = answer.status == 403
        return not is_refused, await answer.text() if is_refused else ""


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=COLUMNS)
async def test_the_table_holds(home: Cluster, column: int) -> None:
    token = await token_of(home, COLUMNS[column])
    user = f"system:serviceaccount:home:{COLUMNS[column]}"

    found = {}
    async with home.client(None) as anyone:
        for method, path in TABLE:
            may, refusal = await allowed(anyone, token, method, path)
            found[method, path] = may
            assert may or f'User \\"{user}\\" cannot' in refusal, refusal

    assert found == {request: row[column] == "1" for request, row in TABLE.items()}


async def test_a_role_is_given_and_taken_at_once(home: Cluster) -> None:
    token = await token_of(home, "nobody")
    given = {**binding("view", account="nobody"), "metadata": {"name": "late"}}
    bindings = f"{RBAC}/namespaces/home/rolebindings"

    seen = []
    async with home.client(None) as anyone:
        seen.append((await allowed(anyone, token, "GET", f"{HOME}/pods"))[0])
        assert (await home.http.post(bindings, json=given)).status == 201
        seen.append((await allowed(anyone, token, "GET", f"{HOME}/pods"))[0])
        assert (await home.http.delete(f"{bindings}/late")).status == 200
        seen.append((await allowed(anyone, token, "GET", f"{HOME}/pods"))[0])

    assert seen == [False, True, False]


async def test_a_role_of_a_custom_resource_joins_those_that_aggregate(home: Cluster) -> None:
    role: Object = {
        "metadata": {
            "name": "look-at-things",
            "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"},
        },
        "rules": [{"apiGroups": ["x.example"], "resources": ["things"], "verbs": ["get"]}],
    }
    assert (await home.http.post(f"{RBAC}/clusterroles", json=role)).status == 201

    # By way of view and edit it reaches admin in three steps; each is a write of the controller.
    for _ in range(200):
        admin = await (await home.http.get(f"{RBAC}/clusterroles/admin")).json()
        if role["rules"][0] in admin["rules"]:
            break
    token = await token_of(home, "admin")
    async with home.client(None) as anyone:
        path = "/apis/x.example/v1/namespaces/home/things/a"
        may, _ = await allowed(anyone, token, "GET", path)
        may_not, _ = await allowed(anyone, token, "DELETE", path)

    assert (may, may_not) == (True, False)


async def test_one_object_may_be_listed_and_watched_by_its_name(home: Cluster) -> None:
    rule = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": ["c"],
        "verbs": ["get", "list", "watch"],
    }
    role = {"metadata": {"name": "one"}, "rules": [rule]}
    assert (await home.http.post(f"{RBAC}/namespaces/home/roles", json=role)).status == 201
    given = {**binding("nobody"), "roleRef": {"kind": "Role", "name": "one"}}
    bindings = f"{RBAC}/namespaces/home/rolebindings"
    assert (await home.http.post(bindings, json=given)).status == 201
    token = await token_of(home, "nobody")
    named, watched = "?fieldSelector=metadata.name%3Dc", "&watch=1&timeoutSeconds=1"

    async with home.client(None) as anyone:
        found = {
            query: (await allowed(anyone, token, "GET", f"{HOME}/configmaps{query}"))[0]
            for query in (named, named + watched, "", "?fieldSelector=metadata.name!%3Dc")
        }

    assert list(found.values()) == [True, True, False, False]


async def test_applying_what_is_not_there_needs_the_right_to_create(home: Cluster) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}]
    role: Object = {"metadata": {"name": "patcher"}, "rules": rules}
    assert (await home.http.post(f"{RBAC}/namespaces/home/roles", json=role)).status == 201
    given = {**binding("nobody"), "roleRef": {"kind": "Role", "name": "patcher"}}
    bindings = f"{RBAC}/namespaces/home/rolebindings"
    assert (await home.http.post(bindings, json=given)).status == 201
    headers = {
        "Authorization": f"Bearer {await token_of(home, 'nobody')}",
        "Content-Type": "application/apply-patch+yaml",
    }

    codes = []
    async with home.client(None) as anyone:
        for name in ("c", "new"):
            applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
            path = f"{HOME}/configmaps/{name}?fieldManager=t"
            answer = await anyone.patch(path, headers=headers, json=applied)
            codes.append(answer.status)
            message = (await answer.json()).get("message", "")

    assert codes == [200, 403]
    assert "cannot create resource" in message
