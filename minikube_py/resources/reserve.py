"""What a write takes beside its place in the store: addresses, ports, a share of quotas.

The last step before a write is staged, in the same turn of the loop. All or nothing: what was taken
first is given back when the second can't be had.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from minikube_py.resources.admission.request import AdmissionRequest
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.quota.ledger import QuotaLedger
from minikube_py.resources.records import Reservation


@dataclass(frozen=True)
class Together:
    parts: Iterable[Reservation]

    def commit(self) -> None:
        for part in self.parts:
            part.commit()

    def undo(self) -> None:
        for part in self.parts:
            part.undo()


class Reservations:
    def __init__(self, allocator: ServiceAllocator, quotas: QuotaLedger) -> None:
        self._allocator = allocator
        self._quotas = quotas

    def reserve(self, request: AdmissionRequest) -> Reservation | None:
        """Fills in addresses and ports, in place; raises Invalid or Forbidden. None: nothing to
        take.
        """
        takes_addresses = _is_service(request.kind) and not request.subresource
        taken = self._allocator.reserve(request.obj, request.old) if takes_addresses else None
        try:
            share = self._quotas.reserve(request)
        except BaseException:
            if taken is not None:
                taken.undo()
            raise
        if taken is None or share is None:
            return taken or share
        return Together((taken, share))

    def release(self, kind: Kind, obj: Object) -> Reservation | None:
        """What goes back with the removal of `obj`."""
        return self._allocator.release(obj) if _is_service(kind) else None


def _is_service(kind: Kind) -> bool:
    return kind.resource == "services"
