"""What happens to a row whose work did not succeed now: a hold with a notice, and a next try.

Two kinds. A *hold* is the outside not answering (time-stamp, revocation, disk): the page tells the person what
waits and that it goes on by itself. Everything unexpected is *put back* with its error's name, grows its delay
and rings in the log; the row is never lost and never blocks its neighbours (R-016).
"""

import logging
from datetime import datetime, timedelta

from guards.errors import KepError

from .labour import RETRY, next_try
from .models import Labour, Message

log = logging.getLogger(__name__)


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


def give_back(row: Labour, *, now: datetime) -> None:
    """Give a claim back unused, without a word against the row: it is due again in a moment."""
    type(row)._base_manager.filter(pk=row.pk, claimed_by=row.claimed_by).update(
        due_at=now + timedelta(seconds=RETRY[0]), claimed_until=None, claimed_by=""
    )


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
