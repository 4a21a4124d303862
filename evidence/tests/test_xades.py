"""Sealed evidence: XAdES-B-T that foreign programs accept, and liberties they allow that we do not (design.md 1.5)."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from signxml import InvalidDigest
from signxml.xades import XAdESVerifier

from evidence import timestamp, xades, xml
from evidence.algorithms import KeyAlgorithm, plain_ecdsa
from evidence.facts import EvidenceKind
from evidence.refusals import EvidenceRefused, TimestampRefused, TimestampUnavailable
from evidence.tests import judges
from evidence.tests.judges import needs_schemas
from evidence.tests.pki import KINDS, NOW, Authority, Holder, LocalStamper, one_by_one, pki
from evidence.tests.samples import facts

OURS = pki()
UNSIGNED = xml.render(facts())


def sealed(kind: str = "p256", unsigned: bytes = UNSIGNED, stamp_kind: str = "p256") -> bytes:
    return xades.seal(unsigned, OURS.islem(kind), signing_time=NOW, stamper=OURS.stamper(stamp_kind))


def refusal(raw: bytes, **settings: Any) -> tuple[str, str]:
    with pytest.raises(EvidenceRefused) as refused:
        xades.take_apart(raw, **settings)
    return refused.value.reason, str(refused.value.facts["where"])


# --- judges -------------------------------------------------------------------------------------------------------


@pytest.mark.needs("xmlsec1")
@pytest.mark.parametrize("kind", KINDS)
def test_xmlsec1_accepts_with_our_root_and_not_with_another(kind: str, tmp_path: Path) -> None:
    raw = sealed(kind)
    judges.accepts(*judges.xmlsec1(tmp_path, raw, OURS.root.raw, at=NOW))
    assert judges.run(*judges.xmlsec1(tmp_path, raw, pki("theirs").root.raw, at=NOW)).returncode != 0


@pytest.mark.needs("xmlsec1")
def test_xmlsec1_notices_another_subject(tmp_path: Path) -> None:
    """A control: the judge does look."""
    raw = sealed().replace(b"ihtar", b"ihbar")
    assert judges.run(*judges.xmlsec1(tmp_path, raw, OURS.root.raw, at=NOW)).returncode != 0


@pytest.mark.parametrize("kind", KINDS)
def test_signxml_accepts_with_the_certificate_pinned(kind: str) -> None:
    pinned = OURS.islem(kind).made.certificate
    XAdESVerifier().verify(sealed(kind), x509_cert=pinned, expect_references=2)
    with pytest.raises(InvalidDigest):
        XAdESVerifier().verify(sealed(kind).replace(b"ihtar", b"ihbar"), x509_cert=pinned, expect_references=2)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_the_time_stamp_over_the_signature_value_element(kind: str, tmp_path: Path) -> None:
    raw = sealed(kind, stamp_kind=kind)
    parts = xades.take_apart(raw)
    assert parts.signature_value_element in raw
    judges.accepts(*judges.openssl_ts(tmp_path, parts.token, parts.signature_value_element, OURS.root.raw, at=NOW))


@needs_schemas
@pytest.mark.parametrize("kind", EvidenceKind, ids=lambda kind: str(int(kind)))
def test_every_sealed_kind_is_valid_against_the_etsi_schema(kind: EvidenceKind) -> None:
    judges.schema().assertValid(etree.fromstring(sealed(unsigned=xml.render(facts(kind)))))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_digested_stands_canonical_in_the_file(kind: str) -> None:
    """So a digest may be taken over the bytes of the file, and the time-stamp checked with nothing but sed."""
    raw = sealed(kind)
    tree = etree.fromstring(raw)
    for element in ("SignedInfo", "SignatureValue", "SignedProperties"):
        node = tree.find(f".//{{*}}{element}")
        canonical = etree.tostring(node, method="c14n", exclusive=True, with_tail=False)
        assert raw.count(canonical) == 1
    signature = tree.find(".//{*}Signature")
    tree.remove(signature)
    assert etree.tostring(tree, method="c14n", exclusive=True) == UNSIGNED
    assert b"\n" not in raw
    stated = (
        '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>'
    )
    assert f'<xades:SignatureTimeStamp Id="ts">{stated}<xades:EncapsulatedTimeStamp>' in raw.decode()


# --- what is in it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stamp_kind", KINDS)
def test_a_sealed_evidence_is_taken_apart_into_what_went_in(kind: str, stamp_kind: str) -> None:
    signer = OURS.islem(kind)
    parts = xades.take_apart(sealed(kind, stamp_kind=stamp_kind), anchors=OURS.anchors)
    assert parts.unsigned == UNSIGNED
    assert parts.facts == facts()
    assert parts.signing_certificate == signer.certificate
    assert parts.certificates == (signer.certificate, OURS.islem_ca.raw)
    assert parts.algorithm is signer.algorithm
    assert parts.signing_time == NOW
    assert parts.stamp.generated_at == NOW
    assert parts.stamp.tsa_certificate == OURS.tsa(stamp_kind).certificate
    assert parts.stamp.imprint == hashlib.sha256(parts.signature_value_element).digest()


def test_the_whole_chain_is_bound_by_the_signature() -> None:
    text = sealed().decode()
    properties = text[text.index("<xades:SignedProperties") : text.index("</xades:SignedProperties>")]
    for raw in (OURS.islem("p256").certificate, OURS.islem_ca.raw):
        assert b64encode(hashlib.sha256(raw).digest()).decode() in properties


def test_a_peer_s_evidence_under_another_root_is_taken_apart_and_only_roots_tell() -> None:
    """Constants come from the certificate embedded; the forged world has the same names and other keys."""
    theirs = pki("theirs")
    raw = xades.seal(UNSIGNED, theirs.islem("rsa2048"), signing_time=NOW, stamper=theirs.stamper("rsa2048"))
    assert xades.take_apart(raw).algorithm is KeyAlgorithm.RSA_SHA256
    assert xades.take_apart(raw, anchors=theirs.anchors)
    assert refusal(raw, anchors=OURS.anchors) == ("unknown-issuer", "key-info")
    mixed = xades.seal(UNSIGNED, OURS.islem("p256"), signing_time=NOW, stamper=theirs.stamper())
    assert refusal(mixed, anchors=OURS.anchors) == ("unknown-issuer", "timestamp")


def test_only_evidence_is_ever_sealed() -> None:
    """V-090: the key signs typed facts, not bytes of a caller."""
    signed: list[bytes] = []

    class Watched(Holder):
        def sign(self, octets: bytes) -> bytes:
            signed.append(octets)
            return super().sign(octets)

    watched = Watched(OURS.islem("p256").made, OURS.islem("p256").chain)
    for raw in (b"<a/>", b"", UNSIGNED + b"\n", UNSIGNED.replace(b"<EventTime>", b"<!-- --><EventTime>"), sealed()):
        with pytest.raises(EvidenceRefused):
            xades.seal(raw, watched, signing_time=NOW, stamper=OURS.stamper())
    assert signed == []
    assert xades.seal(UNSIGNED, watched, signing_time=NOW, stamper=OURS.stamper())
    assert len(signed) == 1


def test_without_a_time_stamp_there_is_no_seal() -> None:
    class Away:
        def stamp(self, digest: bytes) -> bytes:
            raise TimestampUnavailable("no-answer")

        def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
            return one_by_one(self.stamp, digests)

    with pytest.raises(TimestampUnavailable):
        xades.seal(UNSIGNED, OURS.islem("p256"), signing_time=NOW, stamper=Away())


# --- what is refused ------------------------------------------------------------------------------------------------

OPEN = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="sig">'
HARMLESS_TO_A_SIGNATURE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda raw: raw.replace(b"ayse.isik@hs01", b"ayse.isik<!--x-->@hs01"), "evidence"),
    (lambda raw: raw.replace(b"<EventTime>", b"<EventTime >"), "evidence"),
    (lambda raw: b'<?xml version="1.0"?>' + raw, "evidence"),
    (lambda raw: raw + b"\n", "evidence"),
    (lambda raw: raw.replace(b"</ds:Signature>", b"<ds:Object></ds:Object></ds:Signature>"), "timestamp"),
    (lambda raw: raw.replace(b"<ds:KeyInfo>", b'<ds:KeyInfo Id="ki">'), "signature"),
    (lambda raw: raw.replace(b"<ds:KeyInfo>", b"<!--x--><ds:KeyInfo>"), "key-info"),
    (lambda raw: raw.replace(b"</ds:X509Data>", b"\n</ds:X509Data>"), "key-info"),
    (lambda raw: raw.replace(b"<ds:Object>", b'<ds:Object Encoding="x">'), "object"),
    (lambda raw: raw.replace(b' Id="ts">', b' Id="ts2">'), "signature"),
    (lambda raw: raw.replace(OPEN, OPEN[:-1] + b" >"), "signature"),
    (lambda raw: raw.replace(b"</xades:UnsignedProperties>", b"<!--x--></xades:UnsignedProperties>"), "signature"),
]


@pytest.mark.needs("xmlsec1")
@pytest.mark.parametrize(("change", "where"), HARMLESS_TO_A_SIGNATURE)
def test_liberties_that_leave_the_signature_valid_are_refused(
    change: Callable[[bytes], bytes], where: str, tmp_path: Path
) -> None:
    raw = change(sealed())
    assert raw != sealed()
    judges.accepts(*judges.xmlsec1(tmp_path, raw, OURS.root.raw, at=NOW))
    assert refusal(raw)[1] == where


def replaced(raw: bytes, opening: str, content: bytes) -> bytes:
    before, _, rest = raw.partition(opening.encode())
    return before + opening.encode() + content + rest[rest.index(b"<") :]


def test_a_token_of_rubbish_or_over_something_else_is_refused() -> None:
    """xmlsec1 looks at neither (measured.md)."""
    raw = sealed()
    token = Authority(OURS.tsa("p256")).token(hashlib.sha256(b"baska").digest())
    for content, reason in ((b64encode(b"rubbish"), "not-der"), (b64encode(token), "imprint")):
        assert refusal(replaced(raw, "<xades:EncapsulatedTimeStamp>", content)) == (reason, "timestamp")


def test_another_subject_another_time_and_another_certificate_are_each_named() -> None:
    raw = sealed()
    assert refusal(raw.replace(b"ihtar", b"ihbar")) == ("document-digest", "evidence")
    later = raw.replace(b"<xades:SigningTime>2026-11-24T08", b"<xades:SigningTime>2026-11-24T09")
    assert refusal(later) == ("properties-digest", "signed-properties")
    leaf = b64encode(OURS.islem("p256").certificate)
    assert refusal(raw.replace(leaf, b64encode(OURS.person("p256").certificate)))[1] in ("key-info", "signed-info")
    chain = b64encode(OURS.islem_ca.raw)
    assert refusal(raw.replace(chain, b64encode(OURS.eshs_ca.raw))) == ("certificate-not-bound", "key-info")


def test_signatures_of_two_evidences_cannot_be_swapped() -> None:
    one, other = sealed(), sealed(unsigned=xml.render(facts(EvidenceKind.DELIVERED)))
    at, end = other.index(OPEN), other.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    swapped = UNSIGNED.replace(b"</SubmissionAcceptanceRejection>", other[at:end] + b"</SubmissionAcceptanceRejection>")
    assert len(one) == len(swapped) or one != swapped
    assert refusal(swapped) == ("document-digest", "evidence")


def test_a_signature_anywhere_but_at_the_end_of_the_root_is_refused() -> None:
    raw = sealed()
    at, end = raw.index(OPEN), raw.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    moved = UNSIGNED.replace(b"<EventTime>", raw[at:end] + b"<EventTime>")
    assert refusal(moved) == ("bytes", "signature")


def test_an_evidence_without_a_signature_or_with_two_is_refused() -> None:
    raw = sealed()
    at, end = raw.index(OPEN), raw.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    assert refusal(UNSIGNED) == ("not-sealed", "signature")
    assert refusal(raw[:end] + raw[at:end] + raw[end:])[1] == "signature"


def test_a_bare_key_in_place_of_certificates_is_refused() -> None:
    """xmlsec1 without its switch takes it (measured.md, Trust)."""
    raw = sealed()
    start, end = raw.index(b"<ds:KeyInfo>"), raw.index(b"</ds:KeyInfo>")
    bare = raw[:start] + b"<ds:KeyInfo><ds:KeyValue></ds:KeyValue>" + raw[end:]
    assert refusal(bare) == ("grammar", "signature")


def test_certificates_that_are_none_or_too_weak_are_refused() -> None:
    raw = sealed()
    leaf = b64encode(OURS.islem("p256").certificate)
    assert refusal(raw.replace(leaf, b64encode(b"sertifika"))) == ("certificate", "key-info")
    assert refusal(raw.replace(leaf, leaf[:-1])) == ("base64", "key-info")
    root = b64encode(OURS.root.raw)
    assert refusal(raw.replace(leaf, root)) == ("key-kind", "key-info")


def test_a_chain_out_of_order_or_with_a_stray_is_refused_even_if_signed_so() -> None:
    signer = OURS.islem("p256")
    for chain, reason in (
        ((OURS.root.raw, OURS.islem_ca.raw), "certificate-order"),
        ((OURS.islem_ca.raw, OURS.eshs_ca.raw), "stray-certificate"),
        ((pki("theirs").islem_ca.raw,), "issuer-signature"),
    ):
        odd = Holder(signer.made, chain)
        raw = xades.seal(UNSIGNED, odd, signing_time=NOW, stamper=OURS.stamper())
        assert refusal(raw) == (reason, "key-info")


def with_value(raw: bytes, signature: bytes) -> bytes:
    """The evidence with another signature value, and a fresh, true time-stamp over it."""
    element = b'<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="sv">%s</ds:SignatureValue>'
    value = element % b64encode(signature)
    start, end = raw.index(b"<ds:SignatureValue"), raw.index(b"<ds:KeyInfo>")
    token = OURS.stamper().stamp(hashlib.sha256(value).digest())
    return replaced(raw[:start] + value + raw[end:], "<xades:EncapsulatedTimeStamp>", b64encode(token))


def test_a_signature_of_another_key_is_refused_although_it_is_time_stamped() -> None:
    raw = sealed()
    assert xades.take_apart(with_value(raw, signature_of(raw)))
    assert refusal(with_value(raw, bytes(63) + b"\x01")) == ("signature", "signature-value")
    info = raw[raw.index(b"<ds:SignedInfo") : raw.index(b"<ds:SignatureValue")]
    other = plain_ecdsa(pki("theirs").islem("p256").sign(info))
    assert refusal(with_value(raw, other)) == ("signature", "signature-value")


def test_a_signature_value_of_another_length_is_refused() -> None:
    """r and s with a leading zero each are the same numbers in another spelling."""
    raw = sealed()
    value = signature_of(raw)
    padded = b"\x00" + value[:32] + b"\x00" + value[32:]
    for signature in (padded, value[:63], value + b"\x00"):
        assert refusal(with_value(raw, signature)) == ("signature", "signature-value")


def signature_of(raw: bytes) -> bytes:
    return b64decode(raw.partition(b'Id="sv">')[2].partition(b"<")[0])


def test_the_time_stamp_must_be_one_that_check_token_accepts() -> None:
    loose = LocalStamper(Authority(OURS.tsa("p256"), accuracy=None))
    assert xades.take_apart(xades.seal(UNSIGNED, OURS.islem("p256"), signing_time=NOW, stamper=loose))

    class Careless:
        def stamp(self, digest: bytes) -> bytes:
            return Authority(OURS.tsa_with(purposes=(), critical=True)).token(digest)

        def stamp_many(self, digests: Sequence[bytes]) -> list[bytes | TimestampUnavailable | TimestampRefused]:
            return one_by_one(self.stamp, digests)

    raw = xades.seal(UNSIGNED, OURS.islem("p256"), signing_time=NOW, stamper=Careless())
    assert refusal(raw) == ("extended-key-usage", "timestamp")


@pytest.mark.parametrize(
    "junk", [b"", b"x", OPEN, b"</ds:Signature>" + OPEN, OPEN + b"</ds:Signature>", bytes(9_500_000)]
)
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(EvidenceRefused):
        xades.take_apart(junk)


def test_the_answer_does_not_hang_on_what_was_asked_before() -> None:
    """Checks remember pure results; a changed token must not find the right one's."""
    raw = sealed()
    assert xades.take_apart(raw)
    changed = bytearray(raw)
    changed[raw.index(b"<xades:EncapsulatedTimeStamp>") + 400] ^= 1
    for _ in range(2):
        assert refusal(bytes(changed))[1] == "timestamp"
        assert replace(xades.take_apart(raw)).unsigned == UNSIGNED
    timestamp._facts.cache_clear()
    assert xades.take_apart(raw)
