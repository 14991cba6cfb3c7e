"""Server-side printing: objects as rows of a `meta.k8s.io` Table, cells from the kind's columns;
and the other transformed object, PartialObjectMetadata.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from minikube_py.apiserver.negotiation import Media
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.encoding import decode, encode
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, key_of

logger = logging.getLogger(__name__)
_ROWS_A_TURN = 50
LIST_END = b"]}"


def partial_metadata(obj: Object, version: str = "v1") -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj.get("metadata") or {},
    }


async def encoded_metadata(items: Sequence[bytes], version: str) -> list[bytes]:
    """Of many objects, with a turn for other requests every few."""
    found: list[bytes] = []
    for start in range(0, len(items), _ROWS_A_TURN):
        turn = items[start : start + _ROWS_A_TURN]
        found += [encode(partial_metadata(decode(item), version)) for item in turn]
        await asyncio.sleep(0)
    return found


class TableWriter:
    """Makes Tables of one kind. `include` is what each row carries besides its cells: `None`,
    `Metadata` (default) or `Object`. Raises BadRequest for any other.
    """

    def __init__(self, kind: Kind, media: Media, include: str | None, now: datetime) -> None:
        self._kind = kind
        self._version = media.version
        self._include = include or "Metadata"
        self.now = now
        if self._include not in ("None", "Metadata", "Object"):
            raise BadRequest(
                f'includeObject: "{include}" is not supported: use None, Metadata or Object'
            )

    async def rows(self, items: Sequence[bytes]) -> list[bytes]:
        """Encoded; gives other requests a turn every few."""
        rows = []
        for start in range(0, len(items), _ROWS_A_TURN):
            rows += [
                encode(self._row(decode(item))) for item in items[start : start + _ROWS_A_TURN]
            ]
            await asyncio.sleep(0)
        return rows

    def head(self, metadata: Object, *, with_columns: bool = True) -> bytes:
        """A Table up to and with `"rows":[`."""
        columns = [_definition(column) for column in self._kind.columns] if with_columns else []
        return (
            b'{"kind":"Table","apiVersion":"meta.k8s.io/%s","metadata":%s,"columnDefinitions":%s,'
            b'"rows":[' % (self._version.encode(), encode(metadata), encode(columns))
        )

    def table_of_one(self, obj: Object, *, with_columns: bool) -> bytes:
        """A Table of one row, as watches send them: only the first names the columns."""
        metadata = {"resourceVersion": (obj.get("metadata") or {}).get("resourceVersion", "")}
        head = self.head(metadata, with_columns=with_columns)
        return head + encode(self._row(obj)) + LIST_END

    def bookmark(self, metadata: Object) -> bytes:
        """No rows, only how far the watch has come."""
        return self.head(metadata, with_columns=False) + LIST_END

    def _row(self, obj: Object) -> dict[str, Any]:
        row: dict[str, Any] = {"cells": [self._cell(column, obj) for column in self._kind.columns]}
        if self._include == "Metadata":
            row["object"] = partial_metadata(obj, self._version)
        elif self._include == "Object":
            row["object"] = obj
        return row

    def _cell(self, column: Column, obj: Object) -> Any:
        """One odd object must not hide the others: its cell stays unknown."""
        try:
            return column.value(obj, self.now)
        except Exception:
            logger.exception(
                "Cell failed column=%s kind=%s key=%s", column.name, self._kind, key_of(obj)
            )
            return "<unknown>"


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }
