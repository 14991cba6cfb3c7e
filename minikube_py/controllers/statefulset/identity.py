"""What pod number n of a StatefulSet and its claims look like. Pure."""

import copy
import re
from collections.abc import Iterator

from minikube_py.control_loop.pods import pod_from_template
from minikube_py.meta.objects import (
    Object,
    get_path,
    name_of,
    namespace_of,
    owner_reference,
)

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
REVISION = "controller-revision-hash"
_NAME = re.compile(r"(.*)-([0-9]+)")


def ordinal_of(stateful_set: Object, pod: Object) -> int | None:
    """None when the pod's name is not one of this set's."""
    match = _NAME.fullmatch(name_of(pod))
    if match is None or match[1] != name_of(stateful_set):
        return None
    return int(match[2]) if str(int(match[2])) == match[2] else None


def ordinals_of(stateful_set: Object) -> range:
    start = int(get_path(stateful_set, "spec", "ordinals", "start", default=0))
    replicas = get_path(stateful_set, "spec", "replicas")
    return range(start, start + (1 if replicas is None else int(replicas)))


def numbered_pod(stateful_set: Object, template: Object, ordinal: int, revision: str) -> Object:
    pod = pod_from_template(template, stateful_set)
    name = f"{name_of(stateful_set)}-{ordinal}"
    metadata, spec = pod["metadata"], pod["spec"]
    metadata.pop("generateName")
    metadata["name"] = name
    metadata["labels"] = {
        **metadata.get("labels", {}),
        POD_NAME: name,
        POD_INDEX: str(ordinal),
        REVISION: revision,
    }
    spec["hostname"] = name
    spec["subdomain"] = get_path(stateful_set, "spec", "serviceName", default="")
    claims = {
        claim_template: {"name": claim_template, "persistentVolumeClaim": {"claimName": claim}}
        for claim_template, claim in claim_names(stateful_set, ordinal)
    }
    others = [volume for volume in spec.get("volumes") or [] if volume["name"] not in claims]
    if claims or others:
        spec["volumes"] = [*claims.values(), *others]
    return pod


def claim_names(stateful_set: Object, ordinal: int) -> Iterator[tuple[str, str]]:
    """(template, claim) names."""
    for template in get_path(stateful_set, "spec", "volumeClaimTemplates", default=[]):
        yield name_of(template), f"{name_of(template)}-{name_of(stateful_set)}-{ordinal}"


def claims_for(stateful_set: Object, ordinal: int) -> list[Object]:
    """The claims of pod number `ordinal`, as they are made."""
    selector = get_path(stateful_set, "spec", "selector", "matchLabels", default={})
    templates = get_path(stateful_set, "spec", "volumeClaimTemplates", default=[])
    claims = []
    for template, (_, name) in zip(templates, claim_names(stateful_set, ordinal), strict=True):
        metadata = template.get("metadata") or {}
        claim_metadata: Object = {
            "name": name,
            "namespace": namespace_of(stateful_set),
            "labels": {**(metadata.get("labels") or {}), **selector},
        }
        if metadata.get("annotations"):
            claim_metadata["annotations"] = dict(metadata["annotations"])
        if owner := claim_owner(stateful_set, None):
            claim_metadata["ownerReferences"] = [owner]
        claims.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": claim_metadata,
                "spec": copy.deepcopy(template.get("spec") or {}),
            }
        )
    return claims


def claim_owner(stateful_set: Object, condemned_pod: Object | None) -> Object | None:
    """With whom a claim goes, by persistentVolumeClaimRetentionPolicy: the set, the pod that is
    scaled away, or nobody.
    """
    policy = get_path(stateful_set, "spec", "persistentVolumeClaimRetentionPolicy", default={})
    if condemned_pod is not None and policy.get("whenScaled") == "Delete":
        return owner_reference(condemned_pod, controller=False)
    if policy.get("whenDeleted") == "Delete":
        return owner_reference(stateful_set, controller=False)
    return None
