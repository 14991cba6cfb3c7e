"""`$(NAME)` in commands, arguments, variables and sub paths (Kubernetes' third_party/forked/golang
expansion).
"""

import re
from collections.abc import Mapping, Sequence

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known, `$$` is a plain `$`, all else stays as it is."""

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "$"
        return values.get(name, match[0])

    return _REFERENCE.sub(replaced, text)


def unknown_names(text: str, values: Mapping[str, str]) -> list[str]:
    """What `text` refers to and `values` lacks."""
    return [name for name in _REFERENCE.findall(text) if name and name not in values]


def expand_all(words: Sequence[str] | None, values: Mapping[str, str]) -> list[str] | None:
    """None (the image's own) stays None; an empty list, too, is the image's own."""
    return [expand(word, values) for word in words] if words else None
