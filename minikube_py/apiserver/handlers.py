"""One function a verb: read the request, ask `resources`, write the answer. No semantics of its
own.
"""

from dataclasses import replace
from typing import Any

from aiohttp import web

from minikube_py.apiserver import bodies, options, responses
from minikube_py.apiserver.context import RequestState, server_of, state_of, target_of
from minikube_py.apiserver.negotiation import Media, body_format, negotiate, patch_type
from minikube_py.apiserver.permissions import require_create_of_new
from minikube_py.apiserver.tables import (
    TableWriter,
    encoded_metadata,
    partial_metadata,
)
from minikube_py.kinds.kind import Kind
from minikube_py.meta.encoding import decode
from minikube_py.meta.errors import BadRequest, MethodNotAllowed
from minikube_py.meta.objects import Object, name_of, uid_of
from minikube_py.resources.options import DeleteOptions, ListPage, Patch, WriteOptions, Written
from minikube_py.resources.reading import check_reached
from minikube_py.resources.update_rules import is_created_by_update

# Kinds whose strategy answers a completed deletion with the object, not with a Status.
_RETURNS_DELETED = frozenset(
    ("pods", "services", "persistentvolumes", "persistentvolumeclaims", "serviceaccounts")
)


async def get(request: web.Request, kind: Kind) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    if version := request.query.get("resourceVersion"):
        check_reached(version, server.resources.store)
    encoded = server.resources.get_encoded(kind, target.namespace or None, target.name)
    if not media.transform:
        return await responses.send_encoded(request, media, encoded + b"\n")
    return await send_transformed(request, kind, media, decode(encoded))


async def list_(request: web.Request, kind: Kind) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    wanted = options.list_options(request.query)
    options.check_list(request.query)
    page = await server.resources.list_in_turns(kind, target.namespace or None, wanted)
    metadata = responses.list_metadata(page.revision, page.continue_token, page.remaining)
    if media.is_table:
        writer = _table_writer(request, kind, media)
        rows = await writer.rows(page.items)
        return await responses.send_list(request, media, writer.head(metadata), rows)
    if media.is_metadata_only:
        return await _send_metadata_list(request, media, page, metadata)
    head = responses.list_head(kind.list_name, kind.api_version, metadata)
    return await responses.send_list(request, media, head, page.items)


async def create(request: web.Request, kind: Kind) -> web.StreamResponse:
    server, state = server_of(request), state_of(request)
    if target_of(request).name:
        raise MethodNotAllowed(
            "the server does not allow this method on the requested resource: "
            "create goes to the collection, without a name in the path"
        )
    media = negotiate(request.headers.get("Accept", ""))
    write = _write_options(request, state)
    obj = await read_object(request, state, write)
    namespace = target_of(request).namespace or None
    written = await server.finish(server.resources.create(kind, namespace, obj, write))
    return await _send_written(request, kind, media, written, status=201)


async def update(request: web.Request, kind: Kind, subresource: str = "") -> web.StreamResponse:
    server, state, target = server_of(request), state_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    write = _write_options(request, state)
    obj = await read_object(request, state, write)
    if is_created_by_update(kind):
        require_create_of_new(request, kind)
    written = await server.finish(
        server.resources.update(
            kind, target.namespace or None, target.name, obj, write, subresource=subresource
        )
    )
    return await _send_written(request, kind, media, written, subresource=subresource)


async def patch(request: web.Request, kind: Kind, subresource: str = "") -> web.StreamResponse:
    server, state, target = server_of(request), state_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    wanted = patch_type(request.headers.get("Content-Type", ""))
    write = options.patch_options(
        request.query,
        user=state.user,
        user_agent=request.headers.get("User-Agent", ""),
        is_apply=wanted == "apply",
    )
    data = await bodies.read_limited(request)
    body = await bodies.parse_aside(
        data,
        "yaml" if wanted == "apply" and not _is_json(data) else "json",
        find_duplicates=write.field_validation != "Ignore",
    )
    report_duplicates(state, write, body)
    if wanted == "apply":
        require_create_of_new(request, kind)
    written = await server.finish(
        server.resources.patch(
            kind,
            target.namespace or None,
            target.name,
            Patch(wanted, body.value),
            write,
            subresource=subresource,
        )
    )
    return await _send_written(
        request,
        kind,
        media,
        written,
        status=201 if written.created else 200,
        subresource=subresource,
    )


async def delete(request: web.Request, kind: Kind) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    wanted = await _delete_options(request)
    obj, gone = await server.finish(
        server.resources.delete(kind, target.namespace or None, target.name, wanted)
    )
    if gone and (kind.group or kind.plural not in _RETURNS_DELETED):
        return await responses.send_object(request, _plain(media), _deleted_status(kind, obj))
    if not media.transform:
        return await responses.send_object(request, media, obj)
    return await send_transformed(request, kind, media, obj)


