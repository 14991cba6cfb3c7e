"""Kernel settings that a pod can have for itself, by name. `mk up` checks what an administrator
allows with them, the kubelet what a pod asks for.
"""

import re

NAMESPACED = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.", "net.")
"""Beginnings of the names of what a network or IPC namespace has of its own."""
_WORD = r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_PATTERN = re.compile(rf"({_WORD}[./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]")
_LONGEST = 253


def parse_sysctl_patterns(text: str) -> tuple[str, ...]:
    """Names and beginnings of names (`net.core.*`) by comma, as kubelet's --allowed-unsafe-sysctls
    takes them. Raises ValueError for what no pod can have of its own.
    """
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    for pattern in found:
        _check(pattern)
    return tuple(pattern.replace("/", ".") for pattern in found)


def _check(pattern: str) -> None:
    if len(pattern) > _LONGEST or not _PATTERN.fullmatch(pattern):
        raise ValueError(
            f"{pattern!r} is no sysctl: write e.g. net.core.somaxconn, or net.core.* for several"
        )
    if not pattern.rstrip("*").replace("/", ".").startswith(NAMESPACED):
        raise ValueError(
            f"{pattern!r} is the whole host's, no pod can have its own: "
            f"only names that begin with {', '.join(NAMESPACED)} may be allowed"
        )
