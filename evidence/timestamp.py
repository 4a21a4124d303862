"""Time-stamps of RFC 3161: ask for one, take it out of the answer, and check what it proves (A-006).

A token is somebody else's SignedData that we keep for decades, so it is held to a shape in which each byte has one
allowed value: wrapper, algorithms and certificates are read strictly, the content is under the signature, every
certificate carried must have been signed by the next one, and the topmost by an anchor where anchors are handed in.
Neither openssl nor xmlsec1 looks that far: tokens of rubbish pass them inside a signature (measured.md).

One freedom of RSA had to be closed. A signer may name the algorithm rsaEncryption or sha256WithRSAEncryption, both are
in the wild and one byte apart. So the spelling is tied to that of the digest algorithm, as real authorities pair them:
rsaEncryption with NULL parameters there, sha256WithRSAEncryption without. A token in any other pairing is refused.
"""

import http.client
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from evidence import cms, der
from evidence.algorithms import DIGESTS, SHA256_IDENTIFIER, AlgorithmRefused, read_digest
from evidence.carried import Anchors, cut, is_time_stamping, path
from evidence.cms import SignedData
from evidence.der import DerRefused, Node
from evidence.refusals import BrokenChain, CmsRefused, TimestampRefused, TimestampUnavailable, UnknownIssuer
from evidence.token_form import FormReader
from guards.errors import KepError

TST_INFO = "1.2.840.113549.1.9.16.1.4"
QUERY_TYPE = "application/timestamp-query"
MAX_TOKEN_BYTES = 64 * 1024
MAX_ACCURACY = timedelta(seconds=1)
MAX_SKEW = timedelta(minutes=5)
"""How far the authority's clock may be from ours when a token is fetched; the times themselves are never changed."""
_LATER_IS_FINE = frozenset({14, 25})
"""PKIFailureInfo bits timeNotAvailable and systemFailure: worth another try."""
_RSA_ENCRYPTION = der.seq(der.oid("1.2.840.113549.1.1.1"), der.null())
_SIGNED_ATTRIBUTES = frozenset(
    {
        cms.CONTENT_TYPE,
        cms.MESSAGE_DIGEST,
        cms.SIGNING_TIME,
        cms.SIGNING_CERTIFICATE,
        cms.SIGNING_CERTIFICATE_V2,
        cms.ALGORITHM_PROTECTION,
    }
)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a checked token proves: that bytes with this imprint existed at `generated_at` (aware UTC)."""

    generated_at: datetime
    policy: str
    serial: int
    tsa_certificate: bytes
    certificates: tuple[bytes, ...]
    """The authority's certificate and those above it, in that order, as carried."""
    digest_algorithm: str
    imprint: bytes
    accuracy: timedelta | None
    nonce: int | None


class Stamper(Protocol):
    """Somebody who stamps."""

    def stamp(self, digest: bytes) -> bytes:
        """A checked token over a SHA-256 digest. TimestampUnavailable (hold) or TimestampRefused."""

    def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        """For each digest, in order, its checked token or why there is none; never raises those two.

        Once the authority does not answer, the rest is unavailable without each waiting for a time-out of its own.
        """


def request(digest: bytes, *, nonce: int | None) -> bytes:
    """The TimeStampReq for a SHA-256 digest (32 bytes): version 1, the authority's certificate asked for."""
    if len(digest) != 32:
        raise ValueError("a SHA-256 digest has 32 bytes")
    parts = [der.integer(1), der.seq(SHA256_IDENTIFIER, der.octets(digest))]
    if nonce is not None:
        parts.append(der.integer(nonce))
    return der.seq(*parts, der.boolean(True))


