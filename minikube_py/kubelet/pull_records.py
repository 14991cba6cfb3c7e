"""Which images were pulled with credentials, and with whose: a pod without them must not use such
an image only because it is there (KEP-2535). Images that mk did not pull are everybody's.

Kept in a file of the data directory, not among the cluster's objects: it is about the engine of
this host, nobody but the kubelet reads it, and it has to be on disk before a pull begins, so that
one that outlives a killed daemon is not taken for the host's own image. Passwords are not in it,
only what they come to with a salt.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from minikube_py.container_runtime.interface import ImageInfo
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.registry_auth import (
    Credential,
    credentials,
    full_name,
    repository_of,
)
from minikube_py.meta.objects import Object

log = logging.getLogger(__name__)

_MOST_USERS = 100
_MOST_BYTES = 16 << 20
_Users = dict[str, str]  # which Secret → what its credential comes to


@dataclass
class _Records:
    """`begun`: pulls with credentials that have not ended, by full name, and the id of the image
    that was there before. `private`: by image id and repository.
    """

    salt: str
    begun: dict[str, str] = field(default_factory=dict)
    private: dict[str, dict[str, _Users]] = field(default_factory=dict)


class PullRecords:
    """`kept` is what `save` was given last. Whatever writes raises what `save` raises."""

    def __init__(
        self, kept: bytes = b"", save: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        self._records = _read(kept)
        self._save = save
        self._saving = asyncio.Lock()

    @classmethod
    def of_file(cls, path: Path, files: HostFiles) -> "PullRecords":
        return cls(files.read(path, _MOST_BYTES), lambda text: files.write_durably(path, text))

    def may_use(
        self, image: ImageInfo, reference: str, pull_secrets: Callable[[], Iterable[Object]]
    ) -> bool:
        """Whether a pod with these secrets may start from what is there; they are only read for an
        image that is somebody's.
        """
        private = self._records.private.get(image.id)
        if private is None:
            return not self._is_of_unknown_pull(image)
        users = _users_of(private, image, reference)
        if users is None:
            return True
        own = list(pull_secrets())
        return any(
            one.secret in known or self._digest(one) in known.values()
            for repository, known in users.items()
            for one in credentials(repository, own)
        )

    async def begin(self, reference: str, before: ImageInfo | None) -> None:
        """A pull with credentials is about to."""
        name = full_name(reference)
        if name not in self._records.begun:
            self._records.begun[name] = before.id if before is not None else ""
            await self._write()

    async def failed(self, reference: str) -> None:
        if self._records.begun.pop(full_name(reference), None) is not None:
            await self._write()

    async def pulled(self, reference: str, image: ImageInfo, credential: Credential | None) -> None:
        """With no credential: so anybody may pull it. An image that was the host's stays that."""
        private, repository = self._records.private, repository_of(reference)
        before = self._records.begun.pop(full_name(reference), None)
        names = private.get(image.id, {})
        if credential is None and before is None and repository not in names:
            return
        if credential is None:
            names.pop(repository, None)
            if not names:
                private.pop(image.id, None)
        elif names or before != image.id:
            users = private.setdefault(image.id, {}).setdefault(repository, {})
            users[credential.secret] = self._digest(credential)
            while len(users) > _MOST_USERS:
                del users[next(iter(users))]
        await self._write()

    def forget_others(self, present: Iterable[str]) -> None:
        """Than the images with these ids; written with the next pull."""
        for gone in self._records.private.keys() - set(present):
            del self._records.private[gone]

    def _is_of_unknown_pull(self, image: ImageInfo) -> bool:
        """The daemon was killed while it was pulled, or it is being pulled right now."""
        if not self._records.begun:
            return False
        befores = [self._records.begun.get(full_name(one), image.id) for one in _names(image)]
        return any(before != image.id for before in befores)

    def _digest(self, one: Credential) -> str:
        text = json.dumps([one.username, one.password]).encode()
        return hmac.new(self._records.salt.encode(), text, hashlib.sha256).hexdigest()

    async def _write(self) -> None:
        if self._save is not None:
            async with self._saving:
                await self._save(json.dumps(asdict(self._records)))


def _users_of(
    private: Mapping[str, _Users], image: ImageInfo, reference: str
) -> Mapping[str, _Users] | None:
    """By repository, of the image under this name; None = under it, it is everybody's. An image
    that is named by its id is that of all who pulled it.
    """
    repository = repository_of(reference)
    if repository in private:
        return {repository: private[repository]}
    return None if repository in {repository_of(name) for name in _names(image)} else private


def _names(image: ImageInfo) -> tuple[str, ...]:
    return (*image.tags, *image.digests)


def _read(kept: bytes) -> _Records:
    fresh = _Records(secrets.token_hex(16))
    if not kept:
        return fresh
    try:
        return _Records(**json.loads(kept))
    except (ValueError, TypeError) as error:
        log.warning(
            "the records of pulled images are damaged, private ones on this host now count as "
            "everybody's: remove them with `docker rmi` if they must not error=%s", error,
        )  # fmt: skip
        return fresh
