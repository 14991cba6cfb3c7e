"""Validation of a Pod, and the few fields of its spec that may change."""

import copy
from collections.abc import Sequence

from minikube_py.kinds.dev_annotations import validate_dev_annotations
from minikube_py.kinds.fields import forbidden, invalid, not_found
from minikube_py.kinds.pod_template import validate_pod_spec
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, annotations_of

_ONLY = (
    "pod updates may not change fields other than "
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_MIRROR = "kubernetes.io/config.mirror"


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = validate_pod_spec(obj["spec"], "spec")
    errors += validate_dev_annotations(annotations_of(obj), "metadata.annotations")
    if _MIRROR in annotations_of(obj) and not obj["spec"].get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(invalid(f"metadata.annotations[{_MIRROR}]", "", detail))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    fresh, stored = new["spec"], old["spec"]
    for field in ("containers", "initContainers"):
        if len(fresh.get(field) or []) != len(stored.get(field) or []):
            return [forbidden(f"spec.{field}", "pod updates may not add or remove containers")]
    errors = _validate_deadline(fresh, stored)
    errors += _validate_tolerations(fresh, stored)
    errors += _validate_gates(fresh, stored)
    if not errors and _fixed_part(fresh, stored) != stored:
        changed = _changed_fields(_fixed_part(fresh, stored), stored)
        errors.append(forbidden("spec", f"{_ONLY}; changed: {', '.join(changed)}"))
    return errors


def validate_debuggers(new: Object, old: Object) -> Sequence[FieldError]:
    """Ephemeral containers are added, never changed or taken away."""
    at = "spec.ephemeralContainers"
    wanted = {one.get("name"): one for one in new["spec"].get("ephemeralContainers") or []}
    errors = [
        forbidden(
            at, f"existing ephemeral containers {one['name']!r} may not be removed or changed"
        )
        for one in old["spec"].get("ephemeralContainers") or []
        if wanted.get(one["name"]) != one
    ]
    return errors + _validate_targets(new["spec"], at)


def _validate_targets(spec: Object, at: str) -> list[FieldError]:
    names = {
        one["name"] for field in ("containers", "initContainers") for one in spec.get(field) or []
    }
    return [
        not_found(f"{at}[{index}].targetContainerName", target)
        for index, one in enumerate(spec.get("ephemeralContainers") or [])
        if (target := one.get("targetContainerName")) and target not in names
    ]


def _validate_deadline(fresh: Object, stored: Object) -> list[FieldError]:
    """It can be set or shortened, never lengthened or removed."""
    old, new = stored.get("activeDeadlineSeconds"), fresh.get("activeDeadlineSeconds")
    at = "spec.activeDeadlineSeconds"
    if old is None:
        return []
    if new is None:
        return [invalid(at, None, "must not update from a positive integer to nil value")]
    if new > old:
        return [invalid(at, new, f"must be less than or equal to previous value {old}")]
    return []


def _validate_tolerations(fresh: Object, stored: Object) -> list[FieldError]:
    new = fresh.get("tolerations") or []
    if all(toleration in new for toleration in stored.get("tolerations") or []):
        return []
    detail = (
        "existing toleration can not be modified except its tolerationSeconds"
        if len(new) >= len(stored.get("tolerations") or [])
        else "existing tolerations can not be removed"
    )
    without_seconds = [_without_seconds(toleration) for toleration in new]
    if all(_without_seconds(one) in without_seconds for one in stored.get("tolerations") or []):
        return []
    return [forbidden("spec.tolerations", detail)]


def _without_seconds(toleration: Object) -> Object:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _validate_gates(fresh: Object, stored: Object) -> list[FieldError]:
    old = stored.get("schedulingGates") or []
    return [
        forbidden(
            "spec.schedulingGates",
            f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'",
        )
        for gate in fresh.get("schedulingGates") or []
        if gate not in old
    ]


def _fixed_part(fresh: Object, stored: Object) -> Object:
    """`fresh` with everything that may change set to what is stored."""
    fixed = copy.deepcopy(fresh)
    for field in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _take(fixed, stored, field)
    if (stored.get("terminationGracePeriodSeconds") or 0) < 0:
        _take(fixed, stored, "terminationGracePeriodSeconds")
    for field in ("containers", "initContainers"):
        pairs = zip(fixed.get(field) or [], stored.get(field) or [], strict=True)
        for container, old in pairs:
            _take(container, old, "image")
    return fixed


def _take(target: Object, source: Object, field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


def _changed_fields(fresh: Object, stored: Object) -> list[str]:
    fields = sorted({*fresh, *stored})
    return [f"spec.{field}" for field in fields if fresh.get(field) != stored.get(field)]
