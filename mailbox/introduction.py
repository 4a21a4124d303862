"""The human-readable first part of a KEP message (K-100): what this is, who sent it, how to check it.

It is signed like everything else in the envelope but proves nothing by itself; it says so. The wording is Turkish
whatever the reader's language, because it is part of the record; so it is a constant with holes and no template, and in
the HTML every value goes through `escape`: names and subjects are what somebody wrote.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape

from django.utils import formats, timezone, translation

from evidence.models import SealedEvidence

from .models import Message, Recipient

_TEXT = """\
Bu bir kayıtlı elektronik posta (KEP) iletisidir.

Gönderen : {sender_name} <{sender_address}>
{recipients}Konu     : {subject}
Kabul    : {accepted_at}
KEP no   : {kep_id}

Gönderenin imzaladığı özgün ileti bu zarfın içinde değişmeden durur. Kabul delili ektedir
(delil-10.xml). Zarfın ve delilin imzası ile zaman damgası, hizmet sağlayıcıya başvurmadan
da denetlenebilir: kök sertifikanın özetini dışarıdan edinip openssl ve xmlsec1 ile doğrulayın.

Bu bölüm bilgi içindir; hukuki sonuç özgün iletiye ve delillere bağlıdır.
"""
_TEXT_RECIPIENT = "{role:<9}: {name} <{address}>\n"

_HTML = """\
<!DOCTYPE html>
<html lang="tr"><head><meta charset="utf-8"><title>KEP iletisi</title></head><body>
<p>Bu bir kayıtlı elektronik posta (KEP) iletisidir.</p>
<table>
<tr><th scope="row">Gönderen</th><td>{sender_name} &lt;{sender_address}&gt;</td></tr>
{recipients}<tr><th scope="row">Konu</th><td>{subject}</td></tr>
<tr><th scope="row">Kabul</th><td>{accepted_at}</td></tr>
<tr><th scope="row">KEP no</th><td>{kep_id}</td></tr>
</table>
<p>Gönderenin imzaladığı özgün ileti bu zarfın içinde değişmeden durur. Kabul delili ektedir (delil-10.xml). \
Zarfın ve delilin imzası ile zaman damgası, hizmet sağlayıcıya başvurmadan da denetlenebilir: kök sertifikanın \
özetini dışarıdan edinip openssl ve xmlsec1 ile doğrulayın.</p>
<p>Bu bölüm bilgi içindir; hukuki sonuç özgün iletiye ve delillere bağlıdır.</p>
</body></html>
"""
_HTML_RECIPIENT = '<tr><th scope="row">{role}</th><td>{name} &lt;{address}&gt;</td></tr>\n'


@dataclass(frozen=True)
class Introduction:
    """The same words as plain text and as HTML."""

    text: str
    html: str


def introduction(message: Message, acceptance: SealedEvidence) -> Introduction:
    """Both forms; `message.recipients` are read, prefetched if there are many messages."""
    recipients = list(message.recipients.all())
    accepted_at = _in_words(acceptance.intent.event_at)
    return Introduction(
        text=_filled(_TEXT, _TEXT_RECIPIENT, message, recipients, accepted_at, str),
        html=_filled(_HTML, _HTML_RECIPIENT, message, recipients, accepted_at, escape),
    )


def _filled(
    frame: str,
    line: str,
    message: Message,
    recipients: list[Recipient],
    accepted_at: str,
    written: Callable[[str], str],
) -> str:
    """The frame with its holes filled; no value gets into it but through `written`."""
    return frame.format(
        sender_name=written(message.sender_name),
        sender_address=written(message.sender_address),
        recipients="".join(
            line.format(role="Bilgi" if each.is_cc else "Alıcı", name=written(each.name), address=written(each.address))
            for each in recipients
        ),
        subject=written(message.subject),
        accepted_at=written(accepted_at),
        kep_id=written(message.kep_id),
    )


@lru_cache(maxsize=64)
def _in_words(moment: datetime) -> str:
    """`23 Kasım 2026 14:05:09 (TSİ)`. Remembered: messages of one lot were accepted at one moment."""
    with translation.override("tr"):
        return f"{formats.date_format(timezone.localtime(moment), 'j F Y H:i:s')} (TSİ)"
