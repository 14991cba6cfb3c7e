"""What the user reads when something does not work, and the exit codes: the one place for both."""

from typing import Any

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class CliError(Exception):
    """One line that says what is wrong and what to type next."""

    def __init__(self, message: str, *, code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class ApiFailure(CliError):
    """The server's Status."""

    def __init__(self, status: dict[str, Any], http_code: int) -> None:
        super().__init__(str(status.get("message") or f"the server answered {http_code}"))
        self.status = status
        self.http_code = http_code
        self.reason = str(status.get("reason") or "")

    @property
    def details(self) -> dict[str, Any]:
        return self.status.get("details") or {}

    @property
    def causes(self) -> list[dict[str, str]]:
        """Field errors: `field`, `message`, `reason`."""
        return self.details.get("causes") or []


class ServerUnreachable(CliError):
    """No answer from the API server at all."""


def joined(first: CliError | None, second: CliError) -> CliError:
    """Both, a line each."""
    return second if first is None else CliError(f"{first.message}\n{second.message}")


def not_found(error: ApiFailure) -> bool:
    return error.http_code == 404
