"""The commands as typed, against a real API server without a kubelet."""

import json
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import POD
from minikube_py.meta.objects import Object
from tests.apiserver.serving import Cluster
from tests.cli.conftest import Mk

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: '1'}\n"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx
"""


async def make_pod(cluster: Cluster) -> None:
    pod: Object = {
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": name, "image": "nginx"} for name in ("main", "side")]},
    }
    await cluster.resources.create(POD, "default", pod)


def test_apply_says_created_configured_or_unchanged(mk: Mk) -> None:
    first = mk("apply", "-f", "-", stdin=f"{CONFIG}---\n{DEPLOYMENT}")
    again = mk("apply", "-f", "-", stdin=f"{CONFIG}---\n{DEPLOYMENT.replace('nginx', 'nginx:2')}")

    assert first.out == "configmap/conf created\ndeployment.apps/web created\n"
    assert again.out == "configmap/conf unchanged\ndeployment.apps/web configured\n"
    assert (first.code, again.code) == (0, 0)


def test_one_bad_document_means_nothing_is_applied(mk: Mk, tmp_path: Path) -> None:
    manifest = tmp_path / "web.yaml"
    manifest.write_text(f"{CONFIG}---\n{DEPLOYMENT.replace('replicas', 'replcas')}")

    done = mk("apply", "-f", str(manifest))

    assert done.code == 1
    assert f"{manifest}, document 2 (Deployment web), line 11: unknown field" in done.err
    assert "'spec.replcas' (did you mean 'replicas'?)" in done.err
    assert "nothing was applied: 1 of 2 documents is not valid" in done.err
    assert "not found" in mk("get", "configmap", "conf").err


@pytest.mark.parametrize(
    ("manifest", "parts"),
    [
        pytest.param(
            DEPLOYMENT.replace("kind: Deployment", "kind: Deploymnt"),
            ['unknown kind "Deploymnt"', 'did you mean "Deployment"?'],
            id="unknown kind",
        ),
        pytest.param(
            DEPLOYMENT.replace("apps/v1", "v1"),
            ['no kind "Deployment" in "v1"', "apps/v1"],
            id="group",
        ),
        pytest.param(
            CONFIG.replace("name: conf", "name: conf, namespace: nowhere"),
            ['metadata.namespace: there is no namespace "nowhere"'],
            id="missing namespace",
        ),
        pytest.param(
            DEPLOYMENT.replace("replicas: 2", "replicas: two"),
            ["line 6", "spec.replicas", "integer"],
            id="wrong type",
        ),
        pytest.param(
            DEPLOYMENT.replace("name: web\nspec", "name: Web\nspec"),
            ["line 4", "metadata.name"],
            id="name",
        ),
        pytest.param(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", ["metadata.name"], id="no name"
        ),
    ],
)
def test_a_bad_document_names_place_field_and_what_is_allowed(
    mk: Mk, manifest: str, parts: list[str]
) -> None:
    done = mk("apply", "-f", "-", stdin=manifest)

    assert done.code == 1
    assert "stdin, document 1" in done.err
    for part in parts:
        assert part in done.err


def test_objects_may_live_in_a_namespace_of_the_same_manifest(mk: Mk) -> None:
    inside = CONFIG.replace("name: conf", "name: conf, namespace: shop")
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"

    refused = mk(
        "apply", "-f", "-", stdin=f"{inside.replace('data: {a', 'dta: {a')}---\n{namespace}"
    )
    done = mk("apply", "-f", "-", stdin=f"{inside}---\n{namespace}")

    assert "unknown field 'dta'" in refused.err
    assert done.out == "namespace/shop created\nconfigmap/conf created\n"


def test_applying_after_scaling_takes_the_manifests_number(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=DEPLOYMENT)
    scaled = mk("scale", "deploy/web", "--replicas", "5")
    applied = mk("apply", "-f", "-", stdin=DEPLOYMENT)

    number = mk("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}")
    assert (scaled.out, applied.code, number.out) == ("deployment.apps/web scaled\n", 0, "2")


def test_waiting_says_what_is_missing_and_fails_in_time(mk: Mk) -> None:
    done = mk("apply", "-f", "-", "--wait", "--timeout", "0.3s", stdin=DEPLOYMENT)

    assert done.code == 1
    assert "error: deployment.apps/web: not ready after 0.3 s" in done.err


def test_get_prints_the_servers_tables(mk: Mk) -> None:
    mk.server.call(make_pod)
    mk("apply", "-f", "-", stdin=DEPLOYMENT)

    pods = mk("get", "pods", "-A").out.splitlines()
    several = mk("get", "pods,deploy").out

    assert pods[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert pods[1].split()[:3] == ["default", "web", "0/2"]
    assert "pod/web " in several
    assert "\n\nNAME " in several
    assert "deployment.apps/web " in several


def test_get_prints_objects_in_every_format(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)

    as_json = json.loads(mk("get", "cm", "conf", "-o", "json").out)
    listed = json.loads(mk("get", "cm", "-o", "json").out)

    assert (as_json["kind"], listed["kind"], listed["items"][0]["kind"]) == (
        "ConfigMap",
        "List",
        "ConfigMap",
    )
    assert "\ndata:\n  a: '1'\n" in mk("get", "cm", "conf", "-o", "yaml").out
    assert mk("get", "cm", "-o", "name").out == "configmap/conf\n"
    assert mk("get", "cm", "-o", "custom-columns=N:.metadata.name").out == "N\nconf\n"
    assert mk("get", "cm", "conf", "-o", "jsonpath={.data.a}").out == "1"


def test_nothing_found_is_said_on_stderr(mk: Mk) -> None:
    done = mk("get", "pods")

    assert (done.code, done.out, done.err) == (0, "", "No resources found in default namespace.\n")


def test_a_missing_object_fails_and_may_be_ignored(mk: Mk) -> None:
    missing = mk("get", "pod", "nope")

    assert (missing.code, missing.err) == (1, 'error: pods "nope" not found\n')
    assert mk("get", "pod", "nope", "--ignore-not-found").code == 0


def test_a_misspelt_type_gets_a_guess(mk: Mk) -> None:
    assert 'did you mean "deployments"?' in mk("get", "deploymnts").err


@pytest.mark.parametrize(
    "words", [["get"], ["frobnicate"], ["apply"], ["scale", "deploy/web"], ["get", "po", "-o", "x"]]
)
def test_wrong_usage_is_one_line_and_code_2(mk: Mk, words: list[str]) -> None:
    done = mk(*words)

    assert done.code == 2
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1


def test_an_unreachable_server_says_what_to_type(mk: Mk, tmp_path: Path) -> None:
    text = mk.kubeconfig.read_text().replace(mk.server.cluster.url, "https://127.0.0.1:9")
    mk.kubeconfig.write_text(text)

    done = mk("get", "pods")

    assert done.code == 1
    assert "cannot reach https://127.0.0.1:9" in done.err
    assert "mk up" in done.err


def test_delete_waits_and_names_what_was_missing(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)

    done = mk("delete", "cm", "conf", "other")

    assert done.out == 'configmap "conf" deleted from default namespace\n'
    assert (done.code, done.err) == (1, 'error: configmaps "other" not found\n')


def test_delete_by_selector_needs_one(mk: Mk) -> None:
    mk.server.call(make_pod)

    assert "-l LABELS or --all" in mk("delete", "pods").err
    assert 'pod "web" deleted' in mk("delete", "pods", "-l", "app=web", "--wait=false").out


def test_exec_passes_output_and_exit_code(mk: Mk) -> None:
    mk.server.call(make_pod)

    both = mk("exec", "web", "--", "both")
    failed = mk("exec", "pod/web", "--", "exit", "3")

    assert (both.code, both.out, both.err) == (0, "out\n", "err\n")
    assert (failed.code, failed.err) == (3, "command ended with exit code 3\n")
    assert "nonsense" in mk("exec", "web", "-c", "nonsense", "--", "echo").err
    assert "-- COMMAND" in mk("exec", "web").err
    assert 'pods "nope" not found' in mk("exec", "nope", "--", "echo").err


def test_logs_of_a_pod_are_printed(mk: Mk) -> None:
    mk.server.call(make_pod)

    done = mk("logs", "web")

    assert done.code == 0
    assert done.out


def test_describe_ends_with_events(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=DEPLOYMENT)

    text = mk("describe", "deploy", "web").out

    assert text.startswith("Name:         web\nNamespace:    default\n")
    assert "Image:  nginx" in text
    assert text.endswith("Events:       <none>\n")


def test_wait_holds_until_the_value_is_there(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)

    met = mk("wait", "cm/conf", "--for", "jsonpath={.data.a}=1")
    late = mk("wait", "cm/conf", "--for", "jsonpath={.data.a}=2", "--timeout", "0.2s")

    assert met.out == "configmap/conf condition met\n"
    assert late.code == 1
    assert "timed out waiting" in late.err
    assert mk("wait", "cm/none", "--for", "delete").code == 0
    assert "is no condition" in mk("wait", "cm/conf", "--for", "nonsense").err


def test_restarting_changes_the_template_only(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=DEPLOYMENT)

    done = mk("rollout", "restart", "deployment", "web")
    applied = mk("apply", "-f", "-", stdin=DEPLOYMENT)

    template = json.loads(mk("get", "deploy", "web", "-o", "json").out)["spec"]["template"]
    assert done.out == "deployment.apps/web restarted\n"
    assert applied.out == "deployment.apps/web unchanged\n"
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]


def test_the_version_names_both_sides(mk: Mk) -> None:
    versions = json.loads(mk("version", "-o", "json").out)

    assert versions["mk"]
    assert versions["server"]["gitVersion"].startswith("v1.")


def test_several_objects_by_name_stand_in_one_table(mk: Mk) -> None:
    mk("create", "configmap", "a", "--from-literal", "x=1")
    mk("create", "configmap", "much-longer")

    both = mk("get", "configmaps", "a", "much-longer")
    one_missing = mk("get", "configmaps", "a", "nope", "neither")

    assert [line.index(" ", 12) > 0 for line in both.out.splitlines()] == [True] * 3
    assert both.out.splitlines()[1].startswith("a             1")
    assert one_missing.code == 1
    assert "a      1" in one_missing.out
    assert one_missing.err.count('" not found') == 2


def test_yaml_shows_who_set_what_only_when_asked(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)

    assert "managedFields" not in mk("get", "configmap", "conf", "-o", "yaml").out
    assert "managedFields" not in mk("get", "configmaps", "-o", "json").out
    shown = mk("get", "configmap", "conf", "-o", "yaml", "--show-managed-fields").out
    assert "managedFields" in shown


def test_a_dry_run_says_what_would_happen(mk: Mk) -> None:
    new = mk("apply", "-f", "-", "--dry-run", stdin=CONFIG)
    mk("apply", "-f", "-", stdin=CONFIG)
    same = mk("apply", "-f", "-", "--dry-run=server", stdin=CONFIG)
    other = mk("apply", "-f", "-", "--dry-run=server", stdin=CONFIG.replace("'1'", "'2'"))

    assert new.out == "configmap/conf created (server dry run)\n"
    assert same.out == "configmap/conf unchanged (server dry run)\n"
    assert other.out == "configmap/conf configured (server dry run)\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        pytest.param(["gett", "pods"], "did you mean `mk get`?", id="close"),
        pytest.param(["frobnicate"], "no command 'frobnicate'", id="far"),
        pytest.param(["exec", "web", "ls"], "what to run follows `--`", id="no dashes"),
    ],
)
def test_a_mistyped_command_line_is_answered_in_one_line(
    mk: Mk, words: list[str], part: str
) -> None:
    done = mk(*words)

    assert done.code == 2
    assert part in done.err
    assert len(done.err.splitlines()) == 1


def test_what_has_no_replicas_cannot_be_scaled(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)

    done = mk("scale", "configmap/conf", "--replicas", "2")
    missing = mk("scale", "deploy/nope", "--replicas", "2")

    assert done.err == "error: a ConfigMap has no replicas to scale\n"
    assert 'deployments.apps "nope" not found' in missing.err


def test_waiting_for_what_does_not_exist_says_so(mk: Mk) -> None:
    done = mk("wait", "pod/nope", "--for", "condition=Ready", "--timeout", "0s")

    assert done.code == 1
    assert done.err.endswith("on pod/nope: it does not exist\n")


def test_a_waiting_deployment_tells_why_its_pod_has_no_node(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=DEPLOYMENT)
    mk.server.call(make_unschedulable_pod)

    done = mk("apply", "-f", "-", "--wait", "--timeout", "0s", stdin=DEPLOYMENT)

    assert "pod web Pending: no node has room" in done.err


async def make_unschedulable_pod(cluster: Cluster) -> None:
    await make_pod(cluster)

    def refuse(pod: Object) -> None:
        condition = {"type": "PodScheduled", "status": "False", "message": "no node has room"}
        pod["status"] = {"phase": "Pending", "conditions": [condition]}

    await cluster.resources.update_status(POD, "default", "web", refuse)
