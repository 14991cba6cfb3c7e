"""Serves what CustomResourceDefinitions define: decides whose names are accepted, puts the kinds
into the catalog, and takes them out again once the last object of them is gone.

A kind is in the catalog before its definition says Established, so who waits for that can use it
at once (apiextensions' naming, establishing and finalizing controllers in one).
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.apiextensions.custom_resource_definition import FINALIZER, is_established
from minikube_py.kinds.catalog import CUSTOM_RESOURCE_DEFINITION
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    find_condition,
    is_deleting,
    name_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.options import DeleteOptions, ListOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)
_LOOK_AGAIN_SECONDS = 1.0


def new_custom_resource_definition_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, clock: Clock
) -> Controller:
    """Kinds that are established already are served from now on, before anything runs."""
    served = ServedDefinitions(resources)
    served.serve_established()
    definitions = informers.of(CUSTOM_RESOURCE_DEFINITION)
    reconciler = _Reconciler(resources, served, clock)
    # One at a time: names are given to who comes first.
    controller = Controller("customresourcedefinition", reconciler.reconcile, workers=1)
    controller.watches(definitions)

    def on_change(old: Object | None, new: Object | None) -> None:
        changed = new or old
        if changed is None:
            return
        for other in definitions.list():
            if other["spec"]["group"] == changed["spec"]["group"] and not _has_all_names(other):
                controller.enqueue(Key(name_of(other)))

    definitions.subscribe(on_change)
    return controller


# --- names ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Naming:
    """`names` are as many of the wanted ones as nobody else has; `reason` "" = all of them."""

    names: Object
    reason: str = ""
    message: str = ""


def accepted_names(definition: Object, others: Iterable[Object]) -> Naming:
    """`others`: the definitions of the same group."""
    wanted = definition["spec"]["names"]
    had: Object = (definition.get("status") or {}).get("acceptedNames") or {}
    resources, kinds = _taken(others)
    names: Object = dict(had)
    reason = message = ""
    for name, taken in (
        ("plural", resources),
        ("singular", resources),
        ("shortNames", resources),
        ("kind", kinds),
        ("listKind", kinds),
    ):
        values = wanted.get(name) or []
        conflicts = [v for v in ([values] if isinstance(values, str) else values) if v in taken]
        if conflicts:
            reason = f"{name[0].upper()}{name[1:]}Conflict"
            message = ", ".join(f'"{value}" is already in use' for value in conflicts)
        elif values:
            names[name] = values
        else:
            names.pop(name, None)
    if wanted.get("categories"):
        names["categories"] = wanted["categories"]
    else:
        names.pop("categories", None)
    return Naming(names, reason, message)


def _taken(others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """(resource names, kinds) that other definitions have."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources.update((names.get("plural", ""), names.get("singular", "")))
        resources.update(names.get("shortNames") or ())
        kinds.update((names.get("kind", ""), names.get("listKind", "")))
    return resources - {""}, kinds - {""}


def _has_all_names(definition: Object) -> bool:
    accepted = find_condition(definition, "NamesAccepted")
    return accepted is not None and accepted["status"] == "True"


# --- the catalog ---------------------------------------------------------------------------------


class ServedDefinitions:
    """Which kinds of the catalog are whose."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._kinds: dict[str, tuple[Any, Sequence[Kind]]] = {}

    def serve_established(self) -> None:
        for definition in self._resources.list(CUSTOM_RESOURCE_DEFINITION).objects():
            if is_established(definition):
                self.serve(definition)

    def serve(self, definition: Object) -> None:
        """As it now is; does nothing when what it means hasn't changed."""
        from minikube_py.kinds.custom.build import kinds_of  # nobody needs it without definitions

        name, meaning = name_of(definition), _meaning(definition)
        known, old = self._kinds.get(name, (None, ()))
        if known == meaning:
            return
        kinds = kinds_of(definition)
        self._kinds[name] = (meaning, kinds)
        self._resources.catalog.replace(old, kinds)
        log.info("serving custom resources definition=%s versions=%d", name, len(kinds))

    def withdraw(self, name: str) -> None:
        _, kinds = self._kinds.pop(name, (None, ()))
        if kinds:
            self._resources.catalog.replace(kinds, [])
            log.info("no longer serving custom resources definition=%s", name)


