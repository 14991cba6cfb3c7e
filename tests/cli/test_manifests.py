from pathlib import Path

import pytest

from minikube_py.cli.errors import CliError
from minikube_py.cli.manifests import load, parse

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"


def refused(text: str) -> str:
    with pytest.raises(CliError) as caught:
        parse(text, "x.yaml")
    return caught.value.message


def test_documents_are_numbered_and_empty_ones_left_out() -> None:
    documents = parse(f"---\n{POD}---\n# nothing\n---\n{POD}", "x.yaml")

    assert [document.number for document in documents] == [1, 3]
    assert documents[0].place == "x.yaml, document 1 (Pod a)"


def test_lists_come_apart() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n"
    )
    typed = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: b}\n"

    names = [
        (document.object["kind"], document.object["metadata"]["name"])
        for document in [*parse(text, "x"), *parse(typed, "x")]
    ]

    assert names == [("Pod", "a"), ("Pod", "b")]


def test_a_field_knows_its_line() -> None:
    text = f"{POD}---\n{POD}spec:\n  containers:\n  - name: c\n    image: nginx\n"

    document = parse(text, "x.yaml")[1]

    assert document.line_of("spec.containers[0].image") == 13
    assert document.line_of("spec") == 10
    assert document.line_of("spec.nothing") is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            f"{POD}---\nkind: Pod\n  name: x\n",
            ["x.yaml, document 2, line 7", "bad YAML"],
            id="yaml",
        ),
        pytest.param(f"{POD}\tspec: 1\n", ["line 5", "a tab indents"], id="tab"),
        pytest.param("kind: Pod\n", ["document 1", "apiVersion missing"], id="apiVersion"),
        pytest.param("a: 1\n", ["apiVersion and kind missing"], id="both"),
        pytest.param("- 1\n", ["an object is expected"], id="a list"),
        pytest.param("apiVersion: 1\nkind: Pod\n", ["apiVersion must be text"], id="number"),
        pytest.param(
            f"{POD}kind: Job\n", ["line 5", "'kind' is given twice", "line 2"], id="twice"
        ),
        pytest.param(
            "apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n",
            ["items[0]", "apiVersion"],
            id="item",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, parts: list[str]) -> None:
    message = refused(text)

    for part in parts:
        assert part in message


def test_values_are_read_as_kubernetes_reads_them() -> None:
    values = ["date: 2026-01-31", "ports: 22:80", "mode: 0644", "on: yes", "n: 1e3", "1.0: x"]
    text = f"{POD}data:\n  " + "\n  ".join(values)

    data = parse(text, "x")[0].object["data"]

    assert data == {
        "date": "2026-01-31",
        "ports": "22:80",
        "mode": 0o644,
        "true": True,
        "false": 1000.0,
        "1": "x",
    }


def test_json_objects_may_follow_each_other() -> None:
    one = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s"}}'

    names = [document.title for document in parse(f"{one % 'a'}\n{one % 'b'}{one % 'c'}\n", "x")]

    assert names == ["Pod a", "Pod b", "Pod c"]


def test_anchors_and_merges_work() -> None:
    text = f"{POD}spec:\n  a: &a {{x: 1}}\n  b:\n    <<: *a\n    z: 2\n"

    assert parse(text, "x")[0].object["spec"]["b"] == {"x": 1, "z": 2}


def test_folders_are_read_in_order_and_deeply_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("2.yaml", "1.yml", "sub/3.json", "ignored.txt"):
        kind = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s"}}'
        (tmp_path / name).write_text(kind % name)

    flat = [document.object["metadata"]["name"] for document in load([str(tmp_path)])]
    deep = load([str(tmp_path)], recursive=True)

    assert flat == ["1.yml", "2.yaml"]
    assert len(deep) == 3


def test_all_bad_files_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: b: c\n")
    (tmp_path / "b.yaml").write_text("kind: Pod\n")

    with pytest.raises(CliError) as caught:
        load([str(tmp_path)])

    assert len(caught.value.message.splitlines()) == 2


@pytest.mark.parametrize("source", ["nowhere.yaml", "http://127.0.0.1:9/x.yaml"])
def test_a_source_that_is_not_there_is_named(source: str) -> None:
    with pytest.raises(CliError, match=source):
        load([source])
