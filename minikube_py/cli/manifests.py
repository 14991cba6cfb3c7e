"""Manifests from files, folders, URLs and stdin, each document with its place: an error names
file, document and line.

YAML as Kubernetes reads it: dates and `22:80` stay text, keys are text, a key given twice is an
error.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from minikube_py.cli.errors import CliError
from minikube_py.cli.yaml_scalars import read_like_go
from minikube_py.meta.objects import Object, name_of

_SUFFIXES = {".yaml", ".yml", ".json"}
_URL_SECONDS = 30
_DOCUMENT_MARK = re.compile(r"^---(\s|$)", re.MULTILINE)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's C loader without what Go's does not do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        """Keys become text at once: to Python, `1` and `true` are the same key."""
        self.flatten_mapping(node)
        return {
            _key(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }


read_like_go(_Loader)


@dataclass(frozen=True)
class Document:
    """One object of a manifest; `number` counts from 1 in its source."""

    object: Object
    source: str
    number: int
    node: yaml.Node | None = None

    @property
    def place(self) -> str:
        return f"{self.source}, document {self.number} ({self.title})"

    @property
    def title(self) -> str:
        return f"{self.object.get('kind')} {name_of(self.object) or '<no name>'}"

    def line_of(self, field: str) -> int | None:
        """The line of `spec.containers[0].image` in its source; None when it is not there."""
        node = self.node
        for step in re.findall(r"[^.\[\]]+|\[\d+\]", field.lstrip(".")):
            node = _child(node, step)
            if node is None:
                return None
        return int(node.start_mark.line) + 1 if node is not None else None


def load(sources: Sequence[str], *, recursive: bool = False) -> list[Document]:
    """All documents in order; `-` is stdin. Raises CliError with a line a problem."""
    documents: list[Document] = []
    problems: list[str] = []
    for source in sources:
        for name, text in _texts(source, recursive=recursive):
            try:
                documents += parse(text, name)
            except CliError as error:
                problems.append(error.message)
    if problems:
        raise CliError("\n".join(problems))
    if not documents:
        raise CliError(f"no objects in {', '.join(sources)}")
    return documents


def parse(text: str, source: str) -> list[Document]:
    """Documents of one source; `List`s come apart."""
    loader = _Loader(_json_stream(text))
    documents: list[Document] = []
    problems: list[str] = []
    number = 0
    try:
        while loader.check_node():
            node = loader.get_node()
            number += 1
            value = _plain(loader.construct_document(node))
            if value is None:
                continue
            problem = _duplicate_key(node) or _shape_problem(value)
            if problem:
                problems.append(f"{source}, document {number}{_glue(problem)}{problem}")
            else:
                documents += _objects(value, source, number, node)
    except yaml.MarkedYAMLError as error:
        problems.append(_yaml_problem(error, source, text))
    except (yaml.YAMLError, ValueError) as error:
        problems.append(f"{source}: bad YAML: {' '.join(str(error).split())}")
    finally:
        loader.dispose()
    if problems:
        raise CliError("\n".join(problems))
    return documents


def _json_stream(text: str) -> str:
    """JSON objects one after the other, as `jq` writes them, become documents of their own."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return text
    objects, rest = [], text.strip("\ufeff \t\r\n")
    try:
        while rest:
            _, end = json.JSONDecoder().raw_decode(rest)
            objects.append(rest[:end])
            rest = rest[end:].lstrip()
    except ValueError:
        return text  # YAML in braces
    return "\n---\n".join(objects) if len(objects) > 1 else text


def _texts(source: str, *, recursive: bool) -> Iterator[tuple[str, str]]:
    if source == "-":
        yield "stdin", sys.stdin.read()
    elif source.startswith(("http://", "https://")):
        yield source, _download(source)
    elif Path(source).is_dir():
        pattern = "**/*" if recursive else "*"
        files = sorted(path for path in Path(source).glob(pattern) if path.suffix in _SUFFIXES)
        if not files:
            raise CliError(
                f"no .yaml, .yml or .json file in {source}"
                + ("" if recursive else " (-R looks into folders below)")
            )
        for path in files:
            yield str(path), _read(path)
    else:
        yield source, _read(Path(source))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise CliError(f"there is no file {path}") from None
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{path} is not UTF-8 text (byte {error.start})") from error


