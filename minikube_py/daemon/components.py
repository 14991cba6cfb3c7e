"""How the parts that ComponentStatus names are asked whether they are well: the store by waiting
for what is being written, the others by whether what they read is up to date.
"""

from collections.abc import Awaitable, Callable, Mapping

from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.kinds.catalog import NAMESPACE, NODE
from minikube_py.resources.resources import Resources


def component_checks(
    resources: Resources, informers: Informers
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    return {
        "controller-manager": _sees_all(resources, informers.of(NAMESPACE)),
        "etcd-0": resources.store.settled,
        "scheduler": _sees_all(resources, informers.of(NODE)),
    }


def _sees_all(resources: Resources, informer: Informer) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        for obj in resources.list(informer.kind, None).objects():
            await informer.observed(obj)

    return check
