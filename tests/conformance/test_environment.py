"""[sig-node] Variable Expansion, ConfigMap, Secrets, Downward API (environment), PodTemplates,
Lease, Node Lifecycle.

All pods of the module start together.
"""

import json
from typing import Any

import pytest

from tests.conformance.conftest import BUSYBOX, Group
from tests.e2e.conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

STAY = "trap 'exit 0' TERM; sleep 3600 & wait"
Fields = dict[str, Any]


def pod(name: str, script: str = "env", **fields: Any) -> str:
    """`fields` are the container's, `spec` the Pod's."""
    spec = fields.pop("spec", {})
    container = {"name": "app", "image": BUSYBOX, "command": ["sh", "-c", script], **fields}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": fields.pop("annotations", {})},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            **spec,
        },
    }
    container.pop("annotations", None)
    return json.dumps(body)


def stored(kind: str, name: str, data: Fields, **more: Any) -> str:
    field = {"ConfigMap": "data", "Secret": "stringData"}[kind]
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data, **more}
    return json.dumps(body)


def from_field(name: str, path: str) -> Fields:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def from_resource(name: str, resource: str) -> Fields:
    return {"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource}}}


def from_key(name: str, kind: str, of: str, key: str) -> Fields:
    return {"name": name, "valueFrom": {f"{kind}KeyRef": {"name": of, "key": key}}}


def sub_path_pod(name: str, expression: str, value: str, script: str = STAY, **more: Any) -> str:
    return pod(
        name,
        script,
        env=[{"name": "POD_NAME", "value": value}, from_field("HINT", "metadata.annotations['m']")],
        volumeMounts=[
            {"name": "work", "mountPath": "/sub", "subPathExpr": expression},
            {"name": "work", "mountPath": "/whole"},
        ],
        spec={"volumes": [{"name": "work", "emptyDir": {}}]},
        **more,
    )


def expansion_pods() -> list[str]:
    env = [{"name": "FOO", "value": "foo-value"}, {"name": "BAR", "value": "bar-value"}]
    both = {"name": "FOOBAR", "value": "$(FOO);;$(BAR)"}
    told = [{"name": "TEST", "value": "test-value"}]
    args = ["-c", 'TEST_VAR=wrong echo "$(TEST)"']
    return [
        pod("composed", env=[*env, both]),
        pod("in-command", 'echo "$(TEST)"', env=told),
        pod("in-args", command=["sh"], args=args, env=told),
        sub_path_pod("sub-path", "$(POD_NAME)", "foo", "echo hi > /sub/a; cat /whole/foo/a"),
        sub_path_pod("backticks", "$(POD_NAME)", ".."),
        sub_path_pod("absolute", "$(POD_NAME)", "/tmp"),
        sub_path_pod("mended", "$(HINT)/$(POD_NAME)", "x", annotations={"other": "x"}),
        sub_path_pod(
            "written", "$(HINT)", "x", "echo one > /sub/log; cat /whole/mysubpath/log; " + STAY,
            annotations={"m": "mysubpath"},
        ),
    ]  # fmt: skip


def downward_pods() -> list[str]:
    amounts = {
        "requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"cpu": "1250m", "memory": "64Mi"}
    }  # fmt: skip
    names = ("limits.cpu", "requests.cpu", "limits.memory", "requests.memory")
    resources = [from_resource(name.upper().replace(".", "_"), name) for name in names]
    place = [
        from_field("POD_NAME", "metadata.name"),
        from_field("POD_NAMESPACE", "metadata.namespace"),
        from_field("POD_IP", "status.podIP"),
        from_field("POD_UID", "metadata.uid"),
        from_field("HOST_IP", "status.hostIP"),
    ]
    return [
        pod("place", env=place),
        pod("amounts", env=resources, resources=amounts),
        pod("defaults", env=[resources[0], resources[2]]),
    ]


def consuming_pods() -> list[str]:
    found = []
    for field in ("configMap", "secret"):
        kind = field[0].upper() + field[1:]
        prefixed = {"prefix": "p-", f"{field}Ref": {"name": "both"}}
        found += [
            stored(kind, "both", {"data-1": "value-1", "data_2": "value-2"}),
            pod(f"{kind.lower()}-key", env=[from_key("ONE", field, "both", "data-1")]),
            pod(
                f"{kind.lower()}-all",
                command=["env"],
                envFrom=[{f"{field}Ref": {"name": "both"}}, prefixed],
            ),
        ]
    return found


@pytest.fixture(scope="module")
def made(group: Group) -> Group:
    yaml = "# YAML, of which JSON is a part: kubectl takes no stream that begins as JSON"
    group.apply(yaml, *consuming_pods(), *expansion_pods(), *downward_pods())
    return group


def variables(group: Group, name: str) -> dict[str, str]:
    group.phase(name, "Succeeded")
    lines = group.logs(name).splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


# -- Variable Expansion --------------------------------------------------------------------------


def test_variable_expansion_should_allow_composing_env_vars_into_new_env_vars(
    made: Group,
) -> None:
    assert variables(made, "composed")["FOOBAR"] == "foo-value;;bar-value"


def test_variable_expansion_should_allow_substituting_values_in_a_containers_command(
    made: Group,
) -> None:
    made.phase("in-command", "Succeeded")
    assert made.logs("in-command") == "test-value\n"


def test_variable_expansion_should_allow_substituting_values_in_a_containers_args(
    made: Group,
) -> None:
    made.phase("in-args", "Succeeded")
    assert made.logs("in-args") == "test-value\n"


def test_variable_expansion_should_allow_substituting_values_in_a_volume_subpath(
    made: Group,
) -> None:
    made.phase("sub-path", "Succeeded")
    assert made.logs("sub-path") == "hi\n"


def waiting(pod_: Fields) -> Fields:
    entries = pod_["status"].get("containerStatuses") or [{}]
    return dict(entries[0].get("state", {}).get("waiting") or {})


@pytest.mark.parametrize("name", ["backticks", "absolute"])
def test_variable_expansion_should_fail_substituting_values_in_a_volume_subpath_with(
    made: Group, name: str
) -> None:
    made.until(
        name, lambda one: waiting(one).get("reason") == "CreateContainerConfigError", "refused"
    )


def test_variable_expansion_should_verify_that_a_failing_subpath_expansion_can_be_modified(
    made: Group,
) -> None:
    made.until(
        "mended", lambda one: waiting(one).get("reason") == "CreateContainerConfigError", "refused"
    )
    made.kubectl("annotate", "pod", "mended", "m=mysubpath")
    made.ready("mended")


def test_variable_expansion_should_succeed_in_writing_subpaths_in_container(made: Group) -> None:
    made.ready("written")
    made.kubectl("exec", "written", "--", "sh", "-c", "echo two >> /sub/log")
    shown = made.kubectl("exec", "written", "--", "cat", "/whole/mysubpath/log")

    assert shown == "one\ntwo\n"


# -- ConfigMap and Secrets -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["configmap", "secret"])
def test_should_be_consumable_via_environment_variable(made: Group, kind: str) -> None:
    assert variables(made, f"{kind}-key")["ONE"] == "value-1"


@pytest.mark.parametrize("kind", ["configmap", "secret"])
def test_should_be_consumable_via_the_environment(made: Group, kind: str) -> None:
    found = variables(made, f"{kind}-all")

    assert found["data-1"] == found["p-data-1"] == "value-1"
    assert found["data_2"] == found["p-data_2"] == "value-2"


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_should_fail_to_create_with_empty_key(made: Group, kind: str) -> None:
    refused = made.kubectl("create", "-f", "-", stdin=stored(kind, "e", {"": "x"}), code=1)

    assert "Invalid value" in refused


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_should_run_through_the_lifecycle_and_patch(made: Group, kind: str) -> None:
    name = f"{kind.lower()}/life"
    made.kubectl("create", "-f", "-", stdin=stored(kind, "life", {"a": "b"}))

    made.kubectl("patch", name, "-p", '{"metadata":{"labels":{"testing":"patched"}}}')
    listed = made.kubectl("get", kind.lower(), "-A", "-l", "testing=patched", "-o", "name")
    made.kubectl("delete", kind.lower(), "-l", "testing=patched")

    assert listed.strip() == name
    assert not made.kubectl("get", kind.lower(), "-l", "testing=patched", "-o", "name")


# -- Downward API --------------------------------------------------------------------------------


def test_downward_api_should_provide_pod_name_namespace_and_ip_address(made: Group) -> None:
    found, own = variables(made, "place"), made.pod("place")

    assert (found["POD_NAME"], found["POD_NAMESPACE"]) == ("place", made.namespace)
    assert found["POD_IP"] == own["status"]["podIP"]


def test_downward_api_should_provide_host_ip(made: Group) -> None:
    assert variables(made, "place")["HOST_IP"] == made.pod("place")["status"]["hostIP"]


def test_downward_api_should_provide_pod_uid(made: Group) -> None:
    assert variables(made, "place")["POD_UID"] == made.pod("place")["metadata"]["uid"]


def test_downward_api_should_provide_limits_and_requests_of_cpu_and_memory(made: Group) -> None:
    found = variables(made, "amounts")

    assert (found["LIMITS_CPU"], found["REQUESTS_CPU"]) == ("2", "1")
    assert found["LIMITS_MEMORY"] == str(64 << 20)
    assert found["REQUESTS_MEMORY"] == str(32 << 20)


def test_downward_api_should_provide_default_limits_from_node_allocatable(made: Group) -> None:
    found = variables(made, "defaults")
    node = made.cluster.get("nodes")["items"][0]["status"]["allocatable"]

    assert found["LIMITS_CPU"] == node["cpu"]
    assert int(found["LIMITS_MEMORY"]) == int(node["memory"].removesuffix("Ki")) * 1024


# -- PodTemplates, Lease, Node Lifecycle ---------------------------------------------------------


def template(name: str) -> str:
    spec = {"containers": [{"name": "nginx", "image": BUSYBOX}]}
    body = {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": name, "labels": {"set": "conformance"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec},
    }
    return json.dumps(body)


def test_pod_templates_should_run_the_lifecycle_of_pod_templates(group: Group) -> None:
    group.kubectl("create", "-f", "-", stdin=template("one"))
    group.kubectl("patch", "podtemplate", "one", "-p", '{"metadata":{"labels":{"p":"patched"}}}')
    found = group.cluster.get("podtemplate", "one", "-n", group.namespace)
    group.kubectl("delete", "podtemplate", "one")

    assert found["metadata"]["labels"]["p"] == "patched"
    assert "one" not in group.kubectl("get", "podtemplates", "-o", "name")


def test_pod_templates_should_delete_a_collection_of_pod_templates(group: Group) -> None:
    for name in ("first", "second", "third"):
        group.kubectl("create", "-f", "-", stdin=template(name))

    group.kubectl("delete", "podtemplates", "-l", "set=conformance")

    assert not group.kubectl("get", "podtemplates", "-o", "name")


def test_pod_templates_should_replace_a_pod_template(group: Group) -> None:
    group.kubectl("create", "-f", "-", stdin=template("replaced"))
    found = group.cluster.get("podtemplate", "replaced", "-n", group.namespace)
    found["metadata"]["annotations"] = {"updated": "true"}

    group.kubectl("replace", "-f", "-", stdin=json.dumps(found))

    now = group.cluster.get("podtemplate", "replaced", "-n", group.namespace)
    assert now["metadata"]["annotations"] == {"updated": "true"}
    group.kubectl("delete", "podtemplate", "replaced")


def test_lease_api_should_be_available(group: Group) -> None:
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "own"},
        "spec": {"holderIdentity": "holder", "leaseDurationSeconds": 30, "leaseTransitions": 0},
    }
    group.kubectl("create", "-f", "-", stdin=json.dumps(body))

    group.kubectl("patch", "lease", "own", "--type=merge", "-p", '{"spec":{"leaseTransitions":1}}')

    found = group.cluster.get("lease", "own", "-n", group.namespace)
    assert found["spec"]["leaseTransitions"] == 1
    group.kubectl("delete", "lease", "--all")
    assert not group.kubectl("get", "leases", "-o", "name")


def test_node_lifecycle_should_run_through_the_lifecycle_of_a_node(group: Group) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"e2e-{group.namespace}"},
        "spec": {"unschedulable": True},
    }
    name = f"node/{body['metadata']['name']}"  # type: ignore[index]
    group.kubectl("create", "-f", "-", stdin=json.dumps(body))
    group.kubectl("patch", name, "-p", '{"metadata":{"labels":{"e2e":"patched"}}}')
    status = '{"status":{"conditions":[{"type":"Tested","status":"True"}]}}'
    group.kubectl("patch", name, "--subresource=status", "-p", status)

    found = json.loads(group.kubectl("get", name, "-o", "json"))

    assert found["metadata"]["labels"]["e2e"] == "patched"
    assert "Tested" in [one["type"] for one in found["status"]["conditions"]]
    group.kubectl("delete", "nodes", "-l", "e2e=patched")
    eventually("the node is gone", lambda: name not in group.kubectl("get", "nodes", "-o", "name"))
