"""JSON as bytes. The one place that names the JSON library; every object is encoded once, on
write.
"""

from typing import Any

import orjson

from minikube_py.meta.errors import BadRequest


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON, in as much memory as it is long.

    orjson (3.13) gives its working buffer away as it is, 8 KiB for an object of 1,000 bytes, and
    the store keeps the objects: so the bytes are copied, which takes half a microsecond.
    """
    return bytes(memoryview(orjson.dumps(value)))


def decode(data: bytes | str) -> Any:
    """Parsed JSON; raises BadRequest with the parser's position when `data` is not JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the object provided is not valid JSON: {error}") from error
