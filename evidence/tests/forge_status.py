"""OCSP answers and CRLs of every right and wrong kind, over the worlds of `forge`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from evidence.tests.forge import NOW, Key, Made, hash_for, key, make, world

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def answer(
    leaf: Made | None = None,
    *,
    issuer: Made | None = None,
    responder: Made | None = None,
    signing_key: Key | None = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    this_update: datetime = NOW + MINUTE,
    next_update: datetime | None = NOW + 11 * MINUTE,
    revoked_at: datetime | None = None,
    reason: x509.ReasonFlags | None = None,
    named_by: hashes.HashAlgorithm | None = None,
    by_hash: bool = False,
    embed: bool = True,
    nonce: bytes | None = None,
    beside: Sequence[Made] = (),
) -> bytes:
    """An OCSP response about `leaf` (the person), from the responder of its authority, unless told otherwise.

    With `signing_key` somebody else signs in the responder's name; certificates of `beside` are carried first.
    """
    leaf, issuer = leaf or world().person, issuer or world().eshs
    responder = responder or world().responder
    signer = make(responder.certificate.subject, (), holder=signing_key) if signing_key else responder
    form = ocsp.OCSPResponderEncoding.HASH if by_hash else ocsp.OCSPResponderEncoding.NAME
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            leaf.certificate,
            issuer.certificate,
            named_by or hashes.SHA256(),
            status,
            this_update,
            next_update,
            revoked_at,
            reason,
        )
        .responder_id(form, signer.certificate)
    )
    if embed:
        builder = builder.certificates([*(one.certificate for one in beside), responder.certificate])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), False)
    response = builder.sign(signer.key, hash_for(signer.key))
    return response.public_bytes(serialization.Encoding.DER)


def revoked(at: datetime, **others: Any) -> bytes:
    return answer(status=ocsp.OCSPCertStatus.REVOKED, revoked_at=at, reason=x509.ReasonFlags.key_compromise, **others)


def crl(
    *revocations: tuple[Made, datetime],
    issuer: Made | None = None,
    signing_key: Key | None = None,
    this_update: datetime = NOW - HOUR,
    next_update: datetime = NOW + 23 * HOUR,
    extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    entry_extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """A CRL of the persons' authority, an hour old and good for 23 more, unless told otherwise."""
    issuer = issuer or world().eshs
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(1), False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for made, at in revocations:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(made.certificate.serial_number)
            .revocation_date(at)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
        )
        for extension, critical in entry_extensions:
            entry = entry.add_extension(extension, critical)
        builder = builder.add_revoked_certificate(entry.build())
    signer = signing_key or issuer.key
    made_list = builder.sign(signer, hash_for(signer))
    return made_list.public_bytes(serialization.Encoding.DER)


def with_an_unused_bit(make_one: Callable[[], bytes], signature_of: Callable[[bytes], bytes]) -> bytes:
    """A structure whose signature ends in a zero bit, with that bit called unused: other bytes, the same signature."""
    while signature_of(raw := make_one())[-1] & 1:
        continue
    at = raw.index(signature_of(raw)) - 1
    assert raw[at] == 0
    return raw[:at] + b"\x01" + raw[at + 1 :]


STRANGER = key("stranger")
