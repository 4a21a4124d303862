"""CAdES signatures over bytes that stand elsewhere (detached), written from templates and read strictly.

What we write is one shape: exactly four signed attributes (content-type, message-digest, signing-certificate-v2,
signing-time), the certificate with those above it, SHA-256, and as the only unsigned attribute a signature time-stamp.
A person's signature is made over the octets of `signed_attributes`, which the signer program builds by itself and
compares byte for byte. What we sign ourselves binds the chain too (`bind_chain`), so that no certificate in it lies
under no signature.

What we read may come from another program. `read` and `verify_detached` let through any of the digests and keys of
`evidence.algorithms` and the signed attributes of a short list; what is not on it, or allows two readings, is refused
with a reason of its own (V-060, V-062). Dates, roles, revocation: `evidence.trust`.

`rebuild` is for what we wrote: it takes the holes out (certificates, digest, time, signature, token), puts them into
the constants and gives the bytes that must have stood there. `verify_emitted` is both checks in one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from evidence import cms, der
from evidence.algorithms import SHA256_IDENTIFIER, AlgorithmRefused, KeyAlgorithm, Signer, algorithm_of
from evidence.carried import Anchors, Certificate, cut, path
from evidence.cms import SignedData
from evidence.der import DerRefused, Node
from evidence.refusals import BrokenChain, CmsRefused, TimestampRefused
from evidence.timestamp import Stamper, TokenFacts, check_token, imprint_algorithm

_DETACHED = der.seq(der.oid(cms.DATA))
_CONTENT_TYPE = cms.attribute(cms.CONTENT_TYPE, der.oid(cms.DATA))
_OURS = frozenset({cms.CONTENT_TYPE, cms.MESSAGE_DIGEST, cms.SIGNING_CERTIFICATE_V2, cms.SIGNING_TIME})
HARMLESS = frozenset(
    {
        cms.ALGORITHM_PROTECTION,
        "1.2.840.113549.1.9.15",  # S/MIME capabilities
        "1.2.840.113549.1.9.16.2.4",  # content hints
        "1.2.840.113549.1.9.16.2.10",  # content reference
        "1.2.840.113549.1.9.16.2.15",  # signature policy identifier (P2 to P4 of the BTK guide, S-007)
        "1.2.840.113549.1.9.16.2.16",  # commitment type
        "1.2.840.113549.1.9.16.2.17",  # signer location
        "1.2.840.113549.1.9.16.2.18",  # signer attributes
        "1.2.840.113549.1.9.16.2.20",  # content time-stamp
        "0.4.0.1733.2.1",  # MIME type
        "0.4.0.19122.1.1",  # signer attributes, version 2
    }
)
"""Signed attributes a foreign signature may carry: they say more about the signature and nothing about another one."""
_UNSIGNED = frozenset({cms.SIGNATURE_TIMESTAMP, "0.4.0.1733.2.4", "0.4.0.1733.2.5", "0.4.0.19122.1.4"}) | frozenset(
    f"1.2.840.113549.1.9.16.2.{number}" for number in (21, 22, 23, 24, 25, 26, 27, 44, 45, 46, 48)
)
"""Signature time-stamp; and references, values and archive stamps of CAdES-XL and CAdES-A, read but not relied on."""

_MOST_KEPT = 64 * 1024
"""Bytes up to which a signature is remembered: those of real people have a tenth of it."""


@dataclass(frozen=True, slots=True)
class CmsFacts:
    """One detached signature in plain values. From `read`: what it says. From `verify_detached`: also that it holds."""

    certificate: bytes
    certificates: tuple[bytes, ...]
    """All that are carried, the signer's first."""
    algorithm: str
    """RSA, RSA-PSS or ECDSA."""
    digest_algorithm: str
    """sha256, sha384 or sha512: what the signed bytes must be hashed with."""
    message_digest: bytes
    signing_time: datetime | None
    """As claimed by the signer, aware UTC; None if it claims none (S-009 is the caller's)."""
    signing_certificate_ok: bool
    """Always True: a signature that does not bind its certificate is refused."""
    signature: bytes
    signed_attributes: bytes
    token: bytes | None
    """The signature time-stamp, if there is one."""
    stamp: TokenFacts | None
    """What the token proves; only `verify_detached` fills it."""
    signed_attribute_oids: tuple[str, ...]
    unsigned_attribute_oids: tuple[str, ...]


