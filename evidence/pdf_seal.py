"""The provider's seal on a PDF: PAdES-B-T, invisible, certifying that nothing was changed after it.

pyHanko writes the signature field as one more revision; what stands before it stays as it was. The signature itself
is our own CMS, written like every other we emit, with the signed attributes that PAdES asks for: the time of signing
stands in the dictionary (`/M`) and is proved by the time-stamp. No revocation data is put inside: readers that look at
what follows a signature then say that it does not cover the whole document.

Before it is handed out, the output is taken apart again by bytes, without pyHanko: one seal, over everything but
itself, on top of exactly the PDF that was given, by exactly this key. Only the sealing worker comes here, so that no
other process loads pyHanko (design.md 1.5).
"""

import hashlib
import re
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from . import cades, cms, der
from .algorithms import SHA256_IDENTIFIER, Signer
from .carried import cut
from .errors import EvidenceError, SealMismatch
from .refusals import CmsRefused, KeyNotInForce
from .timestamp import Stamper, TokenFacts
from .trust import facts_of

FIELD = "Muhur"
ROOM_FOR_STAMP = 16_000
"""Bytes kept free for the time-stamp: a token with its chain has five to seven thousand."""
_SIGNED = {cms.CONTENT_TYPE, cms.MESSAGE_DIGEST, cms.SIGNING_CERTIFICATE_V2}
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_DETACHED = der.seq(der.oid(cms.DATA))


class PdfRefused(EvidenceError):
    """Bytes that are no PDF of the form that is sealed here, or no intact seal. `reason` names what is wrong."""

    code = "PDF-02"


@dataclass(frozen=True)
class PdfSealFacts:
    """A seal that holds: whose certificate (DER), and what its time-stamp proves."""

    certificate: bytes
    stamp: TokenFacts


def seal(pdf: bytes, *, signer: Signer, stamper: Stamper, now: datetime) -> bytes:
    """`pdf` with the provider's seal and its time-stamp; the given bytes stay its beginning.

    `now` is the claimed time of signing. Holds: TimestampUnavailable and TimestampRefused of the stamper,
    `KeyUnavailable` of the key, `KeyNotInForce` where its certificate is not in force now or at the stamped time.
    `PdfRefused` for what is no PDF or has a signature already. `SealMismatch`: our own output did not pass our own
    check; it is not handed out, and people must look (R-004).
    """
    _refuse_out_of_force(signer, now)
    room = 4_000 + sum(map(len, (signer.certificate, *signer.chain))) + ROOM_FOR_STAMP
    output, digest, embedder = _prepared(pdf, room=room, now=now)
    signature = _signed(digest, signer=signer, stamper=stamper)
    if len(signature) > room:
        raise PdfRefused("no-room", needed=len(signature), room=room)
    embedder.send(signature)
    sealed = output.getvalue()
    try:
        facts = check_seal(sealed, unsealed=pdf)
    except (PdfRefused, CmsRefused) as refusal:
        raise SealMismatch("the sealed paper does not pass our own check", found=refusal.reason) from refusal
    if facts.certificate != signer.certificate:
        raise SealMismatch("the sealed paper is under another certificate")
    _refuse_out_of_force(signer, facts.stamp.generated_at)
    return sealed


def check_seal(sealed: bytes, *, unsealed: bytes) -> PdfSealFacts:
    """That `sealed` is `unsealed` with one seal over all of it, its signature true, its time-stamp over that signature.

    Not trust: who the certificate belongs to is the caller's question. `PdfRefused` or `CmsRefused` otherwise.
    """
    if not sealed.startswith(unsealed):
        raise PdfRefused("not-on-top-of-it")
    ranges = _BYTE_RANGE.findall(sealed, len(unsealed))
    if len(ranges) != 1:
        raise PdfRefused("not-one-seal", count=len(ranges))
    begins, ends, resumes, rest = map(int, ranges[0])
    if begins != 0 or not len(unsealed) < ends < resumes or resumes + rest != len(sealed):
        raise PdfRefused("not-over-everything")
    signature = _contents(sealed[ends:resumes])
    digest = hashlib.sha256(sealed[:ends] + sealed[resumes:]).digest()
    facts = cades.verify_detached(signature, digest)
    if facts.stamp is None:
        raise PdfRefused("no-timestamp")
    if set(facts.signed_attribute_oids) != _SIGNED:
        raise PdfRefused("signed-attributes")
    return PdfSealFacts(certificate=facts.certificate, stamp=facts.stamp)


