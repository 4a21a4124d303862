"""What happened to a person's sign-in, out of the event log, in words (V-016, V-033).

Tries that were refused stand there too, by the number's keyed hash: whoever is being guessed at sees it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from evidence.models import Event

from .models import Person

WORDS: Final[Mapping[str, str]] = {
    "sign_in.completed": gettext_noop("Giriş yapıldı"),
    "sign_in.refused": gettext_noop("Hatalı giriş denemesi"),
    "sign_in.code_sent": gettext_noop("Giriş kodu gönderildi"),
    "sign_out": gettext_noop("Oturum kapatıldı"),
    "visit.over": gettext_noop("Oturum süresi doldu"),
    "visit.ended": gettext_noop("Oturum dışarıdan kapatıldı"),
    "step_up.completed": gettext_noop("Kimlik yeniden doğrulandı"),
    "step_up.refused": gettext_noop("Hatalı doğrulama denemesi"),
    "secrets.first_set": gettext_noop("Parola ve şifre belirlendi"),
    "secrets.renewed": gettext_noop("Parola ve şifre değiştirildi"),
    "secrets.password_renewed": gettext_noop("Parola değiştirildi"),
    "secrets.pin_renewed": gettext_noop("Şifre değiştirildi"),
    "secrets.recovered": gettext_noop("Unutulan parola ve şifre yenilendi"),
    "recovery.begun": gettext_noop("Şubede parola ve şifre yenilemesi başlatıldı"),
    "recovery.refused": gettext_noop("Hatalı yenileme denemesi"),
    "activation.refused": gettext_noop("Hatalı aktivasyon denemesi"),
    "authenticator.added": gettext_noop("Doğrulama uygulaması eklendi"),
    "authenticator.removed": gettext_noop("Doğrulama uygulaması kaldırıldı"),
    "recovery_codes.renewed": gettext_noop("Kurtarma kodları yenilendi"),
    "device.forgotten": gettext_noop("Tanınan cihaz unutuldu"),
    "person.established": gettext_noop("Kimliğiniz şubede doğrulandı"),
}
"""The events a person sees, by their kind."""
_WAYS: Final[Mapping[str, str]] = {
    "urn:kep:sign-in:two-secrets-and-sms": gettext_noop("parola, şifre ve SMS"),
    "urn:kep:sign-in:two-secrets-and-totp": gettext_noop("parola, şifre ve doğrulama uygulaması"),
    "urn:kep:sign-in:two-secrets-and-recovery-code": gettext_noop("parola, şifre ve kurtarma kodu"),
    "urn:kep:sign-in:e-imza": gettext_noop("e-imza"),
    "urn:kep:recovery:desk-and-sms": gettext_noop("şubede başlatıldı, SMS ile tamamlandı"),
}
_ODD: Final = frozenset({"sign_in.refused", "step_up.refused", "recovery.refused", "activation.refused"})


@dataclass(frozen=True)
class Line:
    """One line of the history; `where` is the network address, if one was written down."""

    at: datetime
    what: str
    how: str
    where: str
    is_odd: bool


def way_words(method: str) -> str:
    """How somebody proved who he is, in words; empty for a way this floor does not know."""
    return _(_WAYS[method]) if method in _WAYS else ""


QUIET: Final = frozenset({"sign_in.code_sent", "visit.over"})
"""What happens at every sign-in: the short list leaves it out."""


def history(person: Person, *, most: int, with_quiet: bool = True) -> list[Line]:
    """The latest events of this person's sign-in, newest first. One query."""
    about = (f"person:{person.pk}", f"number:{person.tckn_index}")
    kinds = [kind for kind in WORDS if with_quiet or kind not in QUIET]
    rows = Event.objects.filter(subject__in=about, kind__in=kinds).order_by("-pk")[:most]
    return [_line(each) for each in rows]


def _line(event: Event) -> Line:
    facts = json.loads(bytes(event.body))["facts"]
    how = way_words(str(facts.get("method") or facts.get("proof") or ""))
    return Line(event.at, _(WORDS[event.kind]), how, str(facts.get("from") or ""), event.kind in _ODD)
