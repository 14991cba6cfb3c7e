"""`mk patch`, `label`, `annotate` and `create`, against a real API server without a kubelet."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mk
from tests.cli.test_commands import CONFIG, DEPLOYMENT


def test_patch_takes_json_or_yaml_in_three_types(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=DEPLOYMENT)
    operation = '[{"op": "replace", "path": "/spec/replicas", "value": 5}]'

    strategic = mk("patch", "deploy", "web", "-p", "spec: {replicas: 3}")
    merge = mk("patch", "deploy/web", "--type", "merge", "-p", '{"spec": {"replicas": 4}}')
    operations = mk("patch", "deploy/web", "--type", "json", "-p", operation)
    again = mk("patch", "deploy/web", "--type", "json", "-p", operation)

    assert strategic.out == merge.out == operations.out == "deployment.apps/web patched\n"
    assert again.out == "deployment.apps/web patched (no change)\n"
    assert mk("get", "deploy/web", "-o", "jsonpath={.spec.replicas}").out == "5"


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        pytest.param(["-p", "spec: {replcas: 3}"], 1, "spec.replcas", id="misspelt"),
        pytest.param(["-p", "{"], 1, "neither JSON nor YAML", id="broken"),
        pytest.param(["-p", "a: b", "--type", "json"], 2, "list of operations", id="shape"),
        pytest.param([], 2, "-p PATCH", id="nothing"),
    ],
)
def test_a_bad_patch_is_refused_in_words(mk: Mk, words: list[str], code: int, part: str) -> None:
    mk("apply", "-f", "-", stdin=DEPLOYMENT)

    done = mk("patch", "deploy/web", *words)

    assert done.code == code
    assert part in done.err


def test_labels_and_annotations_are_set_kept_and_removed(mk: Mk) -> None:
    mk("apply", "-f", "-", stdin=CONFIG)

    labeled = mk("label", "configmap", "conf", "tier=front", "zone=a")
    taken = mk("label", "configmap/conf", "tier=back")
    same = mk("label", "configmap/conf", "tier=front")
    forced = mk("label", "configmap", "--all", "tier=back", "--overwrite")
    removed = mk("label", "configmap/conf", "zone-")
    annotated = mk("annotate", "configmap/conf", "note=a=b")

    assert labeled.out == "configmap/conf labeled\n"
    assert (taken.code, "--overwrite" in taken.err) == (1, True)
    assert same.out == "configmap/conf not labeled\n"
    assert forced.out == "configmap/conf labeled\n"
    assert removed.out == "configmap/conf unlabeled\n"
    assert annotated.out == "configmap/conf annotated\n"
    metadata = json.loads(mk("get", "configmap/conf", "-o", "json").out)["metadata"]
    assert metadata["labels"] == {"tier": "back"}
    assert metadata["annotations"] == {"note": "a=b"}


def test_create_makes_what_must_not_exist_yet(mk: Mk, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "page.html").write_text("hello")
    (folder / "logo").write_bytes(b"\xff\x00")

    made = [
        mk("create", "namespace", "shop"),
        mk("-n", "shop", "create", "configmap", "pages", "--from-file", str(folder)),
        mk("-n", "shop", "create", "secret", "generic", "login", "--from-literal=word=x=y"),
        mk("create", "-f", "-", stdin=CONFIG),
    ]
    again = mk("create", "-f", "-", stdin=CONFIG)
    unknown = mk("create", "job", "x")

    assert [done.out for done in made] == [
        "namespace/shop created\n",
        "configmap/pages created\n",
        "secret/login created\n",
        "configmap/conf created\n",
    ]
    assert (again.code, "already exists" in again.err) == (1, True)
    assert (unknown.code, "configmap NAME" in unknown.err) == (2, True)
    pages = json.loads(mk("-n", "shop", "get", "configmap", "pages", "-o", "json").out)
    assert (pages["data"], pages["binaryData"]) == ({"page.html": "hello"}, {"logo": "/wA="})
    login = json.loads(mk("-n", "shop", "get", "secret", "login", "-o", "json").out)
    assert (login["type"], login["data"]) == ("Opaque", {"word": "eD15"})
