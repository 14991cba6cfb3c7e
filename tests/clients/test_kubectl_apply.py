"""kubectl's declarative commands: apply in all its forms, diff, replace, edit, kustomize."""

import json
import stat
from pathlib import Path
from typing import Any

from tests.clients.conftest import Kubectl


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "data": data,
    }


def deployment(name: str, image: str = "web:1", replicas: int = 1) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
        },
    }


def test_apply_creates_configures_and_leaves_alone(kubectl: Kubectl) -> None:
    first, second = config_map("words", a="1", b="2"), config_map("words", a="1", c="3")

    assert kubectl.apply(first) == "configmap/words created\n"
    assert kubectl.apply(first) == "configmap/words unchanged\n"
    assert kubectl.apply(second) == "configmap/words configured\n"
    assert kubectl.get("configmap", "words")["data"] == {"a": "1", "c": "3"}
    assert '"c":"3"' in kubectl(
        "apply", "view-last-applied", "configmap/words", "-o", "json"
    ).replace(" ", "")
    dry = kubectl.apply(config_map("words", a="9"), "--dry-run=server", "-o", "json")
    assert json.loads(dry)["data"] == {"a": "9"}
    assert kubectl.get("configmap", "words")["data"] == {"a": "1", "c": "3"}


def test_server_side_apply_owns_fields_and_names_conflicts(kubectl: Kubectl) -> None:
    manifest = deployment("web", replicas=2)
    kubectl.apply(manifest, "--server-side")
    kubectl("scale", "deployment/web", "--replicas=3")

    refused = kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest), code=1)
    forced = kubectl.apply(manifest, "--server-side", "--force-conflicts")

    assert ".spec.replicas" in refused
    assert forced == "deployment.apps/web serverside-applied\n"
    found = kubectl.get("deployment", "web")
    assert found["spec"]["replicas"] == 2
    del manifest["spec"]["replicas"]
    kubectl.apply(manifest, "--server-side")
    shown = json.loads(
        kubectl(
            "get",
            "deployment/web",
            "-o",
            "json",
            *(() if kubectl.is_old else ("--show-managed-fields",)),
        )
    )
    assert {entry["manager"] for entry in shown["metadata"]["managedFields"]} >= {"kubectl"}


def test_diff_shows_what_would_change_and_changes_nothing(kubectl: Kubectl) -> None:
    kubectl.apply(deployment("web", "web:1"))
    same = kubectl("diff", "-f", "-", stdin=json.dumps(deployment("web", "web:1")))
    changed = kubectl("diff", "-f", "-", stdin=json.dumps(deployment("web", "web:2")), code=1)
    new = kubectl("diff", "-f", "-", stdin=json.dumps(config_map("new", a="1")), code=1)

    assert same == ""
    assert "-      - image: web:1" in changed
    assert "+      - image: web:2" in changed
    assert "+  name: new" in new
    kubectl("get", "configmap/new", code=1)
    if not kubectl.is_old:
        server_side = kubectl(
            "diff", "--server-side", "--force-conflicts", "-f", "-",
            stdin=json.dumps(deployment("web", "web:3")), code=1,
        )  # fmt: skip
        assert "+      - image: web:3" in server_side


def test_apply_prunes_what_is_no_longer_in_the_file(kubectl: Kubectl) -> None:
    labels = {"set": "one"}
    both = [config_map("kept", labels), config_map("gone", labels)]
    allowed = "core/v1/ConfigMap"
    listing = "--prune-whitelist" if kubectl.is_old else "--prune-allowlist"

    kubectl.apply(as_list(*both), "--prune", "-l", "set=one", f"{listing}={allowed}")
    out = kubectl.apply(as_list(both[0]), "--prune", "-l", "set=one", f"{listing}={allowed}")

    assert "configmap/gone pruned" in out
    kubectl("get", "configmap/kept")
    kubectl("get", "configmap/gone", code=1)


