"""Claiming due rows: many at once, by one conditional UPDATE, with a claim that runs out (design.md 1.6, R-011).

A claim is a promise with an end: whoever dies with it loses it. Rows whose claim is still running are nobody else's.
What is due is looked up before the transaction, so that a worker with nothing to do never asks for the right to
write; the UPDATE asks every condition again, so that two workers that found the same rows get different ones. Whoever
got none of what he had found looks once more, because there may be others.

A lot is held in memory as a whole, so what its rows weigh bounds it as well as their number: fifty messages of 25 MB
would take a worker's memory, and the next worker would claim them again.

All rows of work have the same columns (`evidence.parking.Work`), whatever floor they belong to.
"""

import functools
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import Q

from guards.ids import uuid7_hex

from .errors import CipherTextRefused
from .fieldcrypt import rows_that_open
from .interruptions import giving_back
from .parking import put_back_unread

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)

CLAIM = timedelta(seconds=60)
MOST_BYTES = 32 * 1024 * 1024
"""What the rows of one lot weigh at most, unless it is a single one."""
LOOKS = 5
"""How often a worker looks that finds each time what others have just taken."""


def claim(due: "models.QuerySet[Row]", *, now: datetime, limit: int, worker: str = "", weight: str = "") -> list[Row]:
    """Up to `limit` rows of `due` whose time has come, oldest first, claimed for a minute; its joins are kept.

    `weight` names the field that says how many bytes a row brings with it; see `MOST_BYTES`.
    A row with a field that does not open is put back and named in the log; the others are answered without it.
    """
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    ready = due.filter(free, due_at__lte=now).order_by("due_at", "pk")
    for _ in range(LOOKS):
        keys = _oldest(ready, limit, weight)
        if not keys:
            break
        mark = f"{uuid7_hex()}:{worker}"[:64] if worker else uuid7_hex()
        with transaction.atomic():
            won = ready.filter(pk__in=keys).update(claimed_until=now + CLAIM, claimed_by=mark)
        if won:
            with giving_back(functools.partial(_free, due.model, keys, mark)):
                opened, damaged = rows_that_open(due.filter(claimed_by=mark).order_by("due_at", "pk"), keys)
                put_back_damaged(due.model, damaged, now=now)
            return opened
    return []


def _oldest(ready: "models.QuerySet[Row]", limit: int, weight: str) -> list[Any]:
    if not weight:
        return list(ready.values_list("pk", flat=True)[:limit])
    keys: list[Any] = []
    bytes_left = MOST_BYTES
    for key, brings in ready.values_list("pk", weight)[:limit]:
        bytes_left -= brings
        if keys and bytes_left < 0:
            break
        keys.append(key)
    return keys


def put_back_damaged(model: type[models.Model], keys: Collection[Any], *, now: datetime) -> None:
    """Give back rows that cannot even be read, for the longest delay, and ring: people must look at them."""
    if keys:
        log.critical("ALM-02 rows do not open: %s %s", model.__name__, sorted(str(key) for key in keys))
        put_back_unread(model, keys, CipherTextRefused.code, now=now)


def give_back(rows: Sequence[Any]) -> None:
    """Nothing went wrong with these rows of one model, nobody got round to them: they are due as before."""
    marks: dict[str, list[Any]] = {}
    for row in rows:
        marks.setdefault(row.claimed_by, []).append(row)
    for mark, them in marks.items():
        _free(type(them[0]), [row.pk for row in them], mark)


def _free(model: type[models.Model], keys: Collection[Any], mark: str) -> None:
    model._base_manager.filter(pk__in=keys, claimed_by=mark).update(claimed_until=None, claimed_by="")
