"""The reasons our proofs give in words, and how a page says them to somebody who reads another language.

In the proof the words are Turkish and fixed, because a proof is a record. A page says a reason of ours in the
reader's language; what another provider wrote is shown as it stands.
"""

import functools
import re
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

HEADERS_DIFFER = gettext_noop("İmzalı başlıklar dış başlıklardan farklı.")
NOT_A_MESSAGE = gettext_noop("İleti biçimi kabul edilmedi.")
OTHER_SENDER = gettext_noop("Gönderen adresi hesabın adresi değil.")
NOT_SIGNED = gettext_noop("Elektronik imza doğrulanamadı.")
TAKES_NO_MAIL = gettext_noop("Adres bu sağlayıcıda ileti alamıyor.")
_TERM_ENDED = gettext_noop("Okuma süresi %(ended)s (TSİ) anında doldu; ileti o ana kadar açılmadı.")
_TERM_STOOD = {
    "provider": gettext_noop(
        "Süre %(begun)s ile %(ended)s (TSİ) arasında işlemedi: hesap hizmet sağlayıcının kararıyla askıdaydı."
    ),
    "authority": gettext_noop(
        "Süre %(begun)s ile %(ended)s (TSİ) arasında işlemedi: hesap yetkili merciin kararıyla askıdaydı."
    ),
}
"""By the cause of the hold; one that death or dissolution has begun never ends, and makes no proof."""


def term_stood(cause: str, begun: datetime, ended: datetime) -> str:
    """What proof 61 says of a stretch that did not count, as the record keeps it (design.md 1.1.2)."""
    return _TERM_STOOD[cause] % {"begun": _written(begun), "ended": _written(ended)}


def term_ended(at: datetime) -> str:
    """What proof 61 says, as the record keeps it; `at` is the end of the reading term."""
    return _TERM_ENDED % {"ended": _written(at)}


def _written(at: datetime) -> str:
    return timezone.localtime(at).strftime("%d.%m.%Y %H:%M:%S")


def reason_for_reader(detail: str) -> str:
    """A reason read out of a proof, in the reader's language where it is one of ours."""
    for sentence in (_TERM_ENDED, *_TERM_STOOD.values()):
        if found := _pattern(sentence).fullmatch(detail):
            return gettext(sentence) % found.groupdict()
    return gettext(detail)


@functools.cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """The sentence with a moment of ours in each of its holes."""
    pieces = re.split(r"%\((\w+)\)s", sentence)
    moment = r"(?P<{}>[0-9]{{2}}\.[0-9]{{2}}\.[0-9]{{4}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})"
    return re.compile("".join(moment.format(each) if at % 2 else re.escape(each) for at, each in enumerate(pieces)))