def test_an_applyset_prunes_by_its_parent(kubectl: Kubectl) -> None:
    if kubectl.is_old:
        return  # ApplySets came with 1.27
    alpha = {"KUBECTL_APPLYSET": "true"}
    words = ("apply", "--prune", "--applyset=secret/ours", "-f", "-")

    both = as_list(config_map("kept"), deployment("gone"))
    kubectl(*words, stdin=json.dumps(both), env=alpha)
    out = kubectl(*words, stdin=json.dumps(config_map("kept")), env=alpha)

    assert "deployment.apps/gone pruned" in out
    parent = kubectl.get("secret", "ours")["metadata"]
    assert parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap"
    kubectl("get", "deployment/gone", code=1)


def test_edit_writes_what_the_editor_left(kubectl: Kubectl, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i -e 's/before/after/' \"$1\"\n")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    kubectl.apply(config_map("words", state="before"))

    out = kubectl("edit", "configmap/words", env={"KUBE_EDITOR": str(editor)})
    again = kubectl("edit", "configmap/words", env={"KUBE_EDITOR": str(editor)})

    assert out == "configmap/words edited\n"
    assert again == ""  # "Edit cancelled, no changes made." goes to stderr
    assert kubectl.get("configmap", "words")["data"] == {"state": "after"}


def test_replace_needs_the_object_and_force_makes_a_new_one(kubectl: Kubectl) -> None:
    manifest = deployment("web", "web:1")
    missing = kubectl("replace", "-f", "-", stdin=json.dumps(manifest), code=1)
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    before = kubectl.get("deployment", "web")["metadata"]

    replaced = kubectl("replace", "-f", "-", stdin=json.dumps(deployment("web", "web:2")))
    after = kubectl.get("deployment", "web")
    manifest["spec"]["selector"]["matchLabels"] = {"app": "other"}
    manifest["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    immutable = kubectl("replace", "-f", "-", stdin=json.dumps(manifest), code=1)
    forced = kubectl("replace", "--force", "-f", "-", stdin=json.dumps(manifest))

    assert "NotFound" in missing
    assert replaced == "deployment.apps/web replaced\n"
    assert after["metadata"]["uid"] == before["uid"]
    assert after["metadata"]["generation"] == 2
    assert "field is immutable" in immutable
    assert 'deployment.apps "web" deleted' in forced
    assert "deployment.apps/web replaced" in forced
    assert kubectl.get("deployment", "web")["metadata"]["uid"] != before["uid"]


def test_replace_with_an_old_version_is_a_conflict(kubectl: Kubectl) -> None:
    kubectl.apply(config_map("words", a="1"))
    old = kubectl.get("configmap", "words")
    kubectl.apply(config_map("words", a="2"))

    refused = kubectl("replace", "-f", "-", stdin=json.dumps(old), code=1)

    assert "the object has been modified" in refused


def test_kustomize_builds_applies_and_deletes(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(json.dumps(deployment("web")))
    (tmp_path / "app.properties").write_text("colour=blue\n")
    (tmp_path / "kustomization.yaml").write_text(
        "namePrefix: my-\n"
        "resources: [web.yaml]\n"
        "images: [{name: web, newTag: '7'}]\n"
        "configMapGenerator: [{name: settings, files: [app.properties]}]\n"
    )

    out = kubectl("apply", "-k", str(tmp_path))
    image = kubectl(
        "get", "-k", str(tmp_path), "-o",
        "jsonpath={.items[?(@.kind=='Deployment')].spec.template.spec.containers[0].image}",
    )  # fmt: skip
    difference = kubectl("diff", "-k", str(tmp_path))
    kubectl("delete", "-k", str(tmp_path))

    assert "deployment.apps/my-web created" in out
    assert "configmap/my-settings-" in out
    assert image == "web:7"
    assert difference == ""
    kubectl("get", "deployment/my-web", code=1)


def test_fields_nobody_knows_are_refused_or_warned_about(kubectl: Kubectl) -> None:
    manifest = deployment("web")
    manifest["spec"]["replcas"] = 3

    refused = kubectl("apply", "-f", "-", stdin=json.dumps(manifest), code=1)

    assert "replcas" in refused
    if not kubectl.is_old:
        kubectl.apply(manifest, "--validate=warn")
        kubectl.apply(manifest, "--validate=ignore")


def as_list(*items: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}
