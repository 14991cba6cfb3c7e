"""The time of the write that is under way, for kinds that record it: pure modules have no clock."""

from minikube_py.meta.objects import Object


def written_at(obj: Object) -> str:
    """The latest stamp in the object's own metadata: managedFields get one on every write."""
    metadata = obj.get("metadata") or {}
    times = [str(entry.get("time") or "") for entry in metadata.get("managedFields") or []]
    return max([str(metadata.get("creationTimestamp") or ""), *times])
