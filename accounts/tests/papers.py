"""Small whole papers of each kind, made by hand, for tests of uploads."""

import struct
import zlib


def png(width: int = 3, height: int = 2) -> bytes:
    """A whole PNG of one grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(min(width, 64)) for _ in range(min(height, 64))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width: int = 3, height: int = 2, *, before: bytes = b"") -> bytes:
    """The frame of a JPEG with a scan that nobody decodes; `before` are segments before the size."""
    size = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\x00\x00\x3f\x00" + b"\x12\x34\x56"
    return b"\xff\xd8" + before + size + scan + b"\xff\xd9"


def pdf(text: bytes = b"kimlik") -> bytes:
    """A PDF with a head and a tail."""
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n% " + text + b"\nstartxref\n9\n%%EOF\n"
