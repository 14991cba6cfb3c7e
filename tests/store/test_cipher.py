import os
from pathlib import Path

import pytest

from minikube_py.store.cipher import AesGcmCipher, KeyProblem
from minikube_py.store.interface import Delete
from minikube_py.store.sqlite import SqliteStore
from tests.store.conftest import OpenStore, put, text

SECRETS = ("/registry/core/secrets/",)
KEY = "/registry/core/secrets/default/db"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "secrets.key"


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(key_file: Path) -> None:
    first = AesGcmCipher.from_key_file(key_file, SECRETS)
    second = AesGcmCipher.from_key_file(key_file, SECRETS)

    assert key_file.stat().st_mode & 0o777 == 0o600
    assert second.open(KEY, first.seal(KEY, b"plain")) == b"plain"


def test_sealing_twice_gives_different_bytes(key_file: Path) -> None:
    cipher = AesGcmCipher.from_key_file(key_file, SECRETS)

    assert cipher.seal(KEY, b"plain") != cipher.seal(KEY, b"plain")


def test_only_the_given_prefixes_are_covered(key_file: Path) -> None:
    cipher = AesGcmCipher.from_key_file(key_file, SECRETS)

    assert cipher.covers(KEY)
    assert not cipher.covers("/registry/core/configmaps/default/db")


def test_a_missing_key_file_is_not_replaced_when_there_is_a_database(key_file: Path) -> None:
    with pytest.raises(KeyProblem, match="put the file back"):
        AesGcmCipher.from_key_file(key_file, SECRETS, create=False)

    assert not key_file.exists()


def test_a_key_file_of_the_wrong_size_is_refused(key_file: Path) -> None:
    key_file.write_bytes(b"short")

    with pytest.raises(KeyProblem, match="holds 5 bytes instead of 32"):
        AesGcmCipher.from_key_file(key_file, SECRETS)


def test_another_key_is_refused_by_its_id() -> None:
    sealed = AesGcmCipher(os.urandom(32), SECRETS).seal(KEY, b"plain")

    with pytest.raises(KeyProblem, match="put back the key file"):
        AesGcmCipher(os.urandom(32), SECRETS).open(KEY, sealed)


def test_a_value_copied_under_another_name_does_not_open() -> None:
    cipher = AesGcmCipher(os.urandom(32), SECRETS)

    with pytest.raises(KeyProblem, match="changed outside of mk"):
        cipher.open(KEY + "2", cipher.seal(KEY, b"plain"))


def test_a_changed_byte_is_noticed() -> None:
    cipher = AesGcmCipher(os.urandom(32), SECRETS)
    sealed = bytearray(cipher.seal(KEY, b"plain"))
    sealed[-1] ^= 1

    with pytest.raises(KeyProblem, match="changed outside of mk"):
        cipher.open(KEY, bytes(sealed))


async def test_no_plain_secret_reaches_the_disk_and_history_opens(
    open_store: OpenStore, database: Path, key_file: Path
) -> None:
    cipher = AesGcmCipher.from_key_file(key_file, SECRETS)
    store = await open_store(cipher=cipher)
    await store.write(put(KEY, "hunter2"), put("/registry/core/pods/default/a", "visible"))
    await store.write(put(KEY, "hunter2-new"))
    await store.write(Delete(KEY, text("hunter2-gone")))
    await store.write(put(KEY, "hunter2-back"))

    raw = b"".join(file.read_bytes() for file in database.parent.iterdir())
    await store.close()
    again = await open_store(cipher=AesGcmCipher.from_key_file(key_file, SECRETS, create=False))

    assert b"hunter2" not in raw
    assert b"visible" in raw
    item = again.get(KEY)
    assert item is not None
    assert item.value == b"hunter2-back@5"
    events = await again.watch("/registry/core/secrets/", 1).next_batch()
    assert [event.value for event in events][:3] == [
        b"hunter2@2",
        b"hunter2-new@3",
        b"hunter2-gone@4",
    ]


async def test_opening_sealed_values_without_a_key_is_refused(
    open_store: OpenStore, database: Path, key_file: Path
) -> None:
    store = await open_store(cipher=AesGcmCipher.from_key_file(key_file, SECRETS))
    await store.write(put(KEY, "hunter2"))
    await store.close()

    with pytest.raises(KeyProblem, match="no key was given"):
        await SqliteStore.open(database)
    with pytest.raises(KeyProblem, match="put back the key file"):
        await SqliteStore.open(database, cipher=AesGcmCipher(os.urandom(32), SECRETS))
