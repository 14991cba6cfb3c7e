"""Every kind the API serves. CustomResourceDefinitions join and leave at run time."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from minikube_py.kinds.admissionregistration import (
    mutating_admission_policy,
    mutating_admission_policy_binding,
    mutating_webhook_configuration,
    validating_admission_policy,
    validating_admission_policy_binding,
    validating_webhook_configuration,
)
from minikube_py.kinds.apiextensions import custom_resource_definition
from minikube_py.kinds.apiregistration import api_service
from minikube_py.kinds.apps import (
    controller_revision,
    daemon_set,
    deployment,
    replica_set,
    stateful_set,
)
from minikube_py.kinds.autoscaling import horizontal_pod_autoscaler, horizontal_pod_autoscaler_v1
from minikube_py.kinds.batch import cron_job, job
from minikube_py.kinds.certificates import (
    certificate_signing_request,
    cluster_trust_bundle,
    pod_certificate_request,
)
from minikube_py.kinds.coordination import lease
from minikube_py.kinds.core import (
    component_status,
    config_map,
    endpoints,
    event,
    limit_range,
    namespace,
    node,
    persistent_volume,
    persistent_volume_claim,
    pod,
    pod_template,
    replication_controller,
    resource_quota,
    secret,
    service,
    service_account,
)
from minikube_py.kinds.custom.versions import by_priority
from minikube_py.kinds.discovery import endpoint_slice
from minikube_py.kinds.flowcontrol import flow_schema, priority_level_configuration
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.networking import (
    ingress,
    ingress_class,
    ip_address,
    network_policy,
    service_cidr,
)
from minikube_py.kinds.node import runtime_class
from minikube_py.kinds.policy import pod_disruption_budget
from minikube_py.kinds.rbac import cluster_role, cluster_role_binding, role, role_binding
from minikube_py.kinds.resource import (
    device_class,
    device_taint_rule,
    resource_claim,
    resource_claim_template,
    resource_slice,
)
from minikube_py.kinds.scheduling import priority_class
from minikube_py.kinds.storage import (
    csi_driver,
    csi_node,
    csi_storage_capacity,
    storage_class,
    volume_attachment,
    volume_attributes_class,
)
from minikube_py.kinds.storagemigration import storage_version_migration

NAMESPACE = namespace.KIND
NODE = node.KIND
POD = pod.KIND
SERVICE = service.KIND
ENDPOINTS = endpoints.KIND
CONFIG_MAP = config_map.KIND
SECRET = secret.KIND
PERSISTENT_VOLUME = persistent_volume.KIND
PERSISTENT_VOLUME_CLAIM = persistent_volume_claim.KIND
SERVICE_ACCOUNT = service_account.KIND
EVENT = event.KIND
DEPLOYMENT = deployment.KIND
REPLICA_SET = replica_set.KIND
STATEFUL_SET = stateful_set.KIND
CONTROLLER_REVISION = controller_revision.KIND
INGRESS = ingress.KIND
INGRESS_CLASS = ingress_class.KIND
STORAGE_CLASS = storage_class.KIND
LEASE = lease.KIND
ENDPOINT_SLICE = endpoint_slice.KIND
EVENTS_EVENT = event.EVENTS_KIND
ROLE = role.KIND
CLUSTER_ROLE = cluster_role.KIND
ROLE_BINDING = role_binding.KIND
CLUSTER_ROLE_BINDING = cluster_role_binding.KIND
API_SERVICE = api_service.KIND
PRIORITY_CLASS = priority_class.KIND
VALIDATING_WEBHOOK_CONFIGURATION = validating_webhook_configuration.KIND
MUTATING_WEBHOOK_CONFIGURATION = mutating_webhook_configuration.KIND
VALIDATING_ADMISSION_POLICY = validating_admission_policy.KIND
VALIDATING_ADMISSION_POLICY_BINDING = validating_admission_policy_binding.KIND
MUTATING_ADMISSION_POLICY = mutating_admission_policy.KIND
MUTATING_ADMISSION_POLICY_BINDING = mutating_admission_policy_binding.KIND
REPLICATION_CONTROLLER = replication_controller.KIND
POD_TEMPLATE = pod_template.KIND
LIMIT_RANGE = limit_range.KIND
RESOURCE_QUOTA = resource_quota.KIND
COMPONENT_STATUS = component_status.KIND
DAEMON_SET = daemon_set.KIND
JOB = job.KIND
CRON_JOB = cron_job.KIND
HORIZONTAL_POD_AUTOSCALER = horizontal_pod_autoscaler.KIND
HORIZONTAL_POD_AUTOSCALER_V1 = horizontal_pod_autoscaler_v1.KIND
POD_DISRUPTION_BUDGET = pod_disruption_budget.KIND
RUNTIME_CLASS = runtime_class.KIND
CERTIFICATE_SIGNING_REQUEST = certificate_signing_request.KIND
CLUSTER_TRUST_BUNDLE = cluster_trust_bundle.KIND
POD_CERTIFICATE_REQUEST = pod_certificate_request.KIND
CSI_DRIVER = csi_driver.KIND
CSI_NODE = csi_node.KIND
CSI_STORAGE_CAPACITY = csi_storage_capacity.KIND
VOLUME_ATTACHMENT = volume_attachment.KIND
VOLUME_ATTRIBUTES_CLASS = volume_attributes_class.KIND

CUSTOM_RESOURCE_DEFINITION = custom_resource_definition.KIND
NETWORK_POLICY = network_policy.KIND
IP_ADDRESS = ip_address.KIND
SERVICE_CIDR = service_cidr.KIND
FLOW_SCHEMA = flow_schema.KIND
PRIORITY_LEVEL_CONFIGURATION = priority_level_configuration.KIND
DEVICE_CLASS = device_class.KIND
RESOURCE_CLAIM = resource_claim.KIND
RESOURCE_CLAIM_TEMPLATE = resource_claim_template.KIND
RESOURCE_SLICE = resource_slice.KIND
DEVICE_TAINT_RULE = device_taint_rule.KIND
STORAGE_VERSION_MIGRATION = storage_version_migration.KIND

_BUILTIN = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    ENDPOINTS,
    CONFIG_MAP,
    SECRET,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    SERVICE_ACCOUNT,
    EVENT,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    CONTROLLER_REVISION,
    INGRESS,
    INGRESS_CLASS,
    STORAGE_CLASS,
    LEASE,
    ENDPOINT_SLICE,
    EVENTS_EVENT,
    ROLE,
    CLUSTER_ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE_BINDING,
    API_SERVICE,
    PRIORITY_CLASS,
    VALIDATING_WEBHOOK_CONFIGURATION,
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_POLICY_BINDING,
    REPLICATION_CONTROLLER,
    POD_TEMPLATE,
    LIMIT_RANGE,
    RESOURCE_QUOTA,
    COMPONENT_STATUS,
    DAEMON_SET,
    JOB,
    CRON_JOB,
    HORIZONTAL_POD_AUTOSCALER,
    HORIZONTAL_POD_AUTOSCALER_V1,
    POD_DISRUPTION_BUDGET,
    RUNTIME_CLASS,
    CERTIFICATE_SIGNING_REQUEST,
    CLUSTER_TRUST_BUNDLE,
    POD_CERTIFICATE_REQUEST,
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
    VOLUME_ATTACHMENT,
    VOLUME_ATTRIBUTES_CLASS,
    CUSTOM_RESOURCE_DEFINITION,
    NETWORK_POLICY,
    IP_ADDRESS,
    SERVICE_CIDR,
    FLOW_SCHEMA,
    PRIORITY_LEVEL_CONFIGURATION,
    DEVICE_CLASS,
    RESOURCE_CLAIM,
    RESOURCE_CLAIM_TEMPLATE,
    RESOURCE_SLICE,
    DEVICE_TAINT_RULE,
    STORAGE_VERSION_MIGRATION,
)


OnKinds = Callable[[Sequence[Kind], Sequence[Kind]], None]
"""(gone, new): a kind that was redefined is in both."""


class Catalog:
    """Kinds by name; the order in which they were added is the order of discovery."""

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._subscribers: list[OnKinds] = []
        self._by_kind: dict[tuple[str, str, str], Kind] = {}
        self._by_resource: dict[tuple[str, str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Adds, or replaces the one of the same group, version and kind."""
        self.replace([kind], [kind])

    def remove(self, kind: Kind) -> None:
        """A kind that isn't there is no error."""
        self.replace([kind], [])

    def replace(self, old: Iterable[Kind], new: Sequence[Kind]) -> None:
        """Takes `old` away and adds `new`, in one step for who subscribed."""
        gone = [found for kind in old if (found := self._by_kind.pop(kind.gvk, None)) is not None]
        for kind in gone:
            self._by_resource.pop((kind.group, kind.version, kind.plural), None)
        for kind in new:
            self._by_kind[kind.gvk] = kind
            self._by_resource[kind.group, kind.version, kind.plural] = kind
        for tell in tuple(self._subscribers):
            tell(gone, new)

    def subscribe(self, on_kinds: OnKinds) -> Callable[[], None]:
        """Calls back on every change from now on; what it returns ends that."""
        self._subscribers.append(on_kinds)
        return lambda: self._subscribers.remove(on_kinds)

    def by_kind(self, group: str, version: str, kind: str) -> Kind | None:
        return self._by_kind.get((group, version, kind))

    def by_resource(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_resource.get((group, version, plural))

    def storage_kind(self, group: str, kind: str) -> Kind | None:
        """The kind in the first version that was added, whatever version a reference names."""
        for candidate in self._by_kind.values():
            if candidate.group == group and candidate.kind == kind:
                return candidate
        return None

    def all(self) -> Sequence[Kind]:
        return tuple(self._by_kind.values())

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Each group's versions, preferred first; the core group "" comes first."""
        found: dict[str, list[str]] = {"": []}
        for kind in self._by_kind.values():
            versions = found.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)
        for group in {kind.group for kind in self._by_kind.values() if kind.is_custom}:
            found[group] = by_priority(found[group])
        if not found[""]:
            del found[""]
        return found


def builtin_catalog() -> Catalog:
    """A new catalog of all that is built in."""
    return Catalog(_BUILTIN)
