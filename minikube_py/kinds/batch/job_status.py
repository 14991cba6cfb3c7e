"""What the status of a Job may say, whoever writes it (pkg/apis/batch/validation, KEP-4368).

A Job can be run by another controller than the built-in one (`managedBy`), so the API watches over
the promises that clients rely on: what is finished stays finished, and counts don't run backwards.
Rules of one field are judged when that field changes.
"""

from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.batch.indexes import parse_indexes
from minikube_py.kinds.fields import check_not_negative, duplicate, invalid, required
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path, is_condition_true
from minikube_py.meta.timestamps import parse_time

_CONDITIONS = "status.conditions"
_LASTING = ("Failed", "Complete", "FailureTarget", "SuccessCriteriaMet")
# No two of a pair can be true.
_EXCLUSIVE = (
    ("Complete", "Failed"),
    ("Complete", "FailureTarget"),
    ("SuccessCriteriaMet", "Failed"),
    ("SuccessCriteriaMet", "FailureTarget"),
)


def validate_status(new: Object, old: Object) -> Sequence[FieldError]:
    status = new.get("status") or {}
    errors: list[FieldError] = []
    for field in ("active", "succeeded", "failed", "ready", "terminating"):
        errors += check_not_negative(f"status.{field}", status.get(field))
    return [
        *errors,
        *_validate_uncounted(status.get("uncountedTerminatedPods") or {}),
        *_validate_conditions(new, old),
        *_validate_times(new, old),
        *_validate_end(new, old),
        *_validate_indexes(new, old),
        *_validate_counters(new, old),
    ]


def _validate_uncounted(uncounted: Object) -> list[FieldError]:
    errors, seen = [], set()
    for field in ("succeeded", "failed"):
        for index, uid in enumerate(uncounted.get(field) or []):
            at = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                errors.append(invalid(at, uid, "must not be empty"))
            elif uid in seen:
                errors.append(duplicate(at, uid))
            seen.add(uid)
    return errors


def _validate_conditions(new: Object, old: Object) -> list[FieldError]:
    errors = [
        _invalid_conditions(f"cannot set {first}=True and {second}=true conditions")
        for first, second in _EXCLUSIVE
        if is_condition_true(new, first)
        and is_condition_true(new, second)
        and _changed(new, old, first, second)
    ]
    errors += [
        _invalid_conditions(f"cannot disable the terminal {condition}=True condition")
        for condition in _LASTING
        if is_condition_true(old, condition) and not is_condition_true(new, condition)
    ]
    met = is_condition_true(new, "SuccessCriteriaMet")
    if get_path(new, "spec", "successPolicy") and is_condition_true(new, "Complete") and not met:
        detail = (
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        )
        errors.append(_invalid_conditions(detail))
    return errors


def _changed(new: Object, old: Object, *conditions: str) -> bool:
    return any(is_condition_true(new, one) != is_condition_true(old, one) for one in conditions)


def _invalid_conditions(detail: str) -> FieldError:
    return FieldError(_CONDITIONS, "FieldValueInvalid", f"Invalid value: {detail}")


def _validate_times(new: Object, old: Object) -> list[FieldError]:
    start, end = _of(new, "startTime"), _of(new, "completionTime")
    old_start, old_end = _of(old, "startTime"), _of(old, "completionTime")
    at, errors = "status.completionTime", []
    if end and old_end and end != old_end:
        errors.append(invalid(at, end, "completionTime cannot be mutated"))
    if start and end and parse_time(end) < parse_time(start):
        errors.append(invalid(at, end, "completionTime cannot be set before startTime"))
    if old_start and start != old_start and not get_path(new, "spec", "suspend"):
        detail = "startTime cannot be removed for unsuspended job"
        errors.append(required("status.startTime", detail))
    complete = is_condition_true(new, "Complete")
    if end == old_end and not _changed(new, old, "Complete"):
        return errors
    if end and not complete:
        detail = "cannot set completionTime when there is no Complete=True condition"
        errors.append(invalid(at, end, detail))
    if complete and not end:
        errors.append(required(at, "completionTime is required for Complete jobs"))
    return errors


def _validate_end(new: Object, old: Object) -> list[FieldError]:
    """A Job that is finished has nothing running and nothing left to count."""
    if not (is_condition_true(new, "Complete") or is_condition_true(new, "Failed")):
        return []
    ended, errors = _changed(new, old, "Complete", "Failed"), []
    active, uncounted = _of(new, "active") or 0, _of(new, "uncountedTerminatedPods") or {}
    if active > 0 and (ended or active != _of(old, "active")):
        errors.append(invalid("status.active", active, "active>0 is invalid for finished job"))
    if not _of(new, "startTime") and (ended or _of(old, "startTime")):
        errors.append(required("status.startTime", "startTime is required for finished job"))
    left = uncounted.get("failed") or uncounted.get("succeeded")
    if left and (ended or uncounted != _of(old, "uncountedTerminatedPods")):
        detail = "uncountedTerminatedPods needs to be empty for finished job"
        errors.append(invalid("status.uncountedTerminatedPods", uncounted, detail))
    return errors


def _validate_indexes(new: Object, old: Object) -> list[FieldError]:
    completed, failed = _of(new, "completedIndexes"), _of(new, "failedIndexes")
    errors: list[FieldError] = []
    parsed: list[list[tuple[int, int]]] = []
    for field, text in (("completedIndexes", completed), ("failedIndexes", failed)):
        at, most = f"status.{field}", get_path(new, "spec", "completions", default=0)
        try:
            parsed.append(parse_indexes(text or "", most))
        except ValueError as problem:
            if text != _of(old, field):
                errors.append(invalid(at, text, f"error parsing {field}: {problem}"))
    if completed and completed != _of(old, "completedIndexes") and not _is_indexed(new):
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errors.append(invalid("status.completedIndexes", completed, detail))
    unlimited = get_path(new, "spec", "backoffLimitPerIndex") is None
    if failed is not None and failed != _of(old, "failedIndexes") and unlimited:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errors.append(invalid("status.failedIndexes", failed, detail))
    same = failed == _of(old, "failedIndexes") and completed == _of(old, "completedIndexes")
    if len(parsed) == 2 and not same:
        errors += _validate_overlap(parsed[0], parsed[1], failed)
    return errors


def _validate_overlap(
    completed: list[tuple[int, int]], failed: list[tuple[int, int]], text: Any
) -> list[FieldError]:
    done, lost = iter(completed), iter(failed)
    one, other = next(done, None), next(lost, None)
    while one is not None and other is not None:
        if one[0] <= other[1] and other[0] <= one[1]:
            index = max(one[0], other[0])
            detail = f"failedIndexes and completedIndexes overlap at index: {index}"
            return [invalid("status.failedIndexes", text, detail)]
        if one[0] <= other[0]:
            one = next(done, None)
        else:
            other = next(lost, None)
    return []


def _validate_counters(new: Object, old: Object) -> list[FieldError]:
    spec = new.get("spec") or {}
    elastic = _is_indexed(new) and spec.get("completions") == spec.get("parallelism")
    return [
        invalid(f"status.{field}", _of(new, field) or 0, f"cannot decrease the {field} counter")
        for field in ("failed", "succeeded")
        if (_of(new, field) or 0) < (_of(old, field) or 0)
        and not (field == "succeeded" and elastic)
    ]


def _is_indexed(obj: Object) -> bool:
    return bool(get_path(obj, "spec", "completionMode") == "Indexed")


def _of(obj: Object, field: str) -> Any:
    return get_path(obj, "status", field)