def _meaning(definition: Object) -> Any:
    return (
        uid_of(definition),
        definition["metadata"].get("generation"),
        definition["status"]["acceptedNames"],
        is_deleting(definition),
    )


# --- conditions ----------------------------------------------------------------------------------


def _condition(type_: str, status: str, reason: str, message: str) -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def naming_conditions(naming: Naming, old: Mapping[str, Any] | None) -> list[Object]:
    """`old`: the Established condition there was; who was served stays served."""
    if naming.reason:
        accepted = _condition("NamesAccepted", "False", naming.reason, naming.message)
        if old is not None and old["status"] == "True":
            return [accepted]
        not_yet = "not all names are accepted"
        return [accepted, _condition("Established", "False", "NotAccepted", not_yet)]
    return [
        _condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
        _condition(
            "Established", "True", "InitialNamesAccepted", "the initial names have been accepted"
        ),
    ]


class _Reconciler:
    def __init__(self, resources: Resources, served: ServedDefinitions, clock: Clock) -> None:
        self._resources = resources
        self._served = served
        self._clock = clock

    async def reconcile(self, key: Key) -> Requeue | None:
        definition = self._resources.get_or_none(CUSTOM_RESOURCE_DEFINITION, None, key)
        if definition is None:
            self._served.withdraw(key)
            return None
        try:
            if is_deleting(definition):
                return await self._finish(definition)
            await self._establish(definition)
        except NotFound:
            pass
        return None

    async def _establish(self, definition: Object) -> None:
        naming = accepted_names(definition, self._others(definition))
        established = find_condition(definition, "Established")
        conditions = naming_conditions(naming, established)
        after = {**definition, "status": {**definition["status"], "acceptedNames": naming.names}}
        if any(each["type"] == "Established" and each["status"] == "True" for each in conditions):
            self._served.serve(after)
        elif is_established(definition):
            self._served.serve(definition)
        await self._say(definition, conditions, naming.names)

    def _others(self, definition: Object) -> list[Object]:
        group, name = definition["spec"]["group"], name_of(definition)
        listed = self._resources.list(CUSTOM_RESOURCE_DEFINITION).objects()
        return [o for o in listed if o["spec"]["group"] == group and name_of(o) != name]

    async def _finish(self, definition: Object) -> Requeue | None:
        """Empties the kind, then lets the definition go."""
        name = name_of(definition)
        if FINALIZER not in (definition["metadata"].get("finalizers") or ()):
            return None
        if is_established(definition):
            self._served.serve(definition)
        if await self._instances_remain(definition):
            waiting = "CustomResource deletion is in progress"
            terminating = _condition("Terminating", "True", "InstanceDeletionInProgress", waiting)
            await self._say(definition, [terminating])
            return Requeue(after=_LOOK_AGAIN_SECONDS)
        self._served.withdraw(name)
        removed = "removed all instances"
        terminating = _condition("Terminating", "False", "InstanceDeletionCompleted", removed)
        await self._say(definition, [terminating])
        await self._resources.modify(CUSTOM_RESOURCE_DEFINITION, None, name, _drop_finalizer)
        return None

    async def _instances_remain(self, definition: Object) -> bool:
        from minikube_py.kinds.custom.build import storage_kind

        kind = storage_kind(definition)
        if kind is None or not self._resources.list(kind, None, ListOptions(limit=1)).items:
            return False
        options = DeleteOptions(propagation="Background")
        await self._resources.delete_collection(kind, None, ListOptions(), options)
        return bool(self._resources.list(kind, None, ListOptions(limit=1)).items)

    async def _say(
        self, definition: Object, conditions: Iterable[Object], names: Object | None = None
    ) -> None:
        now = format_time(self._clock())

        def change(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(definition):
                return
            status = fresh.setdefault("status", {})
            found = status.get("conditions") or []
            for condition in conditions:
                found = with_condition(found, condition, now=now)
            status["conditions"] = found
            if names is not None:
                status["acceptedNames"] = names

        name = name_of(definition)
        await self._resources.update_status(CUSTOM_RESOURCE_DEFINITION, None, name, change)


def _drop_finalizer(definition: Object) -> None:
    finalizers = definition["metadata"].get("finalizers") or []
    definition["metadata"]["finalizers"] = [each for each in finalizers if each != FINALIZER]
