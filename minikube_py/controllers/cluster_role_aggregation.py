"""Fills in the rules of ClusterRoles that are made of others (clusterroleaggregation)."""

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import CLUSTER_ROLE
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import Key, Object, is_deleting, key_of, labels_of, name_of
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.rbac.aggregation import aggregated_rules, selectors_of
from minikube_py.resources.resources import Resources


def new_cluster_role_aggregation_controller(
    resources: Resources, informers: Informers, _recorder: Recorder, _clock: Clock
) -> Controller:
    roles = informers.of(CLUSTER_ROLE)

    async def reconcile(key: Key) -> None:
        role = roles.get(key)
        if role is None or is_deleting(role) or not selectors_of(role):
            return
        wanted = aggregated_rules(role, roles.list())
        if (role.get("rules") or []) == wanted:
            return
        try:
            written = await resources.modify(
                CLUSTER_ROLE, None, name_of(role), lambda fresh: fresh.update(rules=wanted)
            )
        except NotFound:
            return
        await roles.observed(written)

    def aggregates_of(changed: Object) -> list[Key]:
        """Those that it is part of, before or after the change, and itself."""
        labels = labels_of(changed)
        parts = [
            key_of(role)
            for role in roles.list()
            if any(selector.matches(labels) for selector in selectors_of(role))
        ]
        return [*parts, key_of(changed)] if selectors_of(changed) else parts

    controller = Controller("cluster-role-aggregation", reconcile, workers=1)
    controller.watches(roles, aggregates_of)
    return controller
