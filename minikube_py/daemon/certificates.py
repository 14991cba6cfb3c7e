"""The cluster's own certificate authority: who the API server is, who the admin is, HTTPS for
Ingress hosts.

Keys are P-256. The CA lives in `<data dir>/pki` (keys 0600) as long as the cluster; leaves are
issued anew at
every start, so none expires under a running cluster that is restarted once a year.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from minikube_py.meta.private_files import write_private
from minikube_py.meta.timestamps import Clock

_CA_LIFETIME = timedelta(days=3650)
_LEAF_LIFETIME = timedelta(days=397)  # the longest that browsers accept
_BACKDATED = timedelta(minutes=5)  # a client whose clock is a little behind must not refuse


@dataclass(frozen=True)
class KeyPair:
    """PEM bytes."""

    certificate: bytes
    key: bytes


class CertificateAuthority:
    """Made once a cluster, opened at every later start."""

    def __init__(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Clock
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._clock = clock

    @classmethod
    def open(cls, folder: Path, *, name: str, clock: Clock) -> "CertificateAuthority":
        """The authority kept in `folder`, made there when there is none."""
        certificate_path, key_path = folder / "ca.crt", folder / "ca.key"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (certificate_path.exists() and key_path.exists()):
            pair = _make_authority(name, clock())
            write_private(key_path, pair.key)
            write_private(certificate_path, pair.certificate)
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(
                f"{key_path} holds no elliptic curve key; remove the folder to renew it"
            )
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        return cls(certificate, key, clock)

    @property
    def certificate_pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue_server(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """(certificate chain, key) in PEM for host names and addresses alike."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        pair = self._issue(subject, ExtendedKeyUsageOID.SERVER_AUTH, alternatives)
        return pair.certificate + self.certificate_pem, pair.key

    def issue_client(self, user: str, groups: Sequence[str]) -> KeyPair:
        """A client certificate as Kubernetes reads it: the user is the CN, each group an O."""
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        return self._issue(x509.Name(attributes), ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _issue(
        self,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        alternatives: x509.SubjectAlternativeName | None,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        now = self._clock()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + _LEAF_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def _make_authority(name: str, now: datetime) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"minikube-py {name} CA")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        key_encipherment=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
