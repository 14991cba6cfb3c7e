"""The way from client-side to server-side apply (apimachinery's lastappliedmanager and -updater).

kubectl's client-side apply keeps what it applied in an annotation. When the same kubectl applies on
the server, what that annotation says and the object still has is its own, whoever the managedFields
name; and the annotation follows, so that the way back stays open.
"""

from typing import Any

from minikube_py.kinds.schema import Schema
from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, annotations_of
from minikube_py.resources.apply.compare import compare
from minikube_py.resources.apply.paths import EMPTY, FieldSet
from minikube_py.resources.apply.structure import field_set

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"


def own_by_annotation(manager: str, live: Object, schema: Schema | None) -> FieldSet:
    """What `manager` may change without force though another manager has it."""
    last = _last_applied(live) if manager == _KUBECTL else None
    if last is None:
        return EMPTY
    try:
        said, changes = field_set(last, schema), compare(last, live, schema)
    except BadRequest:  # items without their keys: nobody can say whose they are
        return EMPTY
    return said - changes.added - changes.modified - changes.removed


def follow(manager: str, obj: Object, config: Object) -> Object:
    """`obj` with the annotation, if it has one, saying what was applied now."""
    if manager != _KUBECTL or ANNOTATION not in annotations_of(obj):
        return obj
    metadata = obj["metadata"]
    annotations = {**metadata["annotations"], ANNOTATION: _said(config)}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def _last_applied(live: Object) -> Any:
    text = annotations_of(live).get(ANNOTATION)
    if not text:
        return None
    try:
        last = encoding.decode(text.encode())
    except BadRequest:
        return None
    return last if isinstance(last, dict) else None


def _said(config: Object) -> str:
    """As client-side apply writes it: without itself, with a line break."""
    metadata = dict(config.get("metadata") or {})
    others = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != ANNOTATION}
    metadata["annotations"] = others
    return encoding.encode({**config, "metadata": metadata}).decode() + "\n"
