"""Revisions of a StatefulSet's template, kept as ControllerRevisions. Pure."""

import copy
from collections.abc import Sequence

from minikube_py.control_loop.templates import normalized, short_hash
from minikube_py.meta.objects import (
    Object,
    get_path,
    name_of,
    namespace_of,
    owner_reference,
)

HASH_LABEL = "controller.kubernetes.io/hash"


def revision_data(stateful_set: Object) -> Object:
    """The part of the spec that makes a revision, as a patch that puts it back."""
    template = copy.deepcopy(stateful_set["spec"]["template"])
    return {"spec": {"template": {**template, "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    template = dict(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def new_revision(stateful_set: Object, number: int, collisions: int | None) -> Object:
    data = revision_data(stateful_set)
    digest = short_hash(data, collisions)
    labels = get_path(stateful_set, "spec", "selector", "matchLabels", default={})
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{name_of(stateful_set)}-{digest}",
            "namespace": namespace_of(stateful_set),
            "labels": {**labels, HASH_LABEL: digest},
            "ownerReferences": [owner_reference(stateful_set)],
        },
        "data": data,
        "revision": number,
    }


def find_equal(stateful_set: Object, revisions: Sequence[Object]) -> Object | None:
    """The newest revision with the template as it is now."""
    wanted = normalized(revision_data(stateful_set))
    equal = [each for each in revisions if normalized(each.get("data")) == wanted]
    return max(equal, key=lambda each: int(each.get("revision", 0)), default=None)


def next_number(revisions: Sequence[Object]) -> int:
    return 1 + max((int(each.get("revision", 0)) for each in revisions), default=0)


def surplus(stateful_set: Object, revisions: Sequence[Object], live: set[str]) -> list[Object]:
    """Revisions nobody uses beyond spec.revisionHistoryLimit, oldest first."""
    limit = get_path(stateful_set, "spec", "revisionHistoryLimit")
    unused = [each for each in revisions if name_of(each) not in live]
    unused.sort(key=lambda each: int(each.get("revision", 0)))
    return unused[: max(0, len(unused) - (10 if limit is None else int(limit)))]
