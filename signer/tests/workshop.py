"""Certificates, key files and messages for the signer's tests. Keys are made once per run."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PIN = b"4826"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key(label: str, kind: str) -> Key:
    """One key per label and kind for the whole run."""
    return rsa.generate_private_key(65537, int(kind[3:])) if kind.startswith("rsa") else _curve(kind)


def _curve(kind: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1}[kind]())


@dataclass(frozen=True)
class Holder:
    """A certificate with its key and issuer."""

    key: Key
    certificate: x509.Certificate
    issuer: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def id(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def pkcs8_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "TR"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


@cache
def authority() -> Holder:
    """The issuing authority, signed by itself: enough for a program that judges no path."""
    own = key("authority", "p256")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("Deneme ESHS"))
        .issuer_name(_name("Deneme Kök"))
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=900))
        .not_valid_after(NOW + timedelta(days=3000))
        .add_extension(x509.BasicConstraints(True, 0), True)
        .add_extension(_usage(key_cert_sign=True), True)
        .sign(key("root", "p256"), hashes.SHA256())
    )
    return Holder(own, certificate, certificate)


@cache
def person(
    owner: str = "Ayşe Yıldız",
    kind: str = "rsa2048",
    *,
    days: int = 700,
    non_repudiation: bool = True,
    serial: int = 0x1F00000000000000000001,
) -> Holder:
    """A person's signing certificate, or with arguments one that cannot be used."""
    own = key(owner, kind)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(owner))
        .issuer_name(authority().certificate.subject)
        .public_key(own.public_key())
        .serial_number(serial)
        .not_valid_before(NOW - timedelta(days=800))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(_usage(content_commitment=non_repudiation, digital_signature=not non_repudiation), True)
        .sign(authority().key, hashes.SHA256())
    )
    return Holder(own, certificate, authority().certificate)


def key_file(folder: Path, holder: Holder, *, name: str = "ayse", pin: bytes = PIN, companion: bool = True) -> Path:
    """A `.p12` and, unless told otherwise, the certificate file beside it."""
    path = folder / f"{name}.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            name.encode(), holder.key, holder.certificate, [holder.issuer], BestAvailableEncryption(pin)
        )
    )
    if companion:
        pem = b"".join(each.public_bytes(Encoding.PEM) for each in (holder.certificate, holder.issuer))
        path.with_suffix(".pem").write_bytes(pem)
    return path


SENDER = "ayse@hs01.kep.tr"
ACCOUNT = f"Ayşe Yıldız <{SENDER}>"


def encoded(text: str) -> str:
    """One RFC 2047 encoded word."""
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def message(
    *,
    fields: Sequence[str] | None = None,
    subject: str = "Depo teslim tutanağı ve teminat iadesi",
    text: str = "Sayın yetkili,\r\n\r\nEkte sunulmuştur.\r\n",
    files: Sequence[tuple[str, bytes]] = (("Teslim tutanağı ĞÜŞİÖÇ.pdf", b"%PDF-1.7 deneme"),),
) -> bytes:
    """A signed part as the provider builds it: protected headers on a multipart/mixed root."""
    head = fields or (
        f"From: {encoded('Ayşe Yıldız')} <{SENDER}>",
        f"To: {encoded('Güneş Lojistik A.Ş.')} <gunes@hs01.kep.tr>,\r\n Ali Veli <ali.veli@hs02.kep.tr>",
        "Cc: bilgi@hs01.kep.tr",
        f"Subject: {encoded(subject)}",
        "Date: Tue, 24 Nov 2026 08:00:00 +0000",
        "Message-ID: <0193a@hs01.kep.tr>",
    )
    lines = [*head, "MIME-Version: 1.0", 'Content-Type: multipart/mixed;\r\n boundary="abc123"; hp="clear"', ""]
    lines += ["--abc123", 'Content-Type: text/plain; charset="utf-8"', "Content-Transfer-Encoding: base64", ""]
    lines += [base64.b64encode(text.encode()).decode()]
    for name, raw in files:
        coded = "utf-8''" + "".join(f"%{octet:02X}" for octet in name.encode())
        lines += [
            "--abc123",
            f"Content-Type: application/pdf;\r\n name*={coded}",
            "Content-Transfer-Encoding: base64",
            f"Content-Disposition: attachment;\r\n filename*={coded}",
            "",
            base64.b64encode(raw).decode(),
        ]
    return "\r\n".join([*lines, "--abc123--", ""]).encode()
