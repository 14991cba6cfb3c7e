"""Which pods belong together when the pod itself says nothing: those of its Services and of the
controller that made it. The system's own topology spread is about them.

Pure look-ups on given functions (the scheduler's helper DefaultSelector).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minikube_py.kinds.catalog import REPLICA_SET, REPLICATION_CONTROLLER, STATEFUL_SET
from minikube_py.meta.objects import Object, get_path, labels_of
from minikube_py.meta.selectors import Requirement, Selector, from_label_selector, from_map
from minikube_py.scheduler.views import PodView

SPREAD = (REPLICATION_CONTROLLER, REPLICA_SET, STATEFUL_SET)
"""Controllers whose pods are spread."""


@dataclass(frozen=True)
class Owners:
    """`services`: all of a namespace. `controller`: by kind, namespace and name."""

    services: Callable[[str], Iterable[Object]]
    controller: Callable[[str, str, str], Object | None]


NOBODY = Owners(lambda _namespace: (), lambda _kind, _namespace, _name: None)


def default_selector(pod: PodView, owners: Owners) -> Selector | None:
    """None when the pod belongs to nobody."""
    merged: dict[str, str] = {}
    for service in owners.services(pod.namespace):
        wanted = get_path(service, "spec", "selector", default={})
        if wanted and wanted.items() <= labels_of(pod.pod).items():
            merged |= wanted
    services = from_map(merged)
    requirements = services.requirements if services else ()
    return Selector((*requirements, *_of_controller(pod, owners))) or None


def _of_controller(pod: PodView, owners: Owners) -> tuple[Requirement, ...]:
    references = get_path(pod.pod, "metadata", "ownerReferences", default=[])
    reference = next((each for each in references if each.get("controller")), None)
    if reference is None:
        return ()
    owner = owners.controller(reference["kind"], pod.namespace, reference["name"])
    wanted = get_path(owner, "spec", "selector") if owner else None
    if reference["kind"] == REPLICATION_CONTROLLER.kind:
        selector = from_map(wanted)
    else:
        selector = from_label_selector(wanted)
    return selector.requirements if selector else ()
