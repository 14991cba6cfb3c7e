"""Errors a client can make sense of, one class a Kubernetes Status reason.

Adapters translate what Docker, SQLite and netlink raise; one middleware turns an ApiError into a
Status body.
Message patterns follow apimachinery's api/errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

FieldReason = Literal[
    "FieldValueRequired",
    "FieldValueInvalid",
    "FieldValueNotSupported",
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueNotFound",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
    "InternalError",
]

MAX_CAUSES = 200


@dataclass(frozen=True)
class FieldError:
    """One cause of an Invalid: `field` is a path like `spec.containers[0].image`."""

    field: str
    reason: FieldReason
    message: str

    def as_cause(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class ApiError(Exception):
    """A failure with a Kubernetes Status of its own."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def as_status(self) -> dict[str, Any]:
        """The `v1.Status` body."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


class BadRequest(ApiError):
    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    code, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    code, reason = 404, "NotFound"

    @classmethod
    def of(cls, group: str, resource: str, name: str) -> "NotFound":
        """`resource` is the plural; the message names `resource.group`."""
        return cls(
            f'{_qualified(group, resource)} "{name}" not found',
            details=_details(group, resource, name),
        )


class MethodNotAllowed(ApiError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(ApiError):
    code, reason = 409, "AlreadyExists"

    @classmethod
    def of(cls, group: str, resource: str, name: str) -> "AlreadyExists":
        return cls(
            f'{_qualified(group, resource)} "{name}" already exists',
            details=_details(group, resource, name),
        )


class Conflict(ApiError):
    code, reason = 409, "Conflict"

    @classmethod
    def of(cls, group: str, resource: str, name: str, why: str) -> "Conflict":
        return cls(
            f'Operation cannot be fulfilled on {_qualified(group, resource)} "{name}": {why}',
            details=_details(group, resource, name),
        )


class Gone(ApiError):
    code, reason = 410, "Gone"


class Expired(ApiError):
    """The revision asked for was compacted, or a watcher fell behind: list again."""

    code, reason = 410, "Expired"


class RequestEntityTooLarge(ApiError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    code, reason = 422, "Invalid"

    def __init__(
        self,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(message, details=details)
        self.errors = tuple(errors)

    @classmethod
    def of(cls, group: str, kind: str, name: str, errors: Sequence[FieldError]) -> "Invalid":
        """`kind` as in `Deployment`; the message lists every field error, up to MAX_CAUSES: a small
        request must not have a large answer.
        """
        listed = [str(error) for error in errors[:MAX_CAUSES]]
        if len(errors) > MAX_CAUSES:
            listed.append(f"and {len(errors) - MAX_CAUSES} more")
        text = listed[0] if len(listed) == 1 else "[" + ", ".join(listed) + "]"
        details = _details(group, kind, name)
        details["causes"] = [error.as_cause() for error in errors[:MAX_CAUSES]]
        return cls(
            f'{_qualified(group, kind)} "{name}" is invalid: {text}', details=details, errors=errors
        )


class TooManyRequests(ApiError):
    code, reason = 429, "TooManyRequests"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, details={"retryAfterSeconds": retry_after_seconds})


class InternalError(ApiError):
    code, reason = 500, "InternalError"


class ServerTimeout(ApiError):
    code, reason = 500, "ServerTimeout"


class ServiceUnavailable(ApiError):
    code, reason = 503, "ServiceUnavailable"


class Timeout(ApiError):
    code, reason = 504, "Timeout"


def _qualified(group: str, resource: str) -> str:
    return f"{resource}.{group}" if group else resource


def _details(group: str, resource: str, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name}
    if group:
        details["group"] = group
    details["kind"] = resource
    return details
