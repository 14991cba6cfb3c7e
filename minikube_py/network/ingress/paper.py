"""The Ingress of a cluster on paper: nothing listens, but an Ingress gets its address as on Docker,
so that what waits for one goes on.
"""

from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import INGRESS, INGRESS_CLASS
from minikube_py.meta.objects import Object
from minikube_py.network.ingress.reports import LOCAL_ADDRESS, EventRecorder, Reports
from minikube_py.resources.resources import Resources


class PaperIngress:
    """`run` ends by cancellation."""

    def __init__(self, informers: Informers, resources: Resources, recorder: EventRecorder) -> None:
        self._informers = (informers.of(INGRESS), informers.of(INGRESS_CLASS))
        self._reports = Reports(
            resources, *self._informers, address=LOCAL_ADDRESS, recorder=recorder
        )

    async def run(self) -> None:
        for informer in self._informers:
            await informer.wait_synced()
            informer.subscribe(self._on_change)
        await self._reports.write_statuses()

    def _on_change(self, _old: Object | None, _new: Object | None) -> None:
        self._reports.changed()
