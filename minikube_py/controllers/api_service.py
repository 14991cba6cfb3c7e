"""Keeps one Local APIService for every group version that this server serves, those of custom kinds
too, and tells of every other one whether the Service behind it can be asked.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.kinds.catalog import API_SERVICE, ENDPOINT_SLICE
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    labels_of,
    make_key,
    name_of,
    namespace_of,
    split_key,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.resources import Resources

_RECHECK_SECONDS = 30.0
_MANAGED = "kube-aggregator.kubernetes.io/automanaged"
_LOCAL = ("True", "Local", "Local APIServices are always available")
_PASSED = ("True", "Passed", "all checks passed")
GroupVersion = tuple[str, str]


class Check(Protocol):
    """Asks the Service behind an APIService; (reason, message) of what is wrong, None when all is
    well.
    """

    async def __call__(self, api_service: Object) -> tuple[str, str] | None: ...


def new_api_service_controller(
    resources: Resources,
    informers: Informers,
    clock: Clock,
    *,
    served: Callable[[], Collection[GroupVersion]],
    check: Check,
) -> Controller:
    """`served` is asked again whenever the catalog changes."""
    keeper = _Keeper(resources, clock, served, check)
    controller = Controller("api-service", keeper.reconcile, workers=1)
    api_services = informers.of(API_SERVICE)
    controller.watches(api_services)
    controller.watches(informers.of(ENDPOINT_SLICE), lambda obj: _behind(obj, api_services))

    def on_kinds(gone: Iterable[Kind], new: Iterable[Kind]) -> None:
        for kind in (*gone, *new):
            controller.enqueue(_key(kind.group, kind.version))

    resources.catalog.subscribe(on_kinds)
    for group, version in served():
        controller.enqueue(_key(group, version))
    return controller


class _Keeper:
    def __init__(
        self,
        resources: Resources,
        clock: Clock,
        served: Callable[[], Collection[GroupVersion]],
        check: Check,
    ) -> None:
        self._resources = resources
        self._clock = clock
        self._served = served
        self._check = check

    async def reconcile(self, key: Key) -> Requeue | None:
        _, name = split_key(key)
        version, _, group = name.partition(".")
        found = self._resources.get_or_none(API_SERVICE, None, name)
        if (group, version) in self._served():
            await self._keep_local(name, group, version, found)
        elif found is not None and get_path(found, "spec", "service") is not None:
            await self._tell(name, await self._check(found))
            return Requeue(_RECHECK_SECONDS)
        elif found is not None and _MANAGED in labels_of(found):
            await self._resources.delete(API_SERVICE, None, name)
        return None

    async def _keep_local(self, name: str, group: str, version: str, found: Object | None) -> None:
        """Whoever points it at a Service is put right: this server answers for it."""
        spec = _local_spec(group, version)
        if found is None:
            metadata = {"name": name, "labels": {_MANAGED: "true"}}
            try:
                await self._resources.create(
                    API_SERVICE, None, {"metadata": metadata, "spec": spec}
                )
            except AlreadyExists:
                return
        elif get_path(found, "spec", "service") is not None:
            await self._resources.modify(
                API_SERVICE, None, name, lambda fresh: fresh.update(spec=spec)
            )
            await self._set(name, *_LOCAL)

    async def _tell(self, name: str, problem: tuple[str, str] | None) -> None:
        await self._set(name, *(_PASSED if problem is None else ("False", *problem)))

    async def _set(self, name: str, status: str, reason: str, message: str) -> None:
        now = format_time(self._clock())

        def change(obj: Object) -> None:
            told = obj.get("status") or {}
            new = {"type": "Available", "status": status, "reason": reason, "message": message}
            conditions = with_condition(told.get("conditions") or (), new, now=now)
            obj["status"] = {**told, "conditions": conditions}

        await self._resources.update_status(API_SERVICE, None, name, change)


def _local_spec(group: str, version: str) -> Object:
    """Built-in groups come before those of custom kinds, the core group first of all."""
    if not group:
        priorities = (18000, 1)
    elif "." not in group or group.endswith(".k8s.io"):
        priorities = (17000, 15 if version.isalnum() and "beta" not in version else 9)
    else:
        priorities = (1000, 100)
    minimum, of_version = priorities
    spec: Object = {
        "version": version,
        "groupPriorityMinimum": minimum,
        "versionPriority": of_version,
    }
    if group:
        spec["group"] = group
    return spec


def _key(group: str, version: str) -> Key:
    return make_key(None, f"{version}.{group}")


def _behind(endpoints: Object, api_services: Informer) -> list[Key]:
    """The APIServices that these endpoints answer for."""
    service = labels_of(endpoints).get("kubernetes.io/service-name")
    place = {"namespace": namespace_of(endpoints), "name": service}
    return [
        make_key(None, name_of(obj))
        for obj in api_services.list()
        if (behind := get_path(obj, "spec", "service")) is not None
        and {field: behind.get(field) for field in place} == place
    ]
