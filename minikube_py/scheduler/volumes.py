"""What a pod's claims allow: they must exist, reach the node, and be bound or bindable there.

Pure look-ups on given functions (the scheduler plugin volumebinding). Claims that wait for their
first consumer are named, so that the scheduler can tell the binder which node it chose.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from minikube_py.control_loop.claims import (
    NO_PROVISIONER,
    best_volume,
    claim_names,
    class_of,
    is_bound,
    satisfies,
    waits_for_consumer,
)
from minikube_py.control_loop.node_affinity import volume_reaches_node
from minikube_py.meta.objects import Object, get_path, is_deleting, name_of
from minikube_py.scheduler.cluster import NodeView, PodView
from minikube_py.scheduler.filters import Unresolvable

_NO_VOLUME = Unresolvable("node(s) didn't find available persistent volumes to bind")


@dataclass(frozen=True)
class VolumeLookup:
    """How to find them; None or empty when there is none."""

    claim: Callable[[str, str], Object | None]
    volume: Callable[[str], Object | None]
    volumes: Callable[[], Iterable[Object]]
    storage_class: Callable[[str], Object | None]


@dataclass(frozen=True)
class PodVolumes:
    """`problem` holds on every node. `waiting` are claims to be bound where the pod goes."""

    bound: Sequence[Object] = ()
    waiting: Sequence[Object] = ()
    problem: str = ""


def pod_volumes(pod: PodView, lookup: VolumeLookup) -> PodVolumes:
    bound, waiting = [], []
    for name in claim_names(pod.pod):
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
    return PodVolumes(tuple(bound), tuple(waiting))


def volume_problem(volumes: PodVolumes, node: NodeView, lookup: VolumeLookup) -> str | None:
    if not all(volume_reaches_node(volume, node.object) for volume in volumes.bound):
        return Unresolvable("node(s) didn't match PersistentVolume's node affinity")
    for claim in volumes.waiting:
        reachable = [
            volume for volume in lookup.volumes() if volume_reaches_node(volume, node.object)
        ]
        wanted = get_path(claim, "spec", "volumeName")
        if wanted:
            if any(name_of(each) == wanted and satisfies(each, claim) for each in reachable):
                continue
            return _NO_VOLUME
        if best_volume(reachable, claim) is not None:
            continue
        provisioner = get_path(lookup.storage_class(class_of(claim)), "provisioner", default="")
        if provisioner in ("", NO_PROVISIONER) or get_path(claim, "spec", "selector"):
            return _NO_VOLUME
    return None
