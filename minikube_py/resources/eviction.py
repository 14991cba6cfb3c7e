"""Eviction: deleting a Pod with the consent of the PodDisruptionBudget that covers it.

Rules of pkg/registry/core/pod/storage/eviction.go. The budget is charged before the Pod is deleted
and remembers it in `disruptedPods`, so that two evictions never spend the same disruption; the
disruption controller strikes the Pod out once it is gone.
"""

from collections.abc import Sequence
from dataclasses import replace

from minikube_py.kinds.catalog import POD, POD_DISRUPTION_BUDGET
from minikube_py.meta.errors import (
    Conflict,
    Forbidden,
    InternalError,
    TooManyRequests,
)
from minikube_py.meta.objects import (
    Object,
    get_path,
    is_condition_true,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    resource_version_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.selectors import from_label_selector
from minikube_py.meta.timestamps import Clock, format_time, system_clock
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

_VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."
_TOO_MANY_BUDGETS = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)
_MAX_DISRUPTED_PODS = 2000
_ATTEMPTS = 20


async def evict(
    resources: Resources,
    namespace: str,
    name: str,
    options: DeleteOptions,
    *,
    clock: Clock = system_clock,
) -> None:
    """Raises NotFound, Conflict (preconditions), Forbidden, or TooManyRequests with the cause
    DisruptionBudget: ask again later.
    """
    for attempt in range(_ATTEMPTS):
        pod = resources.get(POD, namespace, name)
        if not _needs_no_budget(pod):
            break
        try:
            await _mark_and_delete(resources, pod, _unless_changed(pod, options), clock)
        except Conflict:
            if options.resource_version is not None or attempt == _ATTEMPTS - 1:
                raise
        else:
            return
    await _evict_within_budget(resources, pod, options, clock)


async def _evict_within_budget(
    resources: Resources, pod: Object, options: DeleteOptions, clock: Clock
) -> None:
    page = resources.list(POD_DISRUPTION_BUDGET, namespace_of(pod))
    budgets = budgets_of(pod, page.objects())
    if len(budgets) > 1:
        raise InternalError(_TOO_MANY_BUDGETS)
    if not budgets:
        await _mark_and_delete(resources, pod, options, clock)
        return
    budget = budgets[0]
    if not is_disruption(pod, budget):
        try:
            await _mark_and_delete(resources, pod, _when_same(pod, options), clock)
        except Conflict as conflict:
            if options.resource_version is None:
                raise _still_processed(budget) from conflict
            raise
        return
    if options.dry_run:
        charge(budget, name_of(pod), format_time(clock()))
    else:
        await resources.update_status(
            POD_DISRUPTION_BUDGET,
            namespace_of(pod),
            name_of(budget),
            lambda latest: charge(latest, name_of(pod), format_time(clock())),
        )
    await _mark_and_delete(resources, pod, options, clock)


def _needs_no_budget(pod: Object) -> bool:
    """Nothing is disrupted by it: it doesn't run yet, or not any more."""
    phase = get_path(pod, "status", "phase")
    return phase in ("Succeeded", "Failed", "Pending") or is_deleting(pod)


def _unless_changed(pod: Object, options: DeleteOptions) -> DeleteOptions:
    """A Pod that has not run may run by now; one that ended stays so."""
    ended = get_path(pod, "status", "phase") in ("Succeeded", "Failed") or is_deleting(pod)
    return options if ended else _when_same(pod, options)


def _when_same(pod: Object, options: DeleteOptions) -> DeleteOptions:
    if options.resource_version is not None:
        return options
    return replace(options, resource_version=resource_version_of(pod))


async def _mark_and_delete(
    resources: Resources, pod: Object, options: DeleteOptions, clock: Clock
) -> None:
    """Says why in the Pod's status, for whoever counts failures, and deletes it."""

    def mark(latest: Object) -> None:
        _check_preconditions(latest, options)
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        }
        status = latest["status"] = latest.get("status") or {}
        listed = status.get("conditions") or []
        status["conditions"] = with_condition(listed, condition, now=format_time(clock()))

    if not options.dry_run:
        marked = await resources.update_status(POD, namespace_of(pod), name_of(pod), mark)
        if options.resource_version is not None:
            options = replace(options, resource_version=resource_version_of(marked))
    await resources.delete(POD, namespace_of(pod), name_of(pod), options)


def _check_preconditions(pod: Object, options: DeleteOptions) -> None:
    for field, wanted, found in (
        ("UID", options.uid, uid_of(pod)),
        ("ResourceVersion", options.resource_version, resource_version_of(pod)),
    ):
        if wanted and wanted != found:
            why = (
                f"the {field} in the precondition ({wanted}) does not match the {field} in record "
                f"({found}). The object might have been modified or recreated"
            )
            raise Conflict.of(POD.group, POD.plural, name_of(pod), why)


def budgets_of(pod: Object, budgets: Sequence[Object]) -> list[Object]:
    """Those of its namespace that select it; an empty selector selects all, none selects none."""
    found = []
    for budget in budgets:
        selector = from_label_selector(get_path(budget, "spec", "selector"))
        if selector is not None and selector.matches(labels_of(pod)):
            found.append(budget)
    return found


def is_disruption(pod: Object, budget: Object) -> bool:
    """Whether the budget has to pay: an unready Pod is free where policy or its fellows allow."""
    if is_condition_true(pod, "Ready"):
        return True
    if get_path(budget, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return False
    desired = _count(budget, "desiredHealthy")
    return not (desired > 0 and _count(budget, "currentHealthy") >= desired)


def charge(budget: Object, pod_name: str, now: str) -> None:
    """Takes one disruption from the budget, in place; raises TooManyRequests, Forbidden."""
    status = budget["status"] = budget.get("status") or {}
    generation = get_path(budget, "metadata", "generation", default=0)
    if _count(budget, "observedGeneration") < generation:
        raise _still_processed(budget)
    allowed, disrupted = _count(budget, "disruptionsAllowed"), status.get("disruptedPods") or {}
    if len(disrupted) > _MAX_DISRUPTED_PODS:
        raise _forbidden(
            budget,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        )
    if allowed <= 0:
        needs, has = _count(budget, "desiredHealthy"), _count(budget, "currentHealthy")
        raise _refused(f"{name_of(budget)} needs {needs} healthy pods and has {has} currently")
    status["disruptionsAllowed"] = allowed - 1
    status["disruptedPods"] = {**disrupted, pod_name: now}
    if allowed == 1:
        spent = {
            "type": "DisruptionAllowed",
            "status": "False",
            "reason": "InsufficientPods",
            "message": "",
            "observedGeneration": generation,
        }
        status["conditions"] = with_condition(status.get("conditions") or [], spent, now=now)


def _count(budget: Object, field: str) -> int:
    number: int = get_path(budget, "status", field, default=0)
    return number


def _still_processed(budget: Object) -> TooManyRequests:
    return _refused(f"{name_of(budget)} is still being processed by the server.", after=10)


def _refused(why: str, *, after: int = 0) -> TooManyRequests:
    error = TooManyRequests(_VIOLATED, retry_after_seconds=after)
    cause = {"reason": "DisruptionBudget", "message": f"The disruption budget {why}"}
    error.details = {"causes": [cause], **({"retryAfterSeconds": after} if after else {})}
    return error


def _forbidden(budget: Object, why: str) -> Forbidden:
    kind = POD_DISRUPTION_BUDGET
    details = {"name": name_of(budget), "group": kind.group, "kind": kind.plural}
    return Forbidden(f'{kind.resource} "{name_of(budget)}" is forbidden: {why}', details=details)
