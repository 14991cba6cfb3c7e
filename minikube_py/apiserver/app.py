"""The API server as one aiohttp application. Sockets, TLS and the certificates are the daemon's."""

import logging
from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry

from minikube_py.apiserver.aggregation import AGGREGATOR, Aggregator
from minikube_py.apiserver.authn import TokenAuthenticator
from minikube_py.apiserver.authz import Authorizer, MastersOnly
from minikube_py.apiserver.context import SERVER, ApiServer, Check
from minikube_py.apiserver.metrics import Metrics
from minikube_py.apiserver.middleware import add_headers, new_middleware
from minikube_py.apiserver.node_side import NodeSide
from minikube_py.apiserver.openapi import OPENAPI, OpenApi
from minikube_py.apiserver.proxy.transport import PROXY, ProxyTransport
from minikube_py.apiserver.routes import add_routes
from minikube_py.apiserver.served import served_resources
from minikube_py.apiserver.streams.interface import PodStreams
from minikube_py.meta.timestamps import Clock, system_clock
from minikube_py.resources.resources import Resources
from minikube_py.resources.service_account_tokens import ServiceAccountTokens

_KEEPALIVE_SECONDS = 180.0
_SHUTDOWN_SECONDS = 2.0


def build_app(  # noqa: PLR0913 - the daemon's one call, all but streams have defaults
    resources: Resources,
    *,
    streams: PodStreams,
    checks: Mapping[str, Check] | None = None,
    authenticator: TokenAuthenticator | None = None,
    tokens: ServiceAccountTokens | None = None,
    authorizer: Authorizer | None = None,
    registry: CollectorRegistry | None = None,
    node: NodeSide | None = None,
    components: Mapping[str, Check] | None = None,
    clock: Clock = system_clock,
) -> web.Application:
    """`checks` are what /readyz asks, `components` what ComponentStatus tells of; `authenticator`
    knows bearer tokens (None: certificates only), `tokens` issues ServiceAccounts'
    (None: nobody does); `registry` may hold other components' metrics, /metrics shows all of it;
    without a `node` nothing is measured, and every address is reached directly.
    """
    app = web.Application(
        middlewares=[new_middleware(authenticator)],
        client_max_size=0,  # bodies.read_limited is the one limit
    )
    app[SERVER] = ApiServer(
        resources=resources,
        streams=streams,
        checks=dict(checks or {}),
        authorizer=authorizer or MastersOnly(),
        authenticator=authenticator,
        tokens=tokens,
        metrics=Metrics(registry or CollectorRegistry(), lambda: resources.store.revision),
        clock=clock,
        node=node or NodeSide(),
        components=dict(components or {}),
    )
    app[PROXY] = ProxyTransport(app[SERVER].node.reach)
    app[AGGREGATOR] = Aggregator(
        resources,
        app[PROXY],
        lambda group, version: (group, version) in served_resources(resources.catalog),
        app[SERVER].node.identify,
        clock,
    )
    app.on_cleanup.append(_close_proxy)
    app[OPENAPI] = OpenApi(resources.catalog)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_end_long_requests)
    add_routes(app)
    return app


def build_runner(app: web.Application) -> web.AppRunner:
    """A runner with the settings the application relies on: a handler is cancelled when its client
    goes away (watches end at once), no access log, and a short wait for streams at shutdown.
    """
    return web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        logger=_new_logger(),
        auto_decompress=False,  # bodies may be refused, or passed on to a Pod as they are
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_line_size=64 * 1024,
        max_field_size=64 * 1024,
    )


def _new_logger() -> logging.Logger:
    """Broken requests are their senders' fault: no stack of theirs may fill the log."""
    logger = logging.getLogger("minikube_py.apiserver.http")
    logger.addFilter(_is_no_broken_request)
    return logger


def _is_no_broken_request(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


async def _close_proxy(app: web.Application) -> None:
    await app[PROXY].close()


async def _end_long_requests(app: web.Application) -> None:
    app[SERVER].close()
