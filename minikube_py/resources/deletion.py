"""Delete: at once, or mark and wait for grace periods and finalizers (apiserver's rest/delete.go).

Here is only the marking; the kubelet, the garbage collector and the namespace controller do what is
waited for and come back with the last write.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Object,
    get_path,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.meta.timestamps import Clock, format_time, parse_time
from minikube_py.resources.admission.chain import admit, review
from minikube_py.resources.admission.request import AdmissionRequest, Lookup
from minikube_py.resources.decode import copied
from minikube_py.resources.namespaces import FINALIZER, holds_content, is_namespace
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.records import MAX_ATTEMPTS, Head, Records, Target
from minikube_py.resources.write import Writes, is_finished
from minikube_py.store.interface import WriteConflict

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
_AT_ONCE = 32


@dataclass(frozen=True)
class DeletionStep:
    """What a delete request does to an object: nothing (already on its way), a mark, or the end."""

    action: Literal["none", "mark", "remove"]
    obj: Object


def deletion_step(kind: Kind, old: Object, options: DeleteOptions, now: datetime) -> DeletionStep:
    if is_namespace(kind):
        return _namespace_step(old, options, now)
    grace = _grace_seconds(kind, old, options)
    if is_deleting(old) and old["metadata"].get("deletionGracePeriodSeconds") is not None:
        return _hurry(old, grace, options)
    obj = _with_finalizers(kind, old, options)
    pending = bool(obj["metadata"].get("finalizers"))
    if grace or pending:
        return DeletionStep("mark", _marked(obj, grace or 0, now))
    return DeletionStep("remove", _marked(obj, 0, now) if grace is not None else obj)


def _namespace_step(old: Object, options: DeleteOptions, now: datetime) -> DeletionStep:
    if is_deleting(old):
        waits = holds_content(old) or old["metadata"].get("finalizers")
        return DeletionStep("none" if waits else "remove", old)
    obj = _marked(_with_finalizers(None, old, options), None, now)
    obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
    waits = holds_content(obj) or obj["metadata"].get("finalizers")
    return DeletionStep("mark" if waits else "remove", obj)


def _grace_seconds(kind: Kind, obj: Object, options: DeleteOptions) -> int | None:
    """None for kinds that know no grace (pod's CheckGracefulDelete)."""
    if kind.default_grace_seconds is None:
        return None
    phase = get_path(obj, "status", "phase")
    if not get_path(obj, "spec", "nodeName") or phase in ("Failed", "Succeeded"):
        return 0
    wanted = options.grace_period_seconds
    if wanted is None:
        wanted = kind.default_grace_seconds(obj)
    return wanted if wanted >= 0 else 1


def _hurry(old: Object, grace: int | None, options: DeleteOptions) -> DeletionStep:
    """An object on its way out can only be made to go faster."""
    left = old["metadata"]["deletionGracePeriodSeconds"]
    asked = options.grace_period_seconds is not None or grace == 0
    if grace is None or not asked or grace >= left:
        return DeletionStep("none", old)
    moment = parse_time(old["metadata"]["deletionTimestamp"]) - timedelta(seconds=left - grace)
    metadata = {
        **old["metadata"],
        "deletionTimestamp": format_time(moment),
        "deletionGracePeriodSeconds": grace,
    }
    obj = {**old, "metadata": metadata}
    if grace == 0 and not metadata.get("finalizers"):
        return DeletionStep("remove", obj)
    return DeletionStep("mark", obj)


def _marked(obj: Object, grace: int | None, now: datetime) -> Object:
    metadata = {
        **obj["metadata"],
        "deletionTimestamp": format_time(now + timedelta(seconds=grace or 0)),
    }
    if grace is not None:
        metadata["deletionGracePeriodSeconds"] = grace
    if metadata.get("generation"):
        metadata["generation"] += 1
    return {**obj, "metadata": metadata}


def _with_finalizers(kind: Kind | None, old: Object, options: DeleteOptions) -> Object:
    """The garbage collector's finalizers as the propagation asks; unsaid, those there stay."""
    finalizers = old["metadata"].get("finalizers") or []
    if options.propagation is None or (kind is not None and kind.kind == "Event"):
        return old
    kept = [name for name in finalizers if name not in (ORPHAN, FOREGROUND)]
    if options.propagation == "Orphan":
        kept.append(ORPHAN)
    elif options.propagation == "Foreground":
        kept.append(FOREGROUND)
    metadata = {name: value for name, value in old["metadata"].items() if name != "finalizers"}
    if kept:
        metadata["finalizers"] = kept
    return {**old, "metadata": metadata}


class Deletions:
    def __init__(self, records: Records, writes: Writes, lookup: Lookup, clock: Clock) -> None:
        self._records = records
        self._writes = writes
        self._lookup = lookup
        self._clock = clock

    async def delete(self, target: Target, options: DeleteOptions) -> tuple[Object, bool]:
        """(last state, is it gone?); raises NotFound, Conflict (preconditions), Forbidden."""
        head = self._records.head(target)
        for _ in range(MAX_ATTEMPTS):
            if head is None:
                raise target.missing()
            _check_preconditions(target, head.obj, options)
            self._admit(target, head.obj, options)
            step = deletion_step(target.kind, head.obj, options, self._clock())
            try:
                return await self._carry_out(target, step, head, options)
            except WriteConflict as conflict:
                head = self._records.head(target, conflict)
        raise target.modified()

    async def delete_many(
        self, kind: Kind, encoded: Sequence[bytes], options: DeleteOptions
    ) -> list[bytes]:
        """The last states, encoded. Those that are gone meanwhile are passed over; the first other
        failure is raised.
        """
        deleted: list[bytes] = []
        for start in range(0, len(encoded), _AT_ONCE):
            batch = [_target(kind, item) for item in encoded[start : start + _AT_ONCE]]
            results = await asyncio.gather(
                *(self.delete(target, options) for target in batch), return_exceptions=True
            )
            for result in results:
                if isinstance(result, tuple):
                    deleted.append(encoding.encode(result[0]))
                elif not isinstance(result, NotFound):
                    raise result
        return deleted

    async def finalize_namespace(self, name: str, kind: Kind) -> Object:
        """Takes the namespace's own finalizer away, and the object when nobody else waits."""
        target = Target(kind, None, name)
        head = self._records.head(target)
        for _ in range(MAX_ATTEMPTS):
            if head is None:
                raise target.missing()
            spec = head.obj.get("spec") or {}
            left = [entry for entry in spec.get("finalizers") or [] if entry != FINALIZER]
            obj = {**head.obj, "spec": {**spec, "finalizers": left}}
            if not left:
                del obj["spec"]["finalizers"]
            action: Literal["mark", "remove"] = "remove" if is_finished(kind, obj) else "mark"
            step = DeletionStep(action, obj)
            try:
                return (await self._carry_out(target, step, head, DeleteOptions()))[0]
            except WriteConflict as conflict:
                head = self._records.head(target, conflict)
        raise target.modified()

    async def _carry_out(
        self, target: Target, step: DeletionStep, head: Head, options: DeleteOptions
    ) -> tuple[Object, bool]:
        gone = step.action == "remove"
        if step.action == "none" or options.dry_run:
            return step.obj, gone
        obj = copied(step.obj)
        if gone:
            released = self._writes.release(target.kind, head.obj)
            await self._records.remove(target, obj, expected=head.revision, reservation=released)
        else:
            await self._records.put(target, obj, expected=head.revision)
        return obj, gone

    def _admit(self, target: Target, obj: Object, options: DeleteOptions) -> None:
        request = AdmissionRequest(
            "DELETE", target.kind, target.namespace, target.name, obj, user=options.user
        )
        admit(request, self._lookup)
        review(request, self._lookup)
        for warning in request.warnings:
            options.warn(warning)


def _target(kind: Kind, encoded: bytes) -> Target:
    obj = encoding.decode(encoded)
    return Target(kind, namespace_of(obj) or None, name_of(obj))


def _check_preconditions(target: Target, obj: Object, options: DeleteOptions) -> None:
    uid, version = uid_of(obj), obj["metadata"].get("resourceVersion")
    why = None
    if options.uid is not None and options.uid != uid:
        why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {uid}"
    elif options.resource_version is not None and options.resource_version != version:
        why = (
            "Precondition failed: ResourceVersion in precondition: "
            f"{options.resource_version}, ResourceVersion in object meta: {version}"
        )
    if why:
        raise target.conflict(why)
