"""One shape for everything that can sign: a card behind PKCS#11 or a `.p12` key file.

`certificates()` never needs a PIN, so the person sees who would sign before being asked for anything.
`sign()` makes a list of signatures under one login. What a card answers is checked here against the chosen
certificate before it leaves the program: a signature that does not verify is a failure of the card, not
something to post and see (S-021).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signer.errors import TokenFailed
from signer.pin import Pin

SMALLEST_RSA = 2048


class PinState(Enum):
    """What a token says about its PIN before it is asked; the value is the Turkish warning, if any."""

    READY = ""
    COUNT_LOW = "Bu karta son kez yanlış PIN girilmiş. Emin olmadan denemeyin."
    FINAL_TRY = "Son deneme hakkınız: bir kez daha yanlış girilirse PIN kilitlenir."
    LOCKED = "PIN kilitli. Sertifikanızı veren kuruluştan açtırın ya da mobil imza kullanın."


@dataclass(frozen=True)
class Certificate:
    """One certificate of one token, with what a person needs to choose it."""

    id: str
    der: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    owner: str
    issuer: str
    not_before: datetime
    not_after: datetime
    held_by: str
    """Label of the card or name of the file."""
    pin: PinState
    unusable: str
    """Why it cannot sign a message, in Turkish; empty when it can. The provider judges in full (S-002, S-003)."""


class Token(Protocol):
    """Something that holds certificates and signs with their keys."""

    def certificates(self, *, now: datetime) -> tuple[Certificate, ...]:
        """All end-entity certificates that can be seen without a PIN, usable or not."""

    def sign(self, certificate_id: str, octets: Sequence[bytes], pin: Pin | None) -> list[bytes]:
        """One signature per item, in order, under one login: PKCS#1 v1.5 or ECDSA (DER), SHA-256.

        Refuses with `WrongPin`, `PinLocked`, `PinMissing`, `UnusableKey`, `TokenMissing`, `TokenFailed`.
        """


def describe(der: bytes, *, pool: Sequence[bytes], held_by: str, pin: PinState, now: datetime) -> Certificate | None:
    """The card's or file's certificate as a value, its issuers picked from `pool`; None for a CA certificate."""
    certificate = x509.load_der_x509_certificate(der)
    if _is_authority(certificate):
        return None
    return Certificate(
        id=hashlib.sha256(der).hexdigest(),
        der=der,
        chain=_chain(certificate, pool),
        owner=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        held_by=held_by,
        pin=pin,
        unusable=_why_unusable(certificate, pin, now),
    )


def verify(certificate: bytes, octets: bytes, signature: bytes) -> None:
    """Refuse with `TokenFailed` a signature that the certificate's key did not make over `octets`."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, octets, ec.ECDSA(hashes.SHA256()))
        else:
            raise TokenFailed("unknown kind of key")
    except InvalidSignature as error:
        raise TokenFailed("the token's signature does not verify") from error


def _why_unusable(certificate: x509.Certificate, pin: PinState, now: datetime) -> str:
    if now > certificate.not_valid_after_utc:
        return "süresi dolmuş"
    if now < certificate.not_valid_before_utc:
        return "geçerliliği daha başlamamış"
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA:
            return "anahtarı kısa"
    elif not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        return "anahtar türü desteklenmiyor"
    if not _may_sign_contents(certificate):
        return "imza sertifikası değil"
    return "PIN kilitli" if pin is PinState.LOCKED else ""


def _may_sign_contents(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment
    except (x509.ExtensionNotFound, ValueError):
        return False


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _chain(leaf: x509.Certificate, pool: Sequence[bytes]) -> tuple[bytes, ...]:
    """Issuers from nearest to farthest, without the self-signed root: the provider has its own roots."""
    candidates = [x509.load_der_x509_certificate(der) for der in pool]
    chain: list[bytes] = []
    current = leaf
    while len(chain) < 5 and current.issuer != current.subject:
        above = [c for c in candidates if c.subject == current.issuer and c.subject != c.issuer and _is_authority(c)]
        if not above:
            break
        current = above[0]
        chain.append(current.public_bytes(Encoding.DER))
    return tuple(chain)


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    value = found[0].value if found else name.rfc4514_string()
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return "".join(letter for letter in text if letter.isprintable())[:120]


def utc_now() -> datetime:
    """The clock of this machine, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
