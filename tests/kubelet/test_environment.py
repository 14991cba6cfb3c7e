from typing import Any

import pytest

from minikube_py.kubelet.environment import EnvironmentProblem, environment
from minikube_py.kubelet.expansion import expand, expand_all
from minikube_py.kubelet.field_refs import PodPlace
from minikube_py.meta.objects import Object

PLACE = PodPlace("192.0.2.1", "10.244.0.9", {"cpu": "4", "memory": "8388608Ki"})
POD: Object = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "labels": {"app": "web"},
        "annotations": {"note": 'say "hi"'},
    },
    "spec": {"nodeName": "node-1", "serviceAccountName": "default"},
}
OBJECTS: dict[tuple[str, str], Object] = {
    ("ConfigMap", "settings"): {"data": {"COLOUR": "blue", "SIZE": "3", "a=b": "never"}},
    ("Secret", "login"): {"data": {"PASSWORD": "czNjcjN0"}},
}


def look_up(kind: str, namespace: str, name: str) -> Object | None:
    assert namespace == "shop"
    return OBJECTS.get((kind, name))


def variables(*services: Object, **container: Any) -> dict[str, str]:
    made = environment(POD, {"name": "app", **container}, PLACE, look_up, services)
    return dict(made.variables)


def service(name: str, namespace: str = "shop", ip: str = "10.96.0.7") -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
    }


def test_later_variables_see_earlier_ones() -> None:
    found = variables(
        env=[
            {"name": "A", "value": "1"},
            {"name": "B", "value": "$(A)-$(NOPE)-$$(A)"},
        ]
    )

    assert found == {"A": "1", "B": "1-$(NOPE)-$(A)"}


def test_env_wins_over_env_from_and_env_from_takes_a_prefix() -> None:
    found = variables(
        envFrom=[
            {"configMapRef": {"name": "settings"}},
            {"prefix": "X_", "secretRef": {"name": "login"}},
        ],
        env=[{"name": "COLOUR", "value": "red"}],
    )

    assert found == {"COLOUR": "red", "SIZE": "3", "X_PASSWORD": "s3cr3t"}


def test_keys_that_are_no_names_are_skipped_and_told() -> None:
    container = {"name": "app", "envFrom": [{"configMapRef": {"name": "settings"}}]}

    made = environment(POD, container, PLACE, look_up, [])

    assert made.skipped == ("a=b",)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "web"),
        ({"fieldRef": {"fieldPath": "metadata.labels['app']"}}, "web"),
        ({"fieldRef": {"fieldPath": "status.podIP"}}, "10.244.0.9"),
        ({"fieldRef": {"fieldPath": "status.hostIP"}}, "192.0.2.1"),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "node-1"),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "1"),
        ({"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}, "500"),
        ({"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi"}}, "64"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Gi"}}, "8"),
        ({"configMapKeyRef": {"name": "settings", "key": "SIZE"}}, "3"),
        ({"secretKeyRef": {"name": "login", "key": "PASSWORD"}}, "s3cr3t"),
    ],
    ids=str,
)
def test_values_come_from_the_pod_its_resources_and_other_objects(
    source: dict[str, Any], value: str
) -> None:
    resources = {"limits": {"cpu": "500m"}, "requests": {"memory": "64Mi"}}

    found = variables(resources=resources, env=[{"name": "X", "valueFrom": source}])

    assert found == {"X": value}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "nope", "key": "k"}}, 'configmap "nope" not found'),
        ({"secretKeyRef": {"name": "nope", "key": "k"}}, 'secret "nope" not found'),
        (
            {"configMapKeyRef": {"name": "settings", "key": "k"}},
            "couldn't find key k in ConfigMap shop/settings",
        ),
        (
            {"fieldRef": {"fieldPath": "spec.nope"}},
            "env X: fieldPath 'spec.nope' is not supported",
        ),
        ({"fileKeyRef": {}}, "env X: valueFrom.fileKeyRef is not supported"),
    ],
    ids=str,
)
def test_what_is_missing_is_named(source: dict[str, Any], message: str) -> None:
    with pytest.raises(EnvironmentProblem, match=message.replace("[", r"\[")):
        variables(env=[{"name": "X", "valueFrom": source}])


def test_optional_references_may_be_missing() -> None:
    found = variables(
        envFrom=[{"configMapRef": {"name": "nope", "optional": True}}],
        env=[
            {
                "name": "X",
                "valueFrom": {"secretKeyRef": {"name": "login", "key": "k", "optional": True}},
            }
        ],
    )

    assert found == {}


def test_services_of_the_namespace_and_the_api_are_known_by_variables() -> None:
    found = variables(
        service("kubernetes", "default", "10.96.0.1"),
        service("my-shop"),
        service("headless", ip="None"),
        service("elsewhere", "other"),
    )

    assert found["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert found["MY_SHOP_SERVICE_HOST"] == "10.96.0.7"
    assert found["MY_SHOP_SERVICE_PORT_HTTP"] == "80"
    assert found["MY_SHOP_PORT_80_TCP_ADDR"] == "10.96.0.7"
    assert found["MY_SHOP_PORT"] == "tcp://10.96.0.7:80"
    assert not any(name.startswith(("HEADLESS", "ELSEWHERE")) for name in found)


def test_without_service_links_only_the_api_is_known() -> None:
    pod = {**POD, "spec": {"enableServiceLinks": False}}
    services = [service("kubernetes", "default", "10.96.0.1"), service("my-shop")]

    made = environment(pod, {"name": "app"}, PLACE, look_up, services)

    assert all(name.startswith("KUBERNETES_") for name in made.variables)


def test_commands_are_expanded_and_empty_ones_are_the_images_own() -> None:
    assert expand_all(["echo", "$(A)"], {"A": "1"}) == ["echo", "1"]
    assert expand_all([], {}) is None
    assert expand_all(None, {}) is None
    assert expand("$(A) $$ $$(A) $x $(", {"A": "1"}) == "1 $ $(A) $x $("
