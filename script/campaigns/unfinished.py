"""What is still owed, by the rows: how many of each kind, and how old the oldest is.

Asked before every blow, so that none falls on an idle provider, and at the end, when nothing may be left: then work
that was parked or lost its due time counts too, because its state says that it is owed.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.models import Min, QuerySet

from evidence.models import SealWork
from mailbox.compose import PURPOSE
from mailbox.models import Message, Recipient
from mailbox.state_names import MessageState, RecipientState
from signing.models import SigningOperation

PATIENCE = 90.0
ON_THE_WAY = (RecipientState.ACCEPTED, RecipientState.DELIVERING, RecipientState.RELAYING)


def due() -> dict[str, int]:
    """Rows that are owed and have a due time, by what is owed: cheap, by the indexes that the workers use."""
    states: Counter[str] = Counter(Message.objects.filter(due_at__isnull=False).values_list("state", flat=True))
    return {
        "signed": _signed().count(),
        "checking": states[MessageState.CHECKING],
        "unreleased": states[MessageState.ACCEPTED],
        "undelivered": Recipient.objects.filter(due_at__isnull=False, state__in=ON_THE_WAY).count(),
        "unsealed": SealWork.objects.count(),
    }


def owed() -> dict[str, int]:
    """Rows that are owed, by their states alone: reads whole tables."""
    unreleased = Message.objects.filter(state=MessageState.ACCEPTED, released_at__isnull=True)
    return {
        "signed": _signed().count(),
        "checking": Message.objects.filter(state=MessageState.CHECKING).count(),
        "unreleased": unreleased.count(),
        "undelivered": Recipient.objects.filter(state__in=ON_THE_WAY).count(),
        "unsealed": SealWork.objects.count(),
    }


def patiently(question: Callable[[], dict[str, int]]) -> dict[str, int]:
    """The answer, over a database that may be away for a moment. DatabaseError when it stays away."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return question()
        except DatabaseError:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _signed() -> QuerySet[SigningOperation]:
    return SigningOperation.objects.filter(purpose=PURPOSE, state=SigningOperation.State.SIGNED)


def oldest(now: datetime) -> float:
    """The age of the oldest row that is owed, in seconds; 0 when nothing is."""
    due = Message.objects.filter(due_at__isnull=False)
    undelivered = Recipient.objects.filter(state=RecipientState.DELIVERING, due_at__isnull=False)
    moments = (
        _signed().aggregate(at=Min("signed_at"))["at"],
        due.filter(state=MessageState.CHECKING).aggregate(at=Min("submitted_at"))["at"],
        due.filter(state=MessageState.ACCEPTED).aggregate(at=Min("accepted_at"))["at"],
        undelivered.aggregate(at=Min("message__released_at"))["at"],
        SealWork.objects.aggregate(at=Min("intent__prepared_at"))["at"],
    )
    return max((max(0.0, (now - at).total_seconds()) for at in moments if at is not None), default=0.0)
