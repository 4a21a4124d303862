"""The octets that the card signs: exactly four signed attributes, written here and nowhere else.

The provider proposes a signing time and nothing more. This file writes the CMS SignedAttributes from the
certificate that the person chose, the digest that this program computed over the bytes it downloaded, and
that time. The provider writes its own from what it knows. If the two differ in one byte the signature does
not verify, so byte equality is the whitelist (content-type, message-digest, signing-certificate-v2,
signing-time) and this program needs no parser for attributes of somebody else (S-020, S-021).

DER by hand, because there is so little of it: a SET OF sorted by encoding (X.690 11.6), ESSCertIDv2 with
its default SHA-256 left out and with the issuer and serial number cut from the certificate byte for byte
(RFC 5035). Time is UTCTime through 2049, GeneralizedTime after it, always whole seconds in UTC (RFC 5652 11.3).
"""

import hashlib
from datetime import UTC, datetime

from cryptography import x509

_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
_ID_DATA = bytes.fromhex("06092a864886f70d010701")

_OCTET_STRING, _UTC_TIME, _GENERALIZED_TIME, _SEQUENCE, _SET, _DIRECTORY_NAME = 0x04, 0x17, 0x18, 0x30, 0x31, 0xA4
_VERSION = 0xA0


def signed_attributes(certificate: bytes, digest: bytes, signing_time: datetime) -> bytes:
    """The DER of the SET OF four attributes, with the tag 0x31 under which it is signed.

    `certificate` is DER, `digest` the SHA-256 of the content, `signing_time` an aware time in whole
    seconds. Anything else is a mistake of the caller: ValueError.
    """
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError("the digest is not a SHA-256 digest")
    if signing_time.tzinfo is None or signing_time.microsecond:
        raise ValueError("the signing time is not an aware time in whole seconds")
    return _tlv(
        _SET,
        *sorted(
            (
                _attribute(_CONTENT_TYPE, _ID_DATA),
                _attribute(_MESSAGE_DIGEST, _tlv(_OCTET_STRING, digest)),
                _attribute(_SIGNING_TIME, _time(signing_time.astimezone(UTC))),
                _attribute(_SIGNING_CERTIFICATE_V2, _signing_certificate(certificate)),
            )
        ),
    )


def _signing_certificate(certificate: bytes) -> bytes:
    issuer, serial = _issuer_and_serial(x509.load_der_x509_certificate(certificate).tbs_certificate_bytes)
    issuer_serial = _tlv(_SEQUENCE, _tlv(_SEQUENCE, _tlv(_DIRECTORY_NAME, issuer)), serial)
    identifier = _tlv(_SEQUENCE, _tlv(_OCTET_STRING, hashlib.sha256(certificate).digest()), issuer_serial)
    return _tlv(_SEQUENCE, _tlv(_SEQUENCE, identifier))


def _issuer_and_serial(tbs: bytes) -> tuple[bytes, bytes]:
    """Cut both as they stand: writing a name anew may choose other string types than its issuer did."""
    start, _ = _content(tbs, 0)
    pieces = []
    if tbs[start] == _VERSION:
        _, start = _content(tbs, start)
    for _ in range(3):  # serialNumber, signature, issuer
        _, end = _content(tbs, start)
        pieces.append(tbs[start:end])
        start = end
    serial, _, issuer = pieces
    return issuer, serial


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends. The DER was already parsed by cryptography."""
    first = der[at + 1]
    if first < 0x80:
        return at + 2, at + 2 + first
    begins = at + 2 + (first & 0x7F)
    return begins, begins + int.from_bytes(der[at + 2 : begins], "big")


def _attribute(oid: bytes, value: bytes) -> bytes:
    return _tlv(_SEQUENCE, oid, _tlv(_SET, value))


def _time(at: datetime) -> bytes:
    if at.year < 2050:
        return _tlv(_UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return _tlv(_GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content
