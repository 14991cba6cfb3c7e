"""Which controllers run, and what each is handed. Each gets a recorder of its own, so that events
say which controller they are from, as `kubectl describe` shows them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minikube_py.container_runtime.interface import ContainerRuntime
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.bootstrap_token_cleaner import new_bootstrap_token_cleaner
from minikube_py.controllers.claim_binder.controller import new_claim_binder_controller
from minikube_py.controllers.cluster_role_aggregation import (
    new_cluster_role_aggregation_controller,
)
from minikube_py.controllers.custom_resource_definition import (
    new_custom_resource_definition_controller,
)
from minikube_py.controllers.deployment.controller import new_deployment_controller
from minikube_py.controllers.disruption.controller import (
    new_disruption_controller,
    new_stale_disruption_controller,
)
from minikube_py.controllers.endpoints import new_endpoints_controller
from minikube_py.controllers.endpointslice import new_endpointslice_controller
from minikube_py.controllers.endpointslice_mirroring import (
    new_endpointslice_mirroring_controller,
)
from minikube_py.controllers.ephemeral_volume import new_ephemeral_volume_controller
from minikube_py.controllers.event_ttl import EventSweeper
from minikube_py.controllers.garbage_collector.controller import new_garbage_collector
from minikube_py.controllers.kubernetes_service import (
    ApiAddress,
    new_kubernetes_service_controller,
)
from minikube_py.controllers.namespace import new_namespace_controller
from minikube_py.controllers.node_lifecycle import new_node_lifecycle_controller
from minikube_py.controllers.pod_gc import new_pod_gc_controller
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.controllers.resource_quota import ResourceQuotaController
from minikube_py.controllers.restart_on_change import new_restart_on_change_controllers
from minikube_py.controllers.service_account import new_service_account_controller
from minikube_py.controllers.service_account_token import (
    LegacyTokens,
    new_service_account_token_controller,
)
from minikube_py.controllers.statefulset.controller import new_statefulset_controller
from minikube_py.controllers.taint_eviction import new_taint_eviction_controller
from minikube_py.controllers.volume_protection import new_volume_protection_controller
from minikube_py.daemon.component import Component
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

_New = Callable[[Resources, Informers, Recorder, Clock], Controller]

_PLAIN: dict[str, _New] = {
    # The first: it puts custom kinds into the catalog, which others follow.
    "customresourcedefinition-controller": new_custom_resource_definition_controller,
    "deployment-controller": new_deployment_controller,
    "replicaset-controller": new_replicaset_controller,
    "statefulset-controller": new_statefulset_controller,
    "endpointslice-controller": new_endpointslice_controller,
    "endpointslicemirroring-controller": new_endpointslice_mirroring_controller,
    "endpoints-controller": new_endpoints_controller,
    "namespace-controller": new_namespace_controller,
    "garbage-collector": new_garbage_collector,
    "node-lifecycle-controller": new_node_lifecycle_controller,
    "taint-eviction-controller": new_taint_eviction_controller,
    "pod-garbage-collector": new_pod_gc_controller,
    "controllermanager": new_disruption_controller,
    "stale-disruption": new_stale_disruption_controller,
    "ephemeral-volume-controller": new_ephemeral_volume_controller,
    "volume-protection-controller": new_volume_protection_controller,
    "token-cleaner": new_bootstrap_token_cleaner,
    "clusterrole-aggregation-controller": new_cluster_role_aggregation_controller,
}


@dataclass
class Recorders:
    """Makes recorders and remembers them, since each writes its events in a task of its own."""

    resources: Resources
    clock: Clock
    host: str

    def __post_init__(self) -> None:
        self.made: list[Recorder] = []

    def new(self, component: str, *, of_each_node: bool = False) -> Recorder:
        recorder = Recorder(
            self.resources, component, self.clock, host=self.host, of_each_node=of_each_node
        )
        self.made.append(recorder)
        return recorder


@dataclass(frozen=True)
class ClusterFacts:
    """What some controllers need beside the API: `ca_certificate` (PEM) and `api` they publish."""

    cluster: Cluster
    runtime: ContainerRuntime
    api: ApiAddress
    ca_certificate: str
    tokens: LegacyTokens


def new_controllers(
    resources: Resources,
    informers: Informers,
    recorders: Recorders,
    clock: Clock,
    *,
    facts: ClusterFacts,
) -> Sequence[Component]:
    """All of them, ready to run."""
    plain = [
        new(resources, informers, recorders.new(component), clock)
        for component, new in _PLAIN.items()
    ]
    quiet = recorders.new("cluster")
    return [
        *plain,
        new_claim_binder_controller(
            resources,
            informers,
            recorders.new("persistentvolume-controller"),
            provisioner=facts.runtime,
            volume_name=facts.cluster.volume,
        ),
        new_kubernetes_service_controller(resources, informers, quiet, clock, api=facts.api),
        new_service_account_controller(
            resources, informers, quiet, clock, ca_certificate=facts.ca_certificate
        ),
        new_service_account_token_controller(
            resources,
            informers,
            quiet,
            clock,
            tokens=facts.tokens,
            ca_certificate=facts.ca_certificate,
        ),
        ResourceQuotaController(resources),
        *new_restart_on_change_controllers(resources, informers),
        EventSweeper(resources, clock),
    ]
