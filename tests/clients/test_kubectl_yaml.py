"""YAML as kubectl reads it, odd scalars included; `mk apply` must read the very same."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from minikube_py.cli.manifests import parse
from tests.clients.conftest import NEWEST, OLD, USUAL, Kubectl
from tests.e2e.conftest import RunningCluster

Reader = Callable[[str], None]

WORDS = r"""
123 "123" 'yes' yes Yes YES no on Off y n Y N true True TRUE tRUE ~ null Null NULL nULL
0x10 0X10 -0x10 +0x10 0o10 0O10 -0o17 0o8 010 -010 00 08 0789 0b11 0B11 -0b11 0b12 0b 0x 0xg
1_000 0x1_0 1__0 1_ _1 0_ +12 -0 0 -0.0 1e3 1E3 1e+3 1. .5 -.5 +1.5 1.10 1_000.5 1.0 5e-7 1e21
1e 1e400 e3 -- . .. = << 190:20:30 1:30 2001-12-14 2001-12-14t21:59:43.10-05:00 1.2.3
9223372036854775807 -9223372036854775808 123456789012345678901234567890 inf +inf nan a:b a#b
"""
PHRASES = [
    "!!str 10", '!!int "10"', "!!float 1", '!!bool "yes"', '!!null ""', "!!binary aGVsbG8=", "",
    "2001-12-14 21:59:43", "1 2", "a # a comment", r'"\x41\u00e9\t"', '"\\U0001F600"',
    ">-\n    one\n    two", "|\n    one\n    two", "|+\n    one\n\n", "[y, 0x1f, ~]",
    "{1e3: a, n: b}",
]  # fmt: skip


def test_words_mean_to_mk_what_they_mean_to_kubectl(kubectl: Kubectl) -> None:
    lines = [f"  v{at}: {text}" for at, text in enumerate([*WORDS.split(), *PHRASES])]
    head = ["apiVersion: v1", "kind: ConfigMap", "metadata: {name: odd}", "data:"]
    manifest = "\n".join([*head, *lines, ""])

    theirs = kubectl(
        "create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", stdin=manifest
    )

    assert parse(manifest, "stdin")[0].object["data"] == json.loads(theirs)["data"]


@pytest.mark.parametrize("word", [".inf", "-.Inf", ".NaN"])
def test_numbers_that_json_does_not_have_are_refused(kubectl: Kubectl, word: str) -> None:
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: odd}}\ndata: {{a: {word}}}\n"

    kubectl("create", "--dry-run=client", "-f", "-", stdin=manifest, code=1)
    refused = kubectl.cluster.mk("apply", "-f", "-", stdin=manifest, code=1)

    assert f"line 4: bad YAML: {word} is no number that JSON has" in refused


@pytest.fixture
def usual(paper: RunningCluster, namespace: str) -> Kubectl:
    return Kubectl(USUAL, paper, namespace)


@pytest.fixture(params=[OLD, USUAL, NEWEST, "mk"])
def read(request: pytest.FixtureRequest, usual: Kubectl) -> Reader:
    """Applies a manifest with kubectl of each release, and with mk."""

    def apply(text: str) -> None:
        if request.param == "mk":
            usual.cluster.mk("apply", "-n", usual.namespace, "-f", "-", stdin=text)
        else:
            replace(usual, name=request.param).apply(text)

    return apply


def test_scalars_that_are_not_strings(read: Reader, usual: Kubectl) -> None:
    """A container's port is a number, `stdin` a boolean, a quantity a number or a word."""
    read(
        """
apiVersion: v1
kind: Pod
metadata: {name: odd}
spec:
  hostNetwork: no
  enableServiceLinks: off
  terminationGracePeriodSeconds: 0x1e
  priority: ~
  tolerations:
  containers:
  - name: web
    image: web:1
    stdin: yes
    tty: on
    ports: [{containerPort: 0x50}, {containerPort: 0o120, protocol: UDP}]
    resources: {requests: {cpu: 1e-1, memory: 1e6}, limits: {cpu: 0.5, memory: 12345678}}
"""
    )

    spec = usual.get("pod", "odd")["spec"]
    container = spec["containers"][0]

    assert "hostNetwork" not in spec or spec["hostNetwork"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["terminationGracePeriodSeconds"] == 30
    assert container["stdin"] is True
    assert container["tty"] is True
    assert [port["containerPort"] for port in container["ports"]] == [80, 80]
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "1M"},
        "limits": {"cpu": "500m", "memory": "12345678"},
    }


@pytest.mark.parametrize("text", ["yes", "12", "1e3", "0x10"])
def test_what_is_no_string_is_refused_where_one_is_due(kubectl: Kubectl, text: str) -> None:
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: odd}}\ndata: {{a: {text}}}\n"

    refused = kubectl("apply", "-f", "-", stdin=manifest, code=1)
    ours = kubectl.cluster.mk("apply", "-n", kubectl.namespace, "-f", "-", stdin=manifest, code=1)

    assert "ConfigMap" in refused
    assert "data" in ours


def test_anchors_merges_and_several_documents(read: Reader, usual: Kubectl) -> None:
    read(
        """# a comment before anything
---
# only a comment
---
apiVersion: v1
kind: ConfigMap
metadata: &meta
  name: first
  labels: &labels {app: web}
data: &data {a: "1"}
---

---
apiVersion: v1
kind: ConfigMap
metadata:
  <<: {labels: {app: web}}
  name: second
data: {b: "2"}
...
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "third", "labels": {"app": "web"}}}
"""
    )

    found = usual.get("configmap", "-l", "app=web")["items"]

    assert sorted(item["metadata"]["name"] for item in found) == ["first", "second", "third"]


@pytest.mark.parametrize("form", ["crlf", "bom", "list", "json-stream"])
def test_other_shapes_of_files(read: Reader, usual: Kubectl, form: str) -> None:
    head = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "one"}}
    objects = [
        {**head, "metadata": {"name": name, "labels": {"app": "web"}}}
        for name in ("first", "second")
    ]
    first, second = map(json.dumps, objects)
    plain = yaml.safe_dump_all(objects)
    texts = {
        "crlf": plain.replace("\n", "\r\n"),
        "bom": f"\ufeff{plain}",
        "list": json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        "json-stream": f"{first}\n{second}",
    }

    read(texts[form])

    found: list[Any] = usual.get("configmap", "-l", "app=web")["items"]
    assert [item["data"] for item in found] == [{"a": "one"}] * 2
