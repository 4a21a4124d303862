"""The reasons our proofs give in words, and how a page says them to somebody who reads another language.

In the proof the words are Turkish and fixed, because a proof is a record. A page says a reason of ours in the
reader's language; what another provider wrote is shown as it stands.
"""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

HEADERS_DIFFER = gettext_noop("İmzalı başlıklar dış başlıklardan farklı.")
NOT_A_MESSAGE = gettext_noop("İleti biçimi kabul edilmedi.")
OTHER_SENDER = gettext_noop("Gönderen adresi hesabın adresi değil.")
NOT_SIGNED = gettext_noop("Elektronik imza doğrulanamadı.")
TAKES_NO_MAIL = gettext_noop("Adres bu sağlayıcıda ileti alamıyor.")
_TERM_ENDED = gettext_noop("Okuma süresi %(ended)s (TSİ) anında doldu; ileti o ana kadar açılmadı.")


def term_ended(at: datetime) -> str:
    """What proof 61 says, as the record keeps it; `at` is the end of the reading term."""
    return _TERM_ENDED % {"ended": timezone.localtime(at).strftime("%d.%m.%Y %H:%M:%S")}


def reason_for_reader(detail: str) -> str:
    """A reason read out of a proof, in the reader's language where it is one of ours."""
    before, after = _TERM_ENDED.split("%(ended)s")
    if detail.startswith(before) and detail.endswith(after):
        return gettext(_TERM_ENDED) % {"ended": detail.removeprefix(before).removesuffix(after)}
    return gettext(detail)
