"""A watch as a stream of JSON lines, one chunk for all events that are there.

Encoded objects are wrapped, not decoded, unless the client wants Tables or metadata. Ends cleanly
at its time limit, at shutdown, and with an ERROR event when the client has to list again.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from aiohttp import web

from minikube_py.apiserver import options
from minikube_py.apiserver.context import ApiServer, server_of, target_of
from minikube_py.apiserver.negotiation import Media, negotiate
from minikube_py.apiserver.tables import TableWriter, partial_metadata
from minikube_py.apiserver.targets import Target, is_true
from minikube_py.apiserver.watch_line import Line
from minikube_py.kinds.kind import Kind
from minikube_py.meta.encoding import decode, encode
from minikube_py.meta.errors import (
    BadRequest,
    Expired,
    Gone,
    NotAcceptable,
)
from minikube_py.meta.objects import Object
from minikube_py.meta.selectors import FieldRequirement
from minikube_py.resources.options import Change, ListOptions
from minikube_py.resources.resources import Resources
from minikube_py.resources.watching import ResourceWatch

BOOKMARK_SECONDS = 60.0
_MIN_SECONDS, _MAX_SECONDS = 1800, 3600
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_LAST_EVENTS_SECONDS = 0.1
_EVENTS_A_CHUNK = 200
_REVISION_DIGITS = 19


@dataclass(frozen=True)
class _Start:
    """Where a watch begins: after `revision`, once every one of `items` was shown as ADDED."""

    revision: int
    items: Sequence[bytes] = ()
    announces_end: bool = False


async def watch(request: web.Request, kind: Kind) -> web.StreamResponse:
    media = negotiate(request.headers.get("Accept", ""))
    if media.format != "json":
        raise NotAcceptable("watches are served as application/json only")
    server, target = server_of(request), target_of(request)
    namespace = target.namespace or None
    selected = _selected(request, target)
    seconds = options.timeout_seconds(request.query) or _default_seconds()
    include = request.query.get("includeObject")
    encoder = _Encoder(media, TableWriter(kind, media, include, server.clock()))
    line = Line(request, server.partings)
    try:
        start = await _start(server.resources, kind, namespace, selected, request.query)
        source = server.resources.watch(kind, namespace, selected, since=start.revision)
    except (Expired, Gone) as error:
        async with line:
            await line.write(encoder.event("ERROR", encode(error.as_status())))
        return line.response
    stream = _Stream(line, source, encoder, server)
    bookmarks = is_true(request.query.get("allowWatchBookmarks"))
    try:
        async with line, _until_ended(server, kind, line):
            await stream.run(start, kind, seconds, bookmarks=bookmarks)
    finally:
        source.close()
    return line.response


@asynccontextmanager
async def _until_ended(server: ApiServer, kind: Kind, line: Line) -> AsyncIterator[None]:
    """Leaves its body, and goes on after it, when the client says so, or the server goes down, or
    the kind does.

    No tasks wait for that: there may be a thousand watches, and their clients may all go at once.
    """
    catalog, loop = server.resources.catalog, asyncio.get_running_loop()
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as limit:

            def end(after: float = 0) -> None:
                if not limit.expired():
                    limit.reschedule(loop.time() + after)

            def on_kinds(_gone: Sequence[Kind], _new: Sequence[Kind]) -> None:
                if catalog.by_resource(kind.group, kind.version, kind.plural) is None:
                    end(after=_LAST_EVENTS_SECONDS)  # deletions on their way

            unsubscribe = catalog.subscribe(on_kinds)
            try:
                on_kinds((), ())  # it may have gone since the request was routed
                with server.at_closing(end), line.at_closing(end):
                    yield
            finally:
                unsubscribe()


def _selected(request: web.Request, target: Target) -> ListOptions:
    options.check_watch(request.query)
    selected = options.list_options(request.query)
    if target.name:  # only the old form of the path has one
        only = FieldRequirement("metadata.name", target.name)
        selected = replace(selected, fields=(*selected.fields, only))
    return selected


class _Encoder:
    """Events as lines in the representation the client asked for."""

    def __init__(self, media: Media, tables: TableWriter) -> None:
        self._media = media
        self._tables = tables
        self._named_columns = False

    def event(self, type_: str, encoded: bytes) -> bytes:
        return b'{"type":"%s","object":%s}\n' % (type_.encode(), encoded)

    def change(self, change: Change) -> bytes:
        if not self._media.transform:
            return self.event(change.type, change.encoded)
        return self.event(change.type, self._transformed(change.object))

    def initial(self, item: bytes) -> bytes:
        if not self._media.transform:
            return self.event("ADDED", item)
        return self.event("ADDED", self._transformed(decode(item)))

    def bookmark(self, kind: Kind, revision: int, annotations: Mapping[str, str]) -> bytes:
        metadata: Object = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = dict(annotations)
        if self._media.is_table:
            return self.event("BOOKMARK", self._tables.bookmark(metadata))
        obj: Object = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
        if self._media.is_metadata_only:
            obj = partial_metadata(obj, self._media.version)
        return self.event("BOOKMARK", encode(obj))

    def _transformed(self, obj: Object) -> bytes:
        if self._media.is_metadata_only:
            return encode(partial_metadata(obj, self._media.version))
        with_columns, self._named_columns = not self._named_columns, True
        return self._tables.table_of_one(obj, with_columns=with_columns)


class _Stream:
    def __init__(
        self, line: Line, source: ResourceWatch, encoder: _Encoder, server: ApiServer
    ) -> None:
        self._line = line
        self._source = source
        self._encoder = encoder
        self._server = server

    async def run(self, start: _Start, kind: Kind, seconds: float, *, bookmarks: bool) -> None:
        """Until the time limit, or until the client has to list again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        await self._send_initial(start, kind)
        try:
            while (left := deadline - loop.time()) > 0:
                await self._send_changes(min(left, BOOKMARK_SECONDS))
                if bookmarks:
                    await self._send_bookmark(kind)
        except Expired as error:
            await self._line.write(self._encoder.event("ERROR", encode(error.as_status())))

    async def _send_initial(self, start: _Start, kind: Kind) -> None:
        for first in range(0, len(start.items), _EVENTS_A_CHUNK):
            chunk = start.items[first : first + _EVENTS_A_CHUNK]
            await self._line.write(b"".join(map(self._encoder.initial, chunk)))
            await asyncio.sleep(0)  # write() yields only when the socket is full
        if start.announces_end:
            end = {_INITIAL_EVENTS_END: "true"}
            await self._line.write(self._encoder.bookmark(kind, start.revision, end))

    async def _send_changes(self, seconds: float) -> None:
        """One timer for many batches; a batch is handed to the socket whole before it waits."""
        try:
            async with asyncio.timeout(seconds):
                while batch := await self._source.next_batch():
                    await self._line.write(b"".join(map(self._encoder.change, batch)))
                    if self._source.is_behind:
                        await asyncio.sleep(0)  # others have their turn between two batches
        except TimeoutError:
            return

    async def _send_bookmark(self, kind: Kind) -> None:
        """Says the store's revision only when nothing older is waiting to be sent."""
        revision = self._source.revision
        if not self._source.is_behind:
            revision = max(revision, self._server.resources.store.revision)
        await self._line.write(self._encoder.bookmark(kind, revision, {}))


