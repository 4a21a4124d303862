"""What an uploaded paper is, found by looking at its bytes: PDF, JPEG or PNG, whole, and nothing else. No Django here.

Neither the name nor the type a browser sends is asked. The first byte must be the first byte of the format, so that
no file is one thing to us and another to a program that searches for its beginning; the end must be there too, so that
half an upload is not taken for a paper. Pictures are not decoded: their stated size is read, and one too large for any
screen is refused, because it would be opened at the desk. A PDF is not judged further: it is only ever handed out as a
download of the type found here.
"""

import re
import struct
from typing import Final

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
MOST_PIXELS: Final = 120_000_000
"""An A3 page at 600 dpi has 70 million."""

_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"\x00\x00\x00\x00IEND\xaeB\x60\x82"
_PDF_START: Final = re.compile(rb"%PDF-[12]\.[0-9][\r\n ]")
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that state a picture's size."""
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END = 0xDA, 0xD9


def content_type_of(raw: bytes) -> str | None:
    """The type of a whole PDF, JPEG or PNG; None for everything else."""
    if _PDF_START.match(raw) and b"%%EOF" in raw[-2048:] and b"startxref" in raw[-4096:]:
        return PDF
    if raw.startswith(_PNG_START):
        return PNG if _is_png(raw) else None
    if raw.startswith(b"\xff\xd8\xff"):
        return JPEG if _is_jpeg(raw) else None
    return None


def _is_png(raw: bytes) -> bool:
    if len(raw) < 45 or raw[8:16] != b"\x00\x00\x00\x0dIHDR" or not raw.endswith(_PNG_END):
        return False
    width, height = struct.unpack(">II", raw[16:24])
    return _fits(width, height)


def _is_jpeg(raw: bytes) -> bool:
    """Walk the segments up to the first scan: a size was stated before it, and the picture ends as one."""
    place, has_size = 2, False
    while place + 4 <= len(raw) and raw[place] == 0xFF:
        marker = raw[place + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == _END:
            return False
        (length,) = struct.unpack(">H", raw[place + 2 : place + 4])
        if length < 2 or place + 2 + length > len(raw):
            return False
        if marker in _FRAMES:
            if length < 8:
                return False
            height, width = struct.unpack(">HH", raw[place + 5 : place + 9])
            if not _fits(width, height):
                return False
            has_size = True
        if marker == _SCAN:
            return has_size and raw.rstrip(b"\x00").endswith(b"\xff\xd9")
        place += 2 + length
    return False


def _fits(width: int, height: int) -> bool:
    return width > 0 and height > 0 and width * height <= MOST_PIXELS
