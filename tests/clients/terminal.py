"""A command on a terminal of its own, typed to and read from as a person would."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator


class Terminal:
    def __init__(self, command: list[str], env: dict[str, str], size: tuple[int, int]) -> None:
        """`size` is rows and columns."""
        self._fd, inside = os.openpty()
        _set_size(inside, size)
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **env, "TERM": "xterm"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inside)
        self._seen = b""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def resize(self, size: tuple[int, int]) -> None:
        _set_size(self._fd, size)
        self._process.send_signal(signal.SIGWINCH)

    def expect(self, text: str, seconds: float = 20) -> None:
        """Reads until `text` has come since it was last waited for."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self._seen:
            if time.monotonic() >= deadline or not self._read():
                raise AssertionError(f"{text!r} did not come, but: {self._seen!r}")
        self._seen = self._seen.split(text.encode(), 1)[1]

    def ask(self, text: str, answer: str, seconds: float = 20) -> None:
        """Types `text` again and again until `answer` comes: for what takes a moment to be true."""
        deadline = time.monotonic() + seconds
        while True:
            self.type(text + "\n")
            try:
                return self.expect(answer, 1)
            except AssertionError:
                if time.monotonic() >= deadline:
                    raise

    def wait(self, seconds: float = 20) -> int:
        """The exit code."""
        deadline = time.monotonic() + seconds
        while self._read() and time.monotonic() < deadline:
            pass
        return self._process.wait(seconds)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _read(self) -> bool:
        """False at the end."""
        ready, _, _ = select.select([self._fd], [], [], 0.2)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # how the kernel says that the other end was closed
            return False
        self._seen += data
        return bool(data)


@contextlib.contextmanager
def terminal(
    command: list[str], env: dict[str, str], size: tuple[int, int] = (33, 77)
) -> Iterator[Terminal]:
    made = Terminal(command, env, size)
    try:
        yield made
    finally:
        made.close()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _set_size(fd: int, size: tuple[int, int]) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
