"""What controllers that look at every kind follow."""

from minikube_py.controllers.garbage_collector import new_garbage_collector
from minikube_py.controllers.namespace import new_namespace_controller
from minikube_py.kinds.catalog import CONFIG_MAP, EVENT
from minikube_py.resources.keys import store_prefix
from tests.control_loop.harness import ControlPlane


async def test_nobody_keeps_copies_of_events_under_any_of_their_names(plane: ControlPlane) -> None:
    plane.start_controllers(new_garbage_collector, new_namespace_controller)

    followed = {store_prefix(kind) for kind in plane.informers.kinds}

    assert store_prefix(CONFIG_MAP) in followed
    assert store_prefix(EVENT) not in followed
