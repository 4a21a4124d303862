"""The ways to a phone: a file for the demo phone page, and an operator's HTTP interface."""

import fcntl
import json
import os

from django.conf import settings

from guards import clock
from guards.ids import public_id

from .sms import SmsKind, SmsResult


class JsonlGateway:
    """Appends each text as one line to `KEP_SMS_FILE`: `{"to", "text", "sent_at"}` (design.md 3).

    The line is whole and on disk before the answer: writers take turns by a lock on the file, which only its
    owner can read.
    """

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
        """Always accepted; a full disk is retryable."""
        line = json.dumps({"to": msisdn, "text": text, "sent_at": clock.now().isoformat()}, ensure_ascii=False)
        try:
            _append(line)
        except OSError as error:
            return SmsResult(is_accepted=False, is_retryable=True, error=type(error).__name__)
        return SmsResult(is_accepted=True, provider_id=public_id())


def _append(line: str) -> None:
    settings.KEP_SMS_FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(settings.KEP_SMS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(f"{line}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())
