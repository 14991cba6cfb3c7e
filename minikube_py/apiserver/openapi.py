"""OpenAPI as kubectl reads it: `explain`, `diff`, and the check whether the server validates fields
itself.

Documents are built when first asked for (by openapi_build, in small steps) and kept encoded. A
group version's hash stands in its address, so that clients keep documents until they change.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from aiohttp import web

from minikube_py.apiserver import responses
from minikube_py.apiserver.context import state_of
from minikube_py.apiserver.discovery import with_etag
from minikube_py.apiserver.middleware import no_such_resource
from minikube_py.apiserver.openapi_build import build_v2, build_v3
from minikube_py.apiserver.protobuf.openapi_v2 import ASKED_FOR_AS, CONTENT_TYPE, encode_document
from minikube_py.apiserver.served import ServedResource, served_resources
from minikube_py.kinds.catalog import Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import KUBERNETES_VERSION
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import NotAcceptable

_LAYOUT = 2
"""Part of every hash: raise it when documents of the same kinds come out differently."""
_IMMUTABLE_SECONDS = 60 * 60 * 24 * 365
_JSON_TYPES = ("application/json", "application/*", "*/*")


class OpenApi:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._built: dict[str, tuple[str, bytes]] = {}
        self._building = asyncio.Lock()
        catalog.subscribe(self._forget)

    def _forget(self, gone: Sequence[Kind], _new: Sequence[Kind]) -> None:
        for kind in gone:
            self._built.pop(f"apis/{kind.group}/{kind.version}", None)

    def group_versions(self) -> Mapping[str, Sequence[ServedResource]]:
        """By path under /openapi/v3: `api/v1`, `apis/apps/v1`."""
        return {
            f"apis/{group}/{version}" if group else f"api/{version}": resources
            for (group, version), resources in served_resources(self._catalog).items()
        }

    def everything(self) -> Sequence[ServedResource]:
        return [resource for some in self.group_versions().values() for resource in some]

    async def v3(self, path: str, resources: Sequence[ServedResource]) -> bytes:
        etag = hash_of(resources)
        async with self._building:
            if self._built.get(path, ("",))[0] != etag:
                self._built[path] = (etag, encode(await build_v3(resources)))
            return self._built[path][1]

    async def v2(self, resources: Sequence[ServedResource], *, as_protobuf: bool) -> bytes:
        etag, key = hash_of(resources), f"v2 {as_protobuf}"
        async with self._building:
            if self._built.get(key, ("",))[0] != etag:
                built = await build_v2(resources)
                body = await encode_document(built) if as_protobuf else encode(built)
                self._built[key] = (etag, body)
            return self._built[key][1]


def hash_of(resources: Sequence[ServedResource]) -> str:
    """Changes when the document of these resources does, and is known before that is built."""
    named = repr((KUBERNETES_VERSION, _LAYOUT, resources))
    return hashlib.sha256(named.encode()).hexdigest().upper()


OPENAPI = web.AppKey("openapi", OpenApi)


async def index(request: web.Request) -> web.StreamResponse:
    """`/openapi/v3`."""
    documents = {
        path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hash_of(resources)}"}
        for path, resources in request.app[OPENAPI].group_versions().items()
    }
    return with_etag(request, encode({"paths": documents}), "application/json")


async def document(request: web.Request) -> web.StreamResponse:
    """`/openapi/v3/apis/apps/v1`; immutable when asked for by its hash."""
    openapi, path = request.app[OPENAPI], request.match_info["path"].rstrip("/")
    resources = openapi.group_versions().get(path)
    if resources is None:
        raise no_such_resource(state_of(request).target)
    etag, wanted = hash_of(resources), request.query.get("hash")
    if wanted and wanted != etag:
        raise web.HTTPMovedPermanently(f"/openapi/v3/{path}?hash={etag}")
    headers = {"ETag": f'"{etag}"', "Vary": "Accept"}
    if wanted:
        headers["Cache-Control"] = f"public, immutable, max-age={_IMMUTABLE_SECONDS}"
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    body = await openapi.v3(path, resources)
    return await responses.send_body(request, "application/json", body, headers=headers)


async def version_2(request: web.Request) -> web.StreamResponse:
    """`/openapi/v2`: all in one document, as JSON or as the protobuf that kubectl asks for."""
    accepted = request.headers.get("Accept", "*/*")
    as_protobuf = any(name in accepted for name in ASKED_FOR_AS)
    if not as_protobuf and not any(kind in accepted for kind in _JSON_TYPES):
        raise NotAcceptable(
            f"only the following media types are accepted: application/json, {CONTENT_TYPE}"
        )
    openapi = request.app[OPENAPI]
    resources = openapi.everything()
    headers = {"ETag": f'"{hash_of(resources)}{"-P" * as_protobuf}"', "Vary": "Accept"}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    body = await openapi.v2(resources, as_protobuf=as_protobuf)
    content_type = CONTENT_TYPE if as_protobuf else "application/json"
    return await responses.send_body(request, content_type, body, headers=headers)
