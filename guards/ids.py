"""Names for things: what may be shown, what may be guessed, and what sorts by time.

Serial keys are never shown (design.md 1.3). Pages use 128 random bits in base32; messages and proofs use a
UUIDv7 (RFC 9562), whose first 48 bits are the millisecond, so that names sort as they were made.
"""

import base64
import secrets
import time


def public_id() -> str:
    """128 random bits in lower-case base32, 26 characters, for use in an address."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def uuid7_hex(now_ms: int | None = None) -> str:
    """A UUIDv7 as 32 lower-case hex digits; `now_ms` is the Unix time in milliseconds."""
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"


def could_be_public_id(text: str) -> bool:
    """Whether `text`, from an address or a form, may be looked up at all: PostgreSQL refuses to be asked for a NUL."""
    return text.isascii() and text.isalnum()
