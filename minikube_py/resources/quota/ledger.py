"""Keeps writes within the quotas of their namespaces, those on their way to disk included.

What is used is what stored objects use (`measure`) plus what writes on their way add. A write's
share is taken before the write is staged; it ends when the write failed, or when the stored objects
show it. So two writes of one group commit never share the last place.

Namespaces without a quota cost one look into a set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from minikube_py.kinds.catalog import POD, RESOURCE_QUOTA, Catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object, namespace_of, resource_version_of
from minikube_py.resources.admission.request import AdmissionRequest
from minikube_py.resources.conversion import from_stored
from minikube_py.resources.keys import store_prefix
from minikube_py.resources.pod_totals import Quantities, add
from minikube_py.resources.quota.decision import (
    Charge,
    charge_of,
    excess,
    growth,
    hard_of,
    in_words_of,
    missing_requests,
)
from minikube_py.resources.quota.measure import NamespaceUsage
from minikube_py.resources.quota.scopes import is_in_scope
from minikube_py.resources.quota.usage import kind_counted_by
from minikube_py.resources.records import Target
from minikube_py.store.interface import Store

_CHARGED_UPDATES: Mapping[str, str] = {
    "pods": "resize",
    "services": "",
    "persistentvolumeclaims": "",
}
"""Through which subresource an object may come to use more."""


@dataclass(frozen=True, eq=False)
class QuotaShare:
    """Satisfies records.Reservation: what one write adds, until it is stored or failed.

    `obj` is stamped with its revision when it is staged; `before` is its version until then.
    """

    ledger: "QuotaLedger"
    kind: Kind
    namespace: str
    obj: Object
    before: str
    new: Charge
    old: Charge

    def commit(self) -> None:
        self.ledger.settle(self)

    def undo(self) -> None:
        self.ledger.settle(self)

    def is_stored(self, revision: int) -> bool:
        """Whether the store, at `revision`, shows the write: a little before `commit`."""
        stamp = resource_version_of(self.obj)
        return stamp != self.before and int(stamp) <= revision


class QuotaLedger:
    """Belongs to one event loop; each method does all it does in one turn."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._limited: dict[str, NamespaceUsage] = {}
        self._shares: dict[str, list[QuotaShare]] = {}

    def rebuild(self, quotas: Iterable[Object]) -> None:
        """Learns which namespaces are limited; once, before the first write."""
        for quota in quotas:
            self._limit(namespace_of(quota))

    def reserve(self, request: AdmissionRequest) -> QuotaShare | None:
        """None where nothing is counted; raises Forbidden where a quota does not allow the write.

        The caller stages the write, or ends the share by `undo`.
        """
        namespace = request.namespace or ""
        is_new_quota = request.kind is RESOURCE_QUOTA and request.operation == "CREATE"
        if is_new_quota:
            # Writes staged behind the quota may be decided on while it is not to be seen yet.
            self._limit(namespace)
        if namespace not in self._limited or not _is_charged(request):
            return None
        quotas = self.quotas(namespace)
        if not quotas and not is_new_quota and not self._is_quota_coming(namespace):
            del self._limited[namespace]
            return None
        new, old = charge_of(request.kind, request.obj), charge_of(request.kind, request.old)
        for quota in quotas:
            self._check(request, quota, new, old)
        before = resource_version_of(request.obj)
        share = QuotaShare(self, request.kind, namespace, request.obj, before, new, old)
        self._shares.setdefault(namespace, []).append(share)
        return share

    def settle(self, share: QuotaShare) -> None:
        shares = self._shares[share.namespace]
        shares.remove(share)
        if not shares:
            del self._shares[share.namespace]

    def quotas(self, namespace: str) -> Sequence[Object]:
        """Shared; never to be changed."""
        items = self._store.range(store_prefix(RESOURCE_QUOTA, namespace)).items
        return [from_stored(RESOURCE_QUOTA, encoding.decode(item.value)) for item in items]

    def is_limited(self, namespace: str) -> bool:
        return namespace in self._limited

    def shares_of(self, namespace: str) -> Sequence[QuotaShare]:
        """Of writes on their way."""
        return tuple(self._shares.get(namespace, ()))

    def used(self, quota: Object) -> dict[str, str]:
        """For `status.used`: of what is stored. Names that nothing is counted by are left out."""
        hard, usage = hard_of(quota), self._limit(namespace_of(quota))
        zero, used = Decimal(0), {}
        for name, limit in hard.items():
            kind = kind_counted_by(name, self._catalog)
            if kind is not None:
                used[name] = in_words_of(limit, usage.of(quota, kind).get(name, zero))
        return used

    def staged(self, target: Target, revision: int) -> None:
        """A write is on its way to the store; told of every one."""
        usage = self._limited.get(target.namespace or "")
        if usage is not None:
            usage.touch(target.kind, target.key, revision)

    def _limit(self, namespace: str) -> NamespaceUsage:
        if namespace not in self._limited:
            self._limited[namespace] = NamespaceUsage(self._store, namespace)
        return self._limited[namespace]

    # --- deciding --------------------------------------------------------------------------------

    def _check(self, request: AdmissionRequest, quota: Object, new: Charge, old: Charge) -> None:
        if request.kind is POD and is_in_scope(quota, new.traits):
            missing = missing_requests(quota, request.obj)
            if missing:
                raise request.forbidden(missing)
        requested = growth(quota, new, old)
        if not requested:
            return
        used = dict(self._limited[request.namespace or ""].of(quota, request.kind))
        add(used, self._coming(quota, request.namespace or "", set(requested)))
        why = excess(quota, requested, used)
        if why:
            raise request.forbidden(why)

    def _coming(self, quota: Object, namespace: str, names: set[str]) -> Quantities:
        """What writes on their way add; what they give back counts once it is stored."""
        total: Quantities = {}
        for share in self._shares.get(namespace, ()):
            if not share.is_stored(self._store.revision):
                grown = growth(quota, share.new, share.old)
                add(total, {name: value for name, value in grown.items() if name in names})
        return total

    def _is_quota_coming(self, namespace: str) -> bool:
        return any(share.kind is RESOURCE_QUOTA for share in self._shares.get(namespace, ()))


def _is_charged(request: AdmissionRequest) -> bool:
    kind = request.kind
    if not kind.namespaced or kind.kind == "Event":
        return False
    if request.operation == "CREATE":
        return not request.subresource
    return _CHARGED_UPDATES.get(kind.resource) == request.subresource
