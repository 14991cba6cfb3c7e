"""Lists that are sets or maps (`x-kubernetes-list-type`): which items are the same one."""

from collections.abc import Callable, Iterator
from typing import Any

from minikube_py.kinds.custom.nodes import Node, child_node, properties_of
from minikube_py.meta import encoding


def repeats(items: list[Any], node: Node) -> Iterator[tuple[int, Any]]:
    """(index, what is repeated) of each item that stands for one that was there before."""
    kind = node.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return
    seen: set[bytes] = set()
    for index, item in enumerate(items):
        shown = item_key(item, node) if kind == "map" else item
        text = _text(shown)
        if text in seen:
            yield index, shown
        seen.add(text)


def item_key(item: Any, node: Node) -> dict[str, Any]:
    """The key fields of an item of a map list; a missing one has its default."""
    found = {}
    known = properties_of(child_node(node, "items") or {})
    for name in node.get("x-kubernetes-list-map-keys") or ():
        value = item.get(name) if isinstance(item, dict) else None
        if value is None:
            value = known.get(name, {}).get("default")
        if value is not None:
            found[name] = value
    return found


def correlated(old: Any, node: Node) -> Callable[[Any], Any]:
    """From an item to the one it was before; None where that can't be told."""
    if node.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return lambda _item: None
    before = {_text(item_key(item, node)): item for item in old}
    return lambda item: before.get(_text(item_key(item, node)))


def _text(value: Any) -> bytes:
    return encoding.encode(sorted(value.items()) if isinstance(value, dict) else value)
