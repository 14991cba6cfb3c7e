"""The files in which the engine keeps a container's output (json-file), read as one run of lines
while the engine writes and rotates them.

The engine's own followers miss or repeat lines when a log is rotated under them faster than they
read. A file that is open can be read to its end whatever its name is by then, as kubelet does.
"""

import os
from pathlib import Path
from typing import Final

PORTION_BYTES: Final = 64 * 1024
_MOST_FILES = 32  # mk's containers have 5; other settings of the engine may say more


class LogFiles:
    """`path` is that of the newest file; older ones are called path.1, path.2 …

    Only when a reader is slower by all files that are kept, lines are gone before it came to them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: int | None = None
        self._rest = b""

    def read(self) -> list[bytes]:
        """The next whole lines, some 64 KiB of them; none when there is nothing more yet."""
        while True:
            portion = self._portion()
            if not portion:
                return []
            *whole, self._rest = (self._rest + portion).split(b"\n")
            if whole:
                return whole

    def close(self) -> None:
        if self._open is not None:
            os.close(self._open)
            self._open = None

    def _portion(self) -> bytes:
        while self._open is not None or self._go_on():
            assert self._open is not None
            if portion := os.read(self._open, PORTION_BYTES):
                return portion
            if not self._is_complete():
                return b""
            # Written between the end that was seen and the rotation:
            if portion := os.read(self._open, PORTION_BYTES):
                return portion
            if not self._go_on():
                return b""
        return b""

    def _is_complete(self) -> bool:
        """The engine writes to another file by now."""
        assert self._open is not None
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._open))
        except FileNotFoundError:  # between two renames, or removed with the container
            return False

    def _go_on(self) -> bool:
        """Opens the file after the one that was read, or the oldest."""
        found = self._newest_first()
        newer = found
        if self._open is not None:
            now = os.fstat(self._open)
            for index, file in enumerate(found):
                if os.path.samestat(os.fstat(file), now):
                    newer = found[:index]
                    break
        chosen = newer[-1] if newer else None
        for file in found:
            if file != chosen:
                os.close(file)
        if chosen is None:
            return False
        self.close()
        self._open, self._rest = chosen, b""
        return True

    def _newest_first(self) -> list[int]:
        """All that can be opened. A rotation meanwhile shows one twice, but hides none: names only
        grow, and they are opened in that order.
        """
        found = []
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, _MOST_FILES))]
        for name in names:
            try:
                found.append(os.open(name, os.O_RDONLY | os.O_CLOEXEC))
            except FileNotFoundError:
                continue
        return found
