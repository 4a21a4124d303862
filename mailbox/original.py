"""The original message of design.md 1.3: what a person signs, and how everybody reads it again.

It is built once. The octets that `build_signed_part` answers are the octets the signer hashes, the server
assembles and the court receives; nothing after the signature changes them, not a fold, not a line end (K-083).
The header block is written once and stands twice, byte for byte: outside, where mail readers look, and on the
root of the signed part, where the signature covers it. Whoever changes a subject or an address afterwards is
found by comparing the two.

`read_original` is the one reader for submit, view, search, evidence and relay (V-067). An original made
elsewhere may come without protected headers; then `protected` is False and the screens say so.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from guards.mime import (
    Address,
    Attachment,
    HeadersDiffer,
    MimeRefused,
    Part,
    ProtectionState,
    attachments,
    open_signed,
    parse,
    parse_signed,
    read_headers,
    text_body,
)
from guards.mime_addresses import KINDS, read_message_id, write_date
from guards.mime_fields import MAX_HEADER_BYTES, cut_fields, head_end, unshowable
from guards.mime_write import address_value, header, leaf, multipart, signed_message, text_value

MAX_ORIGINAL_BYTES: Final = 26_214_400
"""The finished original, signature and all, for everybody (design.md 1.1.3, K-090)."""

SIGNATURE_ROOM: Final = 24_576
"""Bytes kept free for the signature, its chain and its time-stamp, so that a refusal comes before the PIN."""

OUTER_HEADER_ROOM: Final = 1_024
"""Bytes kept free for the outer Content-Type, which the inner block does not hold."""

MAX_NAME_CHARACTERS: Final = 255

_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_ID_TEXT = re.compile(r"[!-~]{1,200}")


class OriginalRefused(MimeRefused):
    """What was given cannot become an original, or is none; maps to Reason.INVALID_MESSAGE_FORMAT."""

    code = "ILT-22"
    user_message = (
        "İleti bu içerikle oluşturulamıyor: konu, ad ya da dosya adlarından biri gösterilemeyen bir karakter "
        "taşıyor veya zorunlu bir alan eksik. Taslağınız duruyor. Alanları denetleyip yeniden deneyin."
    )


class OriginalTooLarge(OriginalRefused):
    """The finished original would exceed MAX_ORIGINAL_BYTES. Facts: `size`, `limit` in bytes."""

    code = "ILT-02"
    user_message = (
        "İleti ekleri ve imzasıyla birlikte {size} bayt oluyor; en çok {limit} bayt gönderilebilir. "
        "Taslağınız duruyor. Ekleri küçültüp yeniden deneyin."
    )


class OriginalTooMuch(OriginalRefused):
    """More parts or longer headers than any reader of ours takes, found before anything is signed."""

    code = "ILT-23"
    user_message = (
        "İletinin başlıkları ya da ek sayısı tek bir iletiye sığmıyor. Taslağınız duruyor. "
        "Konuyu kısaltın ya da alıcıları ve ekleri birkaç iletiye bölün."
    )


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """A file to attach: its name as the sender sees it, its media type, its bytes (may be none)."""

    filename: str
    content_type: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DraftContent:
    """Everything the sender signs. `date` is aware; `message_id` is `<uuid7-hex@hs01.kep.tr>`, set before signing."""

    from_: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    text: str
    attachments: tuple[AttachmentContent, ...]
    date: datetime
    message_id: str
    kind: str = "standart"
    kind_id: str | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """An original as read. `digest_name` is the hash its signature must use; `tree` the parts of the signed part."""

    from_: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    message_id: str
    kind: str
    kind_id: str | None
    date: datetime
    text: str
    attachments: tuple[Attachment, ...]
    protected: bool
    signed_part: bytes = field(repr=False)
    signature_der: bytes = field(repr=False)
    digest_name: str
    tree: Part = field(repr=False, compare=False)

    @property
    def recipients(self) -> tuple[Address, ...]:
        """To and then Cc, the order in which evidence counts recipients from 1."""
        return self.to + self.cc


def build_signed_part(content: DraftContent) -> bytes:
    """The exact octets to sign: `multipart/mixed` with the protected headers on its root (RFC 9788).

    Refuses OriginalRefused for a subject, name or file name that could break a header or cannot be shown, an
    address outside the closed circuit, no recipient, a naive date, an unknown kind; OriginalTooLarge and
    OriginalTooMuch before anything is signed when our own reader would not take the finished original.
    """
    if not content.to:
        raise OriginalRefused("no recipient")
    if content.kind not in KINDS:
        raise OriginalRefused("unknown message kind")
    if content.date.tzinfo is None:
        raise OriginalRefused("date without time zone")
    try:
        block = _header_block(content)
        parts = [leaf('text/plain; charset="utf-8"', _text_bytes(content.text))]
        parts += [_attached(attachment) for attachment in content.attachments]
        signed_part = multipart("mixed", parts, first=block, attribute='hp="clear"')
    except OriginalRefused:
        raise
    except MimeRefused as refusal:
        raise OriginalRefused(refusal.reason, **refusal.facts) from refusal
    _refuse_large(len(signed_part) + len(block) + SIGNATURE_ROOM)
    _refuse_much(signed_part, block)
    return signed_part


def _header_block(content: DraftContent) -> bytes:
    lines = [header("From", address_value([content.from_])), header("To", address_value(content.to))]
    if content.cc:
        lines.append(header("Cc", address_value(content.cc)))
    lines += [
        header("Subject", text_value(content.subject)),
        header("Date", write_date(content.date)),
        header("Message-ID", read_message_id(content.message_id)),
        header("X-TR-REM-iletiTip", content.kind),
    ]
    if content.kind_id is not None:
        if not _ID_TEXT.fullmatch(content.kind_id):
            raise OriginalRefused("malformed kind id")
        lines.append(header("X-TR-REM-iletiID", content.kind_id))
    return b"".join(lines)


def _text_bytes(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    try:
        return lines.encode("utf-8")
    except UnicodeEncodeError:
        raise OriginalRefused("text with a lone surrogate") from None


def _attached(attachment: AttachmentContent) -> bytes:
    name = attachment.filename
    if not name.strip() or len(name) > MAX_NAME_CHARACTERS or name in (".", "..") or "/" in name:
        raise OriginalRefused("file name not accepted")
    if fault := unshowable(name):
        raise OriginalRefused("file name not accepted", fault=fault)
    if not _CONTENT_TYPE.fullmatch(attachment.content_type):
        raise OriginalRefused("content type not accepted")
    composite = attachment.content_type.startswith(("message/", "multipart/"))
    return leaf("application/octet-stream" if composite else attachment.content_type, attachment.raw, filename=name)


def _refuse_large(size: int) -> None:
    if size > MAX_ORIGINAL_BYTES:
        raise OriginalTooLarge("original too large", size=size, limit=MAX_ORIGINAL_BYTES)


def _refuse_much(signed_part: bytes, block: bytes) -> None:
    """Each value was looked at while it was written; what a reader may still refuse is the amount."""
    try:
        parse(signed_part)
    except MimeRefused as refusal:
        raise OriginalTooMuch(refusal.reason, **refusal.facts) from refusal
    if len(block) + OUTER_HEADER_ROOM > MAX_HEADER_BYTES:
        raise OriginalTooMuch("headers too long", size=len(block))


def wrap_signed(signed_part: bytes, signature_der: bytes) -> bytes:
    """The finished original: outer headers byte for byte the inner block, then the two parts.

    `signed_part` must come from `build_signed_part`; a part without protected headers is refused, and
    OriginalTooLarge above the limit.
    """
    inner = cut_fields(signed_part, 0, head_end(signed_part, 0, len(signed_part)))
    block = b"".join(given.line for given in inner if not given.name.startswith("content-"))
    if not block:
        raise OriginalRefused("signed part without protected headers")
    raw = signed_message(block, signed_part, signature_der)
    _refuse_large(len(raw))
    return raw


def read_original(raw: bytes) -> Original:
    """Read a finished original, ours or uploaded.

    Refuses OriginalTooLarge, HeadersDiffer (a header changed after signing, with its name) and OriginalRefused
    for anything that is not one unambiguous signed message with its required headers. The signature itself is
    checked elsewhere, over `signed_part`.
    """
    _refuse_large(len(raw))
    try:
        cut, protection = open_signed(raw)
        tree = parse_signed(cut)
        facts = read_headers(cut.outer)
        return Original(
            from_=facts.from_,
            to=facts.to,
            cc=facts.cc,
            subject=facts.subject,
            message_id=facts.message_id,
            kind=facts.kind,
            kind_id=facts.kind_id,
            date=facts.date,
            text=text_body(tree),
            attachments=attachments(tree),
            protected=protection is ProtectionState.PROTECTED,
            signed_part=cut.signed_part,
            signature_der=cut.signature_der,
            digest_name=cut.digest_name,
            tree=tree,
        )
    except (HeadersDiffer, OriginalRefused):
        raise
    except MimeRefused as refusal:
        raise OriginalRefused(refusal.reason, **refusal.facts) from refusal
