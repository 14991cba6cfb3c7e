"""The cluster's authority: its certificates verify, say who they are for, and are kept."""

import ipaddress
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from minikube_py.daemon.api import server_context
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.meta.private_files import write_private

NOW = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority.open(tmp_path / "pki", name="t-pki", clock=lambda: NOW)


def test_a_server_certificate_verifies_against_the_authority_by_name(
    authority: CertificateAuthority,
) -> None:
    chain, _ = authority.issue_server(["kubernetes", "web.example", "127.0.0.1"])
    leaf, root = x509.load_pem_x509_certificates(chain)
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    leaf.verify_directly_issued_by(root)

    assert root == x509.load_pem_x509_certificate(authority.certificate_pem)
    assert alternatives.get_values_for_type(x509.DNSName) == ["kubernetes", "web.example"]
    assert alternatives.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert leaf.not_valid_before_utc < NOW < leaf.not_valid_after_utc


def test_a_client_certificate_names_the_user_and_its_groups(
    authority: CertificateAuthority,
) -> None:
    pair = authority.issue_client("jane", ["system:masters", "devs"])
    leaf = x509.load_pem_x509_certificate(pair.certificate)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    key = load_pem_private_key(pair.key, None)

    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate_pem))

    assert [name.value for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        "jane"
    ]
    assert [
        name.value for name in leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    ] == ["system:masters", "devs"]
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert key.public_key() == leaf.public_key()


def test_the_authority_may_sign_and_a_leaf_may_not(authority: CertificateAuthority) -> None:
    chain, _ = authority.issue_server(["web"])
    leaf, root = x509.load_pem_x509_certificates(chain)

    for certificate, may_sign in ((leaf, False), (root, True)):
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (constraints.ca, usage.key_cert_sign) == (may_sign, may_sign)


def test_the_next_start_opens_the_same_authority(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    again = CertificateAuthority.open(tmp_path / "pki", name="t-pki", clock=lambda: NOW)

    assert again.certificate_pem == authority.certificate_pem


def test_the_authoritys_key_is_for_its_owner_alone(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    assert (tmp_path / "pki" / "ca.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "pki").stat().st_mode & 0o777 == 0o700


def test_writing_in_private_replaces_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_client_that_trusts_the_authority_shakes_hands(tmp_path: Path) -> None:
    today = CertificateAuthority.open(
        tmp_path / "pki", name="t-pki", clock=lambda: datetime.now(UTC)
    )
    trusting = ssl.create_default_context(cadata=today.certificate_pem.decode())

    assert _handshake(server_context(today, ["localhost"]), trusting, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(server_context(today, ["localhost"]), trusting, "elsewhere")


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    """In memory, no sockets."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    ]
    for _ in range(10):
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
    return not sides