async def delete_collection(request: web.Request, kind: Kind) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    wanted = await _delete_options(request)
    selected = options.list_options(request.query)
    deleted = await server.finish(
        server.resources.delete_collection(kind, target.namespace or None, selected, wanted)
    )
    metadata = {"resourceVersion": str(server.resources.store.revision)}
    head = responses.list_head(kind.list_name, kind.api_version, metadata)
    return await responses.send_list(request, _plain(media), head, deleted)


async def get_scale(request: web.Request, kind: Kind) -> web.StreamResponse:
    server, target = server_of(request), target_of(request)
    media = negotiate(request.headers.get("Accept", ""))
    obj = server.resources.get(kind, target.namespace or None, target.name)
    return await responses.send_object(request, _plain(media), server.resources.scale_of(kind, obj))


async def send_transformed(
    request: web.Request, kind: Kind, media: Media, obj: Object, *, status: int = 200
) -> web.StreamResponse:
    """One object as a Table or as its metadata alone."""
    if media.is_table:
        encoded = _table_writer(request, kind, media).table_of_one(obj, with_columns=True)
        return await responses.send_encoded(request, media, encoded + b"\n", status=status)
    return await responses.send_object(
        request, media, partial_metadata(obj, media.version), status=status
    )


async def read_object(request: web.Request, state: RequestState, write: WriteOptions) -> Object:
    """The object in the body; doubled fields are refused or warned of as fieldValidation says."""
    format_ = body_format(request.headers.get("Content-Type", ""))
    data = await bodies.read_limited(request)
    body = await bodies.parse_aside(
        data,
        format_,
        find_duplicates=write.field_validation != "Ignore",
        must_be_object=True,
    )
    report_duplicates(state, write, body)
    obj: Object = body.value
    return obj


def report_duplicates(state: RequestState, write: WriteOptions, body: bodies.Body) -> None:
    found = [f'duplicate field "{path}"' for path in dict.fromkeys(body.duplicates)]
    if not found or write.field_validation == "Ignore":
        return
    if write.field_validation == "Strict":
        raise BadRequest(f"strict decoding error: {', '.join(found)}")
    state.warnings.extend(found)


async def _send_written(
    request: web.Request,
    kind: Kind,
    media: Media,
    written: Written,
    *,
    status: int = 200,
    subresource: str = "",
) -> web.StreamResponse:
    state_of(request).warnings.extend(written.warnings)
    if not media.transform or subresource == "scale":
        return await responses.send_object(request, _plain(media), written.object, status=status)
    return await send_transformed(request, kind, media, written.object, status=status)


async def _send_metadata_list(
    request: web.Request, media: Media, page: ListPage, metadata: dict[str, Any]
) -> web.StreamResponse:
    head = responses.list_head(
        "PartialObjectMetadataList", f"meta.k8s.io/{media.version}", metadata
    )
    items = await encoded_metadata(page.items, media.version)
    return await responses.send_list(request, media, head, items)


async def _delete_options(request: web.Request) -> DeleteOptions:
    state = state_of(request)
    wanted = options.delete_options(request.query, await _delete_body(request), user=state.user)
    return replace(wanted, warn=state.warnings.append)


async def _delete_body(request: web.Request) -> Object | None:
    data = await bodies.read_limited(request)
    if not data.strip():
        return None
    format_ = body_format(request.headers.get("Content-Type", ""))
    value: Object = (await bodies.parse_aside(data, format_, must_be_object=True)).value
    return value


def _deleted_status(kind: Kind, obj: Object) -> Object:
    details = {"name": name_of(obj), "group": kind.group, "kind": kind.plural, "uid": uid_of(obj)}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {name: value for name, value in details.items() if value},
    }


def _write_options(request: web.Request, state: RequestState) -> WriteOptions:
    return options.write_options(
        request.query,
        user=state.user,
        user_agent=request.headers.get("User-Agent", ""),
        name="UpdateOptions" if request.method == "PUT" else "CreateOptions",
    )


def _table_writer(request: web.Request, kind: Kind, media: Media) -> TableWriter:
    now = server_of(request).clock()
    return TableWriter(kind, media, request.query.get("includeObject"), now)


def _plain(media: Media) -> Media:
    """For answers that have no columns: Status, Scale."""
    return Media(media.format)


def _is_json(data: bytes) -> bool:
    """kubectl sends apply patches as JSON under a YAML content type; JSON parses a hundred times
    faster.
    """
    return data.lstrip()[:1] == b"{"
