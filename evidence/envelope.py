"""The KEP message: what travels and what is kept (K-100..K-105, rem-formats 4). No Django here.

    multipart/signed                         signed and time-stamped with the işlem certificate
      multipart/mixed; hp="clear"            carries the headers a second time, inside the signature
        multipart/alternative                introduction: what this is, in Turkish, text and HTML
        message/rfc822                       the original, byte for byte what the sender signed
        application/xml  delil-<code>.xml    evidence, each sealed and time-stamped by itself; one or more
      application/pkcs7-signature

The envelope is built like an original (`guards.mime_write`): one frame, boundaries that are digests, headers
protected as in RFC 9788. So nothing in it is free: what the signature does not cover is compared with the one
form we write. Header names are the `X-REM-*` ones of TS 102 640; a reader takes `REM-*` (EN 319 532) as well.
An envelope without the original is a receipt: it carries proofs only.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from evidence.facts import EvidenceKind, Issuer
from guards.mime import (
    Address,
    Field,
    MimeRefused,
    Part,
    ProtectionState,
    SignedMime,
    addresses,
    decode_text,
    decoded_body,
    open_signed,
    parse_signed,
    text_body,
)
from guards.mime_addresses import KINDS, read_date, read_message_id, write_date
from guards.mime_fields import one, unfold
from guards.mime_write import (
    address_value,
    embedded_message,
    header,
    leaf,
    multipart,
    signed_message,
    text_value,
)

SHA256_URI: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
ORIGINAL_NAME: Final = "AttachedMimeMessage.eml"
MAX_EVIDENCES: Final = 1_000

_SECTION: Final = "rem_message/"
_PREFIXES: Final = {"standart": "KEP iletisi: ", "eYazisma": "e-Yazışma: ", "eTebligat": "e-Tebligat: "}


class EnvelopeRefused(MimeRefused):
    """Not a KEP message. `reason` is English, for the log."""

    code = "ZRF-01"
    user_message = (
        "KEP iletisi (zarf) bozuk ya da beklenen biçimde değil; bu yüzden kullanılmadı. Hiçbir şey değiştirilmedi."
    )


@dataclass(frozen=True, slots=True)
class DispatchHeaders:
    """The headers of a KEP message (K-105). Ids stand in angle brackets; `to` and `cc` are (name, address).

    `kep_id` is the Message-ID of the envelope, `original_message_id` that of the original; `evidence_id` and
    `evidence_kind` speak of the first enclosed evidence; `provider` is the issuing provider's domain.
    """

    sender_address: str
    sender_name: str
    to: tuple[tuple[str, str], ...]
    cc: tuple[tuple[str, str], ...]
    subject: str
    kep_id: str
    original_message_id: str
    date: datetime
    evidence_id: str
    evidence_kind: EvidenceKind
    original_digest: bytes
    kind: str
    provider: str


@dataclass(frozen=True, slots=True)
class DispatchDraft:
    """An envelope before its signature: the header block, and the exact octets to sign."""

    outer_headers: bytes
    signed_part: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A KEP message as read. `original` is None in a receipt; `protected` is False when its headers are unsigned."""

    headers: DispatchHeaders
    introduction: str
    original: bytes | None = field(repr=False)
    evidences: tuple[tuple[str, bytes], ...] = field(repr=False)
    signed_part: bytes = field(repr=False)
    signature_der: bytes = field(repr=False)
    protected: bool
    is_ours: bool


