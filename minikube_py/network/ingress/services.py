"""The pods behind every Service port that some Ingress leads to, kept in step with the Service's
EndpointSlices.
"""

from collections.abc import Callable, Iterable, Sequence

from minikube_py.meta.objects import Key, Object, get_path
from minikube_py.network.endpoints import Endpoint, endpoints_of
from minikube_py.network.http.backends import Backends
from minikube_py.network.ingress.routes import Target

_DEFAULT_AFFINITY_SECONDS = 10800


class ServiceBackends:
    """`service` and `slices` look things up; `refresh` is told of every change."""

    def __init__(
        self,
        service: Callable[[Key], Object | None],
        slices: Callable[[Key], Sequence[Object]],
    ) -> None:
        self._service = service
        self._slices = slices
        self._backends: dict[Target, Backends] = {}
        self._by_service: dict[Key, list[Target]] = {}

    def get(self, target: Target) -> Backends:
        return self._backends[target]

    def keep(self, targets: Iterable[Target]) -> None:
        """Only these are wanted from now on."""
        wanted = set(targets)
        for target in [target for target in self._backends if target not in wanted]:
            self._backends.pop(target).update(())
        self._by_service = {}
        for target in wanted:
            self._by_service.setdefault(target.service, []).append(target)
            if target not in self._backends:
                self._backends[target] = Backends()
                self._refresh(target)

    def refresh(self, service: Key) -> None:
        """The Service or its slices changed."""
        for target in self._by_service.get(service, ()):
            self._refresh(target)

    def problem(self, target: Target) -> str | None:
        """Why no pod can ever be found there as things are; None says nothing about readiness."""
        service = self._service(target.service)
        if service is None:
            return f"Service {target.service} does not exist"
        if get_path(service, "spec", "type") == "ExternalName":
            return f"Service {target.service} is an ExternalName, which an Ingress can't lead to"
        if port_of(service, target.port) is None:
            ports = get_path(service, "spec", "ports", default=[])
            known = ", ".join(_described(port) for port in ports) or "none"
            return f"Service {target.service} has no port {target.port} (it has {known})"
        return None

    def _refresh(self, target: Target) -> None:
        service = self._service(target.service)
        port = port_of(service, target.port) if service is not None else None
        endpoints: tuple[Endpoint, ...] = ()
        if port is not None:
            endpoints = endpoints_of(port, self._slices(target.service))
        self._backends[target].update(endpoints, _affinity_seconds(service))


def port_of(service: Object, port: int | str) -> Object | None:
    """The TCP port of that number or name."""
    field = "port" if isinstance(port, int) else "name"
    for candidate in get_path(service, "spec", "ports", default=[]):
        if candidate.get(field) == port and candidate.get("protocol", "TCP") == "TCP":
            return dict(candidate)
    return None


def _affinity_seconds(service: Object | None) -> int | None:
    if get_path(service, "spec", "sessionAffinity") != "ClientIP":
        return None
    seconds = get_path(service, "spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds")
    return int(seconds or _DEFAULT_AFFINITY_SECONDS)


def _described(port: Object) -> str:
    number = f"{port.get('port')}/{port.get('protocol', 'TCP')}"
    return f"{port['name']} {number}" if port.get("name") else number