def read_reply(
    reply: bytes,
    digest: bytes,
    nonce: int | None,
    *,
    trust: Anchors | None = None,
    policies: Collection[str] = (),
) -> bytes:
    """The token of a TimeStampResp, checked for the digest, nonce, anchors and policies (any if none are given).

    TimestampUnavailable where the authority says that it cannot now; TimestampRefused for everything else that is not
    a granted token for exactly this request.
    """
    try:
        parts = der.read(reply, max_bytes=MAX_TOKEN_BYTES).expect(der.SEQUENCE).children
        if not parts:
            raise TimestampRefused("not-der")
        _granted(parts[0])
        if len(parts) != 2:
            raise TimestampRefused("token-missing")
        token = parts[1].raw
    except DerRefused as refusal:
        raise TimestampRefused("not-der", detail=refusal.reason) from refusal
    facts = check_token(token, digest, trust=trust)
    if facts.nonce != nonce:
        raise TimestampRefused("nonce")
    if policies and facts.policy not in policies:
        raise TimestampRefused("policy", policy=facts.policy)
    return token


def _granted(info: Node) -> None:
    """PKIStatusInfo says granted, without modifications."""
    status, *more = info.expect(der.SEQUENCE).children
    number = status.as_integer()
    if number == 0:
        return
    failures = {
        8 * at + bit
        for node in more
        if node.tag == der.BIT_STRING
        for at, octet in enumerate(node.content[1:])
        for bit in range(8)
        if octet & (0x80 >> bit)
    }
    if number == 2 and failures & _LATER_IS_FINE:
        raise TimestampUnavailable("authority-cannot-now", failures=sorted(failures))
    raise TimestampRefused("not-granted", status=number, failures=sorted(failures))


def check_token(token: bytes, digest: bytes, *, trust: Anchors | None) -> TokenFacts:
    """What `token` proves about `digest` (SHA-256, SHA-384 or SHA-512 by its length), every byte accounted for.

    Checked: strict DER, imprint, message digest, ESSCertIDv2, critical time-stamping usage, validity of the authority's
    certificate at that time, accuracy of a second or better where stated, the signature, and each certificate carried
    against the one above it; with `trust` also the topmost against those roots. Roles and revocation are
    `evidence.trust`. TimestampRefused with a `reason` of its own for each; `unknown-issuer` means that nobody can tell.
    """
    facts = _facts(token)
    if facts.imprint != digest:
        raise TimestampRefused("imprint")
    if trust is not None:
        _led_up(facts.tsa_certificate, facts.certificates, trust)
    return facts


def imprint_algorithm(token: bytes) -> str:
    """The name of the digest a token was made over, such as `sha512`. TimestampRefused if it is no token."""
    return _facts(token).digest_algorithm


@lru_cache(maxsize=256)
def _facts(token: bytes) -> TokenFacts:
    """All that can be checked of a token by itself. Kept for a short while, because what was just fetched is checked
    again as part of the evidence it went into; the answer depends on the bytes alone."""
    try:
        return _checked(token)
    except CmsRefused as refusal:
        raise TimestampRefused(refusal.reason) from refusal
    except AlgorithmRefused as refusal:
        raise TimestampRefused(refusal.reason) from refusal
    except DerRefused as refusal:
        raise TimestampRefused("not-der", detail=refusal.reason) from refusal


_forms = FormReader()


def _checked(token: bytes) -> TokenFacts:
    known = _forms.read(token)
    if known is not None:
        return known
    signed = cms.parse(token, max_bytes=MAX_TOKEN_BYTES)
    if signed.content_type != TST_INFO or signed.content is None:
        raise TimestampRefused("content-type")
    if signed.carries_revocation or signed.unsigned:
        raise TimestampRefused("unsigned-data")
    _check_spelling(signed)
    _check_attributes(signed)
    if not signed.is_signed():
        raise TimestampRefused("signature")
    line = _led_up(signed.signer.raw, signed.certificates, None)
    facts = replace(_read_info(signed.content, signed), certificates=line)
    if not is_time_stamping(signed.signer):
        raise TimestampRefused("extended-key-usage")
    if not signed.signer.not_before <= facts.generated_at <= signed.signer.not_after:
        raise TimestampRefused("certificate-not-valid-then")
    if facts.accuracy is not None and facts.accuracy > MAX_ACCURACY:
        raise TimestampRefused("accuracy")
    _forms.learn(token, signed, facts)
    return facts


def _check_spelling(signed: SignedData) -> None:
    if signed.scheme.family == "RSA-PSS":
        raise TimestampRefused("unknown-algorithm")
    with_null = signed.digest_identifier_raw.endswith(der.null())
    if with_null != (signed.signature_identifier_raw == _RSA_ENCRYPTION):
        raise TimestampRefused("algorithm-spelling")


