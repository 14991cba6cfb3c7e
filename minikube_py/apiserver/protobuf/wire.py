"""The protobuf wire format: a message's bytes as (field number, value). Pure."""

import struct
from collections.abc import Iterator

from minikube_py.meta.errors import BadRequest

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_SHIFT = 63


def fields_in(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Integers are as they stand, unsigned; fixed ones are given as their bytes. Raises BadRequest
    for what is cut short.
    """
    position, end = 0, len(data)
    while position < end:
        key, position = _varint(data, position)
        wire_type = key & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(data, position)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise BadRequest(f"the object provided is not valid protobuf: wire type {wire_type}")
        if position + length > end:
            raise BadRequest("the object provided is not valid protobuf: cut short")
        yield key >> 3, data[position : position + length]
        position += length


def signed(value: int) -> int:
    """int32 and int64 both travel as 64 bits in two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def double(value: bytes) -> float:
    result: float = struct.unpack("<d", value)[0]
    return result


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift <= _MAX_SHIFT:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
    raise BadRequest("the object provided is not valid protobuf: a number is cut short")
