"""Writes a pod's status to the store, and only when it says something new."""

from collections.abc import Mapping

from minikube_py.kinds.catalog import POD
from minikube_py.kubelet.facts import Health, Waiting
from minikube_py.kubelet.pod_plan import Failure
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.status import StatusFacts, pod_status
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import Object, uid_of


async def write_status(
    tools: Tools,
    state: PodState,
    health: Mapping[str, Health],
    waiting: Mapping[str, Waiting],
    *,
    over: bool = False,
    failure: Failure | None = None,
) -> None:
    """A pod that is gone from the store is success."""
    if state.pod is None or state.gone:
        return
    facts = StatusFacts(
        host_ip=tools.settings.address_of(state.pod),
        pod_ip=state.address,
        waiting=waiting,
        health=health,
        messages=state.messages,
        runtime=tools.runtime_name,
        over=over,
        failure=failure,
        resize=state.resize,
    )
    observed, now = state.observed, tools.clock()
    if pod_status(state.pod, observed, now, facts) == state.pod.get("status"):
        return

    def change(obj: Object) -> None:
        if uid_of(obj) != state.identity.uid:
            raise NotFound.of(POD.group, POD.plural, state.identity.name)
        obj["status"] = pod_status(obj, observed, now, facts)
        state.trace.tell(obj)

    identity = state.identity
    try:
        with state.trace.step("status"):
            state.learn(
                await tools.resources.update_status(POD, identity.namespace, identity.name, change)
            )
    except NotFound:
        state.gone = True
        state.wake.set()
