"""Writing the few MIME forms we emit, once, in bytes that never change afterwards.

What every reader reads alike is narrow, so little is written: headers in a fixed order, encoded words of whole
characters, bodies in base64 of 76 columns, CRLF everywhere, 7-bit clean. Boundaries are digests of what they
enclose: the same content gives the same bytes after a crash, no random source is asked, and content can not
contain its own boundary. A value that could end its line (V-071) is refused here, whatever the caller promised.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from guards.mime_addresses import Address, is_kep_address
from guards.mime_fields import MimeRefused, unshowable

_PLAIN_TEXT = re.compile(r"[!-~]+(?: [!-~]+)*|")
_PLAIN_NAME = re.compile(r"[0-9A-Za-z]+(?: [0-9A-Za-z]+)*|")
_PLAIN_PARAMETER = re.compile(r"[0-9A-Za-z._-]+(?: [0-9A-Za-z._-]+)*")
_ATTRIBUTE_BYTES: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-")
_FIELD_NAME = re.compile(r"[0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[ -~]*(?:\r\n [ -~]*)*")
_BASE64_LINES = re.compile(rb".{1,76}").findall

OUR_BOUNDARY_PREFIX: Final = "kep-"
"""Begins the boundary of every multipart we write; 32 hexadecimal digits follow."""

_WORD_BYTES: Final = 39  # 52 base64 characters + 12 of frame: an encoded word of 64 fits behind any of our names
_PLAIN_LIMIT: Final = 60
_LINE_LIMIT: Final = 76


def header(name: str, value: str) -> bytes:
    """The line `name: value` with its CRLF. `value` is finished ASCII and may hold folds made by this module."""
    if not _FIELD_NAME.fullmatch(name):
        raise MimeRefused("malformed field name", name=name[:40])
    if not _FIELD_VALUE.fullmatch(value):
        raise MimeRefused("header value would break its line", name=name)
    return (f"{name}: {value}\r\n" if value else f"{name}:\r\n").encode("ascii")


def text_value(text: str) -> str:
    """`text` for an unstructured field such as Subject: plain when short and harmless, else encoded words.

    Refuses (MimeRefused) what `unshowable` refuses: line ends, controls, bidi controls.
    """
    _refuse_unshowable(text)
    if len(text) <= _PLAIN_LIMIT and "=?" not in text and _PLAIN_TEXT.fullmatch(text):
        return text
    return "\r\n ".join(_encoded_words(text))


def address_value(given: Iterable[Address]) -> str:
    """The mailboxes for From, To or Cc, one on a line. Refuses an address outside the closed circuit."""
    mailboxes: list[str] = []
    for address in given:
        if not is_kep_address(address.address):
            raise MimeRefused("not a KEP address")
        _refuse_unshowable(address.name)
        if not address.name:
            mailboxes.append(address.address)
        elif len(address.name) <= _PLAIN_LIMIT and _PLAIN_NAME.fullmatch(address.name):
            mailboxes.append(f"{address.name}\r\n <{address.address}>")
        else:
            mailboxes.append("\r\n ".join([*_encoded_words(address.name), f"<{address.address}>"]))
    return ",\r\n ".join(mailboxes)


def _refuse_unshowable(text: str) -> None:
    if fault := unshowable(text):
        raise MimeRefused("unshowable text", fault=fault)


def _encoded_words(text: str) -> list[str]:
    return [f"=?utf-8?b?{base64.b64encode(piece).decode('ascii')}?=" for piece in _split_characters(text, _WORD_BYTES)]


def _split_characters(text: str, limit: int) -> list[bytes]:
    """UTF-8 in pieces of at most `limit` bytes (4 or more), cut between characters."""
    raw, pieces, at = text.encode("utf-8"), [], 0
    while len(raw) - at > limit:
        end = at + limit
        while raw[end] & 0xC0 == 0x80:  # in the middle of a character
            end -= 1
        pieces.append(raw[at:end])
        at = end
    pieces.append(raw[at:])
    return pieces


def parameter(name: str, value: str) -> str:
    """`; name="value"` on lines of its own; RFC 2231 in UTF-8, cut between characters, for all but plain names."""
    _refuse_unshowable(value)
    if len(value) <= _PLAIN_LIMIT - len(name) and _PLAIN_PARAMETER.fullmatch(value):
        return f';\r\n {name}="{value}"'
    sections: list[str] = []
    room = _LINE_LIMIT - len(name) - 8
    section = "utf-8''"
    for character in value:
        escaped = "".join(chr(b) if b in _ATTRIBUTE_BYTES else f"%{b:02X}" for b in character.encode("utf-8"))
        if len(section) + len(escaped) > room:
            sections.append(section)
            section = ""
        section += escaped
    sections.append(section)
    if len(sections) > 100:
        raise MimeRefused("parameter too long", name=name)
    if len(sections) == 1:
        return f";\r\n {name}*={sections[0]}"
    return "".join(f";\r\n {name}*{number}*={section}" for number, section in enumerate(sections))


def base64_lines(raw: bytes) -> bytes:
    """`raw` in base64, 76 columns, every line with its CRLF; nothing for no bytes."""
    return b"\r\n".join([*_BASE64_LINES(base64.b64encode(raw)), b""])


def leaf(content_type: str, raw: bytes, *, filename: str | None = None, more: Iterable[bytes] = ()) -> bytes:
    """A base64 part. With `filename` it is an attachment, and `name` says the same as `filename`.

    `content_type` may carry parameters without blanks at line ends; `more` are finished header lines.
    """
    return b"".join([_head(content_type, "base64", filename), *more, b"\r\n", base64_lines(raw)])


@lru_cache(maxsize=32)
def _head(content_type: str, encoding: str, filename: str | None) -> bytes:
    """The head of a part. Remembered: signatures, proofs and texts have the same few heads in every message."""
    name = parameter("name", filename) if filename is not None else ""
    head = [header("Content-Type", content_type + name), header("Content-Transfer-Encoding", encoding)]
    if filename is not None:
        head.append(header("Content-Disposition", "attachment" + parameter("filename", filename)))
    return b"".join(head)


def embedded_message(raw: bytes, *, filename: str, more: Iterable[bytes] = ()) -> bytes:
    """A `message/rfc822` part that carries `raw` byte for byte (K-100.2): 7bit, or 8bit when `raw` is."""
    return b"".join([_head("message/rfc822", "7bit" if raw.isascii() else "8bit", filename), *more, b"\r\n", raw])


def multipart(
    subtype: str, parts: list[bytes], *, first: bytes = b"", attribute: str = "", more: Iterable[bytes] = ()
) -> bytes:
    """A multipart entity. `first` is a finished header block before its Content-Type, `more` lines after it.

    `attribute` is a further parameter (`hp="clear"`). Each part must be a whole entity; its last line end
    belongs to it, the CRLF before a delimiter does not.
    """
    digest = hashlib.sha256(subtype.encode("ascii"))
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    boundary = OUR_BOUNDARY_PREFIX + digest.hexdigest()[:32]
    delimiter = f"--{boundary}\r\n".encode("ascii")
    if any(boundary.encode("ascii") in part for part in parts):
        raise MimeRefused("part contains its own boundary")
    value = f'multipart/{subtype};\r\n boundary="{boundary}"' + (f";\r\n {attribute}" if attribute else "")
    pieces = [first, header("Content-Type", value), *more, b"\r\n"]
    for part in parts:
        pieces += [delimiter, part, b"\r\n"]
    return b"".join([*pieces, delimiter[:-2], b"--\r\n"])


def signed_frame(block: bytes, signed_part: bytes, signature_der: bytes) -> tuple[bytes, bytes]:
    """What stands before and after `signed_part` in a `multipart/signed` message of ours.

    `block` are the outer headers, byte for byte those inside. This is the only frame we emit, so that a reader
    can make it again and compare every byte that the signature does not cover.
    """
    boundary = f"imza-{hashlib.sha256(signed_part).hexdigest()[:32]}"
    value = (
        f'multipart/signed;\r\n protocol="application/pkcs7-signature";\r\n micalg=sha-256;\r\n boundary="{boundary}"'
    )
    delimiter = f"--{boundary}".encode("ascii")
    head = [block, header("MIME-Version", "1.0"), header("Content-Type", value), b"\r\n", delimiter, b"\r\n"]
    signature = leaf("application/pkcs7-signature", signature_der, filename="smime.p7s")
    tail = [b"\r\n", delimiter, b"\r\n", signature, b"\r\n", delimiter, b"--\r\n"]
    return b"".join(head), b"".join(tail)


def signed_message(block: bytes, signed_part: bytes, signature_der: bytes) -> bytes:
    """The whole `multipart/signed` message; the octets of `signed_part` are not touched."""
    head, tail = signed_frame(block, signed_part, signature_der)
    return b"".join([head, signed_part, tail])
