"""`mk.dev/restart-on-change: "true"`: a change of a ConfigMap or Secret rolls the workload whose
Pods show it, in files or variables.

The annotation may be on the workload or on its Pods' template. What the Pods were last given is
remembered as a hash in the workload's own annotations, so that turning this on rolls nothing and
an undone rollout is not done again. When the content differs from it, the same hash goes into the
template, and the workload's own controller does what it does for every change of a template.
Changes close to each other roll once. While something that is not optional is missing nothing is
rolled: its Pods could not start.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.kinds.catalog import CONFIG_MAP, DAEMON_SET, DEPLOYMENT, SECRET, STATEFUL_SET
from minikube_py.kinds.dev_annotations import RESTART_ON_CHANGE, SHOWN_CONTENT
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.pod_template.references import (
    ReferenceKind,
    content_references,
    required_references,
)
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    get_path,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
)
from minikube_py.resources.resources import Resources

_KINDS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
_INDEX = "restart-on-change"
_SETTLE_SECONDS = 0.5
_CONTENT = ("data", "binaryData")


def new_restart_on_change_controllers(
    resources: Resources, informers: Informers
) -> list[Controller]:
    """One for each kind of workload."""
    return [_new_controller(kind, resources, informers) for kind in _KINDS]


def _new_controller(kind: Kind, resources: Resources, informers: Informers) -> Controller:
    workloads = informers.of(kind)
    sources: dict[ReferenceKind, Informer] = {
        "ConfigMap": informers.of(CONFIG_MAP),
        "Secret": informers.of(SECRET),
    }
    workloads.add_index(_INDEX, _shown)

    async def reconcile(key: Key) -> None:
        workload = workloads.get(key)
        if workload is None or is_deleting(workload) or not wants_restarts(workload):
            return
        shown = content_hash(workload, sources)
        if shown is None or annotations_of(workload).get(SHOWN_CONTENT) == shown:
            return
        try:
            written = await resources.modify(
                kind,
                namespace_of(workload),
                name_of(workload),
                lambda fresh: remember(fresh, shown),
            )
        except NotFound:
            return
        await workloads.observed(written)

    controller = Controller(f"{kind.resource}-restart-on-change", reconcile, workers=1)
    controller.watches(workloads, lambda obj: (key_of(obj),) if wants_restarts(obj) else ())
    for name, informer in sources.items():
        _follow(controller, workloads, name, informer)
    return controller


def _follow(
    controller: Controller, workloads: Informer, name: ReferenceKind, informer: Informer
) -> None:
    def on_change(old: Object | None, new: Object | None) -> None:
        changed = new if new is not None else old
        if changed is None or (old and new and _content(old) == _content(new)):
            return
        value = _index_value(namespace_of(changed), name, name_of(changed))
        for workload in workloads.by_index(_INDEX, value):
            controller.enqueue_after(key_of(workload), _SETTLE_SECONDS)

    controller.reads(informer)
    informer.subscribe(on_change)


def wants_restarts(workload: Object) -> bool:
    template = get_path(workload, "spec", "template", default={})
    return "true" in (
        annotations_of(workload).get(RESTART_ON_CHANGE),
        annotations_of(template).get(RESTART_ON_CHANGE),
    )


def content_hash(workload: Object, sources: Mapping[ReferenceKind, Informer]) -> str | None:
    """Of all that its Pods show; None while something they need is missing."""
    template = get_path(workload, "spec", "template", default={})
    needed = required_references(template)
    digest = hashlib.sha256()
    for reference in sorted(content_references(template)):
        kind, name = reference
        found = sources[kind].get_named(namespace_of(workload), name)
        if found is None and reference in needed:
            return None
        content = None if found is None else _content(found)
        digest.update(json.dumps([*reference, content], sort_keys=True).encode())
    return digest.hexdigest()[:32]


def remember(workload: Object, shown: str) -> None:
    """Changes `workload`: its template, too, unless this is the first look."""
    annotations = workload["metadata"].setdefault("annotations", {})
    if SHOWN_CONTENT in annotations:
        metadata = workload["spec"]["template"].setdefault("metadata", {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), SHOWN_CONTENT: shown}
    annotations[SHOWN_CONTENT] = shown


def _content(source: Object) -> list[object]:
    return [source.get(field) or {} for field in _CONTENT]


def _shown(workload: Object) -> Iterable[str]:
    if not wants_restarts(workload):
        return ()
    template = get_path(workload, "spec", "template", default={})
    return {
        _index_value(namespace_of(workload), kind, name)
        for kind, name in content_references(template)
    }


def _index_value(namespace: str, kind: ReferenceKind, name: str) -> str:
    return f"{namespace}/{kind}/{name}"
