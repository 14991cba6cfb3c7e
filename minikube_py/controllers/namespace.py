"""Empties namespaces that are being deleted, and then lets them go.

Pods first, since they use the rest; then everything else of every kind. What has finalizers is
waited for, and the namespace's conditions say what that is.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.control_loop.served_kinds import follow_kinds
from minikube_py.kinds.catalog import NAMESPACE, POD
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    make_key,
    name_of,
    namespace_of,
    split_key,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.keys import store_prefix
from minikube_py.resources.options import DeleteOptions, ListOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)


@dataclass
class Remaining:
    """What is still there: objects by resource, and finalizers by how many objects have them."""

    resources: dict[str, int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)

    def count(self, resource: str, objects: Iterable[Object]) -> None:
        for obj in objects:
            self.resources[resource] = self.resources.get(resource, 0) + 1
            for finalizer in get_path(obj, "metadata", "finalizers", default=[]):
                self.finalizers[finalizer] = self.finalizers.get(finalizer, 0) + 1


def new_namespace_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, clock: Clock
) -> Controller:
    namespaces = informers.of(NAMESPACE)
    reconciler = _Reconciler(resources, namespaces, clock)
    controller = Controller("namespace", reconciler.reconcile, workers=4)
    controller.watches(namespaces)
    follow_kinds(
        resources.catalog,
        informers,
        wanted=_is_content,
        follow=lambda informer: _look_again_when_content_goes(controller, informer, namespaces),
    )
    return controller


def remaining_conditions(remaining: Remaining) -> list[Object]:
    """The conditions of a namespace that is being emptied, without times."""
    content = ", ".join(
        f"{resource} has {count} resource instances"
        for resource, count in sorted(remaining.resources.items())
    )
    finalizers = ", ".join(
        f"{finalizer} in {count} resource instances"
        for finalizer, count in sorted(remaining.finalizers.items())
    )
    return [
        _condition(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            ("ResourcesDiscovered", "All resources successfully discovered"),
        ),
        _condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        _condition(
            "NamespaceDeletionContentFailure",
            "False",
            ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        _condition(
            "NamespaceContentRemaining",
            "True",
            ("SomeResourcesRemain", f"Some resources are remaining: {content}"),
        )
        if content
        else _condition(
            "NamespaceContentRemaining",
            "False",
            ("ContentRemoved", "All content successfully removed"),
        ),
        _condition(
            "NamespaceFinalizersRemaining",
            "True",
            (
                "SomeFinalizersRemain",
                f"Some content in the namespace has finalizers remaining: {finalizers}",
            ),
        )
        if finalizers
        else _condition(
            "NamespaceFinalizersRemaining",
            "False",
            ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    ]


class _Reconciler:
    def __init__(self, resources: Resources, namespaces: Informer, clock: Clock) -> None:
        self._resources = resources
        self._namespaces = namespaces
        self._clock = clock

    def content_kinds(self) -> list[Kind]:
        """Every kind that lives in namespaces, once each; pods first."""
        by_place: dict[str, Kind] = {}
        for kind in self._resources.catalog.all():
            if _is_content(kind):
                by_place.setdefault(store_prefix(kind, None), kind)
        return sorted(by_place.values(), key=lambda kind: kind is not POD)

    async def reconcile(self, key: Key) -> None:
        name = split_key(key)[1]
        namespace = self._namespaces.get(key)
        if namespace is None or not is_deleting(namespace):
            return
        remaining = Remaining()
        for kind in self.content_kinds():
            await self._empty(kind, name, remaining)
            if kind is POD and remaining.resources:
                break
        try:
            if remaining.resources:
                await self._say_remaining(namespace, remaining)
                return
            log.info("namespace is empty, removing it namespace=%s", name)
            await self._resources.finalize_namespace(name)
        except NotFound:
            return

    async def _empty(self, kind: Kind, namespace: str, remaining: Remaining) -> None:
        if not self._resources.list(kind, namespace, ListOptions(limit=1)).items:
            return
        options = DeleteOptions(propagation="Background")
        await self._resources.delete_collection(kind, namespace, ListOptions(), options)
        remaining.count(kind.resource, self._resources.list(kind, namespace).objects())

    async def _say_remaining(self, namespace: Object, remaining: Remaining) -> None:
        now = format_time(self._clock())

        def change(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(namespace):
                return
            status = fresh.setdefault("status", {})
            conditions = status.get("conditions") or []
            for condition in remaining_conditions(remaining):
                conditions = with_condition(conditions, condition, now=now)
            status["conditions"] = conditions

        await self._resources.update_status(NAMESPACE, None, name_of(namespace), change)


def _is_content(kind: Kind) -> bool:
    return kind.namespaced and "delete" in kind.verbs


def _look_again_when_content_goes(
    controller: Controller, informer: Informer, namespaces: Informer
) -> None:
    def on_change(old: Object | None, new: Object | None) -> None:
        if old is None or new is not None:
            return
        key = make_key(None, namespace_of(old))
        namespace = namespaces.get(key)
        if namespace is not None and is_deleting(namespace):
            controller.enqueue(key)

    informer.subscribe(on_change)


def _condition(type_: str, status: str, why: tuple[str, str]) -> Object:
    return {"type": type_, "status": status, "reason": why[0], "message": why[1]}
