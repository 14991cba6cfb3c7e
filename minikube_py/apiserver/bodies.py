"""Request bodies: read within a limit, parsed from JSON or YAML, and refused with a reason when
they are too large, too deep or not what their content type says.
"""

import asyncio
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import yaml
from aiohttp import web

from minikube_py.apiserver.negotiation import BodyFormat
from minikube_py.apiserver.protobuf.objects import decode_object
from minikube_py.meta.encoding import decode
from minikube_py.meta.errors import (
    BadRequest,
    RequestEntityTooLarge,
    Timeout,
    UnsupportedMediaType,
)

_LONG_BYTES = 64 * 1024
MAX_BODY_BYTES = 3 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 1_000_000
_DIGITS = 400
MAX_UNFOLDED = 4 * MAX_BODY_BYTES
BODY_SECONDS = 60.0
"""How long a client may take to send a body: kube-apiserver's --request-timeout."""


@dataclass(frozen=True)
class Body:
    """`duplicates` are the paths of fields that stand twice; `value` has the last of each."""

    value: Any
    duplicates: tuple[str, ...] = ()


async def read_limited(request: web.Request) -> bytes:
    """The whole body. Raises RequestEntityTooLarge beyond MAX_BODY_BYTES without reading on,
    Timeout when the client stops halfway, and UnsupportedMediaType for a packed one.
    """
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        raise UnsupportedMediaType(
            f"a body with Content-Encoding: {coding} is not taken: send it as it is"
        )
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request)
    except web.RequestPayloadError as error:
        raise BadRequest(f"the body of the request is broken: {error}") from error
    except TimeoutError as error:
        raise Timeout(
            f"the body of the request did not arrive within {BODY_SECONDS:.0f} s: send it again"
        ) from error


async def _read(request: web.Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def parse(data: bytes, format_: BodyFormat, *, find_duplicates: bool = False) -> Body:
    """Raises BadRequest that says where the text is wrong."""
    if format_ == "yaml":
        return _parse_yaml(data)
    if format_ == "protobuf":
        return Body(decode_object(data))
    value = decode(data)
    _refuse_deep(value)
    if not find_duplicates:
        return Body(value)
    return Body(value, tuple(_duplicates(data)))


async def parse_aside(
    data: bytes, format_: BodyFormat, *, find_duplicates: bool = False, must_be_object: bool = False
) -> Body:
    """As `parse` and `parse_object`; long texts in a thread, for they take seconds and others wait
    meanwhile. One thread serves all, so that many of them at once don't take the whole machine.
    """
    work = partial(
        parse_object if must_be_object else parse, data, format_, find_duplicates=find_duplicates
    )
    if len(data) < _LONG_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_thread(), work)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="mk-bodies")


def parse_object(data: bytes, format_: BodyFormat, *, find_duplicates: bool = False) -> Body:
    """As `parse`, for bodies that must be a JSON object."""
    body = parse(data, format_, find_duplicates=find_duplicates)
    if not isinstance(body.value, dict):
        raise BadRequest(f"the object provided must be a JSON object, not {_type_name(body.value)}")
    return body


def _too_large() -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BODY_BYTES}")


def _type_name(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _refuse_deep(value: Any) -> None:
    """Whatever walks objects by recursion later may rely on MAX_DEPTH, and on MAX_NODES where YAML
    aliases stand for more than was sent.
    """
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH):
        level = _containers_below(level, MAX_NODES - nodes)
        nodes += len(level)
        if not level:
            return
    raise _too_deep()


def _containers_below(level: list[Any], allowed: int) -> list[Any]:
    below: list[Any] = []
    for node in level:
        children = node.values() if isinstance(node, dict) else node
        if isinstance(node, dict | list):
            below += [child for child in children if isinstance(child, dict | list)]
        if len(below) > allowed:
            raise BadRequest(f"the object provided has more than {MAX_NODES} lists and maps")
    return below


def _too_deep() -> BadRequest:
    return BadRequest(f"the object provided nests deeper than {MAX_DEPTH} levels")


class _Pairs(list[tuple[str, Any]]):
    """An object as it stood in the text, doubles included."""


def _duplicates(data: bytes) -> list[str]:
    """orjson keeps the last of two equal keys silently; the standard parser shows all of them."""
    found: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> _Pairs:
        return _Pairs(pairs)

    # What numbers are worth is of no interest here.
    parsed = json.loads(data, object_pairs_hook=collect, parse_int=str, parse_float=str)
    _walk_pairs(parsed, "", found)
    return found


def _walk_pairs(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, child in value:
            child_path = f"{path}.{key}" if path else key
            if key in seen:
                found.append(child_path)
            seen.add(key)
            _walk_pairs(child, child_path, found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _walk_pairs(child, f"{path}[{index}]", found)


class _ManifestLoader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: dates stay text, keys are text, doubles are noted."""

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self.duplicates: list[str] = []


def _construct_mapping(loader: _ManifestLoader, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            key = key_node.value
        if key in mapping:
            loader.duplicates.append(key)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _construct_text(_loader: _ManifestLoader, node: yaml.Node) -> str:
    return str(node.value)


def _construct_number(loader: _ManifestLoader, node: yaml.ScalarNode) -> float:
    number = float(loader.construct_yaml_float(node))
    if not math.isfinite(number):
        raise ValueError(f"{node.value} is no number in JSON")
    return number


def _construct_integer(loader: _ManifestLoader, node: yaml.ScalarNode) -> int:
    if len(node.value) > _DIGITS:
        raise ValueError(f"a number of {len(node.value)} digits is too long")
    return int(loader.construct_yaml_int(node))


_ManifestLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_ManifestLoader.add_constructor("tag:yaml.org,2002:float", _construct_number)
_ManifestLoader.add_constructor("tag:yaml.org,2002:int", _construct_integer)
_ManifestLoader.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)


def _parse_yaml(data: bytes) -> Body:
    try:
        _refuse_outsized(data)
        loader = _ManifestLoader(data)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        raise BadRequest(f"the object provided is not valid YAML: {error}") from error
    _refuse_deep(value)
    return Body(value, tuple(loader.duplicates))


def _refuse_outsized(data: bytes) -> None:
    """The loader recurses in C and follows aliases: how deep it will go, and how much all aliases
    together stand for, has to be known before it starts.
    """
    weight, weights = 0, dict[str, int]()
    opened: list[tuple[str | None, int]] = []
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, weight))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            weights[anchor or ""] = weight - before
        weight += _weight_of(event, weights)
        if len(opened) > MAX_DEPTH:
            raise _too_deep()
        if weight > MAX_UNFOLDED:
            raise BadRequest("the object provided is too large once its YAML aliases are unfolded")


def _weight_of(event: yaml.Event, weights: dict[str, int]) -> int:
    """In characters, about; notes that of a text which aliases may stand for."""
    if isinstance(event, yaml.AliasEvent):
        return weights.get(event.anchor or "", 0) + 1
    if not isinstance(event, yaml.ScalarEvent):
        return 1
    weights[event.anchor or ""] = len(event.value)
    return len(event.value) + 1
