"""A description as text: labels and values in columns, sections indented, tables under a title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from minikube_py.cli.output import layout
from minikube_py.meta.objects import Object, annotations_of, labels_of, name_of, namespace_of
from minikube_py.meta.timestamps import human_age, parse_time

_INDENT = "  "
START_TRACE = "mk.dev/start-trace"
_HIDDEN_ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration", START_TRACE}


@dataclass
class Page:
    """`level` counts indents of two spaces."""

    now: datetime
    _lines: list[tuple[int, str, str | None]] = field(default_factory=list)

    def row(self, label: str, value: object, level: int = 0) -> None:
        """`Label:   value`; nothing at all for None."""
        if value is not None:
            self._lines.append((level, f"{label}:", str(value)))

    def title(self, label: str, level: int = 0) -> None:
        self._lines.append((level, f"{label}:", None))

    def text(self, line: str, level: int = 0) -> None:
        self._lines.append((level, line, None))

    def pairs(self, label: str, values: Mapping[str, str], level: int = 0) -> None:
        """Labels and annotations: the first beside the label, the others under it."""
        shown = [f"{key}={value}" for key, value in sorted(values.items())] or ["<none>"]
        self.row(label, shown[0], level)
        for line in shown[1:]:
            self._lines.append((level, "", line))

    def table(self, label: str, rows: Sequence[Sequence[str]], level: int = 0) -> None:
        """The first row is the header, underlined."""
        if len(rows) < 2:
            self.row(label, "<none>", level)
            return
        self.title(label, level)
        ruled = [rows[0], ["-" * len(cell) for cell in rows[0]], *rows[1:]]
        for line in layout(ruled).splitlines():
            self.text(line, level + 1)

    def head(self, obj: Object, *, namespaced: bool = True) -> None:
        self.row("Name", name_of(obj))
        if namespaced:
            self.row("Namespace", namespace_of(obj) or None)
        self.pairs("Labels", labels_of(obj))
        annotations = annotations_of(obj)
        self.pairs(
            "Annotations", {k: v for k, v in annotations.items() if k not in _HIDDEN_ANNOTATIONS}
        )
        created = (obj.get("metadata") or {}).get("creationTimestamp")
        if created:
            self.row("Created", f"{created} ({self.age(created)} ago)")
        deleted = (obj.get("metadata") or {}).get("deletionTimestamp")
        if deleted:
            finalizers = ", ".join(obj["metadata"].get("finalizers") or []) or "none"
            self.row("Deleting", f"since {deleted}; waits for finalizers: {finalizers}")

    def age(self, time: str | None) -> str:
        return human_age(self.now - parse_time(time)) if time else "<unknown>"

    def conditions(self, obj: Object) -> None:
        """All of them, with the reason and message that tell why."""
        rows = [["Type", "Status", "Since", "Reason", "Message"]]
        rows += [
            [
                str(condition.get("type", "")),
                str(condition.get("status", "")),
                self.age(condition.get("lastTransitionTime")),
                str(condition.get("reason", "")),
                " ".join(str(condition.get("message", "")).split()),
            ]
            for condition in (obj.get("status") or {}).get("conditions") or []
        ]
        if len(rows) > 1:
            self.table("Conditions", rows)

    def __str__(self) -> str:
        """Values of one level stand under each other within a run of that level."""
        widths: dict[int, int] = {}
        for level, label, value in self._lines:
            if value is not None:
                widths[level] = max(widths.get(level, 0), len(label))
        lines = []
        for level, label, value in self._lines:
            start = _INDENT * level + label
            if value is None:
                lines.append(start.rstrip())
            else:
                lines.append((_INDENT * level + label.ljust(widths[level] + 2) + value).rstrip())
        return "\n".join(lines) + "\n"
