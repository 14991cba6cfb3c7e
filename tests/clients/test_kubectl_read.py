"""kubectl's readers: get in every form of output, describe, explain, events, what there is."""

import json
import re
import time

import pytest
import yaml

from tests.clients.conftest import NEWEST, OLD, USUAL, Kubectl, program
from tests.e2e.conftest import RunningCluster, eventually, run_command

PODS = ("b", "a", "c")


@pytest.fixture
def pods(kubectl: Kubectl) -> Kubectl:
    """Three pods, each with a label of its own name."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"which": name, "app": "web"}},
            "spec": {"containers": [{"name": "web", "image": f"web:{name}"}]},
        }
        for name in PODS
    ]
    kubectl.apply({"apiVersion": "v1", "kind": "List", "items": items})
    kubectl("wait", "--for=condition=Ready", "pods", "--all", "--timeout=20s")
    return kubectl


def test_get_prints_tables(pods: Kubectl) -> None:
    plain = pods("get", "pods")
    wide = pods("get", "pods", "-o", "wide", "--show-labels", "--sort-by=.metadata.name")
    labelled = pods("get", "pods", "-L", "which", "--no-headers")
    both = pods("get", "pods,configmaps")
    everywhere = pods("get", "pods", "-A")

    assert plain.splitlines()[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert re.search(r"^a +1/1 +Running +0 +\d+s$", plain, re.M)
    assert wide.splitlines()[0].split()[5:9] == ["IP", "NODE", "NOMINATED", "NODE"]
    assert [line.split()[0] for line in wide.splitlines()[1:]] == ["a", "b", "c"]
    assert "app=web,which=a" in wide
    assert sorted(line.split()[-1] for line in labelled.splitlines()) == ["a", "b", "c"]
    assert "pod/a" in both
    assert "configmap/kube-root-ca.crt" in both
    assert everywhere.startswith("NAMESPACE")


def test_get_prints_objects_in_every_form(pods: Kubectl) -> None:
    as_yaml = yaml.safe_load(pods("get", "pod/a", "-o", "yaml"))
    image = ".spec.containers[0].image"

    assert as_yaml["spec"]["containers"][0]["image"] == "web:a"
    assert "managedFields" not in as_yaml["metadata"] or pods.is_old
    assert pods("get", "pod", "a", "c", "-o", "name") == "pod/a\npod/c\n"
    assert pods("get", "pod/a", "-o", f"jsonpath={{{image}}}") == "web:a"
    assert (
        pods(
            "get", "pods", "--sort-by={.metadata.name}", "-o", "jsonpath={.items[*].metadata.name}"
        )
        == "a b c"
    )
    template = "{{range .items}}{{.metadata.name}}={{.status.phase}};{{end}}"
    assert sorted(pods("get", "pods", "-o", f"go-template={template}").split(";")) == [
        "", "a=Running", "b=Running", "c=Running",
    ]  # fmt: skip
    columns = pods(
        "get",
        "pods",
        "-o",
        f"custom-columns=N:.metadata.name,I:{image}",
        "--sort-by=.metadata.name",
    )
    assert [line.split() for line in columns.splitlines()] == [
        ["N", "I"], ["a", "web:a"], ["b", "web:b"], ["c", "web:c"],
    ]  # fmt: skip


def test_get_by_chunks_selectors_and_raw(pods: Kubectl) -> None:
    chunked = pods("get", "pods", "--chunk-size=1", "-o", "name")
    by_label = pods("get", "pods", "-l", "which notin (a,b),app", "-o", "name")
    by_field = pods(
        "get", "pods", "--field-selector=status.phase=Running,metadata.name!=a", "-o", "name"
    )
    raw = json.loads(pods("get", "--raw", f"/api/v1/namespaces/{pods.namespace}/pods?limit=1"))

    assert sorted(chunked.split()) == ["pod/a", "pod/b", "pod/c"]
    assert by_label == "pod/c\n"
    assert sorted(by_field.split()) == ["pod/b", "pod/c"]
    assert len(raw["items"]) == 1
    assert raw["metadata"]["remainingItemCount"] == 2
    missing = pods("get", "pod", "a", "none", code=1)
    assert 'pods "none" not found' in missing
    unknown = pods("get", "nosuchkind", code=1)
    assert 'the server doesn\'t have a resource type "nosuchkind"' in unknown


def test_get_watches_until_told_to_stop(pods: Kubectl) -> None:
    watching = pods.start("get", "pods", "--watch", "-o", "name", "-l", "which=d")
    time.sleep(0.3)
    pods("run", "d", "--image=web:d", "--labels=which=d")
    assert watching.stdout is not None

    first = watching.stdout.readline()
    watching.terminate()
    watching.communicate()
    timed = pods("get", "pods", "--watch-only", "--request-timeout=1s", "-o", "name")

    assert first == "pod/d\n"
    assert timed in ("", *("pod/d\n" * times for times in range(1, 5)))


def test_events_and_logs(pods: Kubectl) -> None:
    listed = eventually(
        "the events are there",
        lambda: text if "Started" in (text := pods("get", "events")) else None,
    )
    described = pods("describe", "pod/a")

    assert re.search(r"Normal +Started +pod/a", listed)
    assert re.search(r"Scheduled .*Successfully assigned", described)
    assert "Started" in described
    if not pods.is_old:
        assert "Started" in pods("events", "--for=pod/a")
    assert pods("logs", "a") == ""
    assert pods("logs", "-l", "app=web", "--prefix", "--tail=1") == ""


def test_describe_of_every_kind_that_is_there(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1", "--replicas=2")
    kubectl("expose", "deployment/web", "--port=80")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kinds = set(kubectl("api-resources", "--verbs=list,get", "-o", "name").split())
    if kubectl.is_old:  # it describes these by beta versions that no current cluster serves
        kinds -= {"endpointslices.discovery.k8s.io", "poddisruptionbudgets.policy"}
        kinds -= {"cronjobs.batch", "horizontalpodautoscalers.autoscaling"}

    described = kubectl("describe", ",".join(sorted(kinds)), "-A")

    names = re.findall(r"^Name: +(\S+)$", described, re.M)
    assert {"web", "default", "kube-root-ca.crt", "kubernetes"} <= set(names)
    assert "Replicas:               2 desired | 2 updated | 2 total | 2 available" in described


@pytest.mark.parametrize("release", [OLD, NEWEST])  # from OpenAPI v2, from v3
def test_explain_every_kind(paper: RunningCluster, release: str) -> None:
    kubectl = Kubectl(release, paper)
    lines = kubectl("api-resources", "--no-headers").splitlines()
    for line in lines[::6] if kubectl.is_old else lines:  # the old one is slow at it
        plural, *_, version, _, kind = line.split()
        if kubectl.is_old and version.startswith("metrics.k8s.io"):
            continue  # it looks for a kind Pod there, whatever the server says
        shown = kubectl("explain", plural, f"--api-version={version}")

        assert re.search(rf"KIND: +{kind}\b", shown), line
        assert "<" in shown.partition("FIELDS:")[2], line


@pytest.mark.parametrize("release", [USUAL, NEWEST])
def test_explain_of_what_is_measured(paper: RunningCluster, release: str) -> None:
    kubectl = Kubectl(release, paper)

    shown = kubectl("explain", "pods.containers.usage", "--api-version=metrics.k8s.io/v1beta1")

    assert "working set in bytes" in shown


def test_explain_goes_down_into_fields(kubectl: Kubectl) -> None:
    field = kubectl("explain", "deployment.spec.template.spec.containers.livenessProbe.httpGet")
    tree = kubectl("explain", "service.spec", "--recursive")
    unknown = kubectl("explain", "pod.spec.nosuch", code=1)

    assert "port" in field
    assert "targetPort" in tree
    assert "does not exist" in unknown


def test_what_the_cluster_offers(kubectl: Kubectl) -> None:
    resources = kubectl("api-resources", "-o", "wide")
    versions = kubectl("api-versions").split()
    information = kubectl("cluster-info")
    version = json.loads(kubectl("version", "-o", "json"))

    deployments = next(line for line in resources.splitlines() if line.startswith("deployments "))
    assert "deploy" in deployments
    assert "patch" in deployments
    assert {"v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1"} <= set(versions)
    assert "https://127.0.0.1" in information
    assert version["serverVersion"]["major"] == "1"
    namespaced = kubectl("api-resources", "--namespaced=false", "-o", "name").split()
    assert "nodes" in namespaced
    assert "pods" not in namespaced
    in_all = re.findall(r"^(?:pod|service|[a-z]+\.(?:apps|batch))/", kubectl("get", "all"), re.M)
    assert in_all == []
    if kubectl.is_old:
        return
    in_all = kubectl("api-resources", "--categories=all", "-o", "name").split()
    assert {"pods", "services", "deployments.apps", "jobs.batch"} <= set(in_all)


def test_a_dump_of_the_cluster_has_pods_and_logs(pods: Kubectl) -> None:
    dump = pods("cluster-info", "dump", f"--namespaces={pods.namespace}")

    assert '"kind": "PodList"' in dump
    assert "==== START logs for container web of pod" in dump


def test_health_is_told(kubectl: Kubectl) -> None:
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert "[+]ping ok" in kubectl("get", "--raw", "/livez?verbose")


def test_completion_asks_the_server(pods: Kubectl) -> None:
    assert "bash" in pods("completion", "bash")
    if not pods.is_old:
        words = ("__complete", "get", "pod", "-n", pods.namespace, "")
        assert run_command(program(pods.name), *words, env=pods.env).out.split()[:3] == [
            "a",
            "b",
            "c",
        ]


def test_the_kubeconfig_is_read_and_changed(kubectl: Kubectl) -> None:
    shown = json.loads(kubectl("config", "view", "--minify", "-o", "json"))

    assert kubectl("config", "current-context").strip() == kubectl.cluster.name
    assert shown["clusters"][0]["cluster"]["server"].startswith("https://127.0.0.1:")
    assert kubectl.cluster.name in kubectl("config", "get-contexts", "-o", "name").split()
