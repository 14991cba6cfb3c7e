"""The nodes and what is on them, counted as pods come and go, so that a decision adds up nothing.

Fed by informers; a pod that was just given a node is assumed to be there until the informer shows
it.
"""

from minikube_py.meta.objects import Key, Object, get_path, is_deleting, key_of, name_of
from minikube_py.scheduler.views import NodeView, Offer, PodView

_FINISHED = ("Succeeded", "Failed")


class ClusterView:
    def __init__(self) -> None:
        self._nodes: dict[str, NodeView] = {}
        self._sorted: list[NodeView] | None = None
        self._node_of: dict[Key, str] = {}
        self._assumed: set[Key] = set()
        self._nominated: dict[Key, tuple[PodView, str]] = {}

    def nodes(self) -> list[NodeView]:
        """Those that exist, by name."""
        if self._sorted is None:
            known = sorted(self._nodes.items())
            self._sorted = [node for _, node in known if node.offer is not None]
        return self._sorted

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
        if view.offer is None:
            self._sorted = None
        view.offer = Offer.of(node)

    def drop_node(self, name: str) -> None:
        view = self._nodes.get(name)
        if view is None:
            return
        view.offer = self._sorted = None
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
