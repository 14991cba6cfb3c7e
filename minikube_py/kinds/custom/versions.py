"""The order of API versions: v2 before v1, stable before beta before alpha, then by the alphabet
(apimachinery's version.CompareKubeAwareVersionStrings).
"""

import re
from collections.abc import Sequence

_KUBE_LIKE = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STABILITY = {"alpha": 0, "beta": 1, None: 2}


def by_priority(versions: Sequence[str]) -> list[str]:
    """The most preferred first."""
    kube_like = [version for version in versions if _KUBE_LIKE.fullmatch(version)]
    others = [version for version in versions if not _KUBE_LIKE.fullmatch(version)]
    return [*sorted(kube_like, key=_rank, reverse=True), *sorted(others)]


def _rank(version: str) -> tuple[int, int, int]:
    match = _KUBE_LIKE.fullmatch(version)
    assert match is not None
    return _STABILITY[match[2]], int(match[1]), int(match[3] or 0)
