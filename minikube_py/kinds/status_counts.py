"""Counts in the status of a kind that are never below zero, whoever writes them."""

from collections.abc import Sequence

from minikube_py.kinds.fields import check_not_negative
from minikube_py.kinds.kind import ValidateUpdate
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


def status_counts(*fields: str) -> ValidateUpdate:
    """A Kind's validate_status that judges these fields of it."""

    def validate(new: Object, _old: Object) -> Sequence[FieldError]:
        status = new.get("status") or {}
        return [
            error
            for field in fields
            for error in check_not_negative(f"status.{field}", status.get(field))
        ]

    return validate
