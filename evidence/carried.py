"""Certificates carried inside a signature: cut along their seams, and led upwards by one another's signatures.

A signature covers its signer's certificate by a digest, but nothing covers the certificates above it, and judges such
as openssl step over those they do not need: flips in them stay unseen (measured.md). So whoever compares every byte
asks `path` here: every certificate carried must stand in one line from the signer upwards, and each must carry a true
signature of the next. The topmost is compared with the anchors, if anchors are handed in.

This file knows nothing of trust: no dates, roles, policies or revocation. `evidence.trust` decides those, and reads
certificates with another, fuller reader; this one only cuts, because it stands in the hot path.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from evidence import der
from evidence.algorithms import Scheme, is_signed, read_scheme, weakness
from evidence.der import DerRefused, Node
from evidence.refusals import BrokenChain, UnknownIssuer

MAX_BYTES = 64 * 1024
MAX_CARRIED = 10
AUTHORITY_KEY, SUBJECT_KEY, EXTENDED_USAGE = "2.5.29.35", "2.5.29.14", "2.5.29.37"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"


class Anchors(Protocol):
    """Roots somebody trusts; `evidence.trust.TrustAnchors` is one."""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """DER of each root certificate."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """The pieces of one certificate, each the exact bytes: names and serial with tag and length."""

    raw: bytes
    digest: bytes
    """SHA-256 of `raw`, as signing-certificate-v2 binds it."""
    signed: bytes
    scheme: Scheme
    signature: bytes
    serial: bytes
    issuer: bytes
    subject: bytes
    not_before: datetime
    not_after: datetime
    key: PublicKeyTypes
    extensions: dict[str, tuple[bool, bytes]]
    """OID to (critical, content of the value)."""

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject == self.issuer


@lru_cache(maxsize=4096)
def cut(raw: bytes) -> Certificate:
    """The pieces of a DER certificate (version 3). Kept: the same few certificates come by with each message.

    Raises DerRefused (not DER, not a certificate) or AlgorithmRefused (SHA-1, unknown). A weak key is no matter here:
    `weakness` tells it to whoever wants to verify with it.
    """
    signed, algorithm, signature = der.read(raw, max_bytes=MAX_BYTES).parts(der.SEQUENCE, 3)
    parts = signed.expect(der.SEQUENCE).children
    if len(parts) < 8 or parts[0].raw != b"\xa0\x03\x02\x01\x02":
        raise DerRefused("not a version 3 certificate", at=signed.start)
    serial, inner_algorithm, issuer, validity, subject, key = parts[1:7]
    if inner_algorithm.raw != algorithm.raw:
        raise DerRefused("two signature algorithms", at=algorithm.start)
    serial.as_integer()
    not_before, not_after = (node.as_time() for node in validity.parts(der.SEQUENCE, 2))
    return Certificate(
        raw=raw,
        digest=hashlib.sha256(raw).digest(),
        signed=signed.raw,
        scheme=read_scheme(algorithm),
        signature=signature.as_bits(),
        serial=serial.raw,
        issuer=issuer.expect(der.SEQUENCE).raw,
        subject=subject.expect(der.SEQUENCE).raw,
        not_before=not_before,
        not_after=not_after,
        key=_public_key(key),
        extensions=_extensions(parts[7:]),
    )


def _public_key(node: Node) -> PublicKeyTypes:
    try:
        return load_der_public_key(node.expect(der.SEQUENCE).raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DerRefused("public key cannot be read", at=node.start) from error


def _extensions(rest: tuple[Node, ...]) -> dict[str, tuple[bool, bytes]]:
    found: dict[str, tuple[bool, bytes]] = {}
    if rest[-1].tag != 0xA3:
        return found
    for extension in rest[-1].parts(0xA3, 1)[0].expect(der.SEQUENCE).children:
        parts = extension.expect(der.SEQUENCE).children
        if len(parts) not in (2, 3):
            raise DerRefused("extension badly formed", at=extension.start)
        name = parts[0].as_oid()
        if name in found:
            raise DerRefused("extension twice", at=extension.start)
        found[name] = (len(parts) == 3 and parts[1].as_boolean(), parts[-1].as_octets())
    return found


@lru_cache(maxsize=4096)
def is_issued_by(raw: bytes, issuer_raw: bytes) -> bool:
    """Whether the certificate `raw` carries the true signature of the key in `issuer_raw`. Remembered: pure maths."""
    certificate, issuer = cut(raw), cut(issuer_raw)
    if certificate.issuer != issuer.subject or weakness(issuer.key) or not certificate.scheme.digest:
        return False
    return is_signed(issuer.key, certificate.scheme, certificate.signature, certificate.signed)


def path(leaf: bytes, carried: Sequence[bytes], anchors: Anchors | None = None) -> tuple[bytes, ...]:
    """The line from `leaf` up through all of `carried` (which may hold the leaf too).

    Raises BrokenChain: `issuer-signature` where a certificate was not signed by the one above it, `stray-certificate`
    where one stands in no line, `too-many-certificates`. With anchors also: UnknownIssuer where none of them issued
    the topmost. DerRefused for bytes that are no certificate.
    """
    line = _line(leaf, tuple(carried))
    if anchors is not None:
        _anchored(cut(line[-1]), anchors)
    return line


@lru_cache(maxsize=512)
def _line(leaf: bytes, carried: tuple[bytes, ...]) -> tuple[bytes, ...]:
    if len(carried) > MAX_CARRIED:
        raise BrokenChain("too-many-certificates")
    left = [raw for raw in carried if raw != leaf]
    if len(set(left)) != len(left):
        raise BrokenChain("stray-certificate")
    line = [leaf]
    while (current := cut(line[-1])) and not current.is_self_issued:
        named = [raw for raw in left if cut(raw).subject == current.issuer]
        if not named:
            break
        above = next((raw for raw in named if is_issued_by(current.raw, raw)), None)
        if above is None:
            raise _broken(current)
        left.remove(above)
        line.append(above)
    if left:
        raise BrokenChain("stray-certificate")
    top = cut(line[-1])
    if top.is_self_issued and not is_issued_by(top.raw, top.raw):
        raise _broken(top)
    return tuple(line)


def _anchored(top: Certificate, anchors: Anchors) -> None:
    if top.raw in anchors.roots or any(is_issued_by(top.raw, root) for root in anchors.roots):
        return
    claimed = _issuer_key_identifier(top)
    for root in anchors.roots:
        _, known = cut(root).extensions.get(SUBJECT_KEY, (False, b""))
        if claimed and known == der.octets(claimed):
            raise _broken(top)
    raise UnknownIssuer("unknown-issuer", subject_digest=hashlib.sha256(top.subject).hexdigest())


def _issuer_key_identifier(certificate: Certificate) -> bytes:
    """The key identifier that an authorityKeyIdentifier names, or nothing where it is absent or unreadable."""
    _, content = certificate.extensions.get(AUTHORITY_KEY, (False, b""))
    try:
        parts = der.read(content).expect(der.SEQUENCE).children
    except DerRefused:
        return b""
    return parts[0].content if parts and parts[0].tag == 0x80 else b""


def _broken(certificate: Certificate) -> BrokenChain:
    return BrokenChain("issuer-signature", subject_digest=hashlib.sha256(certificate.subject).hexdigest())


def is_time_stamping(certificate: Certificate) -> bool:
    """Whether its extended key usage is critical and says time-stamping and nothing else (RFC 3161, 2.3)."""
    critical, content = certificate.extensions.get(EXTENDED_USAGE, (False, b""))
    return critical and content == der.seq(der.oid(TIME_STAMPING))
