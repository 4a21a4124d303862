"""Jobs that belong to a stretch of time: each period is run once, by one worker, late if need be (R-015).

A job has a name and a length, such as an hour. Its periods are counted from the Unix epoch, so that every process names
them alike. Whoever looks first inserts the unique row (job, period) and has the run; two schedulers, or twenty workers
that all look, make one. When nobody looked for a while, all periods since the last one are there to be run. A worker
that dies in the middle leaves a claim that runs out, and the next one that looks does the run again: a job must be safe
to begin twice, like every step here.

What is due by a row of its own (an expiry, a retry, a term) needs none of this.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from guards.ids import uuid7_hex

from .interruptions import giving_back, is_interruption
from .models import PeriodicRun

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=5)
AGAIN = timedelta(minutes=1)
"""After a run that failed."""
MOST_AT_ONCE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_nothing_before: dict[str, datetime] = {}
"""By job, in this process: until when there is nothing to look for, so that looking often costs nothing."""


def run_due(job: str, act: Callable[[Sequence[datetime]], object], *, every: timedelta, now: datetime) -> int:
    """Call `act` with the beginnings of the periods of `job` that nobody has run, oldest first; how many it ran.

    They are this caller's alone. Whatever `act` raises is passed on; the periods are due again a minute later, or at
    once where the database broke it off (R-019).
    """
    if now < _nothing_before.get(job, now):
        return 0
    mark = uuid7_hex()
    _claim(job, mark, every=every, now=now)
    runs = PeriodicRun.objects.filter(job=job, claimed_by=mark, finished_at__isnull=True)
    periods = list(runs.order_by("period").values_list("period", flat=True))
    if periods:
        with giving_back(lambda: runs.update(claimed_until=now)):
            try:
                act(periods)
            except Exception as error:  # written down and passed on: the work loop survives it
                if not is_interruption(error):
                    runs.update(claimed_until=now + AGAIN, tries=F("tries") + 1, last_error=type(error).__name__)
                raise
            runs.update(finished_at=now, claimed_until=None)
    current = period_of(now, every)
    is_there = PeriodicRun.objects.filter(job=job, period__gte=current).exists()
    if is_there and not PeriodicRun.objects.filter(job=job, finished_at__isnull=True).exists():
        _nothing_before[job] = current + every
    return len(periods)


def period_of(moment: datetime, every: timedelta) -> datetime:
    """The beginning of the period that `moment` lies in."""
    return _EPOCH + (moment - _EPOCH) // every * every


def forget() -> None:
    """Look again at the next call: for whoever has changed the rows behind this process's back."""
    _nothing_before.clear()


def _claim(job: str, mark: str, *, every: timedelta, now: datetime) -> None:
    current = period_of(now, every)
    with transaction.atomic():
        last = PeriodicRun.objects.filter(job=job).order_by("-period").values_list("period", flat=True).first()
        begin = current if last is None else last + every
        missed = [begin + every * step for step in range(min((current - begin) // every + 1, MOST_AT_ONCE))]
        PeriodicRun.objects.bulk_create(
            (PeriodicRun(job=job, period=each, claimed_until=now + CLAIM, claimed_by=mark) for each in missed),
            ignore_conflicts=True,  # somebody else has it
        )
        left = PeriodicRun.objects.filter(job=job, finished_at__isnull=True, claimed_until__lt=now)
        left.update(claimed_until=now + CLAIM, claimed_by=mark)
