"""What every component of the control plane stands on: the stored objects, live copies of them, the
cluster's authority, and who gets in. It holds what every cluster holds from its first start on.
"""

from dataclasses import dataclass

from minikube_py.control_loop.informer import Informers
from minikube_py.daemon.access import Access, open_access
from minikube_py.daemon.aggregation import publish_front_proxy
from minikube_py.daemon.bootstrap import bootstrap
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.daemon.controllers import Recorders
from minikube_py.daemon.ground import Ground, node_name
from minikube_py.daemon.settings import Settings
from minikube_py.kinds.catalog import builtin_catalog
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from minikube_py.store.interface import Store

CLUSTER_DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Base:
    resources: Resources
    informers: Informers
    recorders: Recorders
    authority: CertificateAuthority
    access: Access
    clock: Clock


async def lay_base(settings: Settings, ground: Ground, store: Store, clock: Clock) -> Base:
    """Writes what is missing; raises StartFailure for keys that can't be used."""
    allocator = ServiceAllocator(ground.ranges.service)
    resources = Resources(store, builtin_catalog(), clock=clock, allocator=allocator)
    await bootstrap(resources, dns_address=ground.ranges.dns)
    informers = Informers(resources)
    folder = settings.data_dir / "pki"
    authority = CertificateAuthority.open(folder, name=settings.cluster.name, clock=clock)
    await publish_front_proxy(resources, authority)
    return Base(
        resources,
        informers,
        Recorders(resources, clock, node_name()),
        authority,
        open_access(folder, resources, informers, clock, domain=CLUSTER_DOMAIN),
        clock,
    )
