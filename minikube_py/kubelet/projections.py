"""The files that configMap, secret, downwardAPI and projected volumes show. Pure but for `look_up`.

A payload is path → file; `volumes` writes it. Missing things raise ProjectionProblem with kubelet's
words unless they are optional.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds.pod_template.references import SourceKind
from minikube_py.kubelet.field_refs import BadFieldRef, PodPlace, field_value, resource_value
from minikube_py.meta.objects import Object, get_path, namespace_of

DEFAULT_MODE = 0o644
_NO_KEY: Mapping[SourceKind, str] = {
    "ConfigMap": "configmap references non-existent config key",
    "Secret": "references non-existent secret key",
}

LookUp = Callable[[SourceKind, str, str], Object | None]
Token = Callable[[Object, Mapping[str, Any]], str]
"""(pod, the serviceAccountToken source) → a token."""


class ProjectionProblem(Exception):
    """The volume can't be set up yet; the message is an Event's. `unsupported`: nor ever."""

    def __init__(self, message: str, *, unsupported: bool = False) -> None:
        super().__init__(message)
        self.unsupported = unsupported


@dataclass(frozen=True)
class File:
    """`user` owns it; None = whoever writes it."""

    content: bytes
    mode: int
    user: int | None = None


Payload = dict[str, File]


@dataclass(frozen=True)
class Projector:
    """`token` None: service account tokens can't be had."""

    look_up: LookUp
    place: PodPlace
    token: Token | None = None

    def payload(self, pod: Object, source: str, spec: Mapping[str, Any]) -> Payload:
        """`source` is the volume's field: configMap, secret, downwardAPI or projected."""
        mode = spec.get("defaultMode")
        default = DEFAULT_MODE if mode is None else int(mode)
        if source == "projected":
            merged: Payload = {}
            for part in spec.get("sources") or []:
                merged |= self._part(pod, part, default)
            return merged
        if source == "secret":
            named = {**spec, "name": spec.get("secretName", "")}
            return self._data(pod, "Secret", named, default)
        if source == "configMap":
            return self._data(pod, "ConfigMap", spec, default)
        return self._downward(pod, spec, default)

    def _part(self, pod: Object, part: Mapping[str, Any], default: int) -> Payload:
        for field, spec in part.items():
            if field == "configMap":
                return self._data(pod, "ConfigMap", spec, default)
            if field == "secret":
                return self._data(pod, "Secret", spec, default)
            if field == "downwardAPI":
                return self._downward(pod, spec, default)
            if field == "serviceAccountToken" and self.token is not None:
                return {_checked(spec["path"]): self._token_file(pod, spec, default)}
            message = f"projected.sources.{field} is not supported"
            raise ProjectionProblem(message, unsupported=True)
        return {}

    def _token_file(self, pod: Object, spec: Mapping[str, Any], default: int) -> File:
        """Where the pod's user or group is known, it is nobody else's (kubelet's projected.go)."""
        assert self.token is not None
        content, user = self.token(pod, spec).encode(), only_user(pod)
        has_group = get_path(pod, "spec", "securityContext", "fsGroup") is not None
        return File(content, 0o600 if has_group or user is not None else default, user)

    def _data(
        self, pod: Object, kind: SourceKind, spec: Mapping[str, Any], default: int
    ) -> Payload:
        name = spec.get("name", "")
        found = self.look_up(kind, namespace_of(pod), name)
        if found is None:
            if spec.get("optional"):
                return {}
            raise ProjectionProblem(f'{kind.lower()} "{name}" not found')
        data = _binary_data(kind, found)
        items = spec.get("items")
        if not items:
            return {_checked(key): File(content, default) for key, content in data.items()}
        payload: Payload = {}
        for item in items:
            if item["key"] not in data:
                if spec.get("optional"):
                    continue
                raise ProjectionProblem(f"{_NO_KEY[kind]}: {item['key']}")
            payload[_checked(item["path"])] = File(data[item["key"]], _mode(item, default))
        return payload

    def _downward(self, pod: Object, spec: Mapping[str, Any], default: int) -> Payload:
        payload: Payload = {}
        for item in spec.get("items") or []:
            try:
                if item.get("fieldRef"):
                    text = field_value(pod, item["fieldRef"]["fieldPath"], self.place)
                else:
                    text = resource_value(pod, item.get("resourceFieldRef") or {}, self.place)
            except BadFieldRef as error:
                raise ProjectionProblem(f"downwardAPI {item.get('path')}: {error}") from error
            payload[_checked(item["path"])] = File(text.encode(), _mode(item, default))
        return payload


def only_user(pod: Object) -> int | None:
    """As whom every container of the pod is said to run; None when they differ or don't say."""
    spec = pod.get("spec") or {}
    general = get_path(spec, "securityContext", "runAsUser")
    users = {
        get_path(container, "securityContext", "runAsUser", default=general)
        for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    }
    found = users.pop() if len(users) == 1 else None
    return None if found is None else int(found)


def _binary_data(kind: SourceKind, obj: Object) -> dict[str, bytes]:
    if kind == "Secret":
        return {key: base64.b64decode(text) for key, text in (obj.get("data") or {}).items()}
    data = {key: text.encode() for key, text in (obj.get("data") or {}).items()}
    binary = obj.get("binaryData") or {}
    return data | {key: base64.b64decode(text) for key, text in binary.items()}


def _mode(item: Mapping[str, Any], default: int) -> int:
    mode = item.get("mode")
    return default if mode is None else int(mode)


def _checked(path: str) -> str:
    """A path may not leave the volume, nor touch the writer's own `..` names."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise ProjectionProblem(f"path {path!r} must be relative and must not contain '..'")
    return path
