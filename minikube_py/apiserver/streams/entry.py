"""exec, attach and port-forward requests: options read, the process started, then the wire protocol
the client offers. What fails before the upgrade is an ordinary Status.
"""

import contextlib

from aiohttp import web

from minikube_py.apiserver.streams import port_forward, spdy_session
from minikube_py.apiserver.streams.interface import PodStreams, StreamSession
from minikube_py.apiserver.streams.session import run_session
from minikube_py.apiserver.streams.upgrade import is_spdy
from minikube_py.apiserver.streams.websocket import (
    PROTOCOLS,
    WebSocketRemote,
    is_websocket,
    new_websocket,
)
from minikube_py.meta.errors import BadRequest


async def serve_exec(
    request: web.Request, streams: PodStreams, namespace: str, pod: str
) -> web.StreamResponse:
    _require_upgrade(request)
    command = request.query.getall("command", [])
    if not command:
        raise BadRequest("command: Required value: you must specify a command to run")
    wanted = spdy_session.wanted_streams(request.query)
    session = await streams.exec(
        namespace,
        pod,
        request.query.get("container") or None,
        command,
        stdin="stdin" in wanted,
        tty=spdy_session.is_tty(request.query),
    )
    return await _serve(request, session, wanted, reports_exit=True)


async def serve_attach(
    request: web.Request, streams: PodStreams, namespace: str, pod: str
) -> web.StreamResponse:
    _require_upgrade(request)
    wanted = spdy_session.wanted_streams(request.query)
    session = await streams.attach(
        namespace,
        pod,
        request.query.get("container") or None,
        stdin="stdin" in wanted,
        tty=spdy_session.is_tty(request.query),
    )
    return await _serve(request, session, wanted, reports_exit=False)


async def serve_port_forward(
    request: web.Request, streams: PodStreams, namespace: str, pod: str
) -> web.StreamResponse:
    _require_upgrade(request)
    if is_websocket(request):
        return await port_forward.over_websocket(request, streams, namespace, pod)
    return await port_forward.over_spdy(request, streams, namespace, pod)


async def _serve(
    request: web.Request, session: StreamSession, wanted: frozenset[str], *, reports_exit: bool
) -> web.StreamResponse:
    try:
        if not is_websocket(request):
            return await spdy_session.serve(request, session, wanted, reports_exit=reports_exit)
        socket = new_websocket(PROTOCOLS)
        await socket.prepare(request)
        with contextlib.suppress(ConnectionError):
            await run_session(session, WebSocketRemote(socket), reports_exit=reports_exit)
    finally:
        await session.close()
    return socket


def _require_upgrade(request: web.Request) -> None:
    if not is_websocket(request) and not is_spdy(request):
        raise BadRequest(
            "Upgrade request required: connect with WebSocket (v5.channel.k8s.io) or SPDY/3.1"
        )
