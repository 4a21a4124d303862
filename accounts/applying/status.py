"""Where an application stands, for the applicant who comes back with its number and a code to his phone (K-020).

The number is read aloud and opens nothing. What is asked is answered the same whether or not the number exists: the
page for the code comes, and a wrong number and a wrong code are one refusal (V-008). The text leaves for a real number
only, so the answer to it takes as long as the gateway does; whoever measures that learns that a number exists, out of
a thousand million, and nothing else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from evidence import eventlog
from guards.spoken import gettext_noop, spoken

from .. import one_time
from ..errors import AccountsError, CodeTooSoon
from ..life_errors import CodeNotSent
from ..models import Application, ApplicationChange, OneTimeCode
from .draft import subject_of
from .errors import CodeNotForApplication
from .states import State

NOBODY: Final = "application:nobody"
"""A subject no code was ever sent for."""

_NUMBER: Final = re.compile(r"B-[0-9]{4}-[2-9A-HJ-NP-Z]{6}", re.ASCII)

WORDS: Final = {
    State.DRAFT: gettext_noop("Ön başvuru, henüz gönderilmedi"),
    State.DOCUMENTS_AWAITED: gettext_noop("Belgeler bekleniyor"),
    State.UNDER_REVIEW: gettext_noop("Şubede inceleniyor"),
    State.REJECTED: gettext_noop("Reddedildi"),
    State.APPROVED: gettext_noop("Onaylandı, adres verilecek"),
    State.ADDRESS_ALLOTTED: gettext_noop("Adres verildi"),
    State.AWAITING_ACTIVATION: gettext_noop("Etkinleştirmeniz bekleniyor"),
    State.ACTIVE: gettext_noop("Hesap açık"),
    State.WITHDRAWN: gettext_noop("Geri çekildi"),
}
NEXT: Final = {
    State.DRAFT: gettext_noop("Eksik adımları tamamlayıp başvurunuzu gönderin."),
    State.DOCUMENTS_AWAITED: gettext_noop(
        "Eksik belgeleri buradan yükleyin ya da kimlik belgenizle birlikte seçtiğiniz şubeye götürün."
    ),
    State.UNDER_REVIEW: gettext_noop(
        "Kimlik belgenizin aslıyla seçtiğiniz şubeye gidin; kimliğiniz belirlenmeden hesap açılmaz."
    ),
    State.REJECTED: gettext_noop("Gerekçesi aşağıdadır. Düzelterek yeni bir başvuru yapabilirsiniz."),
    State.APPROVED: gettext_noop("Şube adresinizi verecek; yapmanız gereken bir şey yok."),
    State.ADDRESS_ALLOTTED: gettext_noop("Şube sözleşmeyi hazırlıyor; ardından telefonunuza aktivasyon kodu gelir."),
    State.AWAITING_ACTIVATION: gettext_noop(
        "Telefonunuza gelen aktivasyon koduyla hesabınızı etkinleştirin. O zamana kadar adres ileti almaz."
    ),
    State.ACTIVE: gettext_noop("Giriş yapıp hesabınızı kullanabilirsiniz."),
    State.WITHDRAWN: gettext_noop("Bu başvuruyla ilgili başka bir işlem yapılmaz. Dilediğinizde yeni başvuru yapın."),
}


@dataclass(frozen=True)
class Step:
    """One line of the history as the applicant reads it."""

    words: str
    at: datetime
    why: str


def read_number(text: str) -> str:
    """The number as it is kept; empty for what could be none. Small letters and blanks are what people write."""
    number = text.replace(" ", "").upper() if text.isascii() else ""
    return number if _NUMBER.fullmatch(number) else ""


def by_number(number: str) -> Application | None:
    """The application of this number, in whatever form it was typed."""
    read = read_number(number)
    return Application.objects.filter(number=read).first() if read else None


def send_code(number: str, *, now: datetime) -> None:
    """Send a code to the phone of the application, if there is one. Says nothing about whether there is."""
    application = by_number(number)
    if application is None:
        return
    try:
        one_time.send(OneTimeCode.Purpose.STATUS, subject_of(application), phone=application.phone, now=now)
    except (CodeTooSoon, CodeNotSent):
        return  # who asks too often hears what everybody hears: the code that came last still works


def open_by_code(number: str, code: str, *, now: datetime) -> Application:
    """The application, once the code was right. `CodeNotForApplication` for every wrong number and code alike."""
    application = by_number(number)
    subject = NOBODY if application is None else subject_of(application)
    try:
        with one_time.spending(OneTimeCode.Purpose.STATUS, subject, code, now=now):
            eventlog.append("application.opened_by_code", at=now, actor="applicant", subject=subject)
    except AccountsError as refusal:
        raise CodeNotForApplication("number and code do not fit") from refusal
    if application is None:
        raise RuntimeError("a code was taken for nobody")
    return application


def words_of(application: Application) -> str:
    """The state in words, in the reader's language."""
    return spoken(WORDS[State(application.state)])


def next_of(application: Application) -> str:
    """What comes next, and whose turn it is."""
    return spoken(NEXT[State(application.state)])


def history(application: Application) -> Sequence[Step]:
    """Every step so far, oldest first, with the reason of a rejection. One query."""
    rows = ApplicationChange.objects.filter(application=application).order_by("at", "pk")
    return tuple(
        Step(
            _("Başvuru yazılmaya başlandı") if not row.from_state else spoken(WORDS[State(row.to_state)]),
            row.at,
            (row.why or "") if row.to_state in _TOLD else "",
        )
        for row in rows
    )


_TOLD: Final = frozenset({State.REJECTED, State.DOCUMENTS_AWAITED})
"""Steps whose reason is written for the applicant."""
