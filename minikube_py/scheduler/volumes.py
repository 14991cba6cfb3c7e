"""What a pod's claims allow: they must exist, reach the node, and be bound or bindable there.

Pure look-ups on given functions (the scheduler plugins volumebinding, volumezone and
volumerestrictions). Claims that wait for their first consumer are named, so that the scheduler can
tell the binder which node it chose.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from minikube_py.control_loop.claims import (
    NO_PROVISIONER,
    best_volume,
    class_of,
    is_bound,
    satisfies,
    waits_for_consumer,
)
from minikube_py.control_loop.node_affinity import volume_reaches_node
from minikube_py.meta.objects import Key, Object, get_path, is_deleting, labels_of, name_of
from minikube_py.scheduler.reasons import Reason, Unbound
from minikube_py.scheduler.views import NodeView, PodView

_NO_VOLUME = Unbound("node(s) didn't find available persistent volumes to bind")
_IN_USE = Reason(
    "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
)
_PLACES = {
    "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
"""Labels of volumes that say where they are, and what Nodes call it today."""


@dataclass(frozen=True)
class VolumeLookup:
    """How to find them; None or empty when there is none."""

    claim: Callable[[str, str], Object | None]
    volume: Callable[[str], Object | None]
    volumes: Callable[[], Iterable[Object]]
    storage_class: Callable[[str], Object | None]


@dataclass(frozen=True)
class PodVolumes:
    """`problem` holds on every node. `waiting` are claims to be bound where the pod goes, `single`
    those that only one pod may use.
    """

    bound: Sequence[Object] = ()
    waiting: Sequence[Object] = ()
    single: Sequence[Key] = ()
    problem: str = ""


def pod_volumes(pod: PodView, lookup: VolumeLookup) -> PodVolumes:
    bound, waiting, single = [], [], []
    for key in pod.claims:
        name = key.rpartition("/")[2]
        claim = lookup.claim(pod.namespace, name)
        if claim is None:
            return PodVolumes(problem=f'persistentvolumeclaim "{name}" not found')
        if is_deleting(claim):
            return PodVolumes(problem=f'persistentvolumeclaim "{name}" is being deleted')
        if get_path(claim, "status", "phase") == "Lost":
            missing = get_path(claim, "spec", "volumeName", default="")
            return PodVolumes(
                problem=f'persistentvolumeclaim "{name}" bound to non-existent '
                f'persistentvolume "{missing}"'
            )
        if "ReadWriteOncePod" in get_path(claim, "spec", "accessModes", default=[]):
            single.append(key)
        if is_bound(claim):
            volume = lookup.volume(claim["spec"]["volumeName"])
            if volume is None:
                return PodVolumes(
                    problem=f'persistentvolume "{claim["spec"]["volumeName"]}" not found'
                )
            bound.append(volume)
        elif waits_for_consumer(lookup.storage_class(class_of(claim))):
            waiting.append(claim)
        else:
            return PodVolumes(problem="pod has unbound immediate PersistentVolumeClaims")
    return PodVolumes(tuple(bound), tuple(waiting), tuple(single))


def volumes_in_use(volumes: PodVolumes, nodes: Sequence[NodeView]) -> Reason | None:
    """A claim of which one pod may have it has one, on whichever node."""
    if any(node.claims[key] for key in volumes.single for node in nodes):
        return _IN_USE
    return None


def volume_problem(volumes: PodVolumes, node: NodeView, lookup: VolumeLookup) -> Reason | None:
    if not all(volume_reaches_node(volume, node.object) for volume in volumes.bound):
        return Unbound("node(s) didn't match PersistentVolume's node affinity")
    if not all(_can_be_bound(claim, node, lookup) for claim in volumes.waiting):
        return _NO_VOLUME
    if not all(_is_in_place(volume, node) for volume in volumes.bound):
        return Unbound("node(s) had no available volume zone")
    return None


def _can_be_bound(claim: Object, node: NodeView, lookup: VolumeLookup) -> bool:
    reachable = [volume for volume in lookup.volumes() if volume_reaches_node(volume, node.object)]
    wanted = get_path(claim, "spec", "volumeName")
    if wanted:
        return any(name_of(each) == wanted and satisfies(each, claim) for each in reachable)
    if best_volume(reachable, claim) is not None:
        return True
    storage_class = lookup.storage_class(class_of(claim))
    provisioner = get_path(storage_class, "provisioner", default="")
    if provisioner in ("", NO_PROVISIONER) or get_path(claim, "spec", "selector"):
        return False
    return _is_allowed(get_path(storage_class, "allowedTopologies", default=[]), node)


def _is_allowed(topologies: Sequence[Object], node: NodeView) -> bool:
    """allowedTopologies of a class: where its volumes may be made."""
    return not topologies or any(
        all(
            node.labels.get(each["key"]) in each.get("values", ())
            for each in term.get("matchLabelExpressions") or []
        )
        for term in topologies
    )


def _is_in_place(volume: Object, node: NodeView) -> bool:
    """A node that says nothing of zones takes any; several of a volume's are joined by `__`."""
    if not any(label in node.labels for label in _PLACES):
        return True
    return all(
        (node.labels.get(label) or node.labels.get(_PLACES[label])) in value.split("__")
        for label, value in labels_of(volume).items()
        if label in _PLACES
    )
