"""A workshop for certificates of every right and wrong kind, for tests of trust. Keys are made once and shared.

`World` is a small right one: a root, three issuing authorities held to their policies, a leaf for each role. Every test
of a refusal builds the same thing with one thing wrong, so that the right one stands beside it as the control.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence import der
from evidence.anchors import DEMO_POLICY, TrustAnchors

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PERSON, TRANSACTION, TIMESTAMP = (
    next(iter(numbers)) for numbers in (DEMO_POLICY.person, DEMO_POLICY.transaction, DEMO_POLICY.timestamp)
)
ETSI, BTK = "0.4.0.1862.1.1", "2.16.792.1.61.0.1.5070.1.1"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[x509.ExtensionType, bool]


@cache
def key(label: str, kind: str = "p256") -> Key:
    """One key per label and kind for the whole run."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1, "k1": ec.SECP256K1}[kind]())


def hash_for(holder: Key) -> hashes.SHA256 | None:
    """What signatures of this key are made over: Ed25519 names no hash."""
    return None if isinstance(holder, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def name(common_name: str, serial: str = "") -> x509.Name:
    serials = [x509.NameAttribute(NameOID.SERIAL_NUMBER, serial, _ASN1Type.UTF8String)] if serial else []
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "TR"),
            *serials,
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def constraints(ca: bool, path_length: int | None = None) -> Extension:
    return x509.BasicConstraints(ca, path_length), True


def usage(*names: str, critical: bool = True) -> Extension:
    known = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{one: one in names for one in known}), critical


def policies(*dotted: str, notice: str = "") -> Extension:
    qualifiers: list[str | x509.UserNotice] | None = [x509.UserNotice(None, notice)] if notice else None
    return (
        x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(one), qualifiers) for one in dotted]),
        False,
    )


def purposes(*oids: x509.ObjectIdentifier, critical: bool = True) -> Extension:
    return x509.ExtendedKeyUsage(list(oids)), critical


def statements(*dotted: str, raw: bytes | None = None) -> Extension:
    body = der.seq(*(der.seq(der.oid(one)) for one in dotted)) if raw is None else raw
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), body), False


@dataclass(frozen=True)
class Made:
    """A certificate with the key it certifies."""

    certificate: x509.Certificate
    key: Key
    raw: bytes = field(repr=False, default=b"")

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", self.certificate.public_bytes(serialization.Encoding.DER))


def make(
    subject: x509.Name,
    extensions: Sequence[Extension],
    *,
    issuer: Made | None = None,
    holder: Key | None = None,
    signing_key: Key | None = None,
    not_before: datetime = NOW - timedelta(days=30),
    not_after: datetime = NOW + timedelta(days=365),
    serial: int | None = None,
    key_ids: bool = True,
) -> Made:
    """Sign a certificate; self-signed without `issuer`. `signing_key` signs in place of the issuer's own key."""
    held = holder or key(subject.rfc4514_string())
    signer = signing_key or (issuer.key if issuer else held)
    named = issuer.key if issuer else held
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(held.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if key_ids:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(held.public_key()), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(named.public_key()), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Made(builder.sign(signer, hash_for(signer)), held)


CA_USAGE = usage("key_cert_sign", "crl_sign")
LEAF_USAGE = usage("digital_signature", "content_commitment")
PERSON_EXTENSIONS: tuple[Extension, ...] = (
    constraints(False),
    usage("content_commitment"),
    policies(PERSON, notice="Bu sertifika nitelikli elektronik sertifikadır."),
    statements(ETSI, BTK),
)
STAMPER_EXTENSIONS: tuple[Extension, ...] = (
    constraints(False),
    usage("digital_signature"),
    purposes(ExtendedKeyUsageOID.TIME_STAMPING),
    policies(TIMESTAMP),
)
RESPONDER_EXTENSIONS: tuple[Extension, ...] = (
    constraints(False),
    usage("digital_signature"),
    purposes(ExtendedKeyUsageOID.OCSP_SIGNING, critical=False),
    (x509.OCSPNoCheck(), False),
)


def responder(
    issuer: Made,
    *,
    label: str,
    extensions: Sequence[Extension] = RESPONDER_EXTENSIONS,
    not_before: datetime = datetime(2000, 1, 1, tzinfo=UTC),
    not_after: datetime = datetime(2099, 1, 1, tzinfo=UTC),
    **others: Any,
) -> Made:
    """An OCSP responder's certificate, good in every year: answers are dated by the machine's clock, not by NOW."""
    held = key(f"{label} responder")
    return make(
        name("Yanıt"), extensions, issuer=issuer, holder=held, not_before=not_before, not_after=not_after, **others
    )


class World:
    """A right world. `label` sets its keys apart from another world of the same names."""

    def __init__(self, label: str = "ours") -> None:
        def authority(common_name: str, *extensions: Extension, issuer: Made | None = None) -> Made:
            held = key(f"{label} {common_name}")
            return make(name(common_name), [*extensions, CA_USAGE], issuer=issuer, holder=held)

        self.root = authority("Kök", constraints(True, 1))
        self.eshs = authority("ESHS", constraints(True, 0), policies(PERSON), issuer=self.root)
        self.islem = authority("İşlem", constraints(True, 0), policies(TRANSACTION), issuer=self.root)
        self.tsa_ca = authority("ZD", constraints(True, 0), policies(TIMESTAMP), issuer=self.root)
        self.person = make(
            name("Ayşe Işık", "12345678950"),
            PERSON_EXTENSIONS,
            issuer=self.eshs,
            holder=key(f"{label} person", "rsa2048"),
        )
        self.transaction = make(
            name("hs01.kep.tr"), [constraints(False), LEAF_USAGE, policies(TRANSACTION)], issuer=self.islem
        )
        self.stamper = make(name("Damga"), STAMPER_EXTENSIONS, issuer=self.tsa_ca)
        self.responder = responder(self.eshs, label=label)
        self.anchors = TrustAnchors((self.root.raw,))
        self.pool = (self.eshs.raw, self.islem.raw, self.tsa_ca.raw)


@cache
def world(label: str = "ours") -> World:
    """One world per label for the whole run."""
    return World(label)
