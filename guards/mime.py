"""The one MIME parser of the product (V-066, V-067).

It cuts: every part is a pair of offsets into the received bytes, which stay as they are for evidence. It
never re-serialises, because a library that writes back what it has read writes something else. It decides
once for all: what the reader sees, what search finds, what evidence names and what relay forwards come from
this tree. And it refuses rather than guesses: any bytes give either one tree or `MimeRefused`, within two
seconds and 256 MB. Inside a signed part preamble, epilogue and blanks after a delimiter are tolerated because
ordinary mail programs write them; the outer `multipart/signed` frame is cut by `cut_signed`, which tolerates
nothing.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from guards.mime_addresses import Address, MessageHeaders, addresses, is_kep_address, read_headers
from guards.mime_fields import (
    Field,
    HeadersDiffer,
    MimeRefused,
    cut_fields,
    decode_base64,
    decode_charset,
    decode_text,
    head_end,
    one,
    parameters,
    refuse_line_ends,
)
from guards.mime_signed import ProtectionState, SignedMime, compare_protected_headers, cut_signed, open_signed

__all__ = [
    "DEFAULT",
    "Address",
    "Attachment",
    "Field",
    "HeadersDiffer",
    "MessageHeaders",
    "MimeLimits",
    "MimeRefused",
    "Part",
    "ProtectionState",
    "SignedMime",
    "addresses",
    "attachments",
    "compare_protected_headers",
    "cut_signed",
    "decode_text",
    "decoded_body",
    "is_kep_address",
    "open_signed",
    "parse",
    "parse_signed",
    "read_headers",
    "text_body",
]


@dataclass(frozen=True, slots=True)
class MimeLimits:
    """How much a message may ask of us. Bytes of the whole message, parts in the whole tree, nested multiparts."""

    max_bytes: int = 33_554_432
    max_parts: int = 1_000
    max_depth: int = 12


DEFAULT: Final = MimeLimits()

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_UNTYPED: Final[tuple[str, Mapping[str, str]]] = "text/plain", MappingProxyType({"charset": "us-ascii"})
_NO_DISPOSITION: Final[tuple[None, Mapping[str, str]]] = None, MappingProxyType({})
_ENCODINGS: Final = ("7bit", "8bit", "base64", "quoted-printable")
_BAD_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*+\r\n)|[^\t\r\n -~]")
_BLANKS_AT_LINE_END = re.compile(rb"(?<![ \t])[ \t]++(?=\r\n|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """One entity. Offsets count in `raw`, the whole parsed message; `filename` and names are decoded text."""

    headers: tuple[Field, ...]
    start: int
    body_start: int
    end: int
    content_type: str
    parameters: Mapping[str, str]
    encoding: str
    disposition: str | None
    filename: str | None
    children: tuple["Part", ...]
    raw: bytes = field(repr=False, compare=False)

    @property
    def head(self) -> tuple[int, int]:
        """First and last offset of the header block, its blank line included."""
        return self.start, self.body_start

    @property
    def octets(self) -> bytes:
        """The whole entity, headers and body, byte for byte."""
        return self.raw[self.start : self.end]

    @property
    def body(self) -> bytes:
        """The body as it stands, transfer encoding not undone."""
        return self.raw[self.body_start : self.end]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A leaf that is not the shown text. `filename` never holds a path separator; `size` is decoded bytes."""

    filename: str
    content_type: str
    size: int
    part: Part


def parse(raw: bytes, *, limits: MimeLimits = DEFAULT) -> Part:
    """The tree of `raw`, headers and nested multiparts; `message/rfc822` is a leaf.

    Any bytes give a tree or MimeRefused. Refused are bare CR or LF, NUL, 8-bit headers, malformed or ambiguous
    delimiters, a missing close delimiter, binary transfer encoding, and whatever exceeds `limits`.
    """
    if len(raw) > limits.max_bytes:
        raise MimeRefused("message too large", size=len(raw), limit=limits.max_bytes)
    refuse_line_ends(raw)
    return _Cutter(raw, limits).part(0, len(raw), 0)


def parse_signed(cut: SignedMime) -> Part:
    """`parse` for the signed part of a message that was cut: its head is read already, its line ends are in order.

    The part begins behind a line end and ends before one, so no pair of CR and LF was torn when it was cut out.
    """
    return _Cutter(cut.signed_part, DEFAULT).part(0, len(cut.signed_part), 0, headers=cut.inner)