def _prepared(pdf: bytes, *, room: int, now: datetime) -> tuple[BytesIO, bytes, Generator[Any, Any, Any]]:
    """The PDF with an empty seal, the digest to be signed, and the generator that takes the signature."""
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        if "/AcroForm" in writer.prev.root:
            raise PdfRefused("has-a-form")
        embedder = PdfCMSEmbedder(new_field_spec=SigFieldSpec(FIELD)).write_cms(field_name=FIELD, writer=writer)
        next(embedder)
        placeholder = SignatureObject(
            timestamp=now.astimezone(UTC), subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * room
        )
        permissions = SigMDPSetup(md_algorithm="sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
        embedder.send(SigObjSetup(sig_placeholder=placeholder, mdp_setup=permissions))
        prepared, output = embedder.send(SigIOSetup(md_algorithm="sha256", output=BytesIO()))
    except PdfError as error:
        raise PdfRefused("not-a-pdf", found=type(error).__name__) from error
    return output, prepared.document_digest, embedder


def _signed(digest: bytes, *, signer: Signer, stamper: Stamper) -> bytes:
    """The CMS of PAdES-B-T over this digest, the whole chain bound."""
    certificates = (signer.certificate, *signer.chain)
    bound = tuple(map(cut, certificates))
    attributes = der.set_of_sorted(
        cms.attribute(cms.CONTENT_TYPE, der.oid(cms.DATA)),
        cms.attribute(cms.MESSAGE_DIGEST, der.octets(digest)),
        cms.attribute(
            cms.SIGNING_CERTIFICATE_V2, cms.signing_certificate_v2(bound, tuple(one.digest for one in bound))
        ),
    )
    signature = signer.sign(attributes)
    token = stamper.stamp(hashlib.sha256(signature).digest())
    return cms.assemble(
        cms.before_signer(1, SHA256_IDENTIFIER, _DETACHED, certificates),
        cms.signer_info(bound[0], SHA256_IDENTIFIER, attributes, signer.algorithm.identifier, signature),
        (cms.attribute(cms.SIGNATURE_TIMESTAMP, token),),
    )


def _contents(hexadecimal: bytes) -> bytes:
    """The CMS in a `/Contents` string: one DER value, then nothing but zeros."""
    if not re.fullmatch(rb"<(?:[0-9A-F]{2})+>", hexadecimal):
        raise PdfRefused("contents")
    raw = bytes.fromhex(hexadecimal[1:-1].decode("ascii"))
    length = _der_length(raw)
    if length > len(raw) or any(raw[length:]):
        raise PdfRefused("contents")
    return raw[:length]


def _der_length(raw: bytes) -> int:
    """Bytes of the DER value that `raw` begins with, its own tag and length among them."""
    if len(raw) < 6 or raw[0] != der.SEQUENCE or not 0x82 <= raw[1] <= 0x84:
        raise PdfRefused("contents")
    size = raw[1] & 0x0F
    return 2 + size + int.from_bytes(raw[2 : 2 + size], "big")


def _refuse_out_of_force(signer: Signer, at: datetime) -> None:
    facts = facts_of(signer.certificate)
    if not facts.not_before <= at <= facts.not_after:
        raise KeyNotInForce("certificate-not-in-force", ends=facts.not_after.isoformat())
