"""Makes the claim behind each of a pod's generic ephemeral volumes.

The claim is the pod's: it is collected with it. One of that name that belongs to somebody else is
never used (KEP-1698).
"""

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import PERSISTENT_VOLUME_CLAIM, POD
from minikube_py.meta.errors import AlreadyExists
from minikube_py.meta.objects import (
    Key,
    Object,
    controller_of,
    get_path,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources


def new_ephemeral_volume_controller(
    resources: Resources, informers: Informers, recorder: Recorder, _clock: Clock
) -> Controller:
    pods = informers.of(POD)

    async def reconcile(key: Key) -> None:
        pod = pods.get(key)
        if pod is None or is_deleting(pod):
            return
        for volume in get_path(pod, "spec", "volumes", default=[]):
            if "ephemeral" in volume:
                await _ensure_claim(resources, recorder, pod, volume)

    controller = Controller("ephemeral-volume", reconcile)
    controller.watches(pods)
    return controller


async def _ensure_claim(
    resources: Resources, recorder: Recorder, pod: Object, volume: Object
) -> None:
    namespace, name = namespace_of(pod), f"{name_of(pod)}-{volume['name']}"
    found = resources.get_or_none(PERSISTENT_VOLUME_CLAIM, namespace, name)
    if found is None:
        try:
            await resources.create(
                PERSISTENT_VOLUME_CLAIM, namespace, _claim(pod, volume["ephemeral"], name)
            )
        except AlreadyExists:
            return
    elif (controller_of(found) or {}).get("uid") != uid_of(pod):
        message = f"PVC {namespace}/{name} was not created for pod {namespace}/{name_of(pod)} "
        message += "(pod is not owner)"
        recorder.record(pod, "Warning", "FailedBinding", message)


def _claim(pod: Object, ephemeral: Object, name: str) -> Object:
    template = ephemeral["volumeClaimTemplate"]
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value}
    metadata |= {"name": name, "ownerReferences": [owner_reference(pod)]}
    return {"metadata": metadata, "spec": template["spec"]}
