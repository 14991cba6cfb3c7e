"""OpenAPI as kubectl reads it: `explain`, `diff`, and the check whether the server validates fields
itself.

Documents are built when first asked for (by openapi_build, in small steps) and kept encoded. A
group version's hash stands in its address, so that clients keep documents until they change.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from minikube_py.apiserver import responses
from minikube_py.apiserver.context import state_of
from minikube_py.apiserver.discovery import with_etag
from minikube_py.apiserver.middleware import no_such_resource
from minikube_py.apiserver.openapi_build import build_v2, build_v3
from minikube_py.apiserver.served import ServedResource, served_resources
from minikube_py.kinds.catalog import Catalog
from minikube_py.kinds.schema import KUBERNETES_VERSION
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import NotAcceptable

_LAYOUT = 1
"""Part of every hash: raise it when documents of the same kinds come out differently."""
_IMMUTABLE_SECONDS = 60 * 60 * 24 * 365
_EVERYTHING = "v2"


class OpenApi:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._built: dict[str, tuple[str, bytes]] = {}
        self._building = asyncio.Lock()

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

    async def v2(self, resources: Sequence[ServedResource]) -> bytes:
        etag = hash_of(resources)
        async with self._building:
            if self._built.get(_EVERYTHING, ("",))[0] != etag:
                self._built[_EVERYTHING] = (etag, encode(await build_v2(resources)))
            return self._built[_EVERYTHING][1]


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
    return await _send(request, await openapi.v3(path, resources), headers)


async def version_2(request: web.Request) -> web.StreamResponse:
    """`/openapi/v2`: everything in one document, for clients that know no v3."""
    accepted = request.headers.get("Accept", "*/*")
    if not any(kind in accepted for kind in ("application/json", "*/*", "application/*")):
        raise NotAcceptable("only the following media types are accepted: application/json")
    openapi = request.app[OPENAPI]
    resources = openapi.everything()
    headers = {"ETag": f'"{hash_of(resources)}"', "Vary": "Accept"}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return await _send(request, await openapi.v2(resources), headers)


async def _send(
    request: web.Request, body: bytes, headers: Mapping[str, Any]
) -> web.StreamResponse:
    return await responses.send_pieces(request, "application/json", [body], headers=headers)
