"""Where containers on paper outlive the daemon: one file each, replaced as a whole, so a crash
leaves the record before or after a change and nothing between.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class PaperState:
    """Keeps nothing at all without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def write(self, kind: str, name: str, data: Mapping[str, Any]) -> None:
        if self.folder is None:
            return
        path = self._path(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(data))
        unfinished.replace(path)

    def remove(self, kind: str, name: str) -> None:
        if self.folder is not None:
            self._path(kind, name).unlink(missing_ok=True)

    def read(self, kind: str) -> Iterable[dict[str, Any]]:
        if self.folder is None:
            return
        for path in sorted((self.folder / kind).glob("*.json")):
            yield json.loads(path.read_text())

    def _path(self, kind: str, name: str) -> Path:
        assert self.folder is not None
        return self.folder / kind / f"{name}.json"
