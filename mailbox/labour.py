"""Claiming due rows: many at once, by one conditional UPDATE, with a claim that runs out (design.md 1.6, R-011).

A claim is a promise with an end: whoever dies with it loses it. Rows whose claim is still running are nobody
else's; two workers that ask at once get different rows.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Q, QuerySet

from evidence.errors import CipherTextRefused
from evidence.fieldcrypt import rows_that_open
from evidence.parking import put_back_unread
from guards.ids import uuid7_hex

from .models import Labour

log = logging.getLogger(__name__)

CLAIM = timedelta(seconds=60)


def claim(rows: QuerySet, *, now: datetime, limit: int) -> list:
    """Up to `limit` due rows of `rows`, claimed for a minute; the query set's own joins are kept.

    A row with a field that does not open is put back and named in the log; the others are answered without it.
    """
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    mark = uuid7_hex()
    with transaction.atomic():
        keys = list(rows.filter(free, due_at__lte=now).order_by("due_at").values_list("pk", flat=True)[:limit])
        if not keys:
            return []
        rows.model._base_manager.filter(free, pk__in=keys).update(claimed_until=now + CLAIM, claimed_by=mark)
    opened, damaged = rows_that_open(rows.filter(claimed_by=mark).order_by("pk"), keys)
    put_back_damaged(rows, damaged, now=now)
    return opened


def put_back_damaged(rows: QuerySet, keys: Collection[int], *, now: datetime) -> None:
    """Give back rows that cannot even be read, for the longest delay, and ring: people must look at them."""
    if keys:
        log.critical("ALM-02 rows do not open: %s %s", rows.model.__name__, sorted(keys))
        put_back_unread(rows.model, keys, CipherTextRefused.code, now=now)


def release_claims(rows: Sequence[Labour]) -> None:
    """Nobody got round to these rows: they are due as before, for whoever looks next."""
    for mark, some in groupby(sorted(rows, key=lambda row: row.claimed_by), key=lambda row: row.claimed_by):
        claimed = list(some)
        type(claimed[0])._base_manager.filter(pk__in=[row.pk for row in claimed], claimed_by=mark).update(
            claimed_until=None, claimed_by=""
        )
