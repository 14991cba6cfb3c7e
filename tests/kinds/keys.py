"""Keys, requests and certificates that tests of certificates start from, made once."""

import base64
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


@cache
def signing_request(organization: str = "developers") -> str:
    """Base64 of a PEM request, as `spec.request` has it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name("jane", organization))
    return _base64(builder.sign(_key(), hashes.SHA256()).public_bytes(Encoding.PEM))


@cache
def certificate(common: str = "ca", *, is_authority: bool = True) -> str:
    """PEM text."""
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name(common))
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(_key(), hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def issued() -> str:
    """Base64 of a PEM certificate, as `status.certificate` has it."""
    return _base64(certificate("jane", is_authority=False).encode())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