class _Cutter:
    def __init__(self, raw: bytes, limits: MimeLimits) -> None:
        self.raw, self.limits, self.parts = raw, limits, 0

    def part(self, start: int, end: int, depth: int, headers: tuple[Field, ...] | None = None) -> Part:
        self.parts += 1
        if self.parts > self.limits.max_parts or depth > self.limits.max_depth:
            raise MimeRefused("too many or too deep parts")
        body_start = head_end(self.raw, start, end)
        headers = cut_fields(self.raw, start, body_start) if headers is None else headers
        given_type, given_disposition = one(headers, "content-type"), one(headers, "content-disposition")
        content_type, type_parameters = parameters(given_type.raw) if given_type is not None else _UNTYPED
        if "/" not in content_type:
            raise MimeRefused("malformed content type")
        disposition, disposition_parameters = (
            parameters(given_disposition.raw) if given_disposition is not None else _NO_DISPOSITION
        )
        encoding = self.encoding(headers, content_type)
        children: tuple[Part, ...] = ()
        if content_type.startswith("multipart/"):
            children = tuple(
                self.part(first, last, depth + 1)
                for first, last in self.slices(type_parameters.get("boundary", ""), body_start, end)
            )
        return Part(
            headers=headers,
            start=start,
            body_start=body_start,
            end=end,
            content_type=content_type,
            parameters=type_parameters,
            encoding=encoding,
            disposition=disposition,
            filename=disposition_parameters.get("filename", type_parameters.get("name")),
            children=children,
            raw=self.raw,
        )

    def encoding(self, headers: tuple[Field, ...], content_type: str) -> str:
        given = one(headers, "content-transfer-encoding")
        encoding = "7bit" if given is None else given.raw.strip(b" \t\r\n").decode("ascii").lower()
        if encoding not in _ENCODINGS:
            raise MimeRefused("transfer encoding not accepted", encoding=encoding[:40])
        if content_type.startswith(("multipart/", "message/")) and encoding not in ("7bit", "8bit"):
            raise MimeRefused("encoded composite part")
        return encoding

    def slices(self, boundary: str, body_start: int, end: int) -> list[tuple[int, int]]:
        if not _BOUNDARY.fullmatch(boundary):
            raise MimeRefused("malformed boundary")
        needle = b"\r\n--" + boundary.encode("ascii")
        found: list[tuple[int, int]] = []
        part_start: int | None = None
        at = body_start - 2
        while (hit := self.raw.find(needle, at, end)) >= 0:
            if part_start is not None:
                found.append((part_start, hit))  # hit may lie before part_start: head_end refuses that
                if len(found) > self.limits.max_parts:
                    raise MimeRefused("too many or too deep parts")
            after = hit + len(needle)
            line_end = self.raw.find(b"\r\n", after, min(end, after + 1_000))
            rest = self.raw[after : line_end if line_end >= 0 else min(end, after + 1_000)].rstrip(b" \t")
            if rest == b"--" and part_start is not None:
                if self.raw.find(needle, after, end) >= 0:
                    raise MimeRefused("delimiter after the close delimiter")
                return found
            if rest or line_end < 0:
                raise MimeRefused("ambiguous delimiter")
            part_start, at = line_end + 2, line_end
        raise MimeRefused("close delimiter missing")


def decoded_body(part: Part) -> bytes:
    """The body with its transfer encoding undone. Refuses malformed base64 or quoted-printable and 8 bits in 7bit."""
    body = part.body
    if part.encoding == "base64":
        return decode_base64(body)
    if part.encoding == "quoted-printable":
        if _BAD_QUOTED.search(body):
            raise MimeRefused("malformed quoted-printable")
        return binascii.a2b_qp(_BLANKS_AT_LINE_END.sub(b"", body))
    if part.encoding == "7bit" and not body.isascii():
        raise MimeRefused("8-bit bytes in a 7bit part")
    return body


def leaves(part: Part) -> Iterator[Part]:
    """Every part without children, in the order of the bytes."""
    if not part.children:
        yield part
    for child in part.children:
        yield from leaves(child)


def text_part(part: Part) -> Part | None:
    """The leaf shown as the message text: the first text/plain that is no attachment."""
    return next(
        (leaf for leaf in leaves(part) if leaf.content_type == "text/plain" and leaf.disposition != "attachment"),
        None,
    )


def text_body(part: Part) -> str:
    """The shown text with line feeds as line ends; empty when the message has no text/plain."""
    leaf = text_part(part)
    if leaf is None:
        return ""
    return decode_charset(decoded_body(leaf), leaf.parameters.get("charset", "us-ascii")).replace("\r\n", "\n")


def attachments(part: Part) -> tuple[Attachment, ...]:
    """Every leaf but the shown text, so that nothing of a message is out of reach.

    A nameless leaf is called `ek-N`; `/` in a name becomes `_` (V-054: a name is never a path).
    """
    shown = text_part(part)
    found: list[Attachment] = []
    for leaf in leaves(part):
        if leaf is shown:
            continue
        name = (leaf.filename or "").replace("/", "_") or f"ek-{len(found) + 1}"
        found.append(Attachment(name, leaf.content_type, len(decoded_body(leaf)), leaf))
    return tuple(found)