def _check_attributes(signed: SignedData) -> None:
    attributes = signed.attributes
    if strange := attributes.keys() - _SIGNED_ATTRIBUTES:
        raise TimestampRefused("signed-attribute", oid=min(strange))
    for oid, name in (
        (cms.CONTENT_TYPE, "content-type-missing"),
        (cms.MESSAGE_DIGEST, "message-digest-missing"),
        (cms.SIGNING_CERTIFICATE_V2, "signing-certificate-missing"),
    ):
        if oid not in attributes:
            raise TimestampRefused(name)
    if attributes[cms.CONTENT_TYPE].as_oid() != TST_INFO:
        raise TimestampRefused("content-type")
    if attributes[cms.MESSAGE_DIGEST].as_octets() != signed.content_digest():
        raise TimestampRefused("message-digest")
    cms.check_signing_certificate(attributes[cms.SIGNING_CERTIFICATE_V2], signed.signer, signed.certificates)
    cms.check_algorithm_protection(signed)


def _led_up(leaf: bytes, certificates: tuple[bytes, ...], trust: Anchors | None) -> tuple[bytes, ...]:
    try:
        return path(leaf, certificates, trust)
    except UnknownIssuer as refusal:
        raise TimestampRefused("unknown-issuer") from refusal
    except BrokenChain as refusal:
        raise TimestampRefused(refusal.reason) from refusal


def _read_info(content: bytes, signed: SignedData) -> TokenFacts:
    """TSTInfo, version 1: policy, imprint, serial, time, then accuracy, ordering, nonce, tsa, extensions if there."""
    parts = der.read(content).expect(der.SEQUENCE).children
    if len(parts) < 5 or parts[0].as_integer() != 1:
        raise TimestampRefused("token-version")
    algorithm, imprint_node = parts[2].parts(der.SEQUENCE, 2)
    digest_algorithm, imprint = read_digest(algorithm), imprint_node.as_octets()
    if len(imprint) != DIGESTS[digest_algorithm][1].digest_size:
        raise TimestampRefused("imprint")
    optional = {node.tag: node for node in parts[5:]}
    tags = [node.tag for node in parts[5:]]
    if tags != [tag for tag in (der.SEQUENCE, der.BOOLEAN, der.INTEGER, 0xA0, 0xA1) if tag in optional]:
        raise TimestampRefused("token-fields")
    if der.BOOLEAN in optional and not optional[der.BOOLEAN].as_boolean():
        raise TimestampRefused("not-der")
    if 0xA0 in optional and optional[0xA0].content != der.explicit(4, cut(signed.signer.raw).subject):
        raise TimestampRefused("authority-name")
    if 0xA1 in optional and any(len(one.children) != 2 for one in optional[0xA1].children):
        raise TimestampRefused("critical-extension")
    return TokenFacts(
        generated_at=parts[4].expect(der.GENERALIZED_TIME).as_time(),
        policy=parts[1].as_oid(),
        serial=parts[3].as_integer(),
        tsa_certificate=signed.signer.raw,
        certificates=signed.certificates,
        digest_algorithm=digest_algorithm,
        imprint=imprint,
        accuracy=_accuracy(optional[der.SEQUENCE]) if der.SEQUENCE in optional else None,
        nonce=optional[der.INTEGER].as_integer() if der.INTEGER in optional else None,
    )


def _accuracy(node: Node) -> timedelta:
    total, seen = timedelta(), -1
    for part in node.children:
        rank = {der.INTEGER: 0, 0x80: 1, 0x81: 2}.get(part.tag, -1)
        value = der.read(der.tlv(der.INTEGER, part.content)).as_integer()
        if rank <= seen or value < 0 or (rank > 0 and not 1 <= value <= 999):
            raise TimestampRefused("accuracy")
        seen = rank
        total += timedelta(**{("seconds", "milliseconds", "microseconds")[rank]: min(value, 86_400)})
    return total