async def _start(
    resources: Resources,
    kind: Kind,
    namespace: str | None,
    selected: ListOptions,
    query: Mapping[str, str],
) -> _Start:
    """By resourceVersion: unset and "0" show what exists first, a revision continues after it."""
    version = selected.resource_version or ""
    if "sendInitialEvents" in query:
        if is_true(query["sendInitialEvents"]):
            return await _existing(resources, kind, namespace, selected, announces_end=True)
        if version in ("", "0"):
            return _Start(resources.store.revision)
    if version in ("", "0"):
        return await _existing(resources, kind, namespace, selected, announces_end=False)
    if not version.isdecimal() or len(version) > _REVISION_DIGITS:
        raise BadRequest(f"resourceVersion: {version!r} is not one this server gave out")
    return _Start(int(version))


async def _existing(
    resources: Resources,
    kind: Kind,
    namespace: str | None,
    selected: ListOptions,
    *,
    announces_end: bool,
) -> _Start:
    """A consistent list at one revision, from which the watch goes on."""
    fresh = replace(
        selected,
        limit=None,
        continue_token=None,
        resource_version=None,
        resource_version_match=None,
    )
    page = await resources.list_in_turns(kind, namespace, fresh)
    return _Start(page.revision, page.items, announces_end)


def _default_seconds() -> float:
    """Spread, so that clients that started together do not come back together."""
    return random.uniform(_MIN_SECONDS, _MAX_SECONDS)  # noqa: S311 - no secret
