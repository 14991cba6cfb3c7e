"""What a path and a method mean."""

import pytest

from minikube_py.apiserver.targets import Target, parse_target, verb_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/api/v1/pods", Target("", "v1", "pods"), id="all-namespaces"),
        pytest.param(
            "/api/v1/namespaces/a/pods/b/log",
            Target("", "v1", "pods", "a", "b", "log"),
            id="subresource",
        ),
        pytest.param(
            "/api/v1/namespaces/a", Target("", "v1", "namespaces", "a", "a"), id="namespace"
        ),
        pytest.param(
            "/api/v1/namespaces/a/finalize",
            Target("", "v1", "namespaces", "a", "a", "finalize"),
            id="namespace-finalize",
        ),
        pytest.param(
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            Target("apps", "v1", "deployments", "a", "d", "scale"),
            id="group",
        ),
        pytest.param(
            "/api/v1/nodes/n/proxy/a/b",
            Target("", "v1", "nodes", "", "n", "proxy", "a/b"),
            id="rest",
        ),
        pytest.param("/apis/apps/v1", None, id="discovery"),
        pytest.param("/healthz", None, id="health"),
    ],
)
def test_paths_name_resources(path: str, expected: Target | None) -> None:
    assert parse_target(path) == expected


@pytest.mark.parametrize(
    ("method", "path", "query", "verb"),
    [
        pytest.param("GET", "/api/v1/pods", {}, "list", id="list"),
        pytest.param("GET", "/api/v1/pods", {"watch": "1"}, "watch", id="watch"),
        pytest.param("GET", "/api/v1/pods", {"watch": "false"}, "list", id="no-watch"),
        pytest.param("GET", "/api/v1/nodes/n", {}, "get", id="get"),
        pytest.param("DELETE", "/api/v1/nodes", {}, "deletecollection", id="deletecollection"),
        pytest.param("DELETE", "/api/v1/nodes/n", {}, "delete", id="delete"),
        pytest.param("PATCH", "/api/v1/nodes/n", {}, "patch", id="patch"),
        pytest.param("GET", "/api/v1/namespaces/a/pods/b/exec", {}, "get", id="exec-websocket"),
        pytest.param("POST", "/api/v1/namespaces/a/pods/b/exec", {}, "create", id="exec-spdy"),
        pytest.param("DELETE", "/api/v1/nodes/n/proxy/x", {}, "delete", id="proxy"),
        pytest.param("HEAD", "/api/v1/nodes/n/proxy/x", {}, "get", id="proxy-head"),
        pytest.param("OPTIONS", "/api/v1/nodes", {}, "", id="none"),
    ],
)
def test_methods_are_verbs(method: str, path: str, query: dict[str, str], verb: str) -> None:
    target = parse_target(path)
    assert target is not None
    assert verb_of(method, target, query) == verb
