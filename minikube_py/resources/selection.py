"""Which objects a list or watch means: namespace, label and field selectors, over stored bytes.

Decoding is what costs, so lists of thousands don't: what selectors can ask for is kept from the
write on, and bytes that can't hold a wanted label are passed over unread. What a watcher decoded is
remembered for the others that look at the same change.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from sys import intern
from weakref import WeakKeyDictionary

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, labels_of, name_of, namespace_of
from minikube_py.meta.selectors import FieldRequirement, Requirement, Selector, fields_match
from minikube_py.resources.conversion import from_stored
from minikube_py.store.interface import Item

_META_FIELDS = frozenset({"metadata.name", "metadata.namespace"})


class DecodedCache:
    """The newest decoded states by kind, key and revision; bounded, the oldest leave first.

    What it returns is shared: never mutate.
    """

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._objects: OrderedDict[tuple[Kind, str, int, bool], Object] = OrderedDict()

    def __len__(self) -> int:
        return len(self._objects)

    def decoded(
        self, kind: Kind, key: str, revision: int, value: bytes, *, previous: bool = False
    ) -> Object:
        """`previous` tells the state before `revision` from the one it made."""
        place = (kind, key, revision, previous)
        obj = self._objects.get(place)
        if obj is None:
            obj = self._objects[place] = from_stored(kind, encoding.decode(value))
            if len(self._objects) > self._limit:
                self._objects.popitem(last=False)
        return obj


@dataclass(frozen=True, slots=True)
class Digest:
    """All of an object that a selector can ask for."""

    labels: Mapping[str, str]
    fields: Mapping[str, str]


def digest_of(kind: Kind, obj: Object) -> Digest:
    """Thousands of these are kept, and their values are few: equal ones are one string."""
    fields = {name: intern(value) for name, value in kind.selectable_fields(obj).items()}
    fields["metadata.name"] = intern(name_of(obj))
    fields["metadata.namespace"] = intern(namespace_of(obj))
    return Digest({name: intern(value) for name, value in labels_of(obj).items()}, fields)


_Known = dict[str, tuple[int, Digest]]


class Digests:
    """The digests of the newest states by kind, key and revision: known from the write, or read
    once.

    Each kind has a bound of its own, so that many Events don't push out the Pods. Where there are
    more objects than that, a write drops the oldest entry; a read adds nothing, or else a list in
    key order would forget every object just before it comes to it again.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        # A custom kind that is redefined is another Kind, and the one before leaves.
        self._known: WeakKeyDictionary[Kind, _Known] = WeakKeyDictionary()

    def __len__(self) -> int:
        return sum(len(known) for known in self._known.values())

    def remember(self, kind: Kind, key: str, revision: int, obj: Object) -> None:
        """`obj` is about to be stored; nothing of it is shared."""
        known = self._known.setdefault(kind, {})
        known.pop(key, None)
        known[key] = (revision, digest_of(kind, obj))
        if len(known) > self._limit:
            del known[next(iter(known))]

    def forget(self, kind: Kind, key: str) -> None:
        self._known.get(kind, {}).pop(key, None)

    def selected(self, selection: "Selection", items: Iterable[Item]) -> list[Item]:
        """Those that match."""
        kind = selection.kind
        known = self._known.setdefault(kind, {})
        matches, found = selection.matches, []
        for item in items:
            place = known.get(item.key)
            if place is not None and place[0] == item.revision:
                digest = place[1]
            elif selection.may_match(item.value):
                digest = self._read(kind, item, known)
            else:
                continue
            if matches(digest):
                found.append(item)
        return found

    def _read(self, kind: Kind, item: Item, known: _Known) -> Digest:
        digest = digest_of(kind, from_stored(kind, encoding.decode(item.value)))
        newest = known.get(item.key, (0,))[0] < item.revision
        if newest and (item.key in known or len(known) < self._limit):
            known[item.key] = (item.revision, digest)
        return digest


@dataclass(frozen=True)
class Selection:
    """`matches` answers for one object's digest; `everything` spares the decoding."""

    kind: Kind
    labels: Selector
    fields: tuple[FieldRequirement, ...]

    def __post_init__(self) -> None:
        if not self.fields:
            return
        known = _META_FIELDS | set(self.kind.selectable_fields({"metadata": {}}))
        for wanted in self.fields:
            if wanted.field not in known:
                raise BadRequest(
                    f"field label not supported: {wanted.field}; {self.kind.resource} can be "
                    f"selected by {', '.join(sorted(known))}"
                )

    @property
    def everything(self) -> bool:
        return not self.labels and not self.fields

    @property
    def name(self) -> str | None:
        """The one name that can match, if the selector names it."""
        for wanted in self.fields:
            if wanted.field == "metadata.name" and not wanted.negate:
                return wanted.value
        return None

    @property
    def namespace(self) -> str | None:
        """The one namespace that can match, if the selector names it."""
        for wanted in self.fields:
            if wanted.field == "metadata.namespace" and not wanted.negate:
                return wanted.value
        return None

    def may_match(self, value: bytes) -> bool:
        """False when encoded bytes lack a label that is asked for; what it says is cheap to ask."""
        for texts in self._wanted_texts:
            for text in texts:
                if text in value:
                    break
            else:
                return False
        return True

    @cached_property
    def _wanted_texts(self) -> tuple[tuple[bytes, ...], ...]:
        """For each requirement that only a present label meets: as which bytes it may stand."""
        return tuple(_texts(wanted) for wanted in self.labels.requirements if _is_present(wanted))

    def matches(self, digest: Digest) -> bool:
        for wanted in self.labels.requirements:
            if not wanted.matches(digest.labels):
                return False
        return not self.fields or fields_match(self.fields, digest.fields)


def _is_present(wanted: Requirement) -> bool:
    return wanted.operator not in ("!", "!=", "notin")


def _texts(wanted: Requirement) -> tuple[bytes, ...]:
    """The store's bytes are the encoder's, so a label stands in them exactly as it encodes it."""
    if wanted.operator in ("=", "in"):
        return tuple(encoding.encode({wanted.key: value})[1:-1] for value in wanted.values)
    return (encoding.encode(wanted.key) + b":",)