def _download(url: str) -> str:
    import urllib.request  # costs as much as all the rest of this module

    try:
        with urllib.request.urlopen(url, timeout=_URL_SECONDS) as response:  # noqa: S310 - http(s) only
            return str(response.read().decode())
    except (OSError, ValueError) as error:
        raise CliError(f"cannot download {url}: {error}") from error


def _glue(problem: str) -> str:
    """A problem that begins with its line goes on the place's list."""
    return ", " if problem.startswith("line ") else ": "


def _yaml_problem(error: yaml.MarkedYAMLError, source: str, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    what = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return f"{source}: bad YAML: {what}"
    before = "".join(text.splitlines(keepends=True)[: mark.line])
    number = 1 + len([m for m in _DOCUMENT_MARK.finditer(before) if before[: m.start()].strip()])
    whole = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    if "\t" in whole[: len(whole) - len(whole.lstrip())]:
        what = "a tab indents this line; YAML indents with spaces only"
    line = text.splitlines()[mark.line].strip() if mark.line < len(text.splitlines()) else ""
    shown = f": {line!r}" if line else ""
    return f"{source}, document {number}, line {mark.line + 1}: bad YAML: {what}{shown}"


def _objects(value: Object, source: str, number: int, node: yaml.Node) -> Iterator[Document]:
    kind = str(value["kind"])
    if not (kind.endswith("List") and isinstance(value.get("items"), list)):
        yield Document(value, source, number, node)
        return
    for index, item in enumerate(value["items"]):
        if kind != "List" and isinstance(item, dict):  # items of a PodList need not say so
            item = {"apiVersion": value["apiVersion"], "kind": kind.removesuffix("List"), **item}
        problem = _shape_problem(item)
        if problem:
            raise CliError(f"{source}, document {number}, items[{index}]: {problem}")
        child = _child(_child(node, "items"), f"[{index}]")
        yield from _objects(item, source, number, child or node)


def _shape_problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return f"an object is expected, not {type(value).__name__} {str(value)[:40]!r}"
    missing = [name for name in ("apiVersion", "kind") if not value.get(name)]
    if missing:
        return f"{' and '.join(missing)} missing (e.g. `apiVersion: v1`, `kind: Pod`)"
    for name in ("apiVersion", "kind"):
        if not isinstance(value[name], str):
            return f"{name} must be text, not {value[name]!r}"
    if not isinstance(value.get("metadata", {}), dict):
        return "metadata must hold fields such as `name`"
    return None


def _duplicate_key(node: yaml.Node) -> str | None:
    if isinstance(node, yaml.SequenceNode):
        return next(filter(None, map(_duplicate_key, node.value)), None)
    if not isinstance(node, yaml.MappingNode):
        return None
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
            first = seen[key.value]
            return f"line {line}: the key {key.value!r} is given twice (first in line {first})"
        if isinstance(key.value, str):
            seen[key.value] = line
        if problem := _duplicate_key(value):
            return problem
    return None


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(child) for child in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float) and key.is_integer() and abs(key) < 1e21:
        key = int(key)
    return "" if key is None else str(key)


def _child(node: yaml.Node | None, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and step.startswith("["):
        index = int(step[1:-1])
        return node.value[index] if index < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                # A nested value starts below its key: the key's line is what a reader looks for.
                return _at(value, key)
    return None


def _at(value: yaml.Node, key: yaml.Node) -> yaml.Node:
    if isinstance(value, yaml.ScalarNode):
        return value
    kind = type(value)
    return kind(value.tag, value.value, key.start_mark, value.end_mark)
