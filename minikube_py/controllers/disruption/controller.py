"""Keeps the status of PodDisruptionBudgets, which evictions are charged to.

Owners of pods are asked for their scale through the API's own idea of it, so custom kinds with a
scale subresource count as Deployments do.
"""

from collections.abc import Sequence
from contextlib import suppress

from minikube_py.control_loop.controller import Controller, Requeue
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.disruption.status import (
    Expected,
    budget_status,
    disrupted,
    expected,
    failed_status,
    needs_scale,
    stale_disruption,
)
from minikube_py.kinds.catalog import POD, POD_DISRUPTION_BUDGET
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    controller_of,
    get_path,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    split_api_version,
    uid_of,
    with_condition,
)
from minikube_py.meta.selectors import from_label_selector
from minikube_py.meta.timestamps import Clock, format_time
from minikube_py.resources.resources import Resources

_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. "
    "As a result, the status of the PDB cannot be calculated correctly, which may result in "
    "undefined behavior. To account for these pods please set "
    '".spec.minAvailable" field of the PDB to an integer value.'
)


class ScaleUnknown(Exception):
    """How many pods there should be can't be told; says why."""


def new_disruption_controller(
    resources: Resources, informers: Informers, recorder: Recorder, clock: Clock
) -> Controller:
    budgets, pods = informers.of(POD_DISRUPTION_BUDGET), informers.of(POD)
    keeper = _Keeper(resources, budgets, pods, recorder, clock)
    controller = Controller("disruption", keeper.reconcile, workers=1)
    controller.watches(budgets)
    controller.watches(pods, keeper.budgets_over)
    return controller


def new_stale_disruption_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, clock: Clock
) -> Controller:
    """Takes back DisruptionTarget from pods that nobody deleted after all."""
    pods = informers.of(POD)

    def concerns(pod: Object) -> Sequence[Key]:
        return () if stale_disruption(pod, clock()) is None else (key_of(pod),)

    async def reconcile(key: Key) -> Requeue | None:
        pod = pods.get(key)
        left = None if pod is None else stale_disruption(pod, clock())
        if pod is None or left is None:
            return None
        if left.total_seconds() > 0:
            return Requeue(left.total_seconds() + 0.1)
        with suppress(NotFound):
            await resources.update_status(POD, namespace_of(pod), name_of(pod), untrue)
        return None

    def untrue(fresh: Object) -> None:
        condition = {"type": "DisruptionTarget", "status": "False"}
        left = stale_disruption(fresh, clock())
        if left is not None and left.total_seconds() <= 0:
            listed = get_path(fresh, "status", "conditions", default=[])
            fresh["status"]["conditions"] = with_condition(
                listed, condition, now=format_time(clock())
            )

    controller = Controller("stale-disruption", reconcile, workers=1)
    controller.watches(pods, concerns)
    return controller


