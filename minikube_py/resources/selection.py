"""Which objects a list or watch means: namespace, label and field selectors, over stored bytes.

Decoding is what costs, so it happens only where a selector needs it, and what was decoded is
remembered for the watchers that look at the same change.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, labels_of, name_of, namespace_of
from minikube_py.meta.selectors import FieldRequirement, Selector, fields_match
from minikube_py.resources.conversion import from_stored
from minikube_py.store.interface import Item

_META_FIELDS = frozenset({"metadata.name", "metadata.namespace"})


class DecodedCache:
    """The newest decoded states by kind, key and revision; bounded, the oldest leave first.

    What it returns is shared: never mutate.
    """

    def __init__(self, limit: int = 1024) -> None:
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
    fields = {
        **kind.selectable_fields(obj),
        "metadata.name": name_of(obj),
        "metadata.namespace": namespace_of(obj),
    }
    return Digest(labels_of(obj), fields)


class Digests:
    """The digests of stored states, so that a list with a selector decodes each state once.

    Bounded: where there are more objects than it holds, the oldest entries leave first.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._known: dict[tuple[Kind, str], tuple[int, Digest]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, kind: Kind, item: Item) -> Digest:
        place = (kind, item.key)
        known = self._known.get(place)
        if known is not None and known[0] == item.revision:
            return known[1]
        digest = digest_of(kind, from_stored(kind, encoding.decode(item.value)))
        self._known[place] = (item.revision, digest)
        if len(self._known) > self._limit:
            del self._known[next(iter(self._known))]
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

    def matches(self, digest: Digest) -> bool:
        if self.labels and not self.labels.matches(digest.labels):
            return False
        return not self.fields or fields_match(self.fields, digest.fields)
