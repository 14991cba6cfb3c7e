"""Answers, for each request that comes in at the host, where it goes: the Route that network/http
asks for.
"""

from urllib.parse import quote_from_bytes

from minikube_py.network.http.backends import Backends
from minikube_py.network.http.forward import Refusal
from minikube_py.network.http.head import RequestHead
from minikube_py.network.ingress.routes import EMPTY, Route, RoutingTable, host_name
from minikube_py.network.ingress.services import ServiceBackends

_HTTPS_PORT = 443
_SHOWN = 200  # of a path, in an answer
_RETRY = (("Retry-After", "1"),)
_URL_SAFE = "!#$%&'()*+,-./:;=?@[]_~"


class Gate:
    """Two faces, `plain` and `secure`; `table` is replaced whole when an Ingress changes."""

    def __init__(self, services: ServiceBackends, *, http_port: int, https_port: int) -> None:
        self.table: RoutingTable = EMPTY
        self._services = services
        self._https_port = https_port
        self._plain_line = b"X-Forwarded-Port: %d" % http_port
        self._secure_line = b"X-Forwarded-Port: %d" % https_port

    def plain(self, head: RequestHead) -> Backends | Refusal:
        """HTTP."""
        host, path, route = self._find(head)
        if route is None:
            return self._not_found(host, path)
        if route.ssl_redirect:
            return self._redirect(host, head)
        return self._forward(head, route, self._plain_line)

    def secure(self, head: RequestHead) -> Backends | Refusal:
        """HTTPS."""
        host, path, route = self._find(head)
        if route is None:
            return self._not_found(host, path)
        return self._forward(head, route, self._secure_line)

    def _find(self, head: RequestHead) -> tuple[str, str, Route | None]:
        host = host_name(head.host.decode("latin-1"))
        path = head.target.partition(b"?")[0].decode("latin-1")
        if not path.startswith("/"):  # OPTIONS *
            path = "/"
        return host, path, self.table.find(host, path)

    def _forward(self, head: RequestHead, route: Route, port_line: bytes) -> Backends | Refusal:
        target = route.target
        if target is None:
            text = f"Ingress {route.ingress} leads to a resource that is no Service"
            return Refusal(503, f"{text}; only Services are supported")
        backends = self._services.get(target)
        if not len(backends):
            problem = self._services.problem(target)
            text = problem or f"no ready Pod behind Service {target.service} port {target.port}"
            return Refusal(503, f"{text} (Ingress {route.ingress})", _RETRY)
        if route.rewrite:
            _, mark, query = head.target.partition(b"?")
            head.target = route.rewrite.encode() + mark + query
        fields = head.fields
        # What a client claims about proxies before this one is not passed on.
        fields.kept = [line for line in fields.kept if line[:12].lower() != b"x-forwarded-"]
        fields.kept.append(port_line)
        return backends

    def _not_found(self, host: str, path: str) -> Refusal:
        shown = path if len(path) <= _SHOWN else path[:_SHOWN] + "..."
        why = (
            "its Ingress has no rule for this path"
            if self.table.knows(host)
            else "no Ingress has a rule for this host"
        )
        return Refusal(404, f"nothing is served at host '{host}' and path '{shown}': {why}")

    def _redirect(self, host: str, head: RequestHead) -> Refusal:
        port = "" if self._https_port == _HTTPS_PORT else f":{self._https_port}"
        target = quote_from_bytes(head.target, safe=_URL_SAFE)
        url = f"https://{host}{port}{target if target.startswith('/') else '/'}"
        return Refusal(308, url, (("Location", url),))
