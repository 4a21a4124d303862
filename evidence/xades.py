"""XAdES-B-T around an evidence: sealed from a template, taken apart with every byte compared.

The signature is enveloped, inserted directly before the root's end tag, in exclusive canonical form: what is digested
(the evidence, SignedProperties, SignedInfo, the ds:SignatureValue element) stands literally in the file, so no
canonicaliser runs at any time. Each of those carries its own declarations; ids are constants, since one evidence is one
document. KeyInfo carries the signer's certificate and those above it, and SigningCertificateV2 binds all of them,
because judges leave an intermediate certificate unread. The time-stamp covers the SignatureValue *element* and says
that it is exclusive canonical form: the default would be another one.

`take_apart` takes out what an evidence may freely choose (unsigned evidence, certificates, signing time, signature
value, token), computes everything else anew, rebuilds the file and compares. It trusts nobody: the constants come from
the certificate and algorithm embedded, so it serves for a peer with another key; whose the certificate is, is decided
by `evidence.trust`. Comments, blanks and other liberties that leave an XML signature valid are refused (measured.md).
"""

import hashlib
import re
from base64 import b64encode
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from evidence import xml
from evidence.algorithms import AlgorithmRefused, KeyAlgorithm, Scheme, Signer, algorithm_of, der_ecdsa, is_signed
from evidence.algorithms import plain_ecdsa as plain_signature
from evidence.carried import Anchors, cut, path
from evidence.der import DerRefused
from evidence.facts import EvidenceFacts
from evidence.refusals import BrokenChain, EvidenceRefused, TimestampRefused
from evidence.timestamp import Stamper, TokenFacts, check_token

MAX_BYTES = xml.MAX_BYTES + 1024 * 1024
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_DS = xml.DS
_XADES = 'xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"'
_SCHEMES = {KeyAlgorithm.RSA_SHA256: Scheme("RSA", "sha256"), KeyAlgorithm.P256_SHA256: Scheme("ECDSA", "sha256")}
_OPEN = f'<ds:Signature {_DS} Id="sig">'.encode()
_CLOSE = b"</ds:Signature>"


@dataclass(frozen=True, slots=True)
class SealedParts:
    """An intact evidence, taken apart."""

    unsigned: bytes
    """The evidence as it was before sealing."""
    facts: EvidenceFacts
    signing_certificate: bytes
    certificates: tuple[bytes, ...]
    """KeyInfo: the signer's certificate first, then those above it."""
    algorithm: KeyAlgorithm
    signing_time: datetime
    signature_value_element: bytes
    """The octets under the time-stamp, for `openssl ts -verify -data`."""
    token: bytes
    stamp: TokenFacts
    """What the token proves."""


# --- writing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unstamped:
    """A signed evidence that lacks its time-stamp: the stamps of a whole batch can be under way at once."""

    stamp_digest: bytes
    """SHA-256 of the ds:SignatureValue element: what is to be stamped."""
    _before: bytes = field(repr=False)
    _after: bytes = field(repr=False)

    def finish(self, token: bytes) -> bytes:
        """The sealed evidence with `token`, as it came from the stamper; whoever stores it takes it apart first."""
        return b"".join((self._before, b2a_base64(token, newline=False), self._after))


def sign(unsigned: bytes, signer: Signer, *, signing_time: datetime) -> Unstamped:
    """The evidence signed by `signer` at `signing_time` (aware, whole seconds).

    Signs evidence only: anything that `evidence.xml` would not have written is EvidenceRefused (V-090).
    KeyUnavailable comes from the signer.
    """
    xml.read(unsigned)
    at, line = _end_tag(unsigned), (signer.certificate, *signer.chain)
    properties = _signed_properties(line, signing_time)
    info = _signed_info(signer.algorithm, hashlib.sha256(unsigned).digest(), hashlib.sha256(properties).digest())
    signature = signer.sign(info)
    if signer.algorithm is KeyAlgorithm.P256_SHA256:
        signature = plain_signature(signature)
    value = _signature_value(signature)
    before, _, *after = _object(properties, b"")
    return Unstamped(
        stamp_digest=hashlib.sha256(value).digest(),
        _before=b"".join((unsigned[:at], _OPEN, info, value, _key_info(line), before, properties, after[0])),
        _after=b"".join((*after[1:], unsigned[at:])),
    )


