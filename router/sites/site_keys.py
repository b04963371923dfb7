"""Makes what two sites know each other by: a key for both, a small CA, and a certificate for each.

The CA's own key signs these two and is thrown away: nobody can make a third, and new ones are made for both
at once. Two folders come out, one for each site, to be copied into their data folders.
"""

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from router.sites.auth import KEY_BYTES
from router.sites.credentials import CA, CERTIFICATE, FOLDER, PEER_KEY, PRIVATE_KEY, host_name

LIVES_DAYS: Final = 3_650
"""Ten years: one that ends in the middle of a disaster would be one more. Readiness tells before."""

EARLIER: Final = timedelta(days=2)
"""Valid from before now: the other machine's clock may be behind."""


class KeysThere(Exception):
    """The folder has something in it already: keys in use are not overwritten."""


def make_keys(folder: Path, sites: tuple[str, str]) -> tuple[Path, Path]:
    """The two folders, made under this one with files that only their owner can read. Raises KeysThere."""
    places = folder / sites[0], folder / sites[1]
    for place in places:
        if place.exists() and any(place.iterdir()):
            raise KeysThere(f"{place} is not empty: give a folder that is not there yet")
    key = secrets.token_hex(KEY_BYTES).encode()
    ca_key, ca = _ca()
    for site, place in zip(sites, places, strict=True):
        own_key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(site, own_key, ca_key, ca)
        _write(place / "secrets" / PEER_KEY, key + b"\n")
        _write(place / FOLDER / CA, ca.public_bytes(serialization.Encoding.PEM))
        _write(place / FOLDER / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
        _write(place / FOLDER / PRIVATE_KEY, _pem(own_key))
    return places


def _ca() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Muster pair")
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _certificate(
    site: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey, ca: x509.Certificate
) -> x509.Certificate:
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(_name(f"Muster site {site}"), ca.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host_name(site))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=LIVES_DAYS))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, body: bytes) -> None:
    """Readable by its owner only, from its first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
