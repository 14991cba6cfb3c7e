"""The nodes and what is on them, counted as pods come and go, so that a decision adds up nothing.

Fed by informers; a pod that was just given a node is assumed to be there until the informer shows
it. Plain data and arithmetic.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from minikube_py.meta.objects import (
    Key,
    Object,
    get_path,
    is_deleting,
    key_of,
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

_FINISHED = ("Succeeded", "Failed")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


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
    def requests(self) -> Amounts:
        return pod_requests(self.pod)

    @cached_property
    def weight(self) -> Amounts:
        return with_least(self.requests)

    @cached_property
    def ports(self) -> list[HostPort]:
        return host_ports(self.pod)

    @cached_property
    def keeps_away_from(self) -> list[Object]:
        """Terms of required anti-affinity."""
        return list(
            get_path(self.pod, "spec", "affinity", "podAntiAffinity", _REQUIRED, default=[])
        )

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


@dataclass(eq=False)
class NodeView:
    """`node` is None while pods name a node that is not (yet) there."""

    name: str
    node: Object | None = None
    pods: dict[Key, PodView] = field(default_factory=dict)
    requested: Amounts = field(default_factory=dict)
    weight: Amounts = field(default_factory=dict)
    allocatable: Amounts = field(default_factory=dict)

    @property
    def object(self) -> Object:
        assert self.node is not None
        return self.node

    @property
    def labels(self) -> dict[str, str]:
        return self.object["metadata"].get("labels") or {}

    def place(self, view: PodView) -> None:
        self.take(view.key)
        self.pods[view.key] = view
        _count(self.requested, view.requests, 1)
        _count(self.weight, view.weight, 1)

    def copy(self) -> "NodeView":
        """To try out on what would be if pods came or went."""
        return NodeView(
            self.name,
            self.node,
            dict(self.pods),
            dict(self.requested),
            dict(self.weight),
            self.allocatable,
        )

    def take(self, key: Key) -> None:
        view = self.pods.pop(key, None)
        if view is not None:
            _count(self.requested, view.requests, -1)
            _count(self.weight, view.weight, -1)


class ClusterView:
    def __init__(self) -> None:
        self._nodes: dict[str, NodeView] = {}
        self._node_of: dict[Key, str] = {}
        self._assumed: set[Key] = set()
        self._nominated: dict[Key, tuple[PodView, str]] = {}

    def nodes(self) -> list[NodeView]:
        """Those that exist, by name."""
        return [self._nodes[name] for name in sorted(self._nodes) if self._nodes[name].node]

    def pods(self) -> Iterator[tuple[NodeView, PodView]]:
        """Every placed pod with its node."""
        for node in self._nodes.values():
            if node.node is not None:
                for view in node.pods.values():
                    yield node, view

    def nodes_as_promised(self, pod: PodView) -> list[NodeView] | None:
        """The nodes with those pods on them that others are leaving for, as far as they are no
        less important than `pod`; None when there are no such pods.
        """
        promised: dict[str, list[PodView]] = {}
        for view, name in self._nominated.values():
            if view.key != pod.key and view.priority >= pod.priority:
                promised.setdefault(name, []).append(view)
        if not promised:
            return None
        nodes = []
        for node in self.nodes():
            if node.name in promised:
                node = node.copy()
                for view in promised[node.name]:
                    node.place(view)
            nodes.append(node)
        return nodes

    def nominate(self, view: PodView, node: str) -> None:
        """Room is being made for it there."""
        self._nominated[view.key] = (view, node)

    def nominated_node(self, key: Key) -> str:
        found = self._nominated.get(key)
        return found[1] if found else ""

    def nominated_less_important(self, than: PodView, node: str) -> list[PodView]:
        return [
            view
            for view, where in self._nominated.values()
            if where == node and view.priority < than.priority
        ]

    def set_node(self, node: Object) -> None:
        view = self._view(name_of(node))
        view.node = node
        status = node.get("status") or {}
        view.allocatable = amounts(status.get("allocatable") or status.get("capacity"))

    def drop_node(self, name: str) -> None:
        view = self._nodes.get(name)
        if view is None:
            return
        view.node = None
        if not view.pods:
            del self._nodes[name]

    def set_pod(self, pod: Object) -> None:
        """What the informer shows. An assumed pod stays where it is assumed until it is bound."""
        key, node = key_of(pod), get_path(pod, "spec", "nodeName", default="")
        finished = get_path(pod, "status", "phase") in _FINISHED
        if not node:
            if finished or is_deleting(pod):
                self.drop_pod(key)
            else:
                self._remember_nomination(PodView(pod))
            return
        self.drop_pod(key)
        if not finished:
            self._place(PodView(pod), node)

    def drop_pod(self, key: Key) -> None:
        self._nominated.pop(key, None)
        self._assumed.discard(key)
        node = self._node_of.pop(key, None)
        if node is not None:
            self._nodes[node].take(key)

    def assume(self, view: PodView, node: str) -> None:
        self._nominated.pop(view.key, None)
        self._place(view, node)
        self._assumed.add(view.key)

    def forget(self, key: Key) -> None:
        """The assumed pod did not get there after all."""
        if key in self._assumed:
            self.drop_pod(key)

    def is_assumed(self, key: Key) -> bool:
        return key in self._assumed

    def _remember_nomination(self, view: PodView) -> None:
        if view.nominated_node:
            self._nominated[view.key] = (view, view.nominated_node)
        else:
            self._nominated.pop(view.key, None)

    def _place(self, view: PodView, node: str) -> None:
        self._view(node).place(view)
        self._node_of[view.key] = node

    def _view(self, name: str) -> NodeView:
        return self._nodes.setdefault(name, NodeView(name))


def _count(total: Amounts, amount: Amounts, sign: int) -> None:
    for name, value in amount.items():
        total[name] = total.get(name, 0) + sign * value
