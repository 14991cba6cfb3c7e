"""What users learn about their Ingresses: the address in the status, and a Warning where a part is
missing, wrong or not supported.

A problem is told once, and again only after it was gone in between. Problems are looked at a moment
after a change: an Ingress is often applied just before its Service.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from minikube_py.control_loop.informer import Informer
from minikube_py.control_loop.recorder import EventType
from minikube_py.kinds.catalog import INGRESS
from minikube_py.meta.errors import ApiError, NotFound
from minikube_py.meta.objects import Key, Object, get_path, key_of, name_of, namespace_of
from minikube_py.network.ingress.certificates import Certificates
from minikube_py.network.ingress.routes import (
    CLASS,
    class_of,
    is_ours,
    secrets_of,
    targets_of,
    unsupported_parts,
)
from minikube_py.network.ingress.services import ServiceBackends
from minikube_py.resources.resources import Resources
from minikube_py.store.interface import StoreUnavailable

_log = logging.getLogger(__name__)
LOCAL_ADDRESS = "127.0.0.1"  # where a user of this host finds every Ingress
_SETTLE_SECONDS = 1.0
_RETRY_SECONDS = 5.0
Problem = tuple[str, str]  # reason, message


class EventRecorder(Protocol):
    """control_loop's Recorder."""

    def record(self, obj: Object, type_: EventType, reason: str, message: str) -> None: ...


class Reports:
    """`changed` after any change; `run` ends by cancellation."""

    def __init__(
        self,
        resources: Resources,
        ingresses: Informer,
        classes: Informer,
        *,
        address: str,
        recorder: EventRecorder,
    ) -> None:
        self._resources = resources
        self._ingresses = ingresses
        self._classes = classes
        self._recorder = recorder
        self._addresses = [{"ip": address}]
        self._served: set[Key] = set()
        self._told: dict[Key, set[Problem]] = {}
        self._status_due = asyncio.Event()
        self._problems_due = asyncio.Event()

    def changed(self) -> None:
        self._status_due.set()
        self._problems_due.set()

    async def run(self, services: ServiceBackends, certificates: Certificates) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.write_statuses())
            group.create_task(self._tell_problems(services, certificates))

    # --- status.loadBalancer ---------------------------------------------------------------------

    async def write_statuses(self) -> None:
        """Ends by cancellation."""
        while True:
            await self._status_due.wait()
            self._status_due.clear()
            try:
                for ingress in self._ingresses.list():
                    await self._write_status(ingress)
            except (ApiError, StoreUnavailable) as error:
                _log.warning("ingress status not written, trying again error=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                self._status_due.set()

    async def _write_status(self, ingress: Object) -> None:
        key = key_of(ingress)
        ours = is_ours(ingress, self._classes.list())
        current = get_path(ingress, "status", "loadBalancer", "ingress", default=[])
        if ours:
            self._served.add(key)
            wanted = self._addresses
        elif key in self._served and current == self._addresses:
            wanted = []
        else:
            return
        if current != wanted:
            await self._put(ingress, wanted)
        if not ours:
            self._served.discard(key)

    async def _put(self, ingress: Object, addresses: list[dict[str, str]]) -> None:
        def change(obj: Object) -> None:
            status = obj.setdefault("status", {})
            status["loadBalancer"] = {"ingress": list(addresses)} if addresses else {}

        try:
            await self._resources.update_status(
                INGRESS, namespace_of(ingress), name_of(ingress), change
            )
        except NotFound:  # deleted meanwhile
            return

    # --- Warnings --------------------------------------------------------------------------------

    async def _tell_problems(self, services: ServiceBackends, certificates: Certificates) -> None:
        while True:
            await self._problems_due.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
            self._problems_due.clear()
            classes = self._classes.list()
            told, self._told = self._told, {}
            for ingress in self._ingresses.list():
                key = key_of(ingress)
                if is_ours(ingress, classes):
                    problems = set(_problems(ingress, services, certificates))
                else:
                    problems = set(_class_problems(ingress, classes))
                for reason, message in sorted(problems - told.get(key, set())):
                    self._recorder.record(ingress, "Warning", reason, message)
                self._told[key] = problems


def _problems(
    ingress: Object, services: ServiceBackends, certificates: Certificates
) -> Iterable[Problem]:
    for target in targets_of(ingress):
        if problem := services.problem(target):
            yield "BackendNotFound", f"{problem}: its requests are answered with 503"
    for key, hosts in secrets_of(ingress).items():
        if problem := certificates.problem(key):
            names = ", ".join(host for host in hosts if host) or "all hosts"
            yield (
                "TLSSecretUnusable",
                f"Secret {key} {problem}: {names} served with a certificate of the cluster's own",
            )
    for part in unsupported_parts(ingress):
        yield "NotSupported", f"{part} has no effect: it is not supported"


def _class_problems(ingress: Object, classes: Iterable[Object]) -> Iterable[Problem]:
    wanted = class_of(ingress)
    if wanted is not None and all(name_of(each) != wanted for each in classes):
        message = f"no IngressClass '{wanted}' exists, so nobody serves this Ingress"
        yield "IngressClassNotFound", f"{message}: set spec.ingressClassName to '{CLASS}'"
