"""What a write may not change: who the object is, what the server owns, the half written elsewhere.

Pure, between the caller's wish and the stored state (apiserver's rest.BeforeUpdate).
"""

from collections.abc import Sequence

from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, get_path, uid_of
from minikube_py.resources.decode import copied
from minikube_py.resources.records import Target


def place(kind: Kind, namespace: str | None, obj: Object) -> None:
    """Puts a new object where the URL says; raises BadRequest where `obj` says another place."""
    metadata = obj["metadata"]
    if not kind.namespaced:
        metadata.pop("namespace", None)  # charts write one for ClusterRoles; it means nothing
        return
    if metadata.get("namespace") and namespace and metadata["namespace"] != namespace:
        raise BadRequest(
            f"the namespace of the provided object ({metadata['namespace']}) does not match the "
            f"namespace sent on the request ({namespace})"
        )
    if namespace:
        metadata["namespace"] = namespace


def check_identity(target: Target, obj: Object) -> None:
    """Fills in the name and namespace of the URL; raises BadRequest where `obj` says others."""
    metadata = obj["metadata"]
    name = metadata.setdefault("name", target.name)
    if name != target.name:
        raise BadRequest(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )
    if not target.kind.namespaced:
        metadata.pop("namespace", None)
        return
    namespace = metadata.setdefault("namespace", target.namespace)
    if namespace != target.namespace:
        raise BadRequest(
            f"the namespace of the object ({namespace}) does not match the namespace on the URL "
            f"({target.namespace})"
        )


def check_preconditions(target: Target, new: Object, old: Object) -> None:
    uid, version = uid_of(new), new["metadata"].get("resourceVersion")
    if uid and uid != uid_of(old):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(old)}"
        raise target.conflict(why)
    if version not in (None, "", "0", old["metadata"].get("resourceVersion")):
        raise target.modified()


def carry_metadata(new: Object, old: Object) -> None:
    """What the server owns stays as it is (rest.BeforeUpdate, ValidateObjectMetaUpdate). What a
    client says differently all the same is left standing where validation refuses it.
    """
    metadata, stored = new["metadata"], old["metadata"]
    for name in ("uid", "resourceVersion", "generation", "generateName"):
        _carry(metadata, stored, name)
    for name in ("creationTimestamp", "deletionGracePeriodSeconds"):
        if name in stored and metadata.get(name) is None:
            metadata[name] = stored[name]
    if "deletionTimestamp" in stored:
        metadata["deletionTimestamp"] = stored["deletionTimestamp"]
    drop_empty(metadata)


def drop_empty(metadata: Object) -> None:
    """What Kubernetes leaves out of metadata when there is nothing in it."""
    metadata.pop("selfLink", None)
    for name in ("labels", "annotations", "finalizers", "ownerReferences"):
        if name in metadata and not metadata[name]:
            del metadata[name]


def carry_status(kind: Kind, new: Object, old: Object) -> None:
    if not kind.has_status:
        return
    _carry(new, old, "status")


def carry_spec(kind: Kind, new: Object, old: Object) -> None:
    """Through /status only status moves, and the metadata that Kubernetes lets through there."""
    for name in [name for name in new if name not in ("metadata", "status")]:
        del new[name]
    for name, value in old.items():
        if name not in ("metadata", "status"):
            new[name] = value
    kept = {"pods": "ownerReferences", "deployments.apps": "labels"}.get(kind.resource)
    if kept:
        _carry(new["metadata"], old["metadata"], kept)


def carry_all_but(path: Sequence[str], new: Object, old: Object) -> None:
    """Through a kind's Part only that field moves."""
    wanted = get_path(new, *path)
    new.clear()
    new.update(copied(old))
    holder = new
    for step in path[:-1]:
        holder = holder.setdefault(step, {})
    if wanted:
        holder[path[-1]] = wanted
    else:
        holder.pop(path[-1], None)


def _carry(new: Object, old: Object, name: str) -> None:
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


def is_new_generation(kind: Kind, new: Object, old: Object) -> bool:
    if _content(kind, new) != _content(kind, old):
        return True
    if kind.resource != "deployments.apps":
        return False
    # The rollout history keeps annotations, so a Deployment counts them (its strategy.go).
    return bool(
        (new["metadata"].get("annotations") or {}) != (old["metadata"].get("annotations") or {})
    )


def _content(kind: Kind, obj: Object) -> Object:
    """Without /status a custom object's status is a field like others."""
    beside = ["metadata", "apiVersion", "kind"]
    if kind.has_status or not kind.is_custom:
        beside.append("status")
    return {name: value for name, value in obj.items() if name not in beside}