# --- writing ---------------------------------------------------------------------------------------------------


def signed_attributes(
    certificate: bytes, digest: bytes, signing_time: datetime, *, bind_chain: Sequence[bytes] = ()
) -> bytes:
    """The octets to sign: DER SET OF (tag 31) of the four attributes over a SHA-256 `digest` of the content.

    `signing_time` is aware and taken to the second. `bind_chain` names certificates above the signer's that
    signing-certificate-v2 shall bind too; a person's signature binds the person's alone.
    """
    if len(digest) != 32:
        raise ValueError("a SHA-256 digest has 32 bytes")
    return der.tlv(
        der.SET,
        *sorted(
            (
                _CONTENT_TYPE,
                cms.attribute(cms.SIGNING_TIME, der.time(signing_time)),
                cms.attribute(cms.MESSAGE_DIGEST, der.octets(digest)),
                _signing_certificate(certificate, tuple(bind_chain)),
            )
        ),
    )


@lru_cache(maxsize=1024)
def _signing_certificate(certificate: bytes, chain: tuple[bytes, ...]) -> bytes:
    bound = tuple(cut(raw) for raw in (certificate, *chain))
    value = cms.signing_certificate_v2(bound, tuple(one.digest for one in bound))
    return cms.attribute(cms.SIGNING_CERTIFICATE_V2, value)


def assemble(
    certificate: bytes,
    chain: Sequence[bytes],
    attributes: bytes,
    signature: bytes,
    *,
    algorithm: KeyAlgorithm,
    token: bytes | None,
) -> bytes:
    """The detached SignedData around a signature that was made over `attributes` (ECDSA as DER)."""
    signer = cut(certificate)
    return cms.assemble(
        _head((certificate, *chain)),
        cms.signer_info(signer, SHA256_IDENTIFIER, attributes, algorithm.identifier, signature),
        (cms.attribute(cms.SIGNATURE_TIMESTAMP, token),) if token is not None else (),
    )


@lru_cache(maxsize=256)
def _head(certificates: tuple[bytes, ...]) -> bytes:
    return cms.before_signer(1, SHA256_IDENTIFIER, _DETACHED, certificates)


def with_token(signature: bytes, token: bytes) -> bytes:
    """The same signature with `token` as its signature time-stamp (B-B to B-T), nothing else touched.

    CmsRefused for a signature that has one (`second-timestamp`) or that `read` refuses; TimestampRefused for a token
    that is not over this signature value.
    """
    signed = _readable(signature)
    if cms.SIGNATURE_TIMESTAMP in signed.unsigned:
        raise CmsRefused("second-timestamp")
    _check_stamp(token, signed.signature)
    kept = tuple(cms.attribute(oid, value.raw) for oid, value in signed.unsigned.items())
    added = (*kept, cms.attribute(cms.SIGNATURE_TIMESTAMP, token))
    return cms.assemble(signed.before_signer, signed.signer_fields, added)


@dataclass(frozen=True, slots=True)
class Unstamped:
    """Our own signature that lacks its time-stamp: the stamps of a whole batch can be under way at once."""

    stamp_digest: bytes
    """SHA-256 of the signature value: what is to be stamped."""
    _head: bytes = field(repr=False)
    _signer_fields: bytes = field(repr=False)

    def finish(self, token: bytes | None) -> bytes:
        """The whole signature: B-T with `token` as it came from the stamper, B-B without."""
        unsigned = (cms.attribute(cms.SIGNATURE_TIMESTAMP, token),) if token is not None else ()
        return cms.assemble(self._head, self._signer_fields, unsigned)


def sign(digest: bytes, signer: Signer, *, signing_time: datetime) -> Unstamped:
    """Our own signature over content with this SHA-256 digest, chain bound. KeyUnavailable comes from the signer."""
    attributes = signed_attributes(signer.certificate, digest, signing_time, bind_chain=signer.chain)
    signature = signer.sign(attributes)
    return Unstamped(
        stamp_digest=hashlib.sha256(signature).digest(),
        _head=_head((signer.certificate, *signer.chain)),
        _signer_fields=cms.signer_info(
            cut(signer.certificate), SHA256_IDENTIFIER, attributes, signer.algorithm.identifier, signature
        ),
    )


