"""The one zip form we write, and a reader that takes nothing else (V-065, measured.md "Bundle").

A zip says everything twice, in local headers and in the central directory, and programs believe different halves.
Compressed bytes depend on the library that made them. So: stored only, ASCII names, no flags, no extra fields, no
comments, one fixed date, members one after another without a gap. Such a file has exactly one spelling: the
reader cuts it, writes it again and compares every byte, and names the member in which the difference lies.
Nothing is ever extracted to disk.
"""

import binascii
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from guards.errors import KepError


class ZipRefused(KepError):
    """Not a container in our one spelling. Fact `member` where one can be blamed; `reason` is for the log."""

    code = "DSY-02"
    user_message = "Paket dosyası bozuk ya da kabul edilmeyen bir biçimde. İçinden hiçbir şey kullanılmadı."


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How much a container may ask of us: bytes of the whole file, and members."""

    max_bytes: int = 134_217_728
    max_members: int = 1_000


DEFAULT: Final = ZipLimits()

_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._-]*(?:/[0-9A-Za-z_][0-9A-Za-z._-]*)*")
_MAX_NAME: Final = 200
_MOST_MEMBERS: Final = 65_534  # more would need the 64-bit form
_DATE: Final = 0x0021  # 1980-01-01, time 00:00
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION: Final = 10


def _local(name: bytes, crc: int, size: int) -> bytes:
    return _LOCAL.pack(b"PK\3\4", _VERSION, 0, 0, 0, _DATE, crc, size, size, len(name), 0) + name


def _central(name: bytes, crc: int, size: int, offset: int) -> bytes:
    fixed = _CENTRAL.pack(
        b"PK\1\2", _VERSION, _VERSION, 0, 0, 0, _DATE, crc, size, size, len(name), 0, 0, 0, 0, 0, offset
    )
    return fixed + name


def write_stored(members: Sequence[tuple[str, bytes]], *, limits: ZipLimits = DEFAULT) -> bytes:
    """The container with these members in this order; the same members give the same bytes.

    Refuses (ZipRefused) a name that is not relative ASCII without `.` or `..` steps, a name twice without regard
    to case, and more than the limits allow.
    """
    if len(members) > min(limits.max_members, _MOST_MEMBERS):
        raise ZipRefused("too many members")
    _refuse_names([name for name, _ in members])
    pieces: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, raw in members:
        encoded = name.encode("ascii")
        crc = binascii.crc32(raw)
        head = _local(encoded, crc, len(raw))
        directory.append(_central(encoded, crc, len(raw), offset))
        pieces += [head, raw]
        offset += len(head) + len(raw)
    if offset > limits.max_bytes:
        raise ZipRefused("container too large", size=offset)
    size = sum(map(len, directory))
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), size, offset, 0)
    return b"".join([*pieces, *directory, end])


def read_stored(raw: bytes, *, limits: ZipLimits = DEFAULT) -> dict[str, bytes]:
    """The members of a container in our spelling, in order.

    Refuses (ZipRefused) everything else: compression, flags, extra fields, comments, gaps, overlap, bytes before or
    after, a wrong CRC, a local header that disagrees with the directory, a bad or repeated name, and more than
    `limits`. The refusal carries the `member` it was found in where there is one.
    """
    if len(raw) > limits.max_bytes:
        raise ZipRefused("container too large", size=len(raw))
    directory_at, count = _end(raw, limits)
    members: dict[str, bytes] = {}
    directory: list[bytes] = []
    at = 0
    while at < directory_at:
        name, body = _member(raw, at, directory_at)
        if name in members:
            raise ZipRefused("member twice", member=name)
        encoded = name.encode("ascii")
        directory.append(_central(encoded, binascii.crc32(body), len(body), at))
        members[name] = body
        at += _LOCAL.size + len(encoded) + len(body)
        if len(members) > limits.max_members:
            raise ZipRefused("too many members")
    if len(members) != count:
        raise ZipRefused("directory counts other members")
    _refuse_names(list(members))
    _compare_directory(raw, directory_at, directory, list(members))
    return members


def _end(raw: bytes, limits: ZipLimits) -> tuple[int, int]:
    """Offset of the central directory and number of members, from the end record, whose every byte is fixed."""
    if len(raw) < _END.size:
        raise ZipRefused("no end record")
    at = len(raw) - _END.size
    _, _, _, _, count, size, offset, _ = _END.unpack_from(raw, at)
    if raw[at:] != _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0) or offset + size != at:
        raise ZipRefused("end record in another form")
    if count > limits.max_members:
        raise ZipRefused("too many members")
    return offset, count


def _member(raw: bytes, at: int, end: int) -> tuple[str, bytes]:
    if at + _LOCAL.size > end:
        raise ZipRefused("bytes between the members", at=at)
    fields = _LOCAL.unpack_from(raw, at)
    size, name_size = fields[8], fields[9]
    body_at = at + _LOCAL.size + name_size
    encoded = raw[at + _LOCAL.size : body_at]
    if name_size > _MAX_NAME or not _NAME.fullmatch(encoded.decode("latin-1")):
        raise ZipRefused("malformed member header", at=at)
    name = encoded.decode("ascii")
    if body_at + size > end:
        raise ZipRefused("member runs over its end", member=name)
    body = raw[body_at : body_at + size]
    if raw[at:body_at] != _local(encoded, binascii.crc32(body), size):
        raise ZipRefused("member header in another form, or CRC does not fit", member=name)
    return name, body


def _compare_directory(raw: bytes, at: int, directory: list[bytes], names: list[str]) -> None:
    for entry, name in zip(directory, names, strict=True):
        if raw[at : at + len(entry)] != entry:
            raise ZipRefused("directory does not agree with the member", member=name)
        at += len(entry)
    if at != len(raw) - _END.size:
        raise ZipRefused("bytes after the directory")


def _refuse_names(names: Sequence[str]) -> None:
    folded: set[str] = set()
    for name in names:
        if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
            raise ZipRefused("member name not accepted")
        if name.casefold() in folded:
            raise ZipRefused("member twice", member=name)
        folded.add(name.casefold())
