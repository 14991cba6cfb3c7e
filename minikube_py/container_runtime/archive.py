"""A file out of the tar stream that the engine answers for a path in a container. Pure."""

import tarfile
from collections.abc import Iterator
from typing import IO, cast


class _Chunks:
    """As much of a file as a tar stream reader needs, over an iterator."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken


def first_file(chunks: Iterator[bytes], limit_bytes: int) -> bytes:
    """The beginning of the first regular file, b"" when there is none (a directory, a link)."""
    stream = cast(IO[bytes], _Chunks(chunks))
    with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 16) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None:
                return content.read(limit_bytes)
    return b""
