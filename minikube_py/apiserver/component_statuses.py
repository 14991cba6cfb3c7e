"""`componentstatuses`: how the scheduler, the controllers and the store are, asked at that moment.
Deprecated in Kubernetes and stored nowhere, but old tools ask.
"""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from minikube_py.apiserver import handlers, options, responses
from minikube_py.apiserver.context import Check, server_of, state_of, target_of
from minikube_py.apiserver.health import problem_of
from minikube_py.apiserver.negotiation import Media, negotiate
from minikube_py.apiserver.tables import TableWriter
from minikube_py.kinds.catalog import COMPONENT_STATUS
from minikube_py.kinds.core.component_status import component_status
from minikube_py.kinds.kind import Kind
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import MethodNotAllowed, NotFound
from minikube_py.meta.objects import Object


async def answer(request: web.Request) -> web.StreamResponse:
    """get and list."""
    kind = COMPONENT_STATUS
    if state_of(request).verb not in kind.verbs or request.method != "GET":
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    media = negotiate(request.headers.get("Accept", ""))
    checks, name = server_of(request).components, target_of(request).name
    if not name:
        return await _send_all(request, kind, media, await _states(checks))
    if name not in checks:
        raise NotFound.of(kind.group, kind.plural, name)
    [found] = await _states({name: checks[name]})
    if media.transform:
        return await handlers.send_transformed(request, kind, media, found)
    return await responses.send_object(request, media, found)


async def _send_all(
    request: web.Request, kind: Kind, media: Media, found: list[Object]
) -> web.StreamResponse:
    labels = options.list_options(request.query).labels
    encoded = [encode(one) for one in found if labels.matches({})]
    if media.is_table:
        writer = TableWriter(
            kind, media, request.query.get("includeObject"), server_of(request).clock()
        )
        rows = await writer.rows(encoded)
        return await responses.send_list(request, media, writer.head({}), rows)
    head = responses.list_head(f"{kind.kind}List", kind.api_version, {})
    return await responses.send_list(request, Media(media.format), head, encoded)


async def _states(checks: Mapping[str, Check]) -> list[Object]:
    problems = await asyncio.gather(*(problem_of(check) for check in checks.values()))
    return [component_status(name, why) for name, why in zip(checks, problems, strict=True)]
