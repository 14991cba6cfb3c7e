"""How much the stored objects of a namespace use, kept up to date write by write.

An object is measured when it is first met and again when it changed; sums move by the difference.
So a question costs the same in a namespace of ten Pods and of ten thousand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object, uid_of
from minikube_py.resources.conversion import from_stored
from minikube_py.resources.keys import store_prefix
from minikube_py.resources.pod_totals import Quantities
from minikube_py.resources.quota.decision import NOTHING, Charge, charge_of, hard_of, held
from minikube_py.resources.quota.usage import is_only_counted, usage_of
from minikube_py.store.interface import Item, Store

_MOST_TOUCHED = 256
_MOST_SUMS = 32
_Charges = dict[str, tuple[int, Charge]]


@dataclass
class _Sum:
    """What one quota counts of one kind; `spec` is what it was summed up by."""

    spec: Object
    total: Quantities


@dataclass
class _Measured:
    """One kind. `charges` are by store key, with the revision they were measured in, None until
    somebody asks; `touched` are keys with the revision of a write that may not be stored yet.
    """

    charges: _Charges | None = None
    touched: dict[str, int] = field(default_factory=dict)
    sums: dict[str, _Sum] = field(default_factory=dict)


class NamespaceUsage:
    """Hears of every write from `touch` on; what was stored before is read when first asked for."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._namespace = namespace
        self._kinds: dict[Kind, _Measured] = {}

    def touch(self, kind: Kind, key: str, revision: int) -> None:
        """A write is on its way that will have this revision."""
        if is_only_counted(kind):
            return
        measured = self._kinds.setdefault(kind, _Measured())
        if measured.charges is None and len(measured.touched) >= _MOST_TOUCHED:
            stored = self._store.revision
            measured.touched = {k: r for k, r in measured.touched.items() if r > stored}
        measured.touched[key] = revision

    def of(self, quota: Object, kind: Kind) -> Mapping[str, Decimal]:
        """By the names of the quota's limits; those nothing is used of may be missing."""
        if is_only_counted(kind):
            return self._counted(quota, kind)
        measured = self._kinds.setdefault(kind, _Measured())
        charges = measured.charges
        if charges is None:
            charges = measured.charges = self._read(kind)
        self._catch_up(kind, measured, charges)
        known = measured.sums.get(uid_of(quota))
        if known is None or known.spec != quota.get("spec"):
            if len(measured.sums) >= _MOST_SUMS:  # quotas that are gone leave theirs behind
                measured.sums.clear()
            known = measured.sums[uid_of(quota)] = _summed_up(quota, charges)
        return known.total

    def _counted(self, quota: Object, kind: Kind) -> Mapping[str, Decimal]:
        count = self._store.count(store_prefix(kind, self._namespace))
        each = held(quota, Charge(usage_of(kind, {}), {}))
        return {name: value * count for name, value in each.items()}

    def _read(self, kind: Kind) -> _Charges:
        items = self._store.range(store_prefix(kind, self._namespace)).items
        return {item.key: (item.revision, _charge(kind, item)) for item in items}

    def _catch_up(self, kind: Kind, measured: _Measured, charges: _Charges) -> None:
        """A write that failed changes nothing here: what counts is what the store has."""
        for key, revision in list(measured.touched.items()):
            item = self._store.get(key)
            before_revision, before = charges.get(key, (0, NOTHING))
            if item is None:
                charges.pop(key, None)
                _move(measured, before, NOTHING)
            elif item.revision != before_revision:
                charge = _charge(kind, item)
                charges[key] = (item.revision, charge)
                _move(measured, before, charge)
            if revision <= self._store.revision:
                del measured.touched[key]


def _charge(kind: Kind, item: Item) -> Charge:
    return charge_of(kind, from_stored(kind, encoding.decode(item.value)))


def _summed_up(quota: Object, charges: _Charges) -> _Sum:
    known = _Sum(quota["spec"], dict.fromkeys(hard_of(quota), Decimal(0)))
    for _, charge in charges.values():
        for name, value in held(quota, charge).items():
            known.total[name] += value
    return known


def _move(measured: _Measured, before: Charge, after: Charge) -> None:
    for known in measured.sums.values():
        quota = {"spec": known.spec}
        for name, value in held(quota, after).items():
            known.total[name] += value
        for name, value in held(quota, before).items():
            known.total[name] -= value
