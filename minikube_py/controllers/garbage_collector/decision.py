"""What an object's owners mean for it. Pure; Kubernetes' garbagecollector.attemptToDeleteItem."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from minikube_py.controllers.garbage_collector.graph import FOREGROUND, ORPHAN, Item
from minikube_py.resources.options import Propagation

OwnerState = Literal["solid", "absent", "waiting", "unknown"]
"""`waiting`: being deleted in the foreground. `unknown`: of a kind nobody serves, or out of reach;
nothing may be concluded from it.
"""


@dataclass(frozen=True)
class Fate:
    """`drop_owners`: uids whose references go. `delete`: how, None to keep the object."""

    drop_owners: frozenset[str] = frozenset()
    delete: Propagation | None = None


def fate_of(item: Item, owners: Mapping[str, OwnerState], *, has_dependents: bool) -> Fate:
    """`owners`: state by uid of every owner reference."""
    if not item.owners or (item.deleting and not item.waits_for_dependents):
        return Fate()
    gone = frozenset(uid for uid, state in owners.items() if state in ("absent", "waiting"))
    if any(state in ("solid", "unknown") for state in owners.values()):
        has_solid = "solid" in owners.values()
        return Fate(drop_owners=gone) if has_solid else Fate()
    if item.deleting:
        return Fate()
    if "waiting" in owners.values() and has_dependents:
        return Fate(delete="Foreground")
    return Fate(delete=_own_wish(item))


def _own_wish(item: Item) -> Propagation:
    if ORPHAN in item.finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in item.finalizers else "Background"
