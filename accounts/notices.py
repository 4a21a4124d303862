"""Notices by SMS: rows queued in the transaction of their occasion, sent later by a worker (N-005, V-028).

A notice announces and never informs: no subject, no sender, no link. Whether it arrives has no legal effect and
delays nothing. One row per occasion and number: whoever queues the same occasion again changes nothing.

Sending claims due rows, many at once, so that two workers never send one notice twice; a worker that dies leaves a
claim that runs out. What the gateway may take later is tried again with growing delays, what it will never take is
given up at once, and after 24 hours a notice is too old to be worth sending.
A gateway that fails on one in a way nobody foresaw is asked again later too, and the others go out.

What became of them is written down together: a commit for each text made the worker wait for the database more than for
its work. It stands in memory only for a tenth of a second and one call to the gateway at most, however long that call
takes. Where the database breaks the writing off, it is done once more on another connection. So a text goes out again,
when its claim has run out, only if the worker died within that time or the database took neither write; the notices
that were not tried yet are free at once.
"""

import logging
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.db import Error as AnyDatabaseError
from django.db import transaction
from django.db.models import F, Q, QuerySet

from evidence import rows
from evidence.errors import CipherTextRefused
from evidence.fieldcrypt import rows_that_open
from evidence.interruptions import giving_back, is_interruption, let_go

from . import sms
from .models import SmsNotice
from .sms import SmsGateway, SmsKind, SmsResult

log = logging.getLogger(__name__)

DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""Before the second, third, ... try; the last one repeats."""
GIVE_UP_AFTER = timedelta(hours=24)
CLAIM = timedelta(minutes=5)
LONGEST_ERROR = 80
"""Characters kept of what a gateway says: one outcome that no column takes would cost all of a commit theirs."""
PATIENCE = 20.0
"""Seconds after which the notices that are left wait for the next turn."""
UNWRITTEN = 0.1
"""Seconds for which what a gateway answered may stand in memory only, before no other call is begun."""


@dataclass(frozen=True)
class _Outcome:
    """What becomes of a notice that was tried once more."""

    error: str
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    due_at: datetime | None = None


def queue_notices(notices: Sequence[tuple[str, str, str]], *, now: datetime) -> None:
    """Queue (number, text, reference) inside the caller's transaction; a known reference is left as it is."""
    rows.insert(
        SmsNotice,
        ("number", "text", "reference", "queued_at", "due_at", "tries", "last_error"),
        [(number, text, reference, now, now, 0, "") for number, text, reference in notices],
        skip_known=True,
    )


def send_due_notices(*, now: datetime, limit: int, gateway: SmsGateway | None = None) -> int:
    """Send up to `limit` due notices, oldest first; how many the gateway took.

    A gateway that takes its time ends the turn early: whoever calls has other work as well, and the rest stays due.
    """
    through, until = gateway or sms.gateway(), monotonic() + PATIENCE
    untried, taken = deque(_claim(now=now, limit=limit)), 0
    heard: list[tuple[SmsNotice, _Outcome]] = []
    write_by = 0.0
    with giving_back(lambda: _give_back(untried, now=now)):
        while untried and monotonic() <= until:
            notice = untried.popleft()
            outcome = _send(notice, through, now=now)
            taken += outcome.sent_at is not None
            write_by = write_by if heard else monotonic() + UNWRITTEN
            heard.append((notice, outcome))
            if monotonic() > write_by:
                _write(heard, now=now)
                heard = []
        _write(heard, now=now)
        _give_back(untried, now=now)
    return taken


def _claim(*, now: datetime, limit: int) -> list[SmsNotice]:
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    waiting = SmsNotice.objects.filter(free, due_at__lte=now, sent_at__isnull=True, given_up_at__isnull=True)
    if not waiting.exists():  # a worker with nothing to do does not ask for the right to write
        return []
    with transaction.atomic():  # where rows can be locked, those that another worker is claiming are passed over
        due = waiting.select_for_update(skip_locked=True).order_by("due_at")
        keys = list(due.values_list("pk", flat=True)[:limit])
        if not keys:
            return []
        SmsNotice.objects.filter(pk__in=keys).update(claimed_until=now + CLAIM)
    with giving_back(lambda: _claimed(keys, now=now).update(claimed_until=None)):
        opened, damaged = rows_that_open(SmsNotice.objects.order_by("due_at"), keys)
        if damaged:
            log.critical("ALM-02 sms notices do not open, given up: %s", damaged)
            SmsNotice.objects.filter(pk__in=damaged).update(given_up_at=now, last_error=CipherTextRefused.code)
    return opened


def _send(notice: SmsNotice, gateway: SmsGateway, *, now: datetime) -> _Outcome:
    try:
        result = gateway.send(SmsKind.NOTICE, notice.number, notice.text, notice.reference)
    except Exception as error:  # the boundary of one notice's work: the others go out
        log.error("sms notice %s: %s", notice.pk, type(error).__name__, exc_info=error)
        result = SmsResult(is_accepted=False, is_retryable=True, error=type(error).__name__)
    error = "".join(each for each in result.error if each.isprintable())[:LONGEST_ERROR]
    if result.is_accepted:
        return _Outcome(error, sent_at=now)
    if not result.is_retryable or now + _delay(notice.tries) >= notice.queued_at + GIVE_UP_AFTER:
        log.warning("sms notice %s given up: %s", notice.pk, error)
        return _Outcome(error, given_up_at=now)
    return _Outcome(error, due_at=now + _delay(notice.tries))


def _write(heard: Sequence[tuple[SmsNotice, _Outcome]], *, now: datetime) -> None:
    """Write down what became of them; once more, on another connection, where the database breaks that off.

    The texts are out and cannot be taken back, so the sweep must not simply begin again, as it may elsewhere.
    """
    try:
        _write_all(heard, now=now)
    except AnyDatabaseError as error:
        if not is_interruption(error):
            raise
        log.warning("what became of %d sms notices: the database broke it off, once more", len(heard))
        let_go(error)
        _write_all(heard, now=now)


def _write_all(heard: Sequence[tuple[SmsNotice, _Outcome]], *, now: datetime) -> None:
    """One statement for all notices of which the same is to be said, one commit for all.

    Only where our claim stands: a second write after a commit that nobody heard of finds none of them.
    """
    alike: dict[_Outcome, list[int]] = {}
    for notice, outcome in heard:
        alike.setdefault(outcome, []).append(notice.pk)
    if not alike:
        return
    with transaction.atomic():
        for outcome, keys in alike.items():
            said = {"sent_at": outcome.sent_at, "given_up_at": outcome.given_up_at, "due_at": outcome.due_at}
            _claimed(keys, now=now).update(
                claimed_until=None,
                tries=F("tries") + 1,
                last_error=outcome.error,
                **{name: moment for name, moment in said.items() if moment is not None},
            )


def _claimed(keys: Iterable[int], *, now: datetime) -> "QuerySet[SmsNotice]":
    """Those of our claim of that moment."""
    return SmsNotice.objects.filter(pk__in=keys, claimed_until=now + CLAIM)


def _give_back(untried: Collection[SmsNotice], *, now: datetime) -> None:
    """Nobody got round to these: they are due as before."""
    if untried:
        _claimed([each.pk for each in untried], now=now).update(claimed_until=None)


def _delay(tries: int) -> timedelta:
    return DELAYS[min(tries, len(DELAYS) - 1)]