class _Keeper:
    def __init__(
        self,
        resources: Resources,
        budgets: Informer,
        pods: Informer,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._budgets = budgets
        self._pods = pods
        self._recorder = recorder
        self._clock = clock

    def budgets_over(self, pod: Object) -> list[Key]:
        found = []
        for budget in self._budgets.list(namespace_of(pod)):
            selector = from_label_selector(get_path(budget, "spec", "selector"))
            if selector is not None and selector.matches(labels_of(pod)):
                found.append(key_of(budget))
        return found

    async def reconcile(self, key: Key) -> Requeue | None:
        budget = self._budgets.get(key)
        if budget is None:
            return None
        pods = self._selected(budget)
        if not pods:
            self._recorder.record(budget, "Normal", "NoPods", "No matching pods found")
        try:
            wanted = self._expected(budget, pods)
        except ScaleUnknown as error:
            why = f"Failed to calculate the number of expected pods: {error}"
            self._recorder.record(budget, "Warning", "CalculateExpectedPodCountFailed", why)
            await self._write(budget, None, str(error))
            return None
        await self._write(budget, wanted, "")
        return self._next_look(budget, pods)

    def _selected(self, budget: Object) -> list[Object]:
        selector = from_label_selector(get_path(budget, "spec", "selector"))
        return [] if selector is None else self._pods.list(namespace_of(budget), selector)

    def _expected(self, budget: Object, pods: Sequence[Object]) -> Expected:
        return expected(budget, len(pods), self._scale(budget, pods) if needs_scale(budget) else 0)

    def _scale(self, budget: Object, pods: Sequence[Object]) -> int:
        """What the owners of all these pods ask for together; raises ScaleUnknown."""
        scales: dict[str, int] = {}
        seen: set[str] = set()
        unmanaged = False
        for pod in pods:
            owner = controller_of(pod)
            if owner is None:
                unmanaged = True
            elif owner.get("uid", "") not in seen:
                seen.add(owner.get("uid", ""))
                uid, replicas = self._asked_for(pod, owner)
                scales[uid] = replicas
        if unmanaged:
            message = _UNMANAGED.format(selector=get_path(budget, "spec", "selector"))
            self._recorder.record(budget, "Warning", "UnmanagedPods", message)
        return sum(scales.values())

    def _asked_for(self, pod: Object, reference: Object) -> tuple[str, int]:
        """(uid, replicas) of the topmost owner with a scale: a Deployment above its ReplicaSets."""
        found = self._owner(namespace_of(pod), reference)
        if found is None:
            group, _ = split_api_version(reference.get("apiVersion", ""))
            raise ScaleUnknown(
                f'found no controllers for pod "{name_of(pod)}": {reference.get("kind")}.{group} '
                f'"{reference.get("name")}" is gone or has no scale subresource'
            )
        scale, above = found
        while above is not None and (higher := self._owner(namespace_of(pod), above)) is not None:
            scale, above = higher
        return scale

    def _owner(
        self, namespace: str, reference: Object
    ) -> tuple[tuple[str, int], Object | None] | None:
        """((uid, replicas), its own controller); None when it is gone or can't be scaled."""
        group, version = split_api_version(reference.get("apiVersion", ""))
        name = reference.get("kind", "")
        catalog = self._resources.catalog
        kind = catalog.by_kind(group, version, name) or catalog.storage_kind(group, name)
        if kind is None or kind.scale is None:
            return None
        where = namespace if kind.namespaced else None
        owner = self._resources.get_or_none(kind, where, reference.get("name", ""))
        if owner is None or uid_of(owner) != reference.get("uid"):
            return None
        replicas = get_path(self._resources.scale_of(kind, owner), "spec", "replicas", default=0)
        return (uid_of(owner), int(replicas)), controller_of(owner)

    async def _write(self, budget: Object, wanted: Expected | None, problem: str) -> None:
        """On the stored budget: an eviction may have been charged to it meanwhile."""

        def change(fresh: Object) -> None:
            if uid_of(fresh) != uid_of(budget):
                return
            now = self._clock()
            if wanted is None:
                fresh["status"] = failed_status(fresh, problem, now)
            else:
                fresh["status"] = budget_status(fresh, self._selected(fresh), wanted, now)

        try:
            written = await self._resources.update_status(
                POD_DISRUPTION_BUDGET, namespace_of(budget), name_of(budget), change
            )
        except NotFound:
            return
        await self._budgets.observed(written)

    def _next_look(self, budget: Object, pods: Sequence[Object]) -> Requeue | None:
        now = self._clock()
        state = disrupted(budget, pods, now)
        for pod in state.forgotten:
            message = (
                f"Pod was expected by PDB {namespace_of(budget)}/{name_of(budget)} to be deleted "
                "but it wasn't"
            )
            self._recorder.record(pod, "Warning", "NotDeleted", message)
        if state.next_look is None:
            return None
        return Requeue(max(0.0, (state.next_look - now).total_seconds()) + 1.0)
