"""ServiceAccount: who a Pod is to the API, and the files by which its containers show it
(plugin/pkg/admission/serviceaccount).

A namespace is made together with its `default` account (`Writes._belongings`), so that kube-
apiserver's short wait for it is not needed; one that somebody deleted is missing until the
controller has made it again.
"""

from collections.abc import Iterator
from typing import Any

from minikube_py.kinds.catalog import POD, SERVICE_ACCOUNT
from minikube_py.meta.names import generate_name
from minikube_py.meta.objects import Object, annotations_of
from minikube_py.resources.admission.request import AdmissionRequest, Lookup

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # a path
CA_CONFIG_MAP = "kube-root-ca.crt"
TOKEN_SECONDS = 3607
"""An hour, and a sign that nobody asked for it by number."""
_VOLUME = "kube-api-access-"
_MIRROR = "kubernetes.io/config.mirror"


def service_account(request: AdmissionRequest, lookup: Lookup) -> None:
    """`serviceAccount` is the field's old name, kept in step."""
    if not request.is_a(POD, "CREATE") or _MIRROR in annotations_of(request.obj):
        return
    spec = request.obj.setdefault("spec", {})
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = lookup.find(SERVICE_ACCOUNT, request.namespace, name)
    if account is None:
        raise request.forbidden(
            f"error looking up service account {request.namespace}/{name}: "
            f'serviceaccount "{name}" not found'
        )
    if _wants_token(spec, account):
        _mount_token(spec)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(each) for each in account["imagePullSecrets"]]


def _wants_token(spec: Object, account: Object) -> bool:
    """The Pod's own word comes before its account's."""
    for holder in (spec, account):
        said = holder.get("automountServiceAccountToken")
        if said is not None:
            return bool(said)
    return True


def _mount_token(spec: Object) -> None:
    without = [container for container in _containers(spec) if not _has_token(container)]
    if not without:
        return
    volumes = spec.get("volumes") or []
    name = next((v["name"] for v in volumes if _is_token_volume(v)), None)
    if name is None:
        name = generate_name(_VOLUME)
        spec["volumes"] = [*volumes, _token_volume(name)]
    for container in without:
        mount = {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]


def _containers(spec: Object) -> Iterator[dict[str, Any]]:
    yield from spec.get("initContainers") or []
    yield from spec.get("containers") or []


def _has_token(container: dict[str, Any]) -> bool:
    mounts = container.get("volumeMounts") or []
    return any(mount.get("mountPath") == TOKEN_PATH for mount in mounts)


def _is_token_volume(volume: Object) -> bool:
    return str(volume.get("name", "")).startswith(_VOLUME) and "projected" in volume


def _token_volume(name: str) -> Object:
    namespace = {
        "path": "namespace",
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
    }
    certificate = {"key": "ca.crt", "path": "ca.crt"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": CA_CONFIG_MAP, "items": [certificate]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}
