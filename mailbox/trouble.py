"""What happens to a row whose work did not succeed now: a hold with a notice, and a next try.

Two kinds. A *hold* is the outside not answering (time-stamp, revocation, disk): the page tells the person what
waits and that it goes on by itself. Everything unexpected is *put back* with its error's name, grows its delay
and rings in the log; the row is never lost and never blocks its neighbours (R-016).
"""

import logging
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from evidence.errors import VaultDamaged, VaultMissing, VaultUnavailable
from guards.errors import KepError
from guards.refusal_texts import text_of_code
from guards.spoken import spoken

from .labour import RETRY, next_try
from .models import Labour, Message

log = logging.getLogger(__name__)

_UNREADABLE = gettext_noop(
    "İletinizin imzalanan içeriği şu anda saklama alanından okunamıyor; teknik ekibe haber verildi. Okunabildiğinde "
    "işlem kendiliğinden sürer, 24 saat içinde okunamazsa ileti taslağınıza döner."
)
_HELD = {
    VaultUnavailable.code: gettext_noop(
        "Saklama alanı şu anda yanıt vermiyor. İletiniz güvende ve sırada bekliyor; işlem kendiliğinden sürer."
    ),
    VaultMissing.code: _UNREADABLE,
    VaultDamaged.code: _UNREADABLE,
}
"""Whoever is told of these by a page that refuses should try again; whoever's message is held need not."""


def text_of_hold(code: str) -> str:
    """What the pages say of a message that is held for this reason: what waits, and that it goes on by itself."""
    return spoken(_HELD[code]) if code in _HELD else text_of_code(code)


def hold(message: Message, error: KepError, *, now: datetime) -> None:
    """Keep the message in CHECKING with the reason shown; it is asked again by itself (V-096)."""
    type(message).objects.filter(pk=message.pk, claimed_by=message.claimed_by).update(
        due_at=next_try(message, now=now),
        tries=message.tries + 1,
        claimed_until=None,
        claimed_by="",
        held_since=message.held_since or now,
        hold_reason=error.code,
        last_error=error.code,
    )
    log.warning("message held: %s", error.code, extra={"kep_id": message.kep_id})


def put_back(row: Labour, error: Exception, *, now: datetime) -> None:
    """Give the claim back with a growing delay, and say so loudly: nobody expected this."""
    type(row).objects.filter(pk=row.pk, claimed_by=row.claimed_by).update(
        due_at=next_try(row, now=now),
        tries=row.tries + 1,
        claimed_until=None,
        claimed_by="",
        last_error=type(error).__name__,
    )
    log.error("work put back: %s %s try %d", type(row).__name__, row.pk, row.tries + 1, exc_info=error)
