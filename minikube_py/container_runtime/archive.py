"""A file out of the tar that the engine answers for a path in a container. Pure."""

import io
import tarfile

HEADERS_BYTES = 64 * 1024
"""More than any header before a file's content takes."""


def first_file(tar: bytes, limit_bytes: int) -> bytes:
    """The beginning of the first regular file, b"" when there is none (a directory, a link).

    `tar` may be cut off after HEADERS_BYTES + `limit_bytes`.
    """
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        member = archive.next()
        content = archive.extractfile(member) if member is not None and member.isreg() else None
        return content.read(limit_bytes) if content is not None else b""
