"""What the kubelet reads of other objects for a pod. Straight from the resources, not from a cache:
a ConfigMap made before its pod must be seen.
"""

from collections.abc import Iterable

from minikube_py.control_loop.informer import Informers
from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    NAMESPACE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    RUNTIME_CLASS,
    SECRET,
    SERVICE,
)
from minikube_py.kinds.pod_template.references import SourceKind
from minikube_py.meta.objects import Object, get_path, namespace_of
from minikube_py.resources.resources import Resources

_KINDS = {"ConfigMap": CONFIG_MAP, "Secret": SECRET}


class ClusterReader:
    def __init__(self, resources: Resources, informers: Informers) -> None:
        self._resources = resources
        self._services = informers.of(SERVICE)

    def look_up(self, kind: SourceKind, namespace: str, name: str) -> Object | None:
        return self._resources.get_or_none(_KINDS[kind], namespace, name)

    def claim(self, namespace: str, name: str) -> Object | None:
        return self._resources.get_or_none(PERSISTENT_VOLUME_CLAIM, namespace, name)

    def runtime_handler(self, pod: Object) -> str:
        """ "" = the engine's own; a class that went since the pod was made stands for itself."""
        name = get_path(pod, "spec", "runtimeClassName")
        if not name:
            return ""
        found = self._resources.get_or_none(RUNTIME_CLASS, None, name)
        return str(found["handler"] if found is not None else name)

    def pull_secrets(self, pod: Object) -> list[Object]:
        """Those there are of the ones the pod names."""
        names = [s.get("name", "") for s in get_path(pod, "spec", "imagePullSecrets", default=[])]
        found = [self.look_up("Secret", namespace_of(pod), name) for name in names]
        return [secret for secret in found if secret is not None]

    def volume(self, name: str) -> Object | None:
        return self._resources.get_or_none(PERSISTENT_VOLUME, None, name)

    def namespace(self, name: str) -> Object | None:
        return self._resources.get_or_none(NAMESPACE, None, name)

    def services(self, namespace: str) -> Iterable[Object]:
        """Those whose variables a pod of `namespace` gets; shared, never changed by the caller."""
        kubernetes = self._services.get_named("default", "kubernetes")
        own = self._services.list(namespace)
        return [kubernetes, *own] if kubernetes is not None else own
