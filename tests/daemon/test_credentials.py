"""The key that signs tokens and the file of tokens: made once, kept, and read again."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from minikube_py.daemon.choices import StartFailure
from minikube_py.daemon.credentials import open_signing_key, read_static_tokens
from minikube_py.meta.users import User

ADMIN = User("root", ("system:masters", "people"))


def test_the_signing_key_is_kept_and_nobody_else_reads_it(tmp_path: Path) -> None:
    made = open_signing_key(tmp_path)
    opened = open_signing_key(tmp_path)

    assert opened.key_id == made.key_id
    assert opened.verified(made.sign({"sub": "me"})) == {"sub": "me"}
    assert (tmp_path / "sa.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(None, id="nonsense"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="other-sort"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="other-curve"),
    ],
)
def test_a_key_that_can_not_sign_stops_the_start(
    tmp_path: Path, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | None
) -> None:
    content = b"nonsense"
    if key is not None:
        content = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    (tmp_path / "sa.key").write_bytes(content)

    with pytest.raises(StartFailure, match="holds no usable P-256 key"):
        open_signing_key(tmp_path)


def test_the_first_start_makes_a_token_of_the_admin(tmp_path: Path) -> None:
    made = read_static_tokens(tmp_path, admin=ADMIN)
    again = read_static_tokens(tmp_path, admin=ADMIN)

    ((token, user),) = made.items()
    assert user == User("root", ("system:masters", "people"), "root")
    assert len(token) >= 40
    assert again == made
    assert (tmp_path / "tokens.csv").stat().st_mode & 0o777 == 0o600


def test_others_may_be_added_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "tokens.csv").write_text('t1, alice, 1, "a,b"\n\nt2,bob,2\n')

    assert read_static_tokens(tmp_path, admin=ADMIN) == {
        "t1": User("alice", ("a", "b"), "1"),
        "t2": User("bob", (), "2"),
    }


@pytest.mark.parametrize("line", ["t1,alice", ",alice,1", "t1,,1"])
def test_a_line_that_says_too_little_stops_the_start(tmp_path: Path, line: str) -> None:
    (tmp_path / "tokens.csv").write_text(f"t0,zoe,0\n{line}\n")

    with pytest.raises(StartFailure, match="line 2 is not"):
        read_static_tokens(tmp_path, admin=ADMIN)
