"""Cutting a `multipart/signed` message, and comparing its protected headers.

The signature of a `multipart/signed` message covers the octets of the first part and nothing else. openssl
verifies such a message also when its line ends were changed, when text stands before the first or after the
last delimiter, when `micalg` lies and when every outer header was replaced. What a program shows or acts on
must be what was signed (V-060), so this cutter accepts exactly one frame: two parts, exact delimiter lines,
CRLF only, no text outside; and the headers outside must equal the block that stands inside, on the signed
part's root (RFC 9788, `hp="clear"`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from guards.mime_addresses import addresses
from guards.mime_fields import (
    Field,
    HeadersDiffer,
    MimeRefused,
    cut_fields,
    decode_base64,
    decode_text,
    head_end,
    one,
    parameters,
    refuse_line_ends,
    refuse_repeated,
)
from guards.mime_write import OUR_BOUNDARY_PREFIX, signed_frame

MAX_SIGNED_BYTES: Final = 33_554_432
MAX_SIGNATURE_BYTES: Final = 1_048_576
MAX_LINE_BYTES: Final = 998

_SIGNATURE_TYPES: Final = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_DIGESTS: Final = {"sha-256": "sha256", "sha256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")
_OUR_BOUNDARY = re.compile(OUR_BOUNDARY_PREFIX + "[0-9a-f]{32}")
_ADDRESS_FIELDS: Final = frozenset({"from", "to", "cc", "reply-to"})


class ProtectionState(Enum):
    """Whether the signature covers the headers a reader sees."""

    PROTECTED = "protected"
    ABSENT = "absent"
    """The signed part carries no header: shown as *başlıklar imza kapsamında değil* (design.md 1.3)."""


@dataclass(frozen=True, slots=True)
class SignedMime:
    """The cut message. `signed_part` are the exact signed octets; `digest_name` is the hashlib name of `micalg`.

    `is_ours` is read from the signed octets alone (our boundary, `hp="clear"`), so nobody can take it away.
    """

    outer: tuple[Field, ...]
    signed_part: bytes
    signature_der: bytes
    inner: tuple[Field, ...]
    boundary: str
    digest_name: str
    declares_protection: bool
    is_ours: bool

    @property
    def protected_block(self) -> bytes:
        """The inner header fields that are not about the part itself, as they stand."""
        return b"".join(field.line for field in self.inner if not _is_structural(field))


def cut_signed(raw: bytes) -> SignedMime:
    """Cut a `multipart/signed` message into its signed octets and its detached signature.

    Refuses (MimeRefused): bare CR or LF, NUL, a line over 998 bytes, any header name twice, a text before the
    first or after the last delimiter, blanks after a delimiter, any number of parts but two, a missing close
    delimiter or final CRLF, a micalg weaker than SHA-256, a second part that is not one strict base64 signature.
    """
    if len(raw) > MAX_SIGNED_BYTES:
        raise MimeRefused("message too large", size=len(raw), limit=MAX_SIGNED_BYTES)
    refuse_line_ends(raw)
    _refuse_long_lines(raw)
    body_start = head_end(raw, 0, len(raw))
    outer = cut_fields(raw, 0, body_start)
    refuse_repeated(outer)
    boundary, digest_name = _frame(outer)
    needle = b"\r\n--" + boundary.encode("ascii")
    first = body_start - 2
    if not raw.startswith(needle + b"\r\n", first):
        raise MimeRefused("text before the first delimiter")
    part_start = first + len(needle) + 2
    second = raw.find(needle, part_start - 2)
    last = raw.find(needle, second + len(needle)) if second >= part_start else -1
    second_line = second + len(needle)
    if last < 0 or not raw.startswith(b"\r\n", second_line) or raw[last + len(needle) :] != b"--\r\n":
        raise MimeRefused("not exactly two parts between exact delimiters, or text after them")
    signed_part = raw[part_start:second]
    inner_body = head_end(signed_part, 0, len(signed_part))
    inner = cut_fields(signed_part, 0, inner_body)
    refuse_repeated(inner)
    inner_type = one(inner, "content-type")
    root: Mapping[str, str] = parameters(inner_type.raw)[1] if inner_type is not None else {}
    return SignedMime(
        outer=outer,
        signed_part=signed_part,
        signature_der=_signature(raw, second_line + 2, last),
        inner=inner,
        boundary=boundary,
        digest_name=digest_name,
        declares_protection="hp" in root,
        is_ours=root.get("hp") == "clear" and _OUR_BOUNDARY.fullmatch(root.get("boundary", "")) is not None,
    )


def _refuse_long_lines(raw: bytes) -> None:
    """Jump from line end to line end instead of looking at every line; refuses a line over 998 bytes (V-070)."""
    at, end = 0, len(raw)
    while at + MAX_LINE_BYTES < end:
        line_end = raw.rfind(b"\r\n", at, at + MAX_LINE_BYTES + 2)
        if line_end < 0:
            raise MimeRefused("line too long", at=at)
        at = line_end + 2


def _frame(outer: tuple[Field, ...]) -> tuple[str, str]:
    version, given = one(outer, "mime-version"), one(outer, "content-type")
    if version is None or version.raw.strip(b" ") != b"1.0":
        raise MimeRefused("MIME-Version missing or unknown")
    if given is None:
        raise MimeRefused("not a signed message")
    content_type, values = parameters(given.raw)
    if content_type != "multipart/signed" or values.get("protocol", "").lower() not in _SIGNATURE_TYPES:
        raise MimeRefused("not a signed message")
    digest_name = _DIGESTS.get(values.get("micalg", "").lower())
    if digest_name is None:
        raise MimeRefused("digest algorithm not accepted", name="micalg")
    encoding = one(outer, "content-transfer-encoding")
    if encoding is not None and encoding.raw.strip(b" ").lower() not in (b"7bit", b"8bit"):
        raise MimeRefused("encoded composite part")
    boundary = values.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise MimeRefused("malformed boundary")
    return boundary, digest_name


def _signature(raw: bytes, start: int, end: int) -> bytes:
    body_start = head_end(raw, start, end)
    fields = cut_fields(raw, start, body_start)
    refuse_repeated(fields)
    given, encoding = one(fields, "content-type"), one(fields, "content-transfer-encoding")
    if given is None or parameters(given.raw)[0] not in _SIGNATURE_TYPES:
        raise MimeRefused("second part is not a signature")
    if encoding is None or encoding.raw.strip(b" ").lower() != b"base64":
        raise MimeRefused("signature is not base64")
    if end - body_start > 2 * MAX_SIGNATURE_BYTES:
        raise MimeRefused("signature too large")
    return decode_base64(raw[body_start:end])


def open_signed(raw: bytes) -> tuple[SignedMime, ProtectionState]:
    """Cut `raw`, compare its protected headers, and for a message of our own make compare the whole frame.

    Refuses what `cut_signed` and `compare_protected_headers` refuse. When the signed octets are of our make, any
    byte outside them that differs from the one frame we write is refused too: then no byte of the message is
    free. Messages made elsewhere are compared by decoded header values.
    """
    cut = cut_signed(raw)
    state = compare_protected_headers(cut.outer, cut.inner, uploaded=not cut.is_ours, declared=cut.declares_protection)
    if cut.is_ours:
        head, tail = signed_frame(cut.protected_block, cut.signed_part, cut.signature_der)
        if not (raw.startswith(head) and raw.endswith(tail)):
            raise MimeRefused("frame around the signed part changed")
    return cut, state


def compare_protected_headers(
    outer: tuple[Field, ...],
    inner: tuple[Field, ...],
    *,
    uploaded: bool = False,
    declared: bool = False,
) -> ProtectionState:
    """Whether the outer headers are the signed ones.

    Content-* and MIME-Version describe a part and are left out. What remains must be equal, byte for byte and
    in order. With `uploaded` (a message made elsewhere) folding and encoding may differ and the decoded values
    are compared instead; the set of names must still be the same. An inner part without any such field answers
    ABSENT, unless it was `declared` protected. Any difference raises HeadersDiffer with the field's name.
    """
    outside = [field for field in outer if not _is_structural(field)]
    inside = [field for field in inner if not _is_structural(field)]
    refuse_repeated(outside)
    refuse_repeated(inside)
    if not inside and not declared:
        return ProtectionState.ABSENT
    if outside == inside:
        return ProtectionState.PROTECTED
    if uploaded:
        outside.sort(key=lambda field: field.name)
        inside.sort(key=lambda field: field.name)
    for position in range(max(len(outside), len(inside))):
        seen = outside[position] if position < len(outside) else None
        signed = inside[position] if position < len(inside) else None
        if seen is None or signed is None or seen.name != signed.name:
            raise HeadersDiffer(_first_odd(outside, inside, position))
        if seen.line != signed.line and not (uploaded and _decoded(seen) == _decoded(signed)):
            raise HeadersDiffer(seen.name)
    return ProtectionState.PROTECTED


def _first_odd(outside: list[Field], inside: list[Field], position: int) -> str:
    """The name to blame when the two lists part at `position`: an added one, a lost one, else the moved one."""
    outside_names, inside_names = {field.name for field in outside}, {field.name for field in inside}
    for field in outside[position:]:
        if field.name not in inside_names:
            return field.name
    for field in inside[position:]:
        if field.name not in outside_names:
            return field.name
    return outside[position].name if position < len(outside) else inside[position].name


def _decoded(field: Field) -> object:
    return addresses(field) if field.name in _ADDRESS_FIELDS else decode_text(field.raw)


def _is_structural(field: Field) -> bool:
    return field.name == "mime-version" or field.name.startswith("content-")