class HttpStamper:
    """A time-stamp authority behind a URL.

    `post(url, body, content_type) -> body` makes the round trip (production: guards.outbound) and raises OSError,
    HTTPException or a temporary KepError when there is none, another KepError for an answer that it does not take.
    `post_many(url, bodies, content_type)` does it for several at once and gives, in their order, the body or the
    KepError of each; without it they are asked one after the other.
    `policies` empty means any; `anchors` None means that the authority is not checked against a root, which only tests
    want. `clock` gives the time now, aware. `observe(generated_at, asked_at, read_at)` is told what the authority's
    clock said and between which moments of ours, for each token, also for one that is refused for its time (R-040).
    """

    def __init__(
        self,
        url: str,
        post: Callable[[str, bytes, str], bytes],
        policies: Collection[str] = (),
        anchors: Anchors | None = None,
        *,
        post_many: Callable[[str, Sequence[bytes], str], Sequence[bytes | KepError]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        observe: Callable[[datetime, datetime, datetime], None] | None = None,
    ) -> None:
        self._url, self._post, self._post_many = url, post, post_many
        self._policies, self._anchors = frozenset(policies), anchors
        self._clock, self._observe = clock, observe

    def stamp(self, digest: bytes) -> bytes:
        """See `Stamper.stamp`; asks with a nonce and refuses a time more than five minutes from our clock."""
        nonce, asked_at = _nonce(), self._clock()
        return self._read(self._asked(request(digest, nonce=nonce)), digest, nonce, asked_at)

    def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        """See `Stamper.stamp_many`; each has a nonce of its own."""
        nonces, asked_at = [_nonce() for _ in digests], self._clock()
        asked = [request(digest, nonce=nonce) for digest, nonce in zip(digests, nonces, strict=True)]
        replies = self._asked_one_by_one(asked) if self._post_many is None else self._asked_together(asked)
        found: list[bytes | TimestampUnavailable | TimestampRefused] = []
        for reply, digest, nonce in zip(replies, digests, nonces, strict=True):
            try:
                found.append(self._read(reply, digest, nonce, asked_at) if isinstance(reply, bytes) else reply)
            except (TimestampUnavailable, TimestampRefused) as error:
                found.append(error)
        return found

    def _asked_together(self, asked: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        assert self._post_many is not None  # noqa: S101 - the caller looked
        try:
            replies = self._post_many(self._url, asked, QUERY_TYPE)
        except KepError as error:  # an address that is not called at all
            return [_no_answer(error) for _ in asked]
        return [_no_answer(reply) if isinstance(reply, KepError) else reply for reply in replies]

    def _asked_one_by_one(self, asked: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
        replies: list[bytes | TimestampUnavailable | TimestampRefused] = []
        away: TimestampUnavailable | None = None
        for one in asked:
            try:
                replies.append(away or self._asked(one))
            except TimestampUnavailable as error:
                away = error
                replies.append(error)
            except TimestampRefused as error:
                replies.append(error)
        return replies

    def _asked(self, asked: bytes) -> bytes:
        try:
            return self._post(self._url, asked, QUERY_TYPE)
        except (OSError, http.client.HTTPException) as error:
            raise TimestampUnavailable("no-answer", detail=type(error).__name__) from error
        except KepError as error:
            raise _no_answer(error) from error

    def _read(self, reply: bytes, digest: bytes, nonce: int, asked_at: datetime) -> bytes:
        token = read_reply(reply, digest, nonce, trust=self._anchors, policies=self._policies)
        generated_at, now = _facts(token).generated_at, self._clock()
        if self._observe is not None:
            self._observe(generated_at, asked_at, now)
        if abs(generated_at - now) > MAX_SKEW:
            raise TimestampRefused("time", generated_at=generated_at.isoformat())
        return token


def _nonce() -> int:
    return secrets.randbits(63) | 1 << 62


def _no_answer(error: KepError) -> TimestampUnavailable | TimestampRefused:
    """What a call without an answer means for a time-stamp: away, or a redirect, or too much of an answer."""
    if error.temporary:
        return TimestampUnavailable("no-answer", detail=error.reason)
    return TimestampRefused("answer-refused", detail=error.reason)
