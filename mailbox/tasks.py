"""The sweeps: what each worker looks for, lot by lot, whether or not a bell rang (design.md 1.6).

Each sweep claims due rows, takes them through their verb as a `Lot`, and says how many moved; a worker turns until
all say nothing. Whatever a verb raises for one row that nobody foresaw is written down on that row with a growing
delay, so that one poisoned row never stands in the way of its neighbours (R-016).
"""

import functools
import os
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from accounts import notices
from evidence import clock_drift, issue, outside
from evidence.claims import claim, give_back
from evidence.facts import EvidenceKind
from evidence.models import SealedEvidence, SealRequest
from guards.clock import now as clock
from signing import operations
from signing.models import SigningOperation

from . import checking, compose, delivery, submit, takeout
from .lot import Lot
from .models import Message, Recipient
from .state_names import MessageState, RecipientState
from .trouble import put_back

BATCH = 50


def sweep(verb: Callable[[datetime], int]) -> Callable[..., int]:
    """A sweep as workers call it: without arguments, at this moment. Tests hand in the moment."""

    @functools.wraps(verb)
    def turn(now: datetime | None = None) -> int:
        return verb(now or clock())

    return turn


@sweep
def submit_signed(now: datetime) -> int:
    """Signatures that have come become messages in CHECKING."""

    def failed(operation: SigningOperation, error: Exception) -> None:
        if not isinstance(error, operations.StaleOperation):  # another worker was faster: its message stands
            operations.put_back(operation, error, now=now)

    taken = operations.take_signed(compose.PURPOSE, BATCH, now=now)
    lot = Lot(taken, now, failed=failed, spared=give_back)
    return lot.through(lambda some: len(submit.submit_all(some)))


@sweep
def check_due(now: datetime) -> int:
    """Messages in CHECKING ask the outside."""
    rows = Message.objects.filter(state=MessageState.CHECKING).select_related("account__holder", "submitted_by")
    waiting = claim(rows, now=now, limit=BATCH, weight="size")
    lot = Lot(waiting, now, failed=functools.partial(checking.failed, now=now), spared=give_back)
    return lot.through(checking.check_all)


@sweep
def deliver_due(now: datetime) -> int:
    """Recipients on their way to a box of ours."""
    rows = (
        Recipient.objects.filter(state=RecipientState.DELIVERING)
        .select_related("message")
        .prefetch_related("message__recipients")
    )
    return _lot(claim(rows, now=now, limit=BATCH), now=now).through(delivery.deliver_all)


@sweep
def end_terms_due(now: datetime) -> int:
    """Unread messages whose term is over."""
    return _lot(delivery.terms_due(now=now, limit=BATCH), now=now).through(delivery.end_terms_all)


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
    clock_drift.refuse_when_adrift()
    return issue.seal_due(signer=issue.open_signer(), stamper=outside.stamper(), now=now, worker=_worker(), limit=BATCH)


@sweep
def release_due(now: datetime) -> int:
    """Accepted messages whose proof 10 is sealed go out."""
    sealed = SealedEvidence.objects.filter(intent__kep_id=OuterRef("kep_id"), intent__code=EvidenceKind.SUBMITTED)
    rows = Message.objects.filter(Exists(sealed), state=MessageState.ACCEPTED, released_at__isnull=True)
    clock_drift.refuse_when_adrift()
    verb = functools.partial(delivery.release_all, signer=issue.open_signer(), stamper=outside.stamper())
    return _lot(claim(rows.prefetch_related("recipients"), now=now, limit=BATCH, weight="size"), now=now).through(verb)


@sweep
def bundles_due(now: datetime) -> int:
    """Pages that wait for a sealed proof bundle."""
    clock_drift.refuse_when_adrift()
    rows = SealRequest.objects.filter(kind=takeout.BUNDLE, finished_at__isnull=True)

    def make(request: SealRequest) -> SealRequest:
        # the key is asked for each time: one that stopped signing is opened anew
        takeout.make_bundle(request, signer=issue.open_signer(), stamper=outside.stamper(), now=now)
        return request

    lot = _lot(claim(rows, now=now, limit=BATCH), now=now)
    return lot.through(lambda some: len(some.each(some.rows, make, row_of=lambda each: each)))


def _lot(rows: list[Any], *, now: datetime) -> Lot[Any]:
    return Lot(rows, now, failed=functools.partial(put_back, now=now), spared=give_back)


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
