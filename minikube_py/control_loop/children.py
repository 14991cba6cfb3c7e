"""Whose child is this? Claiming by selector and controller reference.

The rules are Kubernetes' ControllerRefManager: an orphan that matches is adopted, a child that no
longer matches is released, another controller's child is left alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from minikube_py.control_loop.informer import Informer
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    make_key,
    name_of,
    namespace_of,
    owner_reference,
    split_api_version,
    uid_of,
)
from minikube_py.meta.selectors import Selector, from_label_selector
from minikube_py.resources.resources import Resources

Change = Callable[[Object], None]
_BY_CONTROLLER = "controller"


def index_by_controller(children: Informer) -> None:
    """Makes children_of fast, and possible."""
    children.add_index(_BY_CONTROLLER, _controller_values)


def children_of(children: Informer, owner: Object) -> list[Object]:
    """Those that `owner` controls, whether or not its selector matches them."""
    return list(children.by_index(_BY_CONTROLLER, uid_of(owner)))


def candidates_for(children: Informer, owner: Object) -> list[Object]:
    """What `owner` controls and what nobody in its namespace does."""
    orphans = children.by_index(_BY_CONTROLLER, _orphans(namespace_of(owner)))
    return [*children_of(children, owner), *orphans]


def parent_keys(child: Object, parents: Informer) -> Iterator[Key]:
    """Whom a change of `child` concerns: its controller, or all that might adopt it. For parents
    with a LabelSelector in spec.selector.
    """
    reference = controller_of(child)
    if reference is not None:
        group, _ = split_api_version(reference.get("apiVersion", ""))
        if (group, reference.get("kind")) == (parents.kind.group, parents.kind.kind):
            yield make_key(namespace_of(child), reference["name"])
        return
    for parent in parents.list(namespace_of(child)):
        selector = from_label_selector((parent.get("spec") or {}).get("selector"))
        if selector and selector.matches(labels_of(child)):
            yield key_of(parent)


def _controller_values(child: Object) -> tuple[str]:
    reference = controller_of(child)
    return (_orphans(namespace_of(child)) if reference is None else reference.get("uid", ""),)


def _orphans(namespace: str) -> str:
    return f"orphans in {namespace}"


@dataclass(frozen=True)
class Claimer:
    """Claims objects of `kind` for `owner` (an object of `owner_kind`)."""

    resources: Resources
    owner_kind: Kind
    owner: Object
    kind: Kind

    async def claim(self, candidates: Iterable[Object], selector: Selector) -> list[Object]:
        """Those of `candidates` that are the owner's now. Adoption first makes sure, on the
        stored owner, that it is still the same and stays: raises Conflict when it is not.
        """
        return [
            child
            for candidate in candidates
            if (child := await self._claim_one(candidate, selector)) is not None
        ]

    async def _claim_one(self, candidate: Object, selector: Selector) -> Object | None:
        matches = selector.matches(labels_of(candidate))
        reference = controller_of(candidate)
        if reference is not None:
            if reference.get("uid") != uid_of(self.owner):
                return None
            if matches:
                return candidate
            if not is_deleting(self.owner):
                await self._release(candidate)
            return None
        if not matches or is_deleting(self.owner) or is_deleting(candidate):
            return None
        return await self._adopt(candidate)

    async def _adopt(self, candidate: Object) -> Object | None:
        self._check_owner()
        reference = owner_reference(self.owner)

        def change(obj: Object) -> None:
            if uid_of(obj) != uid_of(candidate) or controller_of(obj) is not None:
                raise Conflict(f"{name_of(obj)} was taken by another owner meanwhile")
            others = [
                other
                for other in obj["metadata"].get("ownerReferences") or []
                if other.get("uid") != reference["uid"]
            ]
            obj["metadata"]["ownerReferences"] = [*others, reference]

        return await self._change(candidate, change)

    async def _release(self, child: Object) -> None:
        def change(obj: Object) -> None:
            if uid_of(obj) != uid_of(child):
                raise Conflict(f"{name_of(obj)} was replaced meanwhile")
            kept = [
                reference
                for reference in obj["metadata"].get("ownerReferences") or []
                if reference.get("uid") != uid_of(self.owner)
            ]
            if kept:
                obj["metadata"]["ownerReferences"] = kept
            else:
                obj["metadata"].pop("ownerReferences", None)

        await self._change(child, change)

    async def _change(self, child: Object, change: Change) -> Object | None:
        namespace = namespace_of(child) or None
        try:
            return await self.resources.modify(self.kind, namespace, name_of(child), change)
        except NotFound:
            return None

    def _check_owner(self) -> None:
        namespace = namespace_of(self.owner) or None
        fresh = self.resources.get_or_none(self.owner_kind, namespace, name_of(self.owner))
        if fresh is None or uid_of(fresh) != uid_of(self.owner) or is_deleting(fresh):
            raise Conflict(
                f"{self.owner_kind.resource} {name_of(self.owner)!r} is gone or going; "
                "it adopts nothing"
            )


def is_because_namespace_ends(error: ApiError) -> bool:
    """Nothing new is made in a namespace on its way out: no failure worth a word."""
    causes = (error.details or {}).get("causes") or []
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