def sign_detached(digest: bytes, signer: Signer, *, signing_time: datetime, stamper: Stamper | None) -> bytes:
    """`sign`, and with a stamper the time-stamp at once (B-T), without B-B.

    TimestampUnavailable and TimestampRefused come from the stamper.
    """
    unstamped = sign(digest, signer, signing_time=signing_time)
    return unstamped.finish(stamper.stamp(unstamped.stamp_digest) if stamper is not None else None)


# --- reading ---------------------------------------------------------------------------------------------------


def read(raw: bytes) -> CmsFacts:
    """What a detached signature says, by the rules of its form; no maths. CmsRefused names the first broken rule."""
    return _facts(_readable(raw))


def verify_detached(raw: bytes, digest: bytes) -> CmsFacts:
    """`read`, and that the signature is over `digest` and true, its time-stamp too. Not trust.

    `digest` is of the content, by the `digest_algorithm` that `read` tells (`verify_over` does both). CmsRefused:
    `message-digest`, `signature`, `timestamp: ...` and the reasons of `read`.
    """
    return _verified(_readable(raw), digest)


def _verified(signed: SignedData, digest: bytes) -> CmsFacts:
    facts = _facts(signed)
    if facts.message_digest != digest:
        raise CmsRefused("message-digest")
    if not signed.is_signed():
        raise CmsRefused("signature")
    if facts.token is None:
        return facts
    try:
        return replace(facts, stamp=_check_stamp(facts.token, facts.signature))
    except TimestampRefused as refusal:
        raise CmsRefused(f"timestamp: {refusal.reason}") from refusal


def verify_over(raw: bytes, content: bytes) -> CmsFacts:
    """`verify_detached` over the content itself, hashed by the algorithm the signature names."""
    signed = _readable(raw)
    return _verified(signed, hashlib.new(signed.digest, content).digest())


def verify_emitted(raw: bytes, digest: bytes, *, anchors: Anchors | None = None) -> CmsFacts:
    """`verify_detached` for a signature in our own form, every byte compared. CmsRefused `bytes` for any other byte.

    With `anchors` the topmost certificates must lie under one of them, in the token too (`unknown-issuer`).
    """
    signed = _readable(raw)
    facts = _verified(signed, digest)
    if _rebuilt(signed, facts, anchors) != raw:
        raise CmsRefused("bytes")
    if anchors is not None and facts.stamp is not None:
        try:
            path(facts.stamp.tsa_certificate, facts.stamp.certificates, anchors)
        except BrokenChain as refusal:
            raise CmsRefused(f"timestamp: {refusal.reason}") from refusal
    return facts


def rebuild(raw: bytes, *, anchors: Anchors | None = None) -> bytes:
    """The bytes a signature of our form with these certificates, digest, time, signature and token must have.

    The caller compares; a difference means that it is not ours or not intact. Each certificate is checked against the
    one above it, the topmost against `anchors` if given, the token by `check_token`; CmsRefused where that fails. The
    signature value itself is a hole: `verify_detached` proves it.
    """
    signed = _readable(raw)
    facts = _facts(signed)
    if facts.token is not None:
        try:
            _check_stamp(facts.token, facts.signature)
        except TimestampRefused as refusal:
            raise CmsRefused(f"timestamp: {refusal.reason}") from refusal
    return _rebuilt(signed, facts, anchors)


def _rebuilt(signed: SignedData, facts: CmsFacts, anchors: Anchors | None) -> bytes:
    """The bytes around what `facts` holds, whose token was checked."""
    algorithm = algorithm_of(signed.signer.key)
    if algorithm is None or facts.signing_time is None or len(facts.message_digest) != 32:
        raise CmsRefused("not-our-form")
    try:
        _, *chain = path(signed.signer.raw, signed.certificates, anchors)
    except BrokenChain as refusal:
        raise CmsRefused(refusal.reason) from refusal
    attributes = signed_attributes(
        facts.certificate, facts.message_digest, facts.signing_time, bind_chain=chain if _binds_chain(signed) else ()
    )
    return assemble(facts.certificate, chain, attributes, facts.signature, algorithm=algorithm, token=facts.token)


