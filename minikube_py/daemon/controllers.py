"""Which controllers run. Each gets a recorder whose events carry its name, as kubectl describe
shows them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.deployment.controller import new_deployment_controller
from minikube_py.controllers.replicaset import new_replicaset_controller
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

_New = Callable[[Resources, Informers, Recorder, Clock], Controller]

_PLAIN: dict[str, _New] = {
    "deployment-controller": new_deployment_controller,
    "replicaset-controller": new_replicaset_controller,
}


@dataclass
class Recorders:
    """Makes recorders and remembers them, since each writes its events in a task of its own."""

    resources: Resources
    clock: Clock
    host: str

    def __post_init__(self) -> None:
        self.made: list[Recorder] = []

    def new(self, component: str) -> Recorder:
        recorder = Recorder(self.resources, component, self.clock, host=self.host)
        self.made.append(recorder)
        return recorder


def new_controllers(
    resources: Resources, informers: Informers, recorders: Recorders, clock: Clock
) -> Sequence[Controller]:
    """Those that need no more than the API; ready to run."""
    return [
        new(resources, informers, recorders.new(component), clock)
        for component, new in _PLAIN.items()
    ]