def seal(unsigned: bytes, signer: Signer, *, signing_time: datetime, stamper: Stamper) -> bytes:
    """The sealed evidence: `sign`, and the time-stamp at once.

    TimestampUnavailable and TimestampRefused come from the stamper.
    """
    unstamped = sign(unsigned, signer, signing_time=signing_time)
    return unstamped.finish(stamper.stamp(unstamped.stamp_digest))


def _end_tag(unsigned: bytes) -> int:
    """Where the signature goes."""
    return unsigned.rindex(b"</")


_SHA256 = f'<ds:DigestMethod Algorithm="{xml.SHA256_URI}"></ds:DigestMethod>'
_BY_EXCLUSIVE = f'<ds:Transform Algorithm="{_EXCLUSIVE}"></ds:Transform>'
_SIGNED_INFO = (
    f'<ds:SignedInfo {_DS}><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod>'
    '<ds:Reference Id="r1" URI=""><ds:Transforms>'
    '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>'
    f"{_BY_EXCLUSIVE}</ds:Transforms>{_SHA256}<ds:DigestValue>%s</ds:DigestValue></ds:Reference>"
    '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#sp"><ds:Transforms>'
    f"{_BY_EXCLUSIVE}</ds:Transforms>{_SHA256}<ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_VALUE = f'<ds:SignatureValue {_DS} Id="sv">', "</ds:SignatureValue>"
_KEY_INFO = "<ds:KeyInfo><ds:X509Data>", "</ds:X509Data></ds:KeyInfo>"
_CERTIFICATE = "<ds:X509Certificate>", "</ds:X509Certificate>"
_NEXT_CERTIFICATE = "".join(reversed(_CERTIFICATE)).encode()
_TIME = "<xades:SigningTime>", "</xades:SigningTime>"
_PROPERTIES = (
    f'<xades:SignedProperties {_XADES} Id="sp"><xades:SignedSignatureProperties>'
    f"{_TIME[0]}%s{_TIME[1]}<xades:SigningCertificateV2>%s</xades:SigningCertificateV2></xades:SignedSignatureProperties>"
    '<xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#r1"><xades:MimeType>application/xml'
    "</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
)
_BOUND = (
    f'<xades:Cert><xades:CertDigest><ds:DigestMethod {_DS} Algorithm="{xml.SHA256_URI}"></ds:DigestMethod>'
    f"<ds:DigestValue {_DS}>%s</ds:DigestValue></xades:CertDigest></xades:Cert>"
)
_OBJECT = f'<ds:Object><xades:QualifyingProperties {_XADES} Target="#sig">'
_STAMP = (
    "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"
    f'<xades:SignatureTimeStamp Id="ts"><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}">'
    "</ds:CanonicalizationMethod><xades:EncapsulatedTimeStamp>",
    "</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties>"
    "</xades:UnsignedProperties></xades:QualifyingProperties></ds:Object>",
)


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _signed_info(algorithm: KeyAlgorithm, document: bytes, properties: bytes) -> bytes:
    return (_SIGNED_INFO % (algorithm.value, _base64(document), _base64(properties))).encode()


def _signed_properties(certificates: tuple[bytes, ...], signing_time: datetime) -> bytes:
    return (_PROPERTIES % (xml.time(signing_time), _bound(certificates))).encode()


@lru_cache(maxsize=256)
def _bound(certificates: tuple[bytes, ...]) -> str:
    return "".join(_BOUND % _base64(hashlib.sha256(raw).digest()) for raw in certificates)


def _signature_value(signature: bytes) -> bytes:
    return f"{_VALUE[0]}{_base64(signature)}{_VALUE[1]}".encode()


@lru_cache(maxsize=256)
def _key_info(certificates: tuple[bytes, ...]) -> bytes:
    carried = "".join(f"{_CERTIFICATE[0]}{_base64(raw)}{_CERTIFICATE[1]}" for raw in certificates)
    return f"{_KEY_INFO[0]}{carried}{_KEY_INFO[1]}".encode()


def _object(properties: bytes, token: bytes) -> tuple[bytes, ...]:
    return _OBJECT.encode(), properties, _STAMP[0].encode(), b64encode(token), _STAMP[1].encode(), _CLOSE


# --- reading ---------------------------------------------------------------------------------------------------


def take_apart(sealed: bytes, *, anchors: Anchors | None = None) -> SealedParts:
    """The parts of a sealed evidence, once every byte of it was compared with what must stand there.

    Checked: the evidence by `evidence.xml`, both reference digests, the bound certificates, the signature, the token
    and its imprint, each certificate against the one above it; with `anchors` also the topmost ones against those.
    Raises EvidenceRefused with `reason` and `where`, the part that is not intact: `evidence`, `signed-info`,
    `signature-value`, `key-info`, `signed-properties`, `timestamp`, `object` or `signature` (what lies between).
    `unknown-issuer` means that nobody can tell. Roles, dates and revocation are not looked at.
    """
    if len(sealed) > MAX_BYTES:
        raise EvidenceRefused("grammar", where="evidence", size=len(sealed))
    start, end = sealed.find(_OPEN), sealed.rfind(_CLOSE)
    if start < 0 or end < start:
        raise EvidenceRefused("not-sealed", where="signature")
    end += len(_CLOSE)
    unsigned = sealed[:start] + sealed[end:]
    facts = xml.read(unsigned)
    if start != _end_tag(unsigned):
        raise EvidenceRefused("bytes", where="signature", at=start)
    holes = _holes(sealed[start:end], start)
    algorithm = _algorithm(holes)
    parts = _rebuild(unsigned, holes, algorithm)
    if b"".join(parts.values()) != sealed[start:end]:
        raise _difference(parts, sealed[start:end], start, holes, algorithm)
    _check_maths(holes, algorithm, parts["signed-info"], anchors)
    return SealedParts(
        unsigned=unsigned,
        facts=facts,
        signing_certificate=holes.certificates[0],
        certificates=holes.certificates,
        algorithm=algorithm,
        signing_time=holes.signing_time,
        signature_value_element=parts["signature-value"],
        token=holes.token,
        stamp=_check_stamp(holes.token, parts["signature-value"], anchors),
    )


@dataclass(frozen=True, slots=True)
class _Holes:
    """What a sealed evidence may choose, and nothing else."""

    signature: bytes
    certificates: tuple[bytes, ...]
    signing_time: datetime
    token: bytes


def _holes(signature: bytes, start: int) -> _Holes:
    """The holes by their surroundings; whether the rest is right is found by rebuilding."""
    found = []
    for opening, closing in (_VALUE, _KEY_INFO, _TIME, _STAMP):
        _, opened, rest = signature.partition(opening.encode())
        content, closed, signature = rest.partition(closing.encode())
        if not opened or not closed:
            raise EvidenceRefused("grammar", where="signature", at=start)
        found.append(content)
    value, listed, time, token = found
    try:
        signing_time = datetime.fromisoformat(time.decode("ascii"))
        xml.time(signing_time)
    except (ValueError, OverflowError) as error:
        raise EvidenceRefused("signing-time", where="signed-properties") from error
    return _Holes(
        signature=_plain(value, "signature-value"),
        certificates=_certificates(listed),
        signing_time=signing_time,
        token=_plain(token, "timestamp"),
    )


@lru_cache(maxsize=256)
def _certificates(listed: bytes) -> tuple[bytes, ...]:
    listed = listed.removeprefix(_CERTIFICATE[0].encode()).removesuffix(_CERTIFICATE[1].encode())
    return tuple(_plain(one, "key-info") for one in listed.split(_NEXT_CERTIFICATE))


def _plain(text: bytes, where: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise EvidenceRefused("base64", where=where) from error


def _algorithm(holes: _Holes) -> KeyAlgorithm:
    """How the embedded certificate's key signs."""
    try:
        algorithm = algorithm_of(cut(holes.certificates[0]).key)
    except (AlgorithmRefused, DerRefused) as refusal:
        raise EvidenceRefused("certificate", where="key-info") from refusal
    if algorithm is None:
        raise EvidenceRefused("key-kind", where="key-info")
    return algorithm


def _is_true(holes: _Holes, algorithm: KeyAlgorithm, octets: bytes) -> bool:
    """Whether the signature value is that of the embedded certificate's key over `octets`."""
    signature = holes.signature
    if algorithm is KeyAlgorithm.P256_SHA256:
        if len(signature) != 64:
            return False
        signature = der_ecdsa(signature)
    return is_signed(cut(holes.certificates[0]).key, _SCHEMES[algorithm], signature, octets)


def _rebuild(unsigned: bytes, holes: _Holes, algorithm: KeyAlgorithm) -> dict[str, bytes]:
    """The signature as it must stand in the file, in named parts, in their order."""
    properties = _signed_properties(holes.certificates, holes.signing_time)
    info = _signed_info(algorithm, hashlib.sha256(unsigned).digest(), hashlib.sha256(properties).digest())
    before, _, *after = _object(properties, holes.token)
    return {
        "signature": _OPEN,
        "signed-info": info,
        "signature-value": _signature_value(holes.signature),
        "key-info": _key_info(holes.certificates),
        "object": before,
        "signed-properties": properties,
        "timestamp": b"".join(after),
    }


def _difference(
    parts: dict[str, bytes], found: bytes, start: int, holes: _Holes, algorithm: KeyAlgorithm
) -> EvidenceRefused:
    """Which part is not what it was: where SignedInfo as found still verifies its digests tell, else the first byte."""
    at = xml.first_difference(b"".join(parts.values()), found)
    info = found[len(_OPEN) : len(_OPEN) + len(parts["signed-info"])]
    digests = _DIGEST_VALUES.findall(info)
    if len(digests) == 2 and _is_true(holes, algorithm, info):
        of_document, of_properties = digests
        if of_document != _DIGEST_VALUES.findall(parts["signed-info"])[0]:
            return EvidenceRefused("document-digest", where="evidence")
        carried = found[found.find(b"<xades:SignedProperties") :].partition(_PROPERTIES_END)
        if b64encode(hashlib.sha256(carried[0] + carried[1]).digest()) != of_properties:
            return EvidenceRefused("properties-digest", where="signed-properties")
        if info != parts["signed-info"]:
            return EvidenceRefused("certificate-not-bound", where="key-info")
    until = 0
    for name, part in parts.items():
        until += len(part)
        if at < until:
            return EvidenceRefused("bytes", where=name, at=start + at)
    return EvidenceRefused("bytes", where="signature", at=start + at)


_DIGEST_VALUES = re.compile(b"<ds:DigestValue>([^<]*)</ds:DigestValue>")
_PROPERTIES_END = b"</xades:SignedProperties>"


def _check_maths(holes: _Holes, algorithm: KeyAlgorithm, info: bytes, anchors: Anchors | None) -> None:
    if not _is_true(holes, algorithm, info):
        raise EvidenceRefused("signature", where="signature-value")
    try:
        line = path(holes.certificates[0], holes.certificates, anchors)
    except (BrokenChain, DerRefused) as refusal:
        raise EvidenceRefused(refusal.reason, where="key-info") from refusal
    if line != holes.certificates:
        raise EvidenceRefused("certificate-order", where="key-info")


def _check_stamp(token: bytes, value: bytes, anchors: Anchors | None) -> TokenFacts:
    try:
        return check_token(token, hashlib.sha256(value).digest(), trust=anchors)
    except TimestampRefused as refusal:
        raise EvidenceRefused(refusal.reason, where="timestamp") from refusal
