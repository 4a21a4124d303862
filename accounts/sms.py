"""Sending one SMS: one interface, gateways by setting, texts that fit one part (N-001, N-002).

`send` hands a text to the gateway named by `KEP_SMS` and says what became of it. A gateway never raises for what
the network or the operator did: it answers with a result that says whether trying again could help. Texts are
ASCII, so that they stay in one part of 160 characters and cost what they seem to cost.
"""

import enum
import functools
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

ONE_PART = 160


class SmsKind(enum.Enum):
    """What a text is for; gateways route one-time codes and notices differently."""

    OTP = "otp"
    NOTICE = "notice"
    ACTIVATION = "activation"


@dataclass(frozen=True)
class SmsResult:
    """What the gateway said: its own id when it took the text, its raw code when it did not."""

    is_accepted: bool
    is_retryable: bool = False
    provider_id: str = ""
    error: str = ""


class SmsGateway(Protocol):
    """A way to the operators. Never raises for an outside failure; `msisdn` is E.164, `ref` names the occasion."""

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult: ...


@functools.cache
def _gateway_class(path: str) -> type[SmsGateway]:
    made: type[SmsGateway] = import_string(path)
    return made


def gateway() -> SmsGateway:
    """The gateway of this installation (`KEP_SMS`)."""
    return _gateway_class(settings.KEP_SMS)()


def send(kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
    """Send `text` to one number. ValueError for a text that is not ASCII or longer than one part: a fault of ours."""
    if not text.isascii() or len(text) > ONE_PART:
        raise ValueError("an SMS text is ASCII and fits one part")
    return gateway().send(kind, msisdn, text, ref)


def web_host() -> str:
    """The host a code is bound to by the last line of its text (V-027)."""
    return urlsplit(settings.KEP_WEB_ORIGIN).hostname or ""


def code_text(code: str) -> str:
    """The text of a sign-in code: service, purpose, caution, and the line that binds it to the site (N-002, V-027)."""
    minutes = settings.KEP_SMS_CODE_LIFE // timedelta(minutes=1)
    return (
        f"KEP {settings.KEP_PROVIDER_CODE} giris kodunuz: {code}. {minutes} dakika gecerlidir. "
        f"Kimseyle paylasmayin.\n\n@{web_host()} #{code}"
    )
