"""The revisions a Deployment (ReplicaSets) or a StatefulSet (ControllerRevisions) keeps."""

import copy
from dataclasses import dataclass

from minikube_py.cli.session import Session
from minikube_py.cli.targets import Target
from minikube_py.meta.objects import Object, annotations_of, controller_of, get_path, uid_of
from minikube_py.meta.selectors import format_label_selector

CHANGE_CAUSE = "kubernetes.io/change-cause"
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


@dataclass(frozen=True)
class Revision:
    number: int
    template: Object
    cause: str


def list_revisions(session: Session, target: Target, obj: Object) -> list[Revision]:
    """Oldest first; the last is the current one."""
    deployment = target.resource.kind == "Deployment"
    plural = "replicasets" if deployment else "controllerrevisions"
    path = f"/apis/apps/v1/namespaces/{target.namespace}/{plural}"
    selector = format_label_selector(get_path(obj, "spec", "selector"))
    children = session.client.get(path, {"labelSelector": selector}).get("items") or []
    own = [child for child in children if (controller_of(child) or {}).get("uid") == uid_of(obj)]
    read = _from_replica_set if deployment else _from_controller_revision
    found = [revision for child in own if (revision := read(child)) is not None]
    return sorted(found, key=lambda revision: revision.number)


def _from_replica_set(replica_set: Object) -> Revision | None:
    number = annotations_of(replica_set).get(_REVISION, "")
    if not number.isdigit():
        return None
    template = copy.deepcopy(replica_set["spec"]["template"])
    (template.get("metadata", {}).get("labels") or {}).pop(_HASH, None)
    return Revision(int(number), template, annotations_of(replica_set).get(CHANGE_CAUSE, ""))


def _from_controller_revision(revision: Object) -> Revision | None:
    template = copy.deepcopy(get_path(revision, "data", "spec", "template"))
    if template is None:
        return None
    template.pop("$patch", None)
    cause = annotations_of(revision).get(CHANGE_CAUSE, "")
    return Revision(int(revision.get("revision") or 0), template, cause)
