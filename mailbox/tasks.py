"""The sweeps: what each worker looks for, row by row, whether or not a bell rang (design.md 1.6).

Each sweep claims due rows, does the verb on each, and says how many moved; a worker turns until all say
nothing. This is the one boundary of a row's work: whatever a verb raises that nobody foresaw is written down on
the row with a growing delay, so that one poisoned row never stands in the way of its neighbours (R-016).
"""

import functools
import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts import notices
from evidence import issue, outside
from evidence.models import SealRequest
from guards.clock import now as clock
from guards.errors import KepError
from guards.ids import uuid7_hex
from signing import operations

from . import compose, delivery, submit, takeout
from .errors import StaleState
from .labour import CLAIM, claim, release_claims
from .models import Message, Recipient
from .state_names import MessageState, RecipientState
from .trouble import give_back, put_back

log = logging.getLogger(__name__)
BATCH = 50
PATIENCE = 20.0
"""Seconds after which a sweep leaves its other rows to the next turn: other sweeps, claims and the supervisor wait."""


def sweep(verb: Callable[[datetime], int]) -> Callable[..., int]:
    """A sweep as workers call it: without arguments, at this moment. Tests hand in the moment."""

    @functools.wraps(verb)
    def turn(now: datetime | None = None) -> int:
        return verb(now or clock())

    return turn


@sweep
def submit_signed(now: datetime) -> int:
    """Signatures that have come become messages in CHECKING."""
    done = 0
    for operation in operations.take_signed(compose.PURPOSE, BATCH):
        try:
            message = submit.submit(operation, now=now)
        except Exception:
            log.exception("submission of an operation failed", extra={"operation": str(operation.pk)})
        else:
            done += message is not None  # what was turned down or taken by another makes no more work
    return done


@sweep
def check_due(now: datetime) -> int:
    """Messages in CHECKING ask the outside. One silence ends the turn: fifty would keep deliveries waiting too."""
    rows = Message.objects.filter(state=MessageState.CHECKING).select_related("account__holder", "submitted_by")
    waiting = claim(rows, now=now, limit=BATCH)
    silences: list[Message] = []

    def work(message: Message) -> None:
        if silences:
            give_back(message, now=now)
        elif not submit.check(message, now=now):
            silences.append(message)

    return _each(waiting, work, now=now)


@sweep
def deliver_due(now: datetime) -> int:
    """Recipients on their way to a box of ours."""
    rows = (
        Recipient.objects.filter(state=RecipientState.DELIVERING)
        .select_related("message")
        .prefetch_related("message__recipients")
    )
    return _each(claim(rows, now=now, limit=BATCH), lambda row: delivery.deliver([row], now=now), now=now)


@sweep
def end_terms_due(now: datetime) -> int:
    """Unread messages whose term is over."""
    due = delivery.terms_due(now=now, limit=BATCH)
    return _each(due, lambda row: delivery.end_terms([row], now=now), now=now)


@sweep
def send_notices_due(now: datetime) -> int:
    """SMS notices waiting to go out."""
    return notices.send_due_notices(now=now, limit=BATCH)


@sweep
def expire_operations_due(now: datetime) -> int:
    """Signing operations whose time ran out."""
    return operations.expire_due(now)


@sweep
def seal_due(now: datetime) -> int:
    """Prepared proofs get their signature and time-stamp."""
    return issue.seal_due(signer=issue.open_signer(), stamper=outside.stamper(), now=now, worker=_worker(), limit=BATCH)


@sweep
def release_due(now: datetime) -> int:
    """Accepted messages whose proof 10 is sealed go out."""
    rows = Message.objects.filter(state=MessageState.ACCEPTED, released_at__isnull=True).prefetch_related("recipients")
    messages = claim(rows, now=now, limit=BATCH)

    def work(message: Message) -> None:
        sealed = issue.sealed_proofs([message.kep_id], code=10)[message.kep_id]
        if not sealed:  # the seal is still owed: look again soon
            give_back(message, now=now)
            return
        delivery.release(message, sealed[0], signer=issue.open_signer(), stamper=outside.stamper(), now=now)

    return _each(messages, work, now=now)


@sweep
def bundles_due(now: datetime) -> int:
    """Pages that wait for a sealed proof bundle."""
    claimed, done, until = _claim_requests(now=now), 0, monotonic() + PATIENCE
    for position, request in enumerate(claimed):
        if monotonic() > until:
            rest = [each.pk for each in claimed[position:]]
            SealRequest.objects.filter(pk__in=rest, claimed_by=request.claimed_by).update(claimed_until=None)
            break
        try:
            takeout.make_bundle(request, signer=issue.open_signer(), stamper=outside.stamper(), now=now)
        except Exception as error:
            log.exception("bundle failed")
            SealRequest.objects.filter(pk=request.pk).update(
                claimed_until=None,
                claimed_by="",
                tries=request.tries + 1,
                last_error=type(error).__name__,
                due_at=now + timedelta(seconds=10),
            )
        else:
            done += 1
    return done


def _claim_requests(*, now: datetime) -> list[SealRequest]:
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    rows = SealRequest.objects.filter(free, kind=takeout.BUNDLE, finished_at__isnull=True, due_at__lte=now)
    mark = uuid7_hex()
    with transaction.atomic():
        keys = list(rows.order_by("due_at").values_list("pk", flat=True)[:BATCH])
        rows.filter(pk__in=keys).update(claimed_until=now + CLAIM, claimed_by=mark)
    return list(SealRequest.objects.filter(pk__in=keys, claimed_by=mark))


def _each(rows: list[Any], verb: Callable[[Any], object], *, now: datetime) -> int:
    done, until = 0, monotonic() + PATIENCE
    for position, row in enumerate(rows):
        if monotonic() > until:
            release_claims(rows[position:])
            break
        try:
            verb(row)
        except StaleState:
            continue  # another worker took the step; its commit is the truth
        except KepError as error:
            put_back(row, error, now=now)
            if error.temporary:  # whatever is away for this row is away for the next one too
                for rest in rows[position + 1 :]:
                    give_back(rest, now=now)
                break
        except Exception as error:  # noqa: BLE001 - the boundary of one row's work, see above
            put_back(row, error, now=now)
        else:
            done += 1
    return done


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
