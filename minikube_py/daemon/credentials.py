"""What lets callers in beside client certificates: the key that signs ServiceAccount tokens, and a
file of tokens. Both are in `<data dir>/pki`, mode 0600, as long as the cluster.

The file is kube-apiserver's --token-auth-file: `token,user,uid,"group1,group2"` a line. It is made
at the first start with one token of the admin, for tools that can't use certificates, and read at
every start.
"""

import csv
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from minikube_py.daemon.choices import StartFailure
from minikube_py.meta.private_files import write_private
from minikube_py.meta.users import User
from minikube_py.resources.json_web_tokens import SigningKey

_KEY, _TOKENS = "sa.key", "tokens.csv"
_TOKEN_BYTES = 32


def open_signing_key(folder: Path) -> SigningKey:
    """The key kept in `folder`, made there when there is none; raises StartFailure."""
    path = folder / _KEY
    if not path.exists():
        write_private(path, _new_key())
    try:
        return SigningKey(serialization.load_pem_private_key(path.read_bytes(), None))
    except (ValueError, TypeError) as error:
        raise StartFailure(
            f"{path} holds no usable P-256 key ({error}): put back the right one, or remove the "
            "file to get a new one, which ends every ServiceAccount token"
        ) from error


def read_static_tokens(folder: Path, *, admin: User) -> dict[str, User]:
    """Users by token; raises StartFailure for a line that can't be read."""
    path = folder / _TOKENS
    if not path.exists():
        write_private(path, _line(secrets.token_urlsafe(_TOKEN_BYTES), admin).encode())
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
    found = {}
    for number, row in enumerate(rows, start=1):
        token, user, uid, groups = ([column.strip() for column in row] + [""] * 4)[:4]
        if len(row) < 3 or not token or not user:
            raise StartFailure(
                f'{path} line {number} is not `token,user,uid,"group1,group2"`: correct it, or '
                "remove the file to get a new one"
            )
        names = tuple(name.strip() for name in groups.split(",") if name.strip())
        found[token] = User(user, names, uid)
    return found


def _line(token: str, user: User) -> str:
    return f'{token},{user.name},{user.uid or user.name},"{",".join(user.groups)}"\n'


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
