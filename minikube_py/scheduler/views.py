"""Pods and nodes as a decision sees them: what it asks of each is worked out once, and counted as
pods come and go. Plain data and arithmetic; `cluster` keeps them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from minikube_py.control_loop.claims import claim_names
from minikube_py.control_loop.node_affinity import named_nodes
from minikube_py.control_loop.taints import Taint, taints_of
from minikube_py.kinds.dev_annotations import LOGICAL_NODE
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    get_path,
    is_deleting,
    key_of,
    labels_of,
    make_key,
    name_of,
    namespace_of,
)
from minikube_py.scheduler.requests import (
    Amounts,
    HostPort,
    amounts,
    host_ports,
    pod_requests,
    with_least,
)

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class Group(NamedTuple):
    """Pods that rules on neighbours can't tell apart: replicas, mostly."""

    namespace: str
    labels: frozenset[tuple[str, str]]
    leaving: bool


@dataclass(eq=False)
class PodView:
    """A pod with what the scheduler asks of it worked out once."""

    pod: Object

    @cached_property
    def key(self) -> Key:
        return key_of(self.pod)

    @property
    def namespace(self) -> str:
        return namespace_of(self.pod)

    @cached_property
    def group(self) -> Group:
        return Group(self.namespace, frozenset(labels_of(self.pod).items()), is_deleting(self.pod))

    @cached_property
    def requests(self) -> Amounts:
        return pod_requests(self.pod)

    @cached_property
    def weight(self) -> Amounts:
        return with_least(self.requests)

    @cached_property
    def ports(self) -> list[HostPort]:
        return host_ports(self.pod)

    @property
    def uses_host_network(self) -> bool:
        return bool(get_path(self.pod, "spec", "hostNetwork"))

    @cached_property
    def claims(self) -> list[Key]:
        return [make_key(self.namespace, name) for name in claim_names(self.pod)]

    @cached_property
    def named_nodes(self) -> frozenset[str] | None:
        """The only nodes it names, as pods of a DaemonSet do; None when it names none."""
        return named_nodes(self.pod)

    @cached_property
    def affinity(self) -> Object:
        found: Object = get_path(self.pod, "spec", "affinity", default={})
        return found

    @property
    def has_neighbour_rules(self) -> bool:
        return "podAffinity" in self.affinity or "podAntiAffinity" in self.affinity

    @cached_property
    def keeps_away_from(self) -> list[Object]:
        """Terms of required anti-affinity."""
        return list(get_path(self.affinity, "podAntiAffinity", REQUIRED, default=[]))

    @property
    def is_leaving(self) -> bool:
        return is_deleting(self.pod)

    @cached_property
    def priority(self) -> int:
        return int(get_path(self.pod, "spec", "priority", default=0))

    @property
    def started(self) -> str:
        """A timestamp, or something later than all of them while it has not started."""
        return str(get_path(self.pod, "status", "startTime", default="~"))

    @property
    def nominated_node(self) -> str:
        return str(get_path(self.pod, "status", "nominatedNodeName", default=""))


@dataclass(frozen=True)
class Offer:
    """What a Node object says. `shares_host`: with all others that do (`mk up --nodes`)."""

    object: Object
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    allocatable: Amounts
    images: Mapping[str, int]
    shares_host: bool

    @classmethod
    def of(cls, node: Object) -> "Offer":
        status = node.get("status") or {}
        return cls(
            node,
            labels_of(node),
            tuple(taints_of(node)),
            amounts(status.get("allocatable") or status.get("capacity")),
            {
                name: image.get("sizeBytes", 0)
                for image in status.get("images") or []
                for name in image.get("names") or []
            },
            LOGICAL_NODE in annotations_of(node),
        )


@dataclass(eq=False)
class NodeView:
    """`offer` is None while pods name a node that is not (yet) there. `attached` are the pods with
    rules on their neighbours.
    """

    name: str
    offer: Offer | None = None
    pods: dict[Key, PodView] = field(default_factory=dict)
    attached: dict[Key, PodView] = field(default_factory=dict)
    groups: Counter[Group] = field(default_factory=Counter)
    claims: Counter[Key] = field(default_factory=Counter)
    requested: Amounts = field(default_factory=dict)
    weight: Amounts = field(default_factory=dict)

    @classmethod
    def of(cls, node: Object) -> "NodeView":
        return cls(name_of(node), Offer.of(node))

    @property
    def offered(self) -> Offer:
        assert self.offer is not None
        return self.offer

    @property
    def object(self) -> Object:
        return self.offered.object

    @property
    def labels(self) -> Mapping[str, str]:
        return self.offered.labels

    @property
    def allocatable(self) -> Amounts:
        return self.offered.allocatable

    def place(self, view: PodView) -> None:
        self.take(view.key)
        self.pods[view.key] = view
        if view.has_neighbour_rules:
            self.attached[view.key] = view
        self._count(view, 1)

    def take(self, key: Key) -> None:
        view = self.pods.pop(key, None)
        if view is not None:
            self.attached.pop(key, None)
            self._count(view, -1)

    def copy(self) -> "NodeView":
        """To try out on what would be if pods came or went."""
        return NodeView(
            self.name,
            self.offer,
            dict(self.pods),
            dict(self.attached),
            Counter(self.groups),
            Counter(self.claims),
            dict(self.requested),
            dict(self.weight),
        )

    def _count(self, view: PodView, sign: int) -> None:
        _add(self.requested, view.requests, sign)
        _add(self.weight, view.weight, sign)
        self.groups[view.group] += sign
        if not self.groups[view.group]:
            del self.groups[view.group]
        for claim in view.claims:
            self.claims[claim] += sign


def _add(total: Amounts, amount: Amounts, sign: int) -> None:
    for name, value in amount.items():
        total[name] = total.get(name, 0) + sign * value
