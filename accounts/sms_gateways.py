"""The ways to a phone: a file for the demo phone page, and an operator's HTTP interface."""

import base64
import fcntl
import functools
import json
import os

from django.conf import settings

from guards import clock
from guards.ids import public_id
from guards.outbound import OutboundClient, OutboundRefused, OutboundUnavailable, Reply

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


class HttpGateway:
    """An operator's HTTP interface in the shape of Netgsm REST v2 (N-001, N-004).

    `KEP_SMS_URL` is the base address, `KEP_SMS_USER` and `KEP_SMS_PASSWORD` the account, `KEP_SMS_SENDER` the
    registered sender name. Codes go through the interface for one-time codes, which promises three minutes; notices
    go as service messages, never as commercial ones.
    """

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
        """One call. Refused for good for the operator's permanent codes; everything else may be tried again."""
        number = msisdn.removeprefix("+90")
        if kind is SmsKind.NOTICE:
            path, message = "send", {"encoding": "", "iysfilter": "0", "messages": [{"msg": text, "no": number}]}
        else:
            path, message = "otp", {"msg": text, "no": number}
        body = json.dumps({"msgheader": settings.KEP_SMS_SENDER, **message}).encode()
        account = base64.b64encode(f"{settings.KEP_SMS_USER}:{settings.KEP_SMS_PASSWORD}".encode()).decode()
        base_url = settings.KEP_SMS_URL.rstrip("/")
        try:
            reply = _client(base_url).post(
                f"{base_url}/sms/rest/v2/{path}", body, "application/json", authorization=f"Basic {account}"
            )
        except (OutboundUnavailable, OutboundRefused) as error:
            return SmsResult(is_accepted=False, is_retryable=error.temporary, error=error.code)
        return _read(reply)


PERMANENT = frozenset({"20", "30", "40", "41", "50", "51", "52", "60", "70"})
"""Netgsm's codes that no second try will change: text, account, sender name, number."""


@functools.cache
def _client(base_url: str) -> OutboundClient:
    return OutboundClient([base_url], timeout_s=5, max_bytes=65_536)


def _read(reply: Reply) -> SmsResult:
    try:
        told = json.loads(reply.body)
    except ValueError:
        told = None
    code = str(told.get("code", "")) if isinstance(told, dict) else ""
    if reply.status == 200 and code == "00" and isinstance(told, dict):
        return SmsResult(is_accepted=True, provider_id=str(told.get("jobid", "")))
    return SmsResult(is_accepted=False, is_retryable=code not in PERMANENT, error=code[:8] or f"HTTP {reply.status}")
