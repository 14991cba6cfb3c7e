"""What callers ask for and what they get back: the data of every operation on resources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from minikube_py.meta import encoding
from minikube_py.meta.objects import Key, Object
from minikube_py.meta.selectors import EVERYTHING, FieldRequirement, Selector
from minikube_py.meta.users import IN_PROCESS, User
from minikube_py.store.interface import EventType

FieldValidation = Literal["Strict", "Warn", "Ignore"]
Propagation = Literal["Background", "Foreground", "Orphan"]
PatchType = Literal["json", "merge", "strategic", "apply"]


@dataclass(frozen=True)
class WriteOptions:
    """`field_manager` "" means the system's own; `force` is server-side apply's."""

    field_manager: str = ""
    dry_run: bool = False
    field_validation: FieldValidation = "Warn"
    user: User = IN_PROCESS
    force: bool = False


def _unheard(_warning: str) -> None: ...


@dataclass(frozen=True)
class DeleteOptions:
    """`grace_period_seconds` None = the kind's own; the preconditions None = whatever is there.
    `warn` hears what the client is to be told beside the answer.
    """

    grace_period_seconds: int | None = None
    propagation: Propagation | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    user: User = IN_PROCESS
    warn: Callable[[str], None] = _unheard


@dataclass(frozen=True)
class ListOptions:
    labels: Selector = EVERYTHING
    fields: tuple[FieldRequirement, ...] = ()
    limit: int | None = None
    continue_token: str | None = None
    resource_version: str | None = None
    resource_version_match: str | None = None


@dataclass(frozen=True)
class ListPage:
    """`items` are encoded objects in key order; `remaining` is None when it isn't known."""

    items: Sequence[bytes]
    revision: int
    continue_token: str
    remaining: int | None

    def objects(self) -> list[Object]:
        """Fresh copies."""
        return [encoding.decode(item) for item in self.items]


@dataclass(frozen=True, eq=False)
class Change:
    """One change as a watcher with its selector sees it."""

    type: EventType
    key: Key
    encoded: bytes
    revision: int
    decode: Callable[[], Object] = field(repr=False)

    @cached_property
    def object(self) -> Object:
        """Shared between watchers: never mutate."""
        return self.decode()


@dataclass(frozen=True)
class Written:
    object: Object
    created: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Patch:
    """`body`: a list of operations ("json"), a patch document, or an apply configuration."""

    type: PatchType
    body: Any
