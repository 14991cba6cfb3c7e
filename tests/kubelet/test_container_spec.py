from typing import Any

import pytest

from minikube_py.container_runtime.interface import ImageInfo, Security
from minikube_py.kubelet.container_spec import (
    HostFacts,
    SpecProblem,
    Surroundings,
    container_resources,
    container_spec,
    sandbox_spec,
)
from minikube_py.kubelet.podspec import member as member_of
from minikube_py.kubelet.podspec import qos_class
from minikube_py.meta.objects import Object

HOST = HostFacts(memory_bytes=8 << 30)


def pod(container: dict[str, Any] | None = None, **spec: Any) -> Object:
    entry = {"name": "app", "image": "app:1", **(container or {})}
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "u1"},
        "spec": {"containers": [entry], **spec},
    }


def security(container: dict[str, Any], image_user: str = "", **of_pod: Any) -> Security:
    obj = pod({"securityContext": container}, securityContext=of_pod)
    around = Surroundings("s0", 0, ImageInfo("sha256:1", user=image_user))
    found = member_of(obj, "app")
    assert found is not None
    return container_spec(obj, found, around, HOST).security


def resources(host: HostFacts = HOST, **amounts: dict[str, str]) -> Any:
    obj = pod({"resources": amounts})
    return container_resources(obj, obj["spec"]["containers"][0], host)


def test_requests_become_shares_and_limits_quotas() -> None:
    found = resources(requests={"cpu": "250m", "memory": "1Gi"}, limits={"cpu": "500m"})

    assert (found.cpu_shares, found.cpu_quota_us, found.memory_bytes) == (256, 50_000, 0)
    assert found.oom_score_adj == 875


def test_limits_alone_are_requests_too_and_make_the_pod_guaranteed() -> None:
    found = resources(limits={"cpu": "1", "memory": "1Gi"})

    assert (found.cpu_shares, found.memory_bytes, found.oom_score_adj) == (1024, 1 << 30, -997)


def test_nothing_asked_is_best_effort() -> None:
    found = resources()

    assert (found.cpu_shares, found.cpu_quota_us, found.oom_score_adj) == (2, 0, 1000)


def test_a_host_that_cannot_lower_scores_gets_none_below_zero() -> None:
    host = HostFacts(8 << 30, may_lower_oom_score=False)

    assert resources(host, limits={"cpu": "1", "memory": "1Gi"}).oom_score_adj == 0


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1"}, "requests": {"cpu": "500m"}}, "Burstable"),
        ({"limits": {"cpu": "1"}, "requests": {"cpu": "1000m"}}, "Burstable"),
    ],
    ids=str,
)
def test_quality_of_service_follows_the_amounts(amounts: dict[str, Any], expected: str) -> None:
    assert qos_class(pod({"resources": amounts})) == expected


def test_the_containers_own_security_comes_before_the_pods() -> None:
    found = security(
        {"runAsUser": 7, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        runAsUser=1,
        runAsGroup=2,
        fsGroup=3,
        supplementalGroups=[4],
    )

    assert found.user == "7:2"
    assert found.groups == ("4", "3")
    assert found.no_new_privileges
    assert found.drop_capabilities == ("ALL",)


@pytest.mark.parametrize(
    ("container", "image_user", "message"),
    [
        ({"runAsNonRoot": True, "runAsUser": 0}, "", "breaks non-root policy"),
        ({"runAsNonRoot": True}, "", "image will run as root"),
        ({"runAsNonRoot": True}, "nginx", "non-numeric user"),
        ({"procMount": "Unmasked"}, "", "procMount is not supported"),
        ({"seccompProfile": {"type": "Localhost"}}, "", "Localhost is not supported"),
    ],
    ids=str,
)
def test_what_cannot_be_had_is_refused_by_name(
    container: dict[str, Any], image_user: str, message: str
) -> None:
    with pytest.raises(SpecProblem, match=message):
        security(container, image_user)


def test_a_numeric_image_user_is_not_root() -> None:
    assert security({"runAsNonRoot": True}, "101:101").user == ""


def test_commands_see_the_environment() -> None:
    obj = pod({"command": ["run", "$(A)"], "args": ["$(A)", "$(B)"], "workingDir": "/$(A)"})
    around = Surroundings("s0", 3, ImageInfo("sha256:1"), variables={"A": "x"})
    found = member_of(obj, "app")
    assert found is not None

    spec = container_spec(obj, found, around, HOST)

    assert spec.command == ["run", "x"]
    assert spec.args == ["x", "$(B)"]
    assert (spec.working_dir, spec.attempt, spec.sandbox_id) == ("/x", 3, "s0")


def test_a_sandbox_has_what_the_pod_shares() -> None:
    obj = pod(
        shareProcessNamespace=True,
        hostname="db",
        securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "100"}]},
    )

    spec = sandbox_spec(obj, 2)

    assert (spec.hostname, spec.attempt, spec.share_pid) == ("db", 2, True)
    assert spec.sysctls == {"net.core.somaxconn": "100"}


@pytest.mark.parametrize(
    ("spec", "variables", "expected"),
    [
        pytest.param({}, {}, {"HOSTNAME": "web"}, id="name-of-the-pod"),
        pytest.param({"hostname": "shop"}, {}, {"HOSTNAME": "shop"}, id="hostname"),
        pytest.param({}, {"HOSTNAME": "own"}, {"HOSTNAME": "own"}, id="the-manifest-says-another"),
        pytest.param({"hostNetwork": True}, {}, {}, id="the-host-s-own"),
    ],
)
def test_the_variable_hostname_is_the_pods(
    spec: dict[str, Any], variables: dict[str, str], expected: dict[str, str]
) -> None:
    obj = pod(**spec)
    found = member_of(obj, "app")
    assert found is not None

    around = Surroundings("s0", 0, ImageInfo("sha256:1"), variables=variables)

    assert container_spec(obj, found, around, HOST).env == expected
