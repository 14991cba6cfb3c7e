"""When two templates mean the same, and a short name for what one means. Pure."""

import hashlib
import json
from typing import Any

from minikube_py.meta.names import safe_encode


def normalized(value: Any) -> Any:
    """Null, {} and [] mean the same as nothing at all."""
    if isinstance(value, dict):
        cleaned = {key: normalized(each) for key, each in value.items()}
        return {key: each for key, each in cleaned.items() if each is not None} or None
    if isinstance(value, list):
        return [normalized(each) for each in value] or None
    return value


def short_hash(value: Any, collisions: int | None) -> str:
    """The same for the same meaning; `collisions` makes another one."""
    text = json.dumps(normalized(value), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{text}{collisions or ''}".encode()).digest()
    return safe_encode(int.from_bytes(digest[:4], "big"))
