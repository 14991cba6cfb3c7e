"""The shape of what a kind module says about its kind: data and pure functions, never behaviour
over time.

Kubernetes' own `strategy.go` seam with defaults, validation and table columns pulled in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import GroupVersionKind, Object

Default = Callable[[Object], None]
"""Fills in defaults, in place, on an object the caller owns. Running it twice changes nothing."""
ValidateCreate = Callable[[Object], Sequence[FieldError]]
ValidateUpdate = Callable[[Object, Object], Sequence[FieldError]]
"""(new, old) → errors, on top of validate_create's; immutable fields are here."""
Prepare = Callable[[Object, Object | None], None]
"""(new, old or None on create): drops or carries over what a client may not set, in place."""
SelectableFields = Callable[[Object], Mapping[str, str]]

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True)
class Column:
    """A Table column. `value` gets the object and the time now; `priority` above 0 shows only with
    `-o wide`.
    """

    name: str
    value: Callable[[Object, datetime], Any]
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True)
class Scale:
    """Where `/scale` finds its numbers; `selector` gives the selector as text."""

    selector: Callable[[Object], str]
    spec_replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")


@dataclass(frozen=True)
class Part:
    """A subresource through which one field, and nothing else, is written."""

    path: tuple[str, ...]
    validate_update: ValidateUpdate


@dataclass(frozen=True)
class StoredAs:
    """The form in which a kind is kept, for kinds that are another view of it: older or newer
    versions, events of both groups. The functions return a new dict and leave apiVersion alone.
    """

    group: str
    version: str
    to_stored: Callable[[Object], Object] = dict
    from_stored: Callable[[Object], Object] = dict
    is_as_served: Callable[[bytes], bool] = lambda _encoded: False
    """Are these stored bytes what clients get, so that nobody has to decode them?"""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def _nothing(_obj: Object) -> None: ...


def _no_errors(_obj: Object) -> Sequence[FieldError]:
    return ()


def _no_update_errors(_new: Object, _old: Object) -> Sequence[FieldError]:
    return ()


def _no_preparation(_new: Object, _old: Object | None) -> None: ...


def _no_fields(_obj: Object) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, eq=False)
class Kind:
    """All that the API must know about one kind in one version."""

    group: str
    version: str
    kind: str
    plural: str
    columns: tuple[Column, ...]
    singular: str = ""
    list_kind: str = ""
    """ "" = the kind with `List` behind it."""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    has_status: bool = True
    """Serves /status, ignores status in other writes, and counts spec changes in
    metadata.generation.
    """
    has_generation: bool = True
    scale: Scale | None = None
    subresources: tuple[str, ...] = ()
    """Beyond status and scale: log, exec, attach, portforward, binding, eviction, …"""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """Those of the subresources that are a Part."""
    verbs: tuple[str, ...] = ALL_VERBS
    name_problem: Callable[[str], str | None] | None = None
    """Why a name is not allowed; None = RFC 1123 subdomain."""
    default: Default = _nothing
    prepare: Prepare = _no_preparation
    validate_create: ValidateCreate = _no_errors
    validate_update: ValidateUpdate = _no_update_errors
    validate_status: ValidateUpdate = _no_update_errors
    """Of a write through /status."""
    update_repeats_create: bool = True
    """False where validate_update itself decides which of validate_create's rules still hold: a
    custom object's field that was wrong before and is left alone doesn't stop the write.
    """
    selectable_fields: SelectableFields = _no_fields
    """Beyond metadata.name and metadata.namespace."""
    stored_as: StoredAs | None = None
    """None: kept as it is served."""
    schema: str = ""
    """Name of the OpenAPI definition; "" = found by group, version and kind."""
    inline_schema: Mapping[str, Any] | None = None
    """Custom kinds only: the structural schema itself, `schema` is then the name it goes by."""
    schema_digest: str = ""
    """Of custom kinds: changes when what clients can read about the kind does."""
    deprecation: str = ""
    """What clients of a deprecated version are warned with."""
    default_grace_seconds: Callable[[Object], int] | None = None
    """Pods only: graceful deletion marks first and removes when the kubelet is done."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gvk(self) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def is_custom(self) -> bool:
        """Is it made from a CustomResourceDefinition?"""
        return self.inline_schema is not None

    @property
    def api_version(self) -> str:
        return self.gvk.api_version

    @property
    def resource(self) -> str:
        """`deployments.apps`, `pods`: as messages and owner look-ups name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def list_name(self) -> str:
        return self.list_kind or f"{self.kind}List"

    @property
    def singular_name(self) -> str:
        return self.singular or self.kind.lower()

    def __repr__(self) -> str:
        return f"<Kind {self.resource}/{self.version}>"
