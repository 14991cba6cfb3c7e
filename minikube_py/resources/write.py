"""Create and change: the one pipeline that every write of every caller goes through.

decode → name → carry over → defaults → managedFields → admission → prepare → generation → validate
→ admission's second look → allocate → store. Where someone else wrote in between, the change is
made again on the newer state, unless the caller named the state it was made from (apiserver's
registry/generic/registry).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from minikube_py.kinds.catalog import SERVICE_ACCOUNT
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.errors import AlreadyExists, BadRequest
from minikube_py.meta.names import generate_name
from minikube_py.meta.objects import Object, is_deleting, name_of, namespace_of
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.admission.chain import admit, review
from minikube_py.resources.admission.request import AdmissionRequest, Lookup, Operation
from minikube_py.resources.allocate import keep_allocated
from minikube_py.resources.apply.tracking import Writer, track_update
from minikube_py.resources.carry_over import (
    carry_all_but,
    carry_metadata,
    carry_spec,
    carry_status,
    check_identity,
    check_preconditions,
    drop_empty,
    is_new_generation,
    place,
)
from minikube_py.resources.checks import refuse_bad_creation, refuse_bad_update
from minikube_py.resources.decode import copied, decode_object, drop_nulls
from minikube_py.resources.namespaces import (
    DEFAULT_ACCOUNT,
    default_account,
    holds_content,
    is_namespace,
    prepare_namespace,
)
from minikube_py.resources.options import WriteOptions, Written
from minikube_py.resources.records import MAX_ATTEMPTS, Head, Records, Reservation, Target
from minikube_py.resources.reserve import Reservations
from minikube_py.resources.update_rules import (
    check_names_state,
    is_created_by_update,
    no_free_name,
)
from minikube_py.store.interface import WriteConflict

OWN_MANAGER = "mk"
_NAME_ATTEMPTS = 8
_STATUS_ON_CREATE = frozenset({"nodes"})


@dataclass(frozen=True)
class Draft:
    """What a caller wants an object to be. `managed_fields` None = ownership by what changed."""

    obj: Object
    warnings: tuple[str, ...] = ()
    managed_fields: list[dict[str, Any]] | None = None


Produce = Callable[[Object], Draft]
"""From (its own copy of) the stored state to the wanted one; called again after a conflict."""


@dataclass(frozen=True)
class Request:
    target: Target
    options: WriteOptions
    subresource: str = ""
    trusted: bool = False
    """An in-process read-modify-write that started from the stored state."""

    @property
    def kind(self) -> Kind:
        return self.target.kind


class Writes:
    def __init__(
        self,
        records: Records,
        lookup: Lookup,
        reservations: Reservations,
        clock: Clock,
        new_uid: Callable[[], str],
    ) -> None:
        self._records = records
        self._lookup = lookup
        self._reservations = reservations
        self._clock = clock
        self._new_uid = new_uid

    # --- create ----------------------------------------------------------------------------------

    async def create(
        self, kind: Kind, namespace: str | None, body: Any, options: WriteOptions
    ) -> Written:
        obj, warnings = decode_object(kind, body, options.field_validation)
        if obj["metadata"].get("resourceVersion"):
            raise BadRequest("resourceVersion should not be set on objects to be created")
        place(kind, namespace, obj)
        return await self.create_draft(kind, Draft(obj, warnings), options)

    async def create_draft(self, kind: Kind, draft: Draft, options: WriteOptions) -> Written:
        """`draft.obj` is decoded and says its namespace; the caller gives it away."""
        metadata = draft.obj["metadata"]
        generated = not metadata.get("name") and metadata.get("generateName")
        if not generated:
            return await self._create_once(kind, draft, options)
        for _ in range(_NAME_ATTEMPTS - 1):
            metadata["name"] = generate_name(metadata["generateName"])
            # What one attempt fills in must not look like the caller's to the next.
            attempt = replace(draft, obj=copied(draft.obj))
            with suppress(AlreadyExists):
                return await self._create_once(kind, attempt, options)
        metadata["name"] = generate_name(metadata["generateName"])
        try:
            return await self._create_once(kind, draft, options)
        except AlreadyExists as error:
            raise no_free_name(error) from error

    async def _create_once(self, kind: Kind, draft: Draft, options: WriteOptions) -> Written:
        obj = draft.obj
        target = Target(kind, namespace_of(obj) or None, name_of(obj))
        request = Request(target, options)
        self._stamp_new(kind, obj)
        kind.default(obj)
        self._own(request, None, obj, draft.managed_fields)
        admission = self._admit("CREATE", request, obj, None)
        self._prepare(kind, obj, None)
        refuse_bad_creation(kind, obj)
        review(admission, self._lookup)
        warnings = (*draft.warnings, *admission.warnings)
        self._require_absent(target)
        reservation = self._reservations.reserve(admission)
        if options.dry_run:
            _undo(reservation)
            return Written(obj, created=True, warnings=warnings)
        try:
            if is_namespace(kind):
                await self._records.create_together(target, obj, self._belongings(target))
            else:
                await self._records.put(target, obj, expected=0, reservation=reservation)
        except WriteConflict as conflict:
            raise _already_there(target, self._records.head(target, conflict)) from conflict
        return Written(obj, created=True, warnings=warnings)

    def _belongings(self, namespace: Target) -> Sequence[tuple[Target, Object]]:
        """The default account is made with its namespace, so Pods may be made in it at once:
        clients that write both in one file don't wait for a controller.
        """
        target = Target(SERVICE_ACCOUNT, namespace.name, DEFAULT_ACCOUNT)
        if self._records.head(target) is not None:
            return ()
        account = default_account(namespace.name)
        self._stamp_new(SERVICE_ACCOUNT, account)
        self._own(Request(target, WriteOptions()), None, account, None)
        return ((target, account),)

    def _require_absent(self, target: Target) -> None:
        head = self._records.head(target)
        if head is not None:
            raise _already_there(target, head)

    def _stamp_new(self, kind: Kind, obj: Object) -> None:
        metadata = obj["metadata"]
        drop_empty(metadata)
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
            metadata.pop(name, None)
        metadata["uid"] = self._new_uid()
        metadata["creationTimestamp"] = format_time(self._clock())
        if kind.has_generation:
            metadata["generation"] = 1
        if kind.has_status and kind.resource not in _STATUS_ON_CREATE:
            obj.pop("status", None)

    # --- update ----------------------------------------------------------------------------------

    async def update(self, request: Request, body: Any) -> Written:
        """Replaces the object, or its status."""
        kind, target = request.kind, request.target
        obj, warnings = decode_object(kind, body, request.options.field_validation)
        check_identity(target, obj)
        if self._records.head(target) is None:
            creates = is_created_by_update(kind) and not request.subresource
            if creates and not obj["metadata"].get("resourceVersion"):
                return await self.create_draft(kind, Draft(obj, warnings), request.options)
            raise target.missing()
        check_names_state(kind, obj)
        # Each attempt starts from what the client sent, not from what the last one made of it.
        return await self.rewrite(request, lambda _old: Draft(copied(obj), warnings))

    async def rewrite(
        self, request: Request, produce: Produce, *, after: WriteConflict | None = None
    ) -> Written:
        """Read, change, write; anew on what came in between. Raises NotFound, Conflict, Invalid.

        `after`: an earlier write met a state that is still on its way to disk; start from that.
        """
        target = request.target
        head = self._records.head(target, after)
        for _ in range(MAX_ATTEMPTS):
            if head is None:
                raise target.missing()
            try:
                return await self._rewrite_once(request, head, produce)
            except WriteConflict as conflict:
                head = self._records.head(target, conflict)
        raise target.modified()

    async def _rewrite_once(self, request: Request, head: Head, produce: Produce) -> Written:
        old = head.obj
        draft = produce(copied(old))
        new = draft.obj
        if new == old and draft.managed_fields is None:
            return Written(old, warnings=draft.warnings)
        if request.trusted:
            drop_nulls(new, request.kind)
        else:
            check_identity(request.target, new)
        check_preconditions(request.target, new, old)
        admission = self._revise(request, new, old, draft.managed_fields)
        refuse_bad_update(request.kind, request.subresource, new, old)
        review(admission, self._lookup)
        warnings = (*draft.warnings, *admission.warnings)
        reservation = self._reservations.reserve(admission)
        if new == old or request.options.dry_run:
            _undo(reservation)
            return Written(new, warnings=warnings)
        await self._store(request, new, head, reservation)
        return Written(new, warnings=warnings)

    def _revise(
        self,
        request: Request,
        new: Object,
        old: Object,
        managed_fields: list[dict[str, Any]] | None,
    ) -> AdmissionRequest:
        """Carries over what this writer may not change, fills in the rest, counts a new spec."""
        kind = request.kind
        carry_metadata(new, old)
        if request.subresource == "binding":
            self._own(request, old, new, managed_fields)
            return _admission("UPDATE", request, new, old)
        if request.subresource in kind.parts:
            carry_all_but(kind.parts[request.subresource].path, new, old)
            kind.default(new)
        elif request.subresource == "status":
            carry_spec(kind, new, old)
            if kind.is_custom:
                kind.default(new)
        else:
            carry_status(kind, new, old)
            if kind.resource == "services":
                keep_allocated(new, old)
            kind.default(new)
        self._own(request, old, new, managed_fields)
        admission = self._admit("UPDATE", request, new, old)
        if request.subresource != "status":
            self._prepare(kind, new, old)
            if kind.has_generation and is_new_generation(kind, new, old):
                new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        return admission

    async def _store(
        self,
        request: Request,
        new: Object,
        head: Head,
        reservation: Reservation | None,
    ) -> None:
        target = request.target
        if is_finished(request.kind, new):
            _undo(reservation)
            released = self.release(request.kind, head.obj)
            await self._records.remove(target, new, expected=head.revision, reservation=released)
            return
        await self._records.put(target, new, expected=head.revision, reservation=reservation)

    # --- steps of both ---------------------------------------------------------------------------

    def _admit(
        self, operation: Operation, request: Request, obj: Object, old: Object | None
    ) -> AdmissionRequest:
        admission = _admission(operation, request, obj, old)
        admit(admission, self._lookup)
        return admission

    def _prepare(self, kind: Kind, new: Object, old: Object | None) -> None:
        if is_namespace(kind):
            prepare_namespace(new, old)
        kind.prepare(new, old)
        if old is None and kind.has_status and kind.inline_schema is None:
            new.setdefault("status", {})  # as Go writes a struct that nothing is known of

    def release(self, kind: Kind, obj: Object) -> Reservation | None:
        """What goes back to the allocators with the removal of `obj`."""
        return self._reservations.release(kind, obj)

    def _own(
        self,
        request: Request,
        old: Object | None,
        new: Object,
        given: list[dict[str, Any]] | None,
    ) -> None:
        """Stamps metadata.managedFields. The writer owns what it sent and that part's defaults;
        what admission, the kind and the allocators fill in after this is nobody's.
        """
        entries = given
        if entries is None:
            written = new
            if old is None and request.kind.has_status:
                written = {name: value for name, value in new.items() if name != "status"}
            entries = self._tracked(request, old, written)
        if entries:
            new["metadata"]["managedFields"] = entries
        else:
            new["metadata"].pop("managedFields", None)

    def _tracked(
        self, request: Request, old: Object | None, written: Object
    ) -> list[dict[str, Any]]:
        """Nothing for lists whose items lack their keys: validation tells that better."""
        schema = schema_for(request.kind)
        try:
            return track_update(old, written, schema, self.writer(request))
        except BadRequest:
            return []

    def writer(self, request: Request) -> Writer:
        return Writer(
            request.options.field_manager or OWN_MANAGER,
            request.subresource,
            request.kind.api_version,
            format_time(self._clock()),
        )


def _admission(
    operation: Operation, request: Request, obj: Object, old: Object | None
) -> AdmissionRequest:
    target = request.target
    return AdmissionRequest(
        operation,
        target.kind,
        target.namespace,
        target.name,
        obj,
        old,
        request.subresource,
        request.options.user,
    )


def is_finished(kind: Kind, obj: Object) -> bool:
    """Marked for deletion, and nobody is waited for any more."""
    metadata = obj["metadata"]
    if not is_deleting(obj) or metadata.get("finalizers"):
        return False
    if is_namespace(kind) and holds_content(obj):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def _already_there(target: Target, head: Head | None) -> AlreadyExists:
    error = AlreadyExists.of(target.kind.group, target.kind.plural, target.name)
    if head is not None and is_deleting(head.obj):
        error.message = f"object is being deleted: {error.message}"
    return error


def _undo(reservation: Reservation | None) -> None:
    if reservation is not None:
        reservation.undo()
