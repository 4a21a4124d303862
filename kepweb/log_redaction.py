"""Logs say what happened and never what was written (V-025, V-095, A-017).

Every line of every logger leaves through `OneLine`, as a whole: text, arguments, traceback, causes. It masks whatever
could be an identity number or a mobile phone number, and encodes line ends and other controls, so that a hostile
value can neither forge a second line nor steer a terminal.
"""

import logging
import re
import time
import unicodedata

from accounts.identity import is_tckn

_ELEVEN_DIGITS = re.compile(r"(?<!\d)[1-9]\d{10}(?!\d)")
_MOBILE = re.compile(r"(?<![0-9a-f])(?:\+?90 ?|0)?5\d{9}(?![0-9a-f])")
_HEX_NEIGHBOUR = re.compile(r"[0-9a-f]")


class OneLine(logging.Formatter):
    """One event, one line; UTC time first; nothing personal, nothing unprintable."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return mask(printable(super().format(record)))


def printable(text: str) -> str:
    """`text` with every control, line end and invisible mark written as an escape."""
    return "".join(
        letter if unicodedata.category(letter)[0] not in "CZ" or letter == " " else ascii(letter)[1:-1]
        for letter in text
    )


def mask(text: str) -> str:
    """`text` with identity and phone numbers starred out; digests and ids that merely look so stay readable."""
    return _ELEVEN_DIGITS.sub(_identity_number, _MOBILE.sub("**********", text))


def _identity_number(found: re.Match[str]) -> str:
    """Inside a run of hex letters eleven digits are a piece of a digest, unless they really are a valid number."""
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    stands_in_hex = any(_HEX_NEIGHBOUR.fullmatch(letter) for letter in (before, after))
    return found[0] if stands_in_hex and not is_tckn(found[0]) else "*" * 11
