"""Seals values on their way to disk with AES-256-GCM; memory and the API never see sealed bytes.

A sealed value is a marker, the key's id, a nonce and the ciphertext. The store's key is its
associated data, so a sealed value copied under another name does not open.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from minikube_py.store.interface import StoreCannotOpen

SEALED = b"\x00mk1"
"""JSON never starts with a NUL, so a sealed value is known by its first bytes."""
_KEY_BYTES = 32
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12


class KeyProblem(StoreCannotOpen):
    """The key that opens the sealed values is missing or is another one."""


def is_sealed(value: bytes) -> bool:
    return value.startswith(SEALED)


class AesGcmCipher:
    """Covers every key under `prefixes`. Raises KeyProblem when a value was sealed by another
    key.
    """

    def __init__(self, key: bytes, prefixes: Sequence[str], *, source: str = "the given key"):
        self._aead = AESGCM(key)
        self._key_id = hashlib.sha256(b"minikube_py key id" + key).digest()[:_KEY_ID_BYTES]
        self._prefixes = tuple(prefixes)
        self._source = source

    @classmethod
    def from_key_file(
        cls, path: Path, prefixes: Sequence[str], *, create: bool = True
    ) -> "AesGcmCipher":
        """Reads the key, or makes one (mode 0600) where there is none and `create` allows it.

        Give create=False when the database exists: a new key could not open what is in it.
        """
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            if not create:
                raise KeyProblem(
                    f"the key file {path} is missing, and the Secrets of this cluster are sealed "
                    "with it: put the file back, or `mk purge` to start afresh without them"
                ) from None
            key = _create_key_file(path)
        except OSError as error:
            raise KeyProblem(f"cannot read the key file {path}: {error.strerror}") from error
        if len(key) != _KEY_BYTES:
            raise KeyProblem(
                f"the key file {path} holds {len(key)} bytes instead of {_KEY_BYTES}: "
                "put back the right one, or `mk purge` to start afresh"
            )
        return cls(key, prefixes, source=str(path))

    def covers(self, key: str) -> bool:
        return key.startswith(self._prefixes)

    def seal(self, key: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return SEALED + self._key_id + nonce + self._aead.encrypt(nonce, plain, key.encode())

    def open(self, key: str, sealed: bytes) -> bytes:
        body = memoryview(sealed)[len(SEALED) :]
        key_id, body = bytes(body[:_KEY_ID_BYTES]), body[_KEY_ID_BYTES:]
        if key_id != self._key_id:
            raise KeyProblem(
                f"{key} is sealed with the key {key_id.hex()}, but {self._source} is the key "
                f"{self._key_id.hex()}: put back the key file of this cluster, or `mk purge`"
            )
        try:
            return self._aead.decrypt(
                bytes(body[:_NONCE_BYTES]), bytes(body[_NONCE_BYTES:]), key.encode()
            )
        except InvalidTag:
            raise KeyProblem(
                f"the sealed value of {key} was changed outside of mk and does not open: "
                "restore the database from a copy, or `mk purge`"
            ) from None


def _create_key_file(path: Path) -> bytes:
    """Durable before it is used: a key that a crash loses would take the Secrets with it."""
    key = AESGCM.generate_key(bit_length=_KEY_BYTES * 8)
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_directory(path.parent)
    return key


def sync_directory(path: Path) -> None:
    """Makes new and renamed names in a directory survive a power cut."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
