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

HOST = HostFacts(memory_bytes=8 << 30, apparmor=True)


def pod(container: dict[str, Any] | None = None, **spec: Any) -> Object:
    entry = {"name": "app", "image": "app:1", **(container or {})}
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "u1"},
        "spec": {"containers": [entry], **spec},
    }


def security(
    container: dict[str, Any],
    image_user: str = "",
    *,
    seccomp: str = "",
    annotations: dict[str, str] | None = None,
    **of_pod: Any,
) -> Security:
    obj = pod({"securityContext": container}, securityContext=of_pod)
    obj["metadata"]["annotations"] = annotations or {}
    around = Surroundings("s0", 0, ImageInfo("sha256:1", user=image_user), seccomp=seccomp)
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
        (
            {"runAsNonRoot": True},
            "nginx",
            r"non-numeric user \(nginx\), cannot verify user is non-root "
            r'\(pod: "web_default\(u1\)", container: app\)',
        ),
        ({"runAsNonRoot": True}, "0:5", "image will run as root"),
        ({"procMount": "Unmasked"}, "", "procMount is not supported"),
        (
            {"windowsOptions": {"runAsUserName": "x"}},
            "",
            r"containers\[app\].securityContext.windowsOptions is not supported",
        ),
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

    spec = sandbox_spec(obj, 2, runtime="runsc")

    assert (spec.hostname, spec.attempt, spec.share_pid) == ("db", 2, True)
    assert spec.runtime == "runsc"
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


@pytest.mark.parametrize(
    ("of_container", "of_pod", "expected"),
    [
        pytest.param({}, {}, "", id="the-engines-own"),
        pytest.param({"type": "RuntimeDefault"}, {"type": "Unconfined"}, "", id="own-first"),
        pytest.param(None, {"type": "Unconfined"}, "unconfined", id="the-pods"),
        pytest.param({"type": "Localhost", "localhostProfile": "a.json"}, None, "{}", id="a-file"),
    ],
)
def test_seccomp_profiles(
    of_container: dict[str, Any] | None, of_pod: dict[str, Any] | None, expected: str
) -> None:
    text = "{}" if expected == "{}" else ""

    found = security({"seccompProfile": of_container}, seccomp=text, seccompProfile=of_pod)

    assert found.seccomp == expected


@pytest.mark.parametrize(
    ("container", "annotation", "expected"),
    [
        pytest.param({"type": "Unconfined"}, "", "unconfined", id="field"),
        pytest.param({"type": "Localhost", "localhostProfile": "p"}, "", "p", id="own-profile"),
        pytest.param(None, "localhost/q", "q", id="annotation"),
        pytest.param(None, "unconfined", "unconfined", id="annotation-unconfined"),
        pytest.param({"type": "RuntimeDefault"}, "unconfined", "", id="the-field-first"),
        pytest.param(None, "runtime/default", "", id="annotation-default"),
    ],
)
def test_apparmor_profiles(
    container: dict[str, Any] | None, annotation: str, expected: str
) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/app"

    found = security({"appArmorProfile": container}, annotations={key: annotation})

    assert found.apparmor == expected


def test_strict_groups_need_a_group_so_that_the_image_adds_none() -> None:
    strict: dict[str, Any] = {"supplementalGroupsPolicy": "Strict", "supplementalGroups": [4]}

    assert security({"runAsUser": 7, "runAsGroup": 8}, **strict).user == "7:8"
    assert security({}, "101:101", **strict).user == ""
    with pytest.raises(SpecProblem, match="Strict needs a group: set runAsGroup"):
        security({"runAsUser": 7}, **strict)


@pytest.mark.parametrize(
    ("spec", "resources", "expected"),
    [
        pytest.param({}, {"requests": {"memory": "8Gi"}}, 3, id="all-of-the-memory"),
        pytest.param({}, {"requests": {"memory": "1"}}, 999, id="next-to-nothing"),
        pytest.param({"priority": 2_000_001_000}, {}, -997, id="critical"),
        pytest.param(
            {"resources": {"requests": {"memory": "2Gi"}}},
            {"requests": {"memory": "1Gi"}},
            750,
            id="a-share-of-the-pods",
        ),
    ],
)
def test_oom_scores_are_kubelets(
    spec: dict[str, Any], resources: dict[str, Any], expected: int
) -> None:
    obj = pod({"resources": resources}, **spec)

    assert container_resources(obj, obj["spec"]["containers"][0], HOST).oom_score_adj == expected


def test_a_sidecar_is_no_worse_off_than_the_main_containers() -> None:
    sidecar = {"name": "s", "restartPolicy": "Always", "image": "s:1"}
    obj = pod({"resources": {"requests": {"memory": "4Gi"}}}, initContainers=[sidecar])

    assert container_resources(obj, sidecar, HOST).oom_score_adj == 500


def test_a_container_without_limits_has_the_pods() -> None:
    obj = pod({}, resources={"limits": {"cpu": "2", "memory": "1Gi"}})

    found = container_resources(obj, obj["spec"]["containers"][0], HOST)

    assert (found.cpu_quota_us, found.memory_bytes) == (200_000, 1 << 30)


def test_the_full_name_is_the_hostname_where_asked_for_and_not_too_long() -> None:
    asked: dict[str, Any] = {"setHostnameAsFQDN": True, "subdomain": "db"}

    assert sandbox_spec(pod(**asked), 0).hostname == "web.db.default.svc.cluster.local"
    assert sandbox_spec(pod(hostnameOverride="own.name"), 0).hostname == "own.name"
    with pytest.raises(SpecProblem, match="is too long"):
        sandbox_spec(pod(**asked, hostname="a" * 40), 0)


def test_user_namespaces_are_refused_by_name() -> None:
    with pytest.raises(SpecProblem, match="hostUsers: false is not supported"):
        sandbox_spec(pod(hostUsers=False), 0)
