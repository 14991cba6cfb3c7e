"""What pull secrets say of registries, and how registries and repositories of images are told
apart. Pure. An entry of a secret is for a registry or for a path in it, and `*` and `?` stand for
parts of a host's name, as kubelet reads them.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any

from minikube_py.meta.encoding import decode
from minikube_py.meta.errors import BadRequest
from minikube_py.meta.objects import Object, name_of, namespace_of, uid_of

_DEFAULT = "docker.io"
_DEFAULT_REGISTRIES = (_DEFAULT, "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True)
class Credential:
    """User name and password, and which Secret they are from (`namespace/name/uid`)."""

    username: str
    password: str = field(repr=False)
    secret: str = ""

    @property
    def auth(self) -> dict[str, str]:
        return {"username": self.username, "password": self.password}


def credentials(reference: str, secrets: Iterable[Object]) -> list[Credential]:
    """Those that are for the image, in the order to try them: longer paths first, then as the
    secrets stand.
    """
    repository = repository_of(reference)
    found = []
    for secret in secrets:
        for key, entry in _docker_config(secret).items():
            place = _place(key)
            pair = _pair(entry) if _covers(place, repository) else None
            if pair is not None:
                found.append((place, Credential(*pair, _name(secret))))
    return [one for _, one in sorted(found, key=itemgetter(0), reverse=True)]


def _place(key: str) -> str:
    """An entry's host and path. `docker login` writes the API's version behind the host."""
    host, _, path = key.partition("://")[2 if "://" in key else 0].partition("/")
    path = path.removeprefix("v1/").removeprefix("v2/").strip("/")
    host = _DEFAULT if host in _DEFAULT_REGISTRIES else host
    return f"{host}/{path}" if path not in ("", "v1", "v2") else host


def _covers(place: str, repository: str) -> bool:
    host, _, path = place.partition("/")
    registry, _, name = repository.partition("/")
    parts, others = host.split("."), registry.split(".")
    same_host = len(parts) == len(others) and all(map(fnmatchcase, others, parts))
    return same_host and f"{name}/".startswith(f"{path}/" if path else "")


def registry_of(reference: str) -> str:
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first
    return _DEFAULT


def repository_of(reference: str) -> str:
    """In full, without tag and digest: `app:1` and `docker.io/library/app` are one."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    name = f"{head}{slash}{last.partition(':')[0]}"
    registry = registry_of(name)
    if registry not in _DEFAULT_REGISTRIES:
        return name
    path = name.removeprefix(f"{registry}/")
    return f"{_DEFAULT}/{path}" if "/" in path else f"{_DEFAULT}/library/{path}"


def full_name(reference: str) -> str:
    """One spelling for all of one image: `app` is `docker.io/library/app:latest`."""
    name, _, digest = reference.partition("@")
    if digest:
        return f"{repository_of(name)}@{digest}"
    tag = name.rpartition("/")[2].partition(":")[2] or "latest"
    return f"{repository_of(name)}:{tag}"


def _name(secret: Object) -> str:
    return f"{namespace_of(secret)}/{name_of(secret)}/{uid_of(secret)}"


def _docker_config(secret: Object) -> Mapping[str, Any]:
    data = secret.get("data") or {}
    try:
        if ".dockerconfigjson" in data:
            config = decode(base64.b64decode(data[".dockerconfigjson"]))
            return dict(config.get("auths") or {})
        if ".dockercfg" in data:
            return dict(decode(base64.b64decode(data[".dockercfg"])))
    except (BadRequest, binascii.Error, AttributeError, TypeError):
        return {}
    return {}


def _pair(entry: object) -> tuple[str, str] | None:
    if not isinstance(entry, Mapping):
        return None
    if entry.get("username"):
        return str(entry["username"]), str(entry.get("password", ""))
    try:
        text = base64.b64decode(entry.get("auth") or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None
