"""JSON Web Tokens (RFC 7519) with the one algorithm that this cluster signs with, ES256.

Only what is needed to sign and to trust one's own: a token of any other algorithm or key is simply
not valid, so there is nothing to negotiate and nothing to confuse. Times are the caller's matter.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from minikube_py.meta import encoding
from minikube_py.meta.errors import BadRequest

ALGORITHM = "ES256"
_ES256 = ec.ECDSA(hashes.SHA256())
_COORDINATE_BYTES = 32
_MAX_BYTES = 16 * 1024


class SigningKey:
    """A P-256 key under the id that its tokens and the published key set name."""

    def __init__(self, key: object) -> None:
        """Raises TypeError for a key of another sort."""
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(
            key.curve, ec.SECP256R1
        ):
            raise TypeError("ES256 needs a key on the curve P-256")
        self._private = key
        self._public = key.public_key()
        self.key_id = _key_id(self._public)
        self._named = {"alg": ALGORITHM, "kid": self.key_id}
        self._header = _encoded(self._named)

    def sign(self, claims: Mapping[str, Any]) -> str:
        signed = f"{self._header}.{_encoded(claims)}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), _ES256))
        signature = r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)
        return f"{signed}.{base64url(signature)}"

    def verified(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that this key signed, else None."""
        parts = token.split(".")
        if len(parts) != 3 or len(token) > _MAX_BYTES or not token.isascii():
            return None
        try:
            header, claims = (encoding.decode(from_base64url(part)) for part in parts[:2])
            signature = from_base64url(parts[2])
        except (ValueError, BadRequest):
            return None
        if not isinstance(header, dict) or header != self._named:
            return None
        if not isinstance(claims, dict) or not self._signed(f"{parts[0]}.{parts[1]}", signature):
            return None
        return claims

    def public_jwk(self) -> dict[str, str]:
        """As the published key set (RFC 7517) lists it."""
        numbers = self._public.public_numbers()
        return {
            "use": "sig",
            "kty": "EC",
            "kid": self.key_id,
            "crv": "P-256",
            "alg": ALGORITHM,
            "x": base64url(numbers.x.to_bytes(_COORDINATE_BYTES)),
            "y": base64url(numbers.y.to_bytes(_COORDINATE_BYTES)),
        }

    def _signed(self, text: str, signature: bytes) -> bool:
        if len(signature) != 2 * _COORDINATE_BYTES:
            return False
        r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
        try:
            self._public.verify(encode_dss_signature(r, s), text.encode(), _ES256)
        except InvalidSignature:
            return False
        return True


def base64url(data: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Without padding; raises ValueError."""
    if "=" in text:
        raise ValueError("padded")
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _encoded(value: Mapping[str, Any]) -> str:
    return base64url(encoding.encode(value))


def _key_id(key: ec.EllipticCurvePublicKey) -> str:
    """The hash of the public key, as kube-apiserver names its keys."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64url(hashlib.sha256(der).digest())
