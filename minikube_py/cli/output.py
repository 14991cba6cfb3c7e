"""What `get` prints: the server's Tables as kubectl lays them out, or the objects as YAML, JSON,
names, JSONPath or columns of one's own.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TextIO

import yaml

from minikube_py.cli.errors import USAGE, CliError
from minikube_py.meta.jsonpath import BadJsonPath, Path, format_value, parse_path, parse_template
from minikube_py.meta.objects import Object, labels_of, name_of, namespace_of

FORMATS = "wide, yaml, json, name, jsonpath=…, custom-columns=…"
_GAP = "   "


@dataclass(frozen=True)
class Format:
    """A parsed -o; `argument` is what follows `jsonpath=`."""

    name: str = ""
    argument: str = ""

    @property
    def is_table(self) -> bool:
        return self.name in ("", "wide")


def parse_format(text: str | None) -> Format:
    """Raises CliError that lists the formats."""
    if not text:
        return Format()
    name, _, argument = text.partition("=")
    if name in ("wide", "yaml", "json", "name") and not argument:
        return Format(name)
    if name in ("jsonpath", "custom-columns", "jsonpath-as-json") and argument:
        return Format(name, argument)
    if name in ("jsonpath-file", "custom-columns-file") and argument:
        try:
            with open(argument) as file:  # noqa: PTH123 - a name the user typed
                return Format(name.removesuffix("-file"), file.read())
        except OSError as error:
            raise CliError(f"cannot read {argument}: {error.strerror}") from error
    raise CliError(f'unknown output "{text}": there is {FORMATS}', code=USAGE)


def print_object(value: Any, wanted: Format, stream: TextIO | None = None) -> None:
    """An object or a List in any format but a table."""
    stream = stream or sys.stdout
    try:
        stream.write(_formatted(value, wanted))
    except BadJsonPath as error:
        raise CliError(f"bad {wanted.name}: {error}", code=USAGE) from error


def _formatted(value: Any, wanted: Format) -> str:
    if wanted.name == "json":
        return json.dumps(value, indent=4, ensure_ascii=False) + "\n"
    if wanted.name == "yaml":
        return to_yaml(value)
    if wanted.name == "jsonpath":
        return parse_template(wanted.argument).render(value)
    if wanted.name == "jsonpath-as-json":
        return json.dumps(parse_path(wanted.argument).find(value), indent=4) + "\n"
    return custom_columns(wanted.argument, items_of(value))


def items_of(value: Object) -> list[Object]:
    return list(value["items"]) if isinstance(value.get("items"), list) else [value]


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Several lines of text as a block, as kubectl shows them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """Keys sorted, as kubectl's."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=1_000_000)


def custom_columns(spec: str, objects: Sequence[Object]) -> str:
    """`NAME:.metadata.name,IMAGE:.spec.containers[*].image`."""
    columns: list[tuple[str, Path]] = []
    for part in spec.replace("\n", ",").split(","):
        if not part.strip():
            continue
        header, colon, path = part.partition(":")
        if not colon or not path:
            raise CliError(f"custom-columns: {part!r} is not NAME:PATH", code=USAGE)
        columns.append((header.strip(), parse_path(path)))
    rows = [
        [",".join(format_value(v) for v in path.find(obj)) or "<none>" for _, path in columns]
        for obj in objects
    ]
    return layout([[header for header, _ in columns], *rows])


def layout(rows: Sequence[Sequence[str]], widths: Sequence[int] | None = None) -> str:
    """Columns under each other, three spaces between, none at the end of a line."""
    if not rows:
        return ""
    count = max(len(row) for row in rows)
    wanted = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(count)]
    if widths:
        wanted = [max(pair) for pair in zip_longest(wanted, widths, fillvalue=0)]
    lines = [
        _GAP.join(cell.ljust(wanted[i]) for i, cell in enumerate(row)).rstrip() for row in rows
    ]
    return "".join(line + "\n" for line in lines)


@dataclass
class TablePrinter:
    """Prints server-side Tables; one printer for a list and the watch that follows it."""

    wide: bool = False
    with_namespace: bool = False
    kind_prefix: str = ""
    show_labels: bool = False
    label_columns: Sequence[str] = ()
    headers: bool = True
    stream: TextIO | None = None
    _columns: list[dict[str, Any]] = field(default_factory=list)
    _widths: list[int] = field(default_factory=list)

    def print(self, table: Object) -> None:
        """Rows of one Table; the header the first time only."""
        rows = []
        if table.get("columnDefinitions"):
            first, self._columns = not self._columns, table["columnDefinitions"]
            if first and self.headers:
                rows.append(self._header())
        rows += [self._row(row) for row in table.get("rows") or []]
        if not rows:
            return
        text = layout(rows, self._widths)
        count = max(len(row) for row in rows)
        old = [*self._widths, *([0] * count)]
        self._widths = [
            max(old[i], *(len(row[i]) for row in rows if i < len(row))) for i in range(count)
        ]
        (self.stream or sys.stdout).write(text)

    def _shown(self) -> list[int]:
        return [
            index
            for index, column in enumerate(self._columns)
            if self.wide or not column.get("priority")
        ]

    def _header(self) -> list[str]:
        header = ["NAMESPACE"] if self.with_namespace else []
        header += [self._columns[index]["name"].upper() for index in self._shown()]
        header += [label.rpartition("/")[2].upper() for label in self.label_columns]
        return header + (["LABELS"] if self.show_labels else [])

    def _row(self, row: dict[str, Any]) -> list[str]:
        obj = row.get("object") or {}
        cells = row["cells"]
        shown = [_cell(cells[index]) for index in self._shown() if index < len(cells)]
        if self.kind_prefix and shown:
            shown[0] = f"{self.kind_prefix}/{shown[0]}"
        labels = labels_of(obj)
        shown += [labels.get(label, "") for label in self.label_columns]
        if self.show_labels:
            shown.append(",".join(f"{k}={v}" for k, v in sorted(labels.items())) or "<none>")
        return [namespace_of(obj), *shown] if self.with_namespace else shown


def _cell(value: Any) -> str:
    if value is None:
        return "<none>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).partition("\n")[0]


def sort_rows(table: Object, path: str) -> None:
    """--sort-by for a Table whose rows carry whole objects."""
    compiled = _sort_path(path)
    table["rows"] = sorted(
        table.get("rows") or [], key=lambda row: _sort_key(compiled.find(row.get("object")))
    )


def sort_objects(objects: list[Object], path: str) -> list[Object]:
    compiled = _sort_path(path)
    return sorted(objects, key=lambda obj: _sort_key(compiled.find(obj)))


def _sort_path(path: str) -> Path:
    try:
        return parse_path(path)
    except BadJsonPath as error:
        raise CliError(f"bad --sort-by: {error}", code=USAGE) from error


def _sort_key(found: list[Any]) -> tuple[int, float, str]:
    """Missing first, then numbers by size, then text."""
    if not found or found[0] is None:
        return (0, 0.0, "")
    if isinstance(found[0], (int, float)):
        return (1, float(found[0]), "")
    return (2, 0.0, str(found[0]))


def print_names(objects: Sequence[tuple[str, Object]]) -> None:
    for display_kind, obj in objects:
        print(f"{display_kind}/{name_of(obj)}")
