"""Which representation a client asked for, from its Accept header, and which a body is in.

Kubernetes' rule: the first clause that can be served wins, `as=` parameters ask for a transformed
object (Table, PartialObjectMetadata). Protobuf is read but never written: every client that asks
for it also accepts JSON.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from minikube_py.meta.errors import NotAcceptable, UnsupportedMediaType

Format = Literal["json", "yaml"]
BodyFormat = Literal["json", "yaml", "protobuf"]
PatchType = Literal["json", "merge", "strategic", "apply"]

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
_FORMATS: dict[str, Format] = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "application/*": "json",
    "*/*": "json",
}
_PATCHES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_TRANSFORMS = {
    "Table": ("v1", "v1beta1"),
    "PartialObjectMetadata": ("v1", "v1beta1"),
    "PartialObjectMetadataList": ("v1", "v1beta1"),
}
_META_GROUP = "meta.k8s.io"
_DISCOVERY_GROUP = "apidiscovery.k8s.io"


@dataclass(frozen=True)
class Media:
    """`transform` is "" for the object itself."""

    format: Format = "json"
    transform: str = ""
    group: str = ""
    version: str = ""

    @property
    def content_type(self) -> str:
        return JSON if self.format == "json" else YAML

    @property
    def is_table(self) -> bool:
        return self.transform == "Table"

    @property
    def is_metadata_only(self) -> bool:
        return self.transform.startswith("PartialObjectMetadata")


@dataclass(frozen=True)
class _Clause:
    media_type: str
    quality: float = 1.0
    parameters: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=256)
def negotiate(accept: str) -> Media:
    """For resources. Raises NotAcceptable when no clause can be served."""
    for clause in _clauses(accept):
        wanted = _FORMATS.get(clause.media_type)
        if wanted is None:
            continue
        transform = clause.parameters.get("as", "")
        if not transform:
            return Media(wanted)
        group, version = clause.parameters.get("g", ""), clause.parameters.get("v", "")
        if group == _META_GROUP and version in _TRANSFORMS.get(transform, ()):
            return Media(wanted, transform, group, version)
    raise NotAcceptable(
        "only the following media types are accepted: application/json, application/yaml"
    )


@lru_cache(maxsize=64)
def negotiate_discovery(accept: str) -> str:
    """The aggregated discovery version asked for (`v2`, `v2beta1`), "" for the legacy documents."""
    for clause in _clauses(accept):
        if clause.media_type not in _FORMATS:
            continue
        if clause.parameters.get("as") != "APIGroupDiscoveryList":
            return ""
        version = clause.parameters.get("v", "")
        if clause.parameters.get("g") == _DISCOVERY_GROUP and version in ("v2", "v2beta1"):
            return version
    return ""


def body_format(content_type: str) -> BodyFormat:
    """Of a create, update or delete body; raises UnsupportedMediaType."""
    bare = _bare(content_type) or JSON
    if bare == PROTOBUF:
        return "protobuf"
    wanted = _FORMATS.get(bare)
    if wanted is None or "*" in bare:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {YAML}, {PROTOBUF}"
        )
    return wanted


def patch_type(content_type: str) -> PatchType:
    """Raises UnsupportedMediaType naming the four patch types."""
    wanted = _PATCHES.get(_bare(content_type))
    if wanted is None:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(_PATCHES)
        )
    return wanted


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _clauses(accept: str) -> list[_Clause]:
    clauses = [_parse_clause(text) for text in accept.split(",") if text.strip()]
    if not clauses:
        return [_Clause("*/*")]
    # A stable sort: clauses of the same quality stay in the client's order.
    return sorted((c for c in clauses if c.quality > 0), key=lambda clause: -clause.quality)


def _parse_clause(text: str) -> _Clause:
    media_type, *raw = (piece.strip() for piece in text.split(";"))
    parameters: dict[str, str] = {}
    quality = 1.0
    for piece in raw:
        name, _, value = piece.partition("=")
        if name == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
        else:
            parameters[name] = value.strip('"')
    return _Clause(media_type.lower(), quality, parameters)
