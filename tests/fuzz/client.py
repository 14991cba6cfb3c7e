"""A client that takes no answer for granted: each must come in time, as the API promises it."""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SECONDS = 15.0
"""No answer may take longer, on a machine that has other things to do too."""
_EXPLAINED = (501, 503, 504)
"""Server errors that say what a client can do."""
_LOST = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    request: str
    """What was asked, for the message of an assertion."""

    @property
    def ok(self) -> bool:
        return self.status < 300

    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.request[:2000]}\n→ {self.status} {self.body[:2000]!r}"


class Client:
    """One kept connection, opened again when the server has closed it."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._address = urlsplit(url)
        self._context = context
        self._connection: http.client.HTTPSConnection | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | list[Any] | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        """Fails when the answer is late, unexplained or malformed."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": content_type} if data is not None else {}
        began = time.monotonic()
        status, type_, content = self._exchange(method, path, data, {**sent, **headers})
        shown = f"{method} {path} {content_type} {data!r}"
        answer = Answer(status, type_, content, shown)
        assert time.monotonic() - began < SECONDS, f"late: {answer}"
        check(answer)
        return answer

    def _exchange(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        for _ in range(2):
            try:
                connection = self._connection or self._open()
                connection.request(method, path, data, dict(headers))
                response = connection.getresponse()
                content = response.read()
            except _LOST:
                self.close()
                continue
            if response.will_close:
                self.close()
            return response.status, response.headers.get("Content-Type", ""), content
        raise AssertionError(f"no answer: {method} {path} {data!r}")

    def _open(self) -> http.client.HTTPSConnection:
        address = self._address
        self._connection = http.client.HTTPSConnection(
            str(address.hostname), address.port, context=self._context, timeout=SECONDS
        )
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def check(answer: Answer) -> None:
    """Whatever was asked: a well-formed Status, or something of a kind."""
    assert answer.status < 500 or answer.status in _EXPLAINED, str(answer)
    if answer.status >= 400:
        check_status(answer)
    elif answer.content_type.startswith("application/json") and answer.body:
        assert isinstance(answer.json(), dict), str(answer)


def check_status(answer: Answer) -> None:
    assert answer.content_type.startswith("application/json"), str(answer)
    status = answer.json()
    assert (status["kind"], status["apiVersion"]) == ("Status", "v1"), str(answer)
    assert status["status"] == "Failure", str(answer)
    assert status["code"] == answer.status, str(answer)
    assert status["message"], str(answer)
    assert status["reason"], str(answer)