def build_dispatch_part(
    *,
    provider: Issuer,
    introduction_text: str,
    introduction_html: str,
    original: bytes | None,
    evidences: Sequence[tuple[str, bytes]],
    headers: DispatchHeaders,
) -> DispatchDraft:
    """The header block and the octets to sign of a KEP message; the same arguments give the same bytes.

    Refuses (MimeRefused) what could break a header, an address outside the circuit, no evidence, and an original
    that is not CRLF text. The original and the evidence are carried as they are, never read.
    """
    if not evidences or len(evidences) > MAX_EVIDENCES:
        raise EnvelopeRefused("a KEP message carries evidence")
    if headers.provider != provider.domain:
        raise EnvelopeRefused("headers of another provider")
    block = _header_block(provider, headers, is_receipt=original is None)
    introduction = multipart(
        "alternative",
        [
            leaf('text/plain; charset="utf-8"', _crlf(introduction_text)),
            leaf('text/html; charset="utf-8"', _crlf(introduction_html)),
        ],
        more=[_section("introduction")],
    )
    parts = [introduction]
    if original is not None:
        parts.append(embedded_message(original, filename=ORIGINAL_NAME, more=[_section("original")]))
    parts += [leaf("application/xml", xml, filename=name, more=[_section("xml_evidence")]) for name, xml in evidences]
    return DispatchDraft(block, multipart("mixed", parts, first=block, attribute='hp="clear"'))


def assemble_dispatch(draft: DispatchDraft, signature_der: bytes) -> bytes:
    """The finished KEP message around the signed octets."""
    return signed_message(draft.outer_headers, draft.signed_part, signature_der)


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode("utf-8")


def _section(name: str) -> bytes:
    return header("X-REM-Section-Type", _SECTION + name)


def _header_block(provider: Issuer, headers: DispatchHeaders, *, is_receipt: bool) -> bytes:
    if headers.kind not in KINDS:
        raise EnvelopeRefused("unknown message kind")
    if not headers.to:
        raise EnvelopeRefused("no recipient")
    if len(headers.original_digest) != 32:
        raise EnvelopeRefused("a SHA-256 digest has 32 bytes")
    shown_sender = Address(f"{headers.sender_address} adına", provider.address)
    lines = [
        header("From", address_value([shown_sender])),
        header("Reply-To", address_value([Address(headers.sender_name, headers.sender_address)])),
        header("To", address_value(Address(name, address) for name, address in headers.to)),
    ]
    if headers.cc:
        lines.append(header("Cc", address_value(Address(name, address) for name, address in headers.cc)))
    lines += [
        header("Subject", text_value(_PREFIXES[headers.kind] + headers.subject)),
        header("Date", write_date(headers.date)),
        header("Message-ID", read_message_id(headers.kep_id)),
        header("X-REM-Msg-Type", "Message" if is_receipt else "Dispatch"),
        header("X-REM-Evidence-Type", headers.evidence_kind.root_element),
    ]
    if headers.evidence_kind.event_code is not None:
        lines.append(header("X-REM-Event", headers.evidence_kind.event_code))
    lines += [
        header("X-REM-Event-Code", str(int(headers.evidence_kind))),
        header("X-REM-Evidence-Identifier", f"<{headers.evidence_id}>"),
        header("X-REM-Message-Identifier", headers.kep_id),
        header("X-REM-UAMessageIdentifier", read_message_id(headers.original_message_id)),
        header("X-REM-DigestMethod", SHA256_URI),
        header("X-REM-DigestValue", base64.b64encode(headers.original_digest).decode("ascii")),
        header("X-REM-ApplicablePolicy", provider.policy_id),
        header("X-TR-REM-iletiTip", headers.kind),
    ]
    return b"".join(lines)


def read_dispatch(raw: bytes) -> Dispatch:
    """Read a KEP message of ours or, with `REM-*` names, of another provider.

    Refuses HeadersDiffer for a header changed after signing and MimeRefused (EnvelopeRefused) for anything that is
    not one unambiguous KEP message: parts out of order, two originals, no evidence, missing headers. Signature and
    proofs are not checked here.
    """
    cut, protection = open_signed(raw)
    tree = parse_signed(cut)
    if tree.content_type != "multipart/mixed":
        raise EnvelopeRefused("signed part is not multipart/mixed")
    return _dispatch(cut, tree, protection)


