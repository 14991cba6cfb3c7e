"""The Ingress controller: serves HTTP and HTTPS on the host's ports by the rules of all Ingresses,
and says in their status where.

Requests go straight to the pods of a Service, by the same engine as Services on the http path.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Collection, Iterable, Mapping

from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import ENDPOINT_SLICE, INGRESS, INGRESS_CLASS, SECRET, SERVICE
from minikube_py.meta.errors import ApiError
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    key_of,
    make_key,
    name_of,
    namespace_of,
)
from minikube_py.network.endpoints import Endpoint, endpoints_of, service_key_of
from minikube_py.network.http.backends import Backends
from minikube_py.network.http.forward import Refusal
from minikube_py.network.http.front import HttpFront
from minikube_py.network.http.head import RequestHead
from minikube_py.network.ingress.certificates import CertificateIssuer, Contexts
from minikube_py.network.ingress.routes import (
    CONTROLLER,
    Rule,
    Table,
    Target,
    build_table,
    class_of,
    clean_path,
    is_ours,
)
from minikube_py.network.sockets import bound_socket
from minikube_py.resources.resources import Resources

_log = logging.getLogger(__name__)
_INDEX = "service"
_SHOWN_ADDRESS = "127.0.0.1"  # what Ingresses say in their status
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - an Ingress is for the network


class IngressServer:
    """Listens on every address of the host."""

    def __init__(
        self,
        informers: Informers,
        resources: Resources,
        issuer: CertificateIssuer,
        recorder: Recorder,
        *,
        http_port: int,
        https_port: int,
    ) -> None:
        self._informers = informers
        self._resources = resources
        self._issuer = issuer
        self._recorder = recorder
        self._ports = (http_port, https_port)
        self._table = Table()
        self._backends: dict[Target, Backends] = {}
        self._told: dict[Key, str] = {}
        self._wake = asyncio.Event()
        self._listening = asyncio.Event()

    async def wait_listening(self) -> None:
        await self._listening.wait()

    async def run(self) -> None:
        """Serves until cancelled; raises AddressTaken when a port is someone else's."""
        await self._follow()
        secrets = self._informers.of(SECRET)
        contexts = Contexts(self._issuer, secrets.get)
        plain = HttpFront(self._route_plain, scheme="http", trusted=False)
        secure = HttpFront(self._route, scheme="https", trusted=False)
        try:
            await plain.listen(self._socket(self._ports[0]))
            await secure.listen(self._socket(self._ports[1]), contexts.entry)
            _log.info("ingress listens http=%s https=%s", *self._ports)
            while True:
                self._wake.clear()
                problems = self._rebuild(contexts)
                self._listening.set()
                self._tell(problems)
                await self._write_status()
                await self._wake.wait()
        finally:
            async with asyncio.TaskGroup() as group:
                group.create_task(plain.close())
                group.create_task(secure.close())

    def _socket(self, port: int) -> socket.socket:
        # Shareable, so that HTTP Services can listen on the same port of their own addresses.
        return bound_socket(_EVERY_ADDRESS, port, socket.SOCK_STREAM, replaceable=True)

    async def _follow(self) -> None:
        self._informers.of(ENDPOINT_SLICE).add_index(_INDEX, lambda obj: (service_key_of(obj),))
        for kind in (INGRESS, INGRESS_CLASS, SERVICE, ENDPOINT_SLICE, SECRET):
            informer = self._informers.of(kind)
            await informer.wait_synced()
            informer.subscribe(lambda _old, _new: self._wake.set())

    # --- requests --------------------------------------------------------------------------------

    def _route_plain(self, head: RequestHead) -> Backends | Refusal:
        rule = self._rule_for(head)
        if rule is not None and rule.redirect:
            return self._to_https(head)
        return self._answer(rule, head)

    def _route(self, head: RequestHead) -> Backends | Refusal:
        return self._answer(self._rule_for(head), head)

    def _rule_for(self, head: RequestHead) -> Rule | None:
        host = _host_of(head)
        path = head.target.partition(b"?")[0].decode("latin-1")
        return self._table.find(host, clean_path(path))

    def _answer(self, rule: Rule | None, head: RequestHead) -> Backends | Refusal:
        if rule is None:
            path = head.target.partition(b"?")[0].decode("latin-1")
            return Refusal(404, f"no Ingress has a rule for host {_host_of(head)!r} path {path!r}")
        if rule.rewrite:
            _, mark, query = head.target.partition(b"?")
            head.target = rule.rewrite.encode() + mark + query
        return self._backends[rule.target]

    def _to_https(self, head: RequestHead) -> Refusal:
        host, port = _host_of(head), self._ports[1]
        where = host if port == 443 else f"{host}:{port}"
        location = f"https://{where}{head.target.decode('latin-1')}"
        return Refusal(308, f"this is served at {location}", (("Location", location),))

    # --- following the API -----------------------------------------------------------------------

    def _rebuild(self, contexts: Contexts) -> dict[Key, str]:
        """The table, its pods and certificates, all of the same moment; returns what is wrong."""
        ingresses = self._informers.of(INGRESS).list()
        classes = self._informers.of(INGRESS_CLASS).list()
        table = build_table([one for one in ingresses if not is_deleting(one)], classes)
        problems = _class_problems(ingresses, {name_of(one) for one in classes})
        backends: dict[Target, Backends] = {}
        missing: dict[Target, str] = {}
        for target in table.targets():
            known = self._backends.get(target) or Backends()
            endpoints, problem = self._pods_of(target)
            known.update(endpoints)
            backends[target] = known
            if problem:
                missing[target] = problem
        for gone in self._backends.keys() - backends.keys():
            self._backends[gone].update([])
        for rule in table.all_rules():
            if rule.target in missing:
                problems[rule.ingress] = missing[rule.target]
        problems |= contexts.update(table.tls)
        self._table, self._backends = table, backends
        return problems

    def _pods_of(self, target: Target) -> tuple[list[Endpoint], str]:
        key = make_key(target.namespace, target.service)
        service = self._informers.of(SERVICE).get(key)
        if service is None:
            return [], f"service {key} does not exist"
        ports = get_path(service, "spec", "ports", default=[])
        port = next((p for p in ports if target.port in (p.get("port"), p.get("name"))), None)
        if get_path(service, "spec", "type") == "ExternalName":
            number = port["port"] if port else target.port
            name = get_path(service, "spec", "externalName", default="")
            return ([Endpoint(name, number)] if isinstance(number, int) else []), ""
        if port is None:
            return [], f"service {key} has no port {target.port}"
        slices = self._informers.of(ENDPOINT_SLICE).by_index(_INDEX, key)
        return list(endpoints_of(port, slices)), ""

    def _tell(self, problems: Mapping[Key, str]) -> None:
        """Each problem once, as a warning on its Ingress."""
        for key, problem in problems.items():
            ingress = self._informers.of(INGRESS).get(key)
            if ingress is not None and self._told.get(key) != problem:
                self._recorder.record(ingress, "Warning", "NotServed", problem)
        self._told = dict(problems)

    async def _write_status(self) -> None:
        classes = self._informers.of(INGRESS_CLASS).list()
        wanted = [{"ip": _SHOWN_ADDRESS}]
        for ingress in self._informers.of(INGRESS).list():
            shown = get_path(ingress, "status", "loadBalancer", "ingress", default=[])
            if not is_ours(ingress, classes) or shown == wanted or is_deleting(ingress):
                continue
            # Gone or refused: the next change of the Ingress brings us here again.
            with contextlib.suppress(ApiError):
                await self._resources.update_status(
                    INGRESS,
                    namespace_of(ingress),
                    name_of(ingress),
                    lambda fresh: fresh.update(status={"loadBalancer": {"ingress": wanted}}),
                )


def _class_problems(ingresses: Iterable[Object], classes: Collection[str]) -> dict[Key, str]:
    """An Ingress of a class that does not exist waits for nobody."""
    return {
        key_of(one): (
            f"ingress class {class_of(one)!r} does not exist: leave ingressClassName out, use "
            f"'mk', or create an IngressClass of this name with controller {CONTROLLER}"
        )
        for one in ingresses
        if class_of(one) and class_of(one) not in classes
    }


def _host_of(head: RequestHead) -> str:
    """Without the port and a closing dot."""
    host = head.host.decode("latin-1")
    if not host.startswith("["):
        host = host.partition(":")[0]
    return host.rstrip(".")
