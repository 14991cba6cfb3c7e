"""Files that nobody but their owner reads: keys, credentials, records."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Atomically, on disk when it returns, readable by the owner alone from its first byte."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