def _binds_chain(signed: SignedData) -> bool:
    return len(signed.attributes[cms.SIGNING_CERTIFICATE_V2].children[0].children) > 1


def _check_stamp(token: bytes, signature: bytes) -> TokenFacts:
    return check_token(token, hashlib.new(imprint_algorithm(token), signature).digest(), trust=None)


def _readable(raw: bytes) -> SignedData:
    return _known(raw) if len(raw) <= _MOST_KEPT else _strictly_read(raw)


@lru_cache(maxsize=128)
def _known(raw: bytes) -> SignedData:
    """Kept for a short while, because a signature is read, stamped and read again within one lot; what is in it hangs
    on the bytes alone, and whether it verifies is asked each time."""
    return _strictly_read(raw)


def _strictly_read(raw: bytes) -> SignedData:
    signed = cms.parse(raw)
    try:
        _check_rules(signed)
    except AlgorithmRefused as refusal:
        raise CmsRefused(refusal.reason) from refusal
    except DerRefused as refusal:
        raise CmsRefused("not-der", detail=refusal.reason) from refusal
    return signed


def _check_rules(signed: SignedData) -> None:
    """What the attributes of a detached signature must and must not say."""
    if signed.content is not None:
        raise CmsRefused("encapsulated-content")
    if signed.content_type != cms.DATA:
        raise CmsRefused("content-type")
    attributes = signed.attributes
    for oid, reason in (
        (cms.CONTENT_TYPE, "content-type-missing"),
        (cms.MESSAGE_DIGEST, "message-digest-missing"),
        (cms.SIGNING_CERTIFICATE_V2, "signing-certificate-missing"),
    ):
        if oid not in attributes:
            raise CmsRefused(reason)
    if cms.SIGNING_CERTIFICATE in attributes:
        raise CmsRefused("sha1")
    for oid, value in attributes.items():
        if oid in _OURS:
            continue
        if oid not in HARMLESS:
            raise CmsRefused("signed-attribute", oid=oid)
        der.check_all(value)
    if attributes[cms.CONTENT_TYPE].as_oid() != cms.DATA:
        raise CmsRefused("content-type")
    if len(attributes[cms.MESSAGE_DIGEST].as_octets()) != hashlib.new(signed.digest).digest_size:
        raise CmsRefused("message-digest")
    cms.check_signing_certificate(attributes[cms.SIGNING_CERTIFICATE_V2], signed.signer, signed.certificates)
    cms.check_algorithm_protection(signed)
    for oid, value in signed.unsigned.items():
        if oid == cms.COUNTER_SIGNATURE:
            raise CmsRefused("counter-signature")
        if oid not in _UNSIGNED:
            raise CmsRefused("unsigned-attribute", oid=oid)
        if oid != cms.SIGNATURE_TIMESTAMP:
            der.check_all(value)


def _facts(signed: SignedData) -> CmsFacts:
    signer: Certificate = signed.signer
    token: Node | None = signed.unsigned.get(cms.SIGNATURE_TIMESTAMP)
    return CmsFacts(
        certificate=signer.raw,
        certificates=(signer.raw, *(raw for raw in signed.certificates if raw != signer.raw)),
        algorithm=signed.scheme.family,
        digest_algorithm=signed.digest,
        message_digest=signed.attributes[cms.MESSAGE_DIGEST].as_octets(),
        signing_time=_signing_time(signed),
        signing_certificate_ok=True,
        signature=signed.signature,
        signed_attributes=signed.signed_attributes,
        token=token.raw if token is not None else None,
        stamp=None,
        signed_attribute_oids=tuple(signed.attributes),
        unsigned_attribute_oids=tuple(signed.unsigned),
    )


def _signing_time(signed: SignedData) -> datetime | None:
    node = signed.attributes.get(cms.SIGNING_TIME)
    if node is None:
        return None
    try:
        moment = node.as_time()
    except DerRefused as refusal:
        raise CmsRefused("signing-time") from refusal
    if der.time(moment) != node.raw:
        raise CmsRefused("signing-time")
    return moment.astimezone(UTC)