def _dispatch(cut: SignedMime, tree: Part, protection: ProtectionState) -> Dispatch:
    introduction: Part | None = None
    original: bytes | None = None
    evidences: list[tuple[str, bytes]] = []
    extended = False
    for part in tree.children:
        section = _section_of(part)
        if section == "introduction" and introduction is None and original is None and not evidences:
            introduction = part
        elif section == "original" and original is None and introduction is not None and not (evidences or extended):
            original = part.body
        elif section == "xml_evidence" and introduction is not None and not extended:
            evidences.append((part.filename or "", decoded_body(part)))
        elif section == "extension" and evidences:
            extended = True
        else:
            raise EnvelopeRefused("parts out of order", section=section)
    if introduction is None or not evidences:
        raise EnvelopeRefused("introduction or evidence missing")
    if len({name for name, _ in evidences}) != len(evidences):
        raise EnvelopeRefused("two pieces of evidence under one name")
    return Dispatch(
        headers=_read_headers(cut.outer),
        introduction=text_body(introduction),
        original=original,
        evidences=tuple(evidences),
        signed_part=cut.signed_part,
        signature_der=cut.signature_der,
        protected=protection is ProtectionState.PROTECTED,
        is_ours=cut.is_ours,
    )


_BY_TYPE: Final = {
    "multipart/alternative": "introduction",
    "message/rfc822": "original",
    "application/xml": "xml_evidence",
}


def _section_of(part: Part) -> str:
    """What a part is, by its content type; its own word for it must not say otherwise."""
    by_type = _BY_TYPE.get(part.content_type, "extension")
    given = one(part.headers, "x-rem-section-type") or one(part.headers, "rem-section-type")
    if given is None:
        return by_type
    said = unfold(given.raw).removeprefix(_SECTION)
    if said == "extension" and by_type == "xml_evidence":
        return said
    if said != by_type:
        raise EnvelopeRefused("part is not what it says")
    return said


def _read_headers(fields: Sequence[Field]) -> DispatchHeaders:
    service = addresses(_need(fields, "from"))
    sender = addresses(_need(fields, "reply-to"))
    cc = one(fields, "cc")
    kind_field = one(fields, "x-tr-rem-iletitip")
    kind = unfold(kind_field.raw) if kind_field is not None else "standart"
    if len(service) != 1 or len(sender) != 1 or kind not in KINDS:
        raise EnvelopeRefused("headers of another form")
    if unfold(_rem(fields, "digestmethod", "digestalgorithm").raw) != SHA256_URI:
        raise EnvelopeRefused("digest algorithm not accepted")
    try:
        digest = base64.b64decode(unfold(_rem(fields, "digestvalue").raw), validate=True)
        evidence_kind = EvidenceKind(int(unfold(_rem(fields, "event-code").raw)))
    except (binascii.Error, ValueError):
        raise EnvelopeRefused("headers of another form") from None
    kep_id = read_message_id(unfold(_need(fields, "message-id").raw))
    if unfold(_rem(fields, "message-identifier").raw) != kep_id:
        raise EnvelopeRefused("two KEP ids")
    return DispatchHeaders(
        sender_address=sender[0].address,
        sender_name=sender[0].name,
        to=tuple((each.name, each.address) for each in addresses(_need(fields, "to"))),
        cc=tuple((each.name, each.address) for each in addresses(cc)) if cc is not None else (),
        subject=decode_text(_need(fields, "subject").raw).removeprefix(_PREFIXES[kind]),
        kep_id=kep_id,
        original_message_id=read_message_id(unfold(_rem(fields, "uamessageidentifier").raw)),
        date=read_date(unfold(_need(fields, "date").raw)),
        evidence_id=unfold(_rem(fields, "evidence-identifier", "evidence-id").raw).strip("<>"),
        evidence_kind=evidence_kind,
        original_digest=digest,
        kind=kind,
        provider=service[0].address.partition("@")[2],
    )


def _need(fields: Sequence[Field], name: str) -> Field:
    found = one(fields, name)
    if found is None:
        raise EnvelopeRefused("header missing", name=name)
    return found


def _rem(fields: Sequence[Field], *names: str) -> Field:
    """The REM header of one of these names, in the form of TS 102 640 (`X-REM-`) or of EN 319 532 (`REM-`)."""
    for name in names:
        found = one(fields, f"x-rem-{name}") or one(fields, f"rem-{name}")
        if found is not None:
            return found
    raise EnvelopeRefused("header missing", name=names[0])
