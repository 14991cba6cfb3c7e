"""At every start: what is missing of the default roles and bindings is added, nothing taken away.

Kubernetes' rule (component-helpers' auth/rbac/reconciliation): a user's additions stay, removed
rules and subjects come back, and the annotation autoupdate "false" keeps an object as it is. On a
new cluster the writes share one commit; on one that has all, nothing is written.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from minikube_py.kinds.catalog import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    key_of,
    name_of,
    namespace_of,
)
from minikube_py.resources.default_roles import system, user_facing
from minikube_py.resources.default_roles.spelling import AUTOUPDATE
from minikube_py.resources.rbac.aggregation import aggregated_rules
from minikube_py.resources.rbac.rules import rules_of, uncovered
from minikube_py.resources.resources import Resources


async def ensure_default_roles(resources: Resources) -> None:
    """The namespaces of the namespaced ones must be there."""
    async with asyncio.TaskGroup() as group:  # which share a commit
        for kind, wanted in _defaults():
            there = {key_of(obj): obj for obj in resources.list(kind).objects()}
            for obj in wanted:
                write = _write(resources, kind, obj, there)
                if write is not None:
                    group.create_task(write)


def _defaults() -> Sequence[tuple[Kind, Sequence[Object]]]:
    roles = [*user_facing.cluster_roles(), *system.cluster_roles()]
    for role in roles:
        if "aggregationRule" in role:  # filled in at once, or else nobody could view until later
            role["rules"] = _all_aggregated(role, roles)
    return (
        (CLUSTER_ROLE, roles),
        (ROLE, system.roles()),
        (CLUSTER_ROLE_BINDING, system.cluster_role_bindings()),
        (ROLE_BINDING, system.role_bindings()),
    )


def _all_aggregated(role: Object, roles: Sequence[Object]) -> list[Object]:
    """Also through those that are aggregated themselves: view is part of edit, edit of admin."""
    names = {name_of(other) for other in roles if "aggregationRule" in other}
    filled = [
        {**other, "rules": aggregated_rules(other, roles)} if name_of(other) in names else other
        for other in roles
    ]
    again = [
        {**other, "rules": aggregated_rules(other, filled)} if name_of(other) in names else other
        for other in filled
    ]
    return aggregated_rules(role, again)


def _write(
    resources: Resources, kind: Kind, wanted: Object, there: Mapping[Key, Object]
) -> Any | None:
    """The write that is needed, None when all is there."""
    namespace = namespace_of(wanted) or None
    old = there.get(key_of(wanted))
    if old is None:
        return resources.create(kind, namespace, wanted)
    if annotations_of(old).get(AUTOUPDATE) == "false":
        return None
    if "roleRef" in wanted and old.get("roleRef") != wanted["roleRef"]:
        return _replace(resources, kind, wanted)
    if _completed(old, wanted) == old:
        return None
    return resources.modify(
        kind, namespace, name_of(wanted), lambda obj: obj.update(_completed(obj, wanted))
    )


async def _replace(resources: Resources, kind: Kind, wanted: Object) -> None:
    namespace = namespace_of(wanted) or None
    await resources.delete(kind, namespace, name_of(wanted))
    await resources.create(kind, namespace, wanted)


def _completed(old: Object, wanted: Object) -> Object:
    """`old` with what it lacks of `wanted`."""
    metadata = dict(old["metadata"])
    for field in ("labels", "annotations"):
        metadata[field] = {**wanted["metadata"][field], **(metadata.get(field) or {})}
    new = {**old, "metadata": metadata}
    if "aggregationRule" in wanted:
        new["aggregationRule"] = {
            "clusterRoleSelectors": _joined(
                (old.get("aggregationRule") or {}).get("clusterRoleSelectors"),
                wanted["aggregationRule"]["clusterRoleSelectors"],
            )
        }
    elif "roleRef" in wanted:
        subjects = _joined(old.get("subjects"), wanted["subjects"])
        new |= {"subjects": subjects} if subjects else {}
    elif old.get("rules") != wanted["rules"] and uncovered(rules_of(old), rules_of(wanted)):
        new["rules"] = _joined(old.get("rules"), wanted["rules"])
    return new


def _joined(old: Sequence[Object] | None, wanted: Sequence[Object]) -> list[Object]:
    kept = list(old or ())
    return [*kept, *(each for each in wanted if each not in kept)]
