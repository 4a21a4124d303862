"""What becomes of a row of work that failed: put back with a growing delay, parked when it fails on and on (R-016).

Two kinds of failure. A *hold* is the outside or the disk being away (`is_hold`): it ends by itself, so it only makes
the next try later, for as long as it takes. Everything else is *counted*: after `KEP_PARK_AFTER` such failures since
its last success the row is parked. A parked row is due no more, so that it costs the others nothing; `parked_at` says
since when, an alarm says so to people, `kepcheck`, `/readyz` and the metrics show it, and `manage.py kepparked --retry`
makes it due again once the cause is mended. Nothing is lost by parking: the legal state of the row stays what it was.

The models of work differ (messages, recipients, seals, requests, signatures) and have the same columns, `Work` below.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from django.conf import settings
from django.db import models, transaction

from guards.errors import KepError

from .refusals import TimestampRefused

log = logging.getLogger(__name__)

RETRY = (2, 5, 10, 30, 60)
"""Seconds until the next try; the last one repeats."""


def parked_index(name: str) -> models.Index:
    """An index of the parked rows of a model: hardly ever more than a few, and asked for again and again."""
    return models.Index(fields=["parked_at"], condition=models.Q(parked_at__isnull=False), name=name)


class Work(models.Model):
    """How the work on a row goes: when it is due, who holds it until when, how often it was tried, how it failed."""

    due_at = models.DateTimeField(null=True)  # NULL = nothing to do, or parked
    claimed_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=64, blank=True)
    tries = models.PositiveIntegerField(default=0)  # all failures in a row, holds among them: the delay grows by it
    failures = models.PositiveIntegerField(default=0)  # those that were no holds: they park
    last_error = models.CharField(max_length=200, blank=True)
    parked_at = models.DateTimeField(null=True)  # people must look at it

    class Meta:
        abstract = True


def is_hold(error: Exception) -> TypeGuard[KepError]:
    """Whether this failure ends by itself: a temporary refusal, or a time-stamp that was refused.

    The same answer of an authority will not do next time either, but it is the authority that has to mend it (A-006).
    """
    return isinstance(error, TimestampRefused) or (isinstance(error, KepError) and error.temporary)


def put_back_failed(row: Any, error: Exception, *, now: datetime, **when_parked: Any) -> bool:
    """`put_back` for what a row's work raised, and a word in the log: a warning for a hold, else loudly."""
    what, name, waits = (type(row).__name__, row.pk, row.tries + 1), type(error).__name__, is_hold(error)
    if waits:
        log.warning("work waits for the outside: %s %s try %d: %s", *what, name)
    else:
        log.error("work put back: %s %s try %d", *what, exc_info=error)
    return put_back(row, name, now=now, is_hold=waits, **when_parked)


def put_back(row: Any, error: str, *, now: datetime, is_hold: bool = False, **when_parked: Any) -> bool:
    """Give the claim on a `Work` row back after a failure; whether it is parked now. A lost claim changes nothing.

    `error` is a code or the name of an exception, never its text. `when_parked` are values that a parked row gets on
    top; a `due_at` among them is for a row that has a term of its own and must be looked at once more.
    """
    failures = row.failures + (not is_hold)
    is_parked = not is_hold and failures >= settings.KEP_PARK_AFTER
    values: dict[str, Any] = {"due_at": next_try(row.tries, now=now)}
    if is_parked:
        values = {"due_at": None, "parked_at": now, **when_parked}
    changed = (
        type(row)
        ._base_manager.filter(pk=row.pk, claimed_by=row.claimed_by)
        .update(
            tries=row.tries + 1,
            failures=failures,
            claimed_until=None,
            claimed_by="",
            last_error=error[:200],
            **values,
        )
    )
    if changed and is_parked:
        log.critical("ALM-01 work is parked: %s %s after %d failures: %s", type(row).__name__, row.pk, failures, error)
    return bool(changed) and is_parked


def put_back_all(rows: Iterable[Any], error: str, *, now: datetime, is_hold: bool = False) -> int:
    """`put_back` for a batch in one commit; how many of the rows are parked now.

    Rows of one claim that have failed equally often are written by one statement, unless they are to be parked.
    """
    alike: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        alike.setdefault((type(row), row.claimed_by, row.tries, row.failures), []).append(row)
    parked = 0
    with transaction.atomic():
        for (model, claimed_by, tries, failures), them in alike.items():
            if not is_hold and failures + 1 >= settings.KEP_PARK_AFTER:
                parked += sum(put_back(row, error, now=now) for row in them)
                continue
            model._base_manager.filter(pk__in=[row.pk for row in them], claimed_by=claimed_by).update(
                tries=tries + 1,
                failures=failures + (not is_hold),
                due_at=next_try(tries, now=now),
                claimed_until=None,
                claimed_by="",
                last_error=error[:200],
            )
    return parked


def put_back_unread(model: type[models.Model], keys: Iterable[Any], error: str, *, now: datetime) -> None:
    """The same for rows that cannot even be read: only their keys are known; the longest delay at once."""
    rows = model._base_manager.filter(pk__in=list(keys))
    counts = {"tries": models.F("tries") + 1, "failures": models.F("failures") + 1}
    free: dict[str, Any] = {"claimed_until": None, "claimed_by": "", "last_error": error[:200]}
    worn_out = list(
        rows.filter(parked_at__isnull=True, failures__gte=settings.KEP_PARK_AFTER - 1).values_list("pk", flat=True)
    )
    rows.exclude(pk__in=worn_out).update(due_at=now + timedelta(seconds=RETRY[-1]), **counts, **free)
    if worn_out:
        rows.filter(pk__in=worn_out).update(due_at=None, parked_at=now, **counts, **free)
        log.critical("ALM-01 work is parked: %s %s does not open: %s", model.__name__, worn_out, error)


def next_try(tries: int, *, now: datetime) -> datetime:
    """When to try again after `tries` failures and this one."""
    return now + timedelta(seconds=RETRY[min(tries, len(RETRY) - 1)])
