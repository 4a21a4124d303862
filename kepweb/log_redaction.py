"""Logs say what happened and never what was written (V-025, V-095, A-017).

Every line passes two doors: `NoSecrets` masks anything that looks like an identity number or a one-time code,
and `OneLine` encodes line breaks, so that a hostile value cannot forge a second line.
"""

import logging
import re
import time

_ELEVEN_DIGITS = re.compile(r"(?<!\d)[1-9]\d{10}(?!\d)")
_PHONE = re.compile(r"\+90\d{10}")


class NoSecrets(logging.Filter):
    """Masks identity numbers and phone numbers wherever they come from."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        masked = _PHONE.sub("+90**********", _ELEVEN_DIGITS.sub("***********", text))
        if masked != text:
            record.msg, record.args = masked, ()
        return True


class OneLine(logging.Formatter):
    """One event, one line; UTC time first."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")
