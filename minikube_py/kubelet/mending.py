"""Puts right what somebody did to a pod's containers by hand and no plan asks for."""

from dataclasses import replace

from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.tools import Tools


async def unpause(tools: Tools, state: PodState) -> None:
    """Kubernetes knows no pause: probes would fail and no signal would arrive."""
    paused = {
        container.id for container in state.observed.containers if container.state == "paused"
    }
    if not paused:
        return
    for container in state.observed.containers:
        if container.id not in paused:
            continue
        await tools.runtime.unpause_container(container.id)
        if state.pod is not None:
            message = f"Container {container.name} was paused by hand; it goes on"
            tools.tell(state.pod, container.name, "Warning", "Unpaused", message)
    containers = tuple(
        replace(container, state="running") if container.id in paused else container
        for container in state.observed.containers
    )
    state.observed = replace(state.observed, containers=containers)
