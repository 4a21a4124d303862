"""What happens to a row whose work did not succeed now: a hold with a notice, and a next try.

Two kinds. A *hold* is the outside not answering (time-stamp, revocation, disk): the page tells the person what
waits and that it goes on by itself. Everything unexpected is *put back* with its error's name, grows its delay
and rings in the log; the row is never lost and never blocks its neighbours (R-016). After `KEP_PARK_AFTER` unexpected
failures it is *parked* (evidence/parking.py): people look at it, and the others go on.

A message in CHECKING has a term that parking must not stop: after 25 hours it goes back to its draft. So a parked one
is due once more at the end of that term, and until then its page says that people are looking at it.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from evidence import parking
from evidence.errors import VaultDamaged, VaultMissing, VaultUnavailable
from evidence.parking import next_try
from guards.errors import KepError
from guards.refusal_texts import text_of_code
from guards.spoken import spoken

from .models import Labour, Message
from .state_names import MessageState

log = logging.getLogger(__name__)

LAST_TRIES = timedelta(hours=1)
"""After a day on hold a message is tried once more; what has failed in another way for this much longer goes back."""
_UNREADABLE = gettext_noop(
    "İletinizin imzalanan içeriği şu anda saklama alanından okunamıyor; teknik ekibe haber verildi. Okunabildiğinde "
    "işlem kendiliğinden sürer, 24 saat içinde okunamazsa ileti taslağınıza döner."
)
LOST = (VaultMissing, VaultDamaged)
PARKED = "ILT-12"
"""Why a message in CHECKING is held when nothing outside is away: something unforeseen, and people look at it."""
_HELD = {
    PARKED: gettext_noop(
        "İletiniz denetlenirken beklenmedik bir sorun çıktı; teknik ekibe haber verildi ve ekip inceliyor. İletiniz "
        "güvende. Sorun giderilince işlem sürer; gönderimden sonraki 25 saat içinde giderilemezse ileti taslağınıza "
        "döner."
    ),
    VaultUnavailable.code: gettext_noop(
        "Saklama alanı şu anda yanıt vermiyor. İletiniz güvende ve sırada bekliyor; işlem kendiliğinden sürer."
    ),
    VaultMissing.code: _UNREADABLE,
    VaultDamaged.code: _UNREADABLE,
}
"""Whoever is told of these by a page that refuses should try again; whoever's message is held need not."""


def messages_on_hold() -> "QuerySet[Message]":
    """Those in CHECKING that wait for the outside; parked ones wait for people."""
    checking = Message.objects.filter(state=MessageState.CHECKING, due_at__isnull=False, parked_at__isnull=True)
    return checking.exclude(hold_reason="")


def text_of_hold(code: str) -> str:
    """What the pages say of a message that is held for this reason: what waits, and that it goes on by itself."""
    return spoken(_HELD[code]) if code in _HELD else text_of_code(code)


def hold(message: Message, error: KepError, *, now: datetime) -> None:
    """Keep the message in CHECKING with the reason shown; it is asked again by itself (V-096)."""
    type(message).objects.filter(pk=message.pk, claimed_by=message.claimed_by).update(
        due_at=next_try(message.tries, now=now),
        tries=message.tries + 1,
        claimed_until=None,
        claimed_by="",
        held_since=message.held_since or now,
        hold_reason=error.code,
        last_error=error.code,
    )
    log.warning("message held: %s", error.code, extra={"kep_id": message.kep_id})


def ring_when_lost(error: Exception, *, about: str) -> None:
    """Octets that somebody signed may be put back from the second copy: people must hear of it at once."""
    if isinstance(error, LOST):
        log.critical("ALM-03 octets of %s: %s", about, error)


def put_back(row: Labour, error: Exception, *, now: datetime) -> None:
    """Give the claim back with a growing delay, and say so loudly if nobody expected this. Parks what goes on failing.

    A hold (`parking.is_hold`) never parks whoever raised it, and rings no bell; octets that are lost ring their own.
    """
    ring_when_lost(error, about=f"{type(row).__name__} {row.pk}")
    when_parked: dict[str, object] = {}
    if isinstance(row, Message) and row.state == MessageState.CHECKING:
        term = row.submitted_at + settings.KEP_CHECKING_HOLD_LIMIT + LAST_TRIES
        again = max(term, now + LAST_TRIES)  # past its term even giving it back failed: an hour between the tries
        when_parked = {"due_at": again, "hold_reason": PARKED, "held_since": row.held_since or now}
    parking.put_back_failed(row, error, now=now, **when_parked)
