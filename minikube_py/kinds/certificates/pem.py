"""What may be in the PEM text of certificates and requests; parsing is the library's."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from minikube_py.kinds.fields import invalid, too_long
from minikube_py.meta.errors import FieldError

_OMITTED = "<value omitted>"
_MAX_BUNDLE = 1024 * 1024


def request_problem(encoded: str) -> str | None:
    """Why base64 text is no PEM certificate request signed by its own key."""
    from cryptography import x509  # slow to import, only for who sends requests
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        request = x509.load_pem_x509_csr(base64.b64decode(encoded))
        signed = request.is_signature_valid
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return "PEM block type must be CERTIFICATE REQUEST"
    return None if signed else "the request is not signed by its own key"


def certificate_problem(encoded: str) -> str | None:
    """Why base64 text is no PEM text of one certificate or more."""
    from cryptography import x509  # slow to import, only for who sends certificates

    try:
        text = base64.b64decode(encoded)
        blocks = text.count(b"-----BEGIN ")
        if not blocks:
            return "must contain at least one CERTIFICATE PEM block"
        if text.count(b"-----BEGIN CERTIFICATE-----") != blocks:
            return "only CERTIFICATE PEM blocks are allowed"
        x509.load_pem_x509_certificates(text)
    except (ValueError, binascii.Error) as error:
        return f"must be PEM certificates: {error}"
    return None


def validate_trust_bundle(text: str, path: str) -> list[FieldError]:
    """PEM certificates of authorities, each once."""
    if len(text) > _MAX_BUNDLE:
        return [too_long(path, _MAX_BUNDLE)]
    errors, anchors = [], []
    for index, block in enumerate(_blocks(text)):
        problem = _anchor_problem(block)
        if problem:
            errors.append(invalid(path, _OMITTED, f"entry {index} {problem}"))
        anchors.append(block)
    if errors:
        return errors
    if not anchors:
        return [invalid(path, _OMITTED, "at least one trust anchor must be provided")]
    return _validate_once(anchors, path)


def _blocks(text: str) -> Sequence[str]:
    return [f"-----BEGIN {part}" for part in text.split("-----BEGIN ")[1:]]


def _anchor_problem(block: str) -> str | None:
    kind = block.partition("-----BEGIN ")[2].partition("-----")[0]
    if kind != "CERTIFICATE":
        return f"has bad block type: {kind}"
    if ":" in block:
        return "has PEM block headers"
    certificate = _parsed(block)
    if certificate is None:
        return "does not parse as X.509"
    return None if _is_authority(certificate) else "does not have the CA bit set"


def _parsed(block: str) -> Any:
    from cryptography import x509  # slow to import, only for who sends bundles

    try:
        return x509.load_pem_x509_certificate(block.encode())
    except ValueError:
        return None


def _is_authority(certificate: Any) -> bool:
    from cryptography import x509  # slow to import, only for who sends bundles

    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return bool(constraints.value.ca)


def _validate_once(anchors: Sequence[str], path: str) -> list[FieldError]:
    where: dict[str, list[int]] = {}
    for index, block in enumerate(anchors):
        where.setdefault("".join(block.split()), []).append(index)
    return [
        invalid(path, _OMITTED, f"duplicate trust anchor (indices {indices})")
        for indices in where.values()
        if len(indices) > 1
    ]
