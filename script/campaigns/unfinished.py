"""What is still owed, by the rows: how many of each kind, and how old the oldest is.

Asked before every blow, so that none falls on an idle provider, and again at the end, when nothing may be left. Work
that was parked or lost its due time counts as long as its state says that it is owed.
"""

import time
from datetime import datetime

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Min

from evidence.models import SealWork
from mailbox.compose import PURPOSE
from mailbox.models import Message, Recipient
from mailbox.state_names import MessageState, RecipientState
from signing.models import SigningOperation

PATIENCE = 90.0


def count() -> dict[str, int]:
    """Rows that are owed, by what is owed."""
    signed = SigningOperation.objects.filter(purpose=PURPOSE, state=SigningOperation.State.SIGNED)
    on_the_way = (RecipientState.ACCEPTED, RecipientState.DELIVERING, RecipientState.RELAYING)
    return {
        "signed": signed.count(),
        "checking": Message.objects.filter(state=MessageState.CHECKING).count(),
        "unreleased": Message.objects.filter(state=MessageState.ACCEPTED, released_at__isnull=True).count(),
        "undelivered": Recipient.objects.filter(state__in=on_the_way).count(),
        "unsealed": SealWork.objects.count(),
    }


def count_patiently() -> dict[str, int]:
    """The same, over a database that may be away for a moment. DatabaseError when it stays away."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return count()
        except DatabaseError:
            connection.close()
            close_old_connections()
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def oldest(now: datetime) -> float:
    """The age of the oldest row that is owed, in seconds; 0 when nothing is."""
    signed = SigningOperation.objects.filter(purpose=PURPOSE, state=SigningOperation.State.SIGNED)
    due = Message.objects.filter(due_at__isnull=False)
    undelivered = Recipient.objects.filter(state=RecipientState.DELIVERING, due_at__isnull=False)
    moments = (
        signed.aggregate(at=Min("signed_at"))["at"],
        due.filter(state=MessageState.CHECKING).aggregate(at=Min("submitted_at"))["at"],
        due.filter(state=MessageState.ACCEPTED).aggregate(at=Min("accepted_at"))["at"],
        undelivered.aggregate(at=Min("message__released_at"))["at"],
        SealWork.objects.aggregate(at=Min("intent__prepared_at"))["at"],
    )
    return max((max(0.0, (now - at).total_seconds()) for at in moments if at is not None), default=0.0)
