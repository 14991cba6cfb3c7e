"""The API server's own numbers, under the names Kubernetes' dashboards know, and the store's
revision.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from minikube_py.apiserver.targets import Target

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG_VERBS = ("watch", "connect")


class Metrics:
    """`registry` may hold other components' metrics too: all of it is what /metrics shows."""

    def __init__(self, registry: CollectorRegistry, store_revision: Callable[[], int]) -> None:
        self._registry = registry
        self._requests = Counter(
            "apiserver_request",
            "Requests by verb, resource and HTTP code.",
            ["verb", "group", "version", "resource", "subresource", "code"],
            registry=registry,
        )
        self._durations = Histogram(
            "apiserver_request_duration_seconds",
            "Response time of requests that are not long-running.",
            ["verb", "group", "version", "resource", "subresource"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._running = Gauge(
            "apiserver_current_inflight_requests",
            "Requests that are being answered, watches and streams included.",
            registry=registry,
        )
        revision = Gauge(
            "minikube_py_store_revision", "The last committed revision.", registry=registry
        )
        revision.set_function(store_revision)

    def begin(self) -> None:
        self._running.inc()

    def end(self, verb: str, target: Target | None, code: int, seconds: float) -> None:
        """`target` None is a plain path; unknown resources must not make labels of their own."""
        self._running.dec()
        labels = (
            (verb, target.group, target.version, target.resource, target.subresource)
            if target and code != 404
            else (verb, "", "", "", "")
        )
        self._requests.labels(*labels, str(code)).inc()
        if verb not in _LONG_VERBS:
            self._durations.labels(*labels).observe(seconds)

    def render(self) -> bytes:
        return generate_latest(self._registry)
