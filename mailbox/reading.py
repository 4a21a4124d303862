"""Opening a message: the only door to unread content, and the moment proof 60 speaks of (V-039, K-121).

Opening is an act with legal effect, so it is a POST, asked by a person with the right to read, and the same
commit that marks the item as opened takes the step to READ and prepares the proof. A second opening makes no
second 60. After the term the law has already spoken: the row goes to DEEMED_READ first, and a later opening is
a line in the event log only.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.access import Acting
from evidence import eventlog, rows
from evidence.facts import Authentication
from guards.crash_points import passing

from . import delivery, states, term_holds
from .errors import NotReadYet
from .models import BoxItem
from .proofs import whole_second
from .step import Step


@dataclass(frozen=True)
class Reader:
    """Who opens, acting for whom, and how they proved who they are."""

    acting: Acting
    signed_in_at: datetime
    method: str


def open_message(item: BoxItem, *, reader: Reader, now: datetime) -> BoxItem:
    """Open an inbox item for its reader; an item of the sent folder, or one already open, is left as it is.

    A second before the term ends this makes 60; from the term's end on it makes 61, if the worker has not yet,
    and no 60. Both racing make one proof: the guarded step lets one of them win.
    """
    if item.folder != BoxItem.Folder.INBOX or item.opened_at is not None:
        return item
    recipient = item.recipient
    recipient.message = item.message  # one message, not two: this one's recipients are known already
    actor = str(reader.acting.person.pk)
    is_first = False
    with transaction.atomic():
        if recipient.state == states.RecipientState.DELIVERED:
            if recipient.term_ends_at <= now and not term_holds.holding(recipient):
                delivery.end_terms([recipient], now=now)
            else:
                is_first = bool(
                    states.advance(
                        [
                            Step(
                                recipient,
                                values={"closed_at": now},
                                reader=Authentication(whole_second(reader.signed_in_at), reader.method),
                            )
                        ],
                        states.Event.OPENED,
                        now=now,
                        actor=actor,
                        skip_stale=True,
                    )
                )
        opening = ("opened_at", "opened_by_id"), [(item.pk, (now, reader.acting.person.pk))]
        is_first &= bool(rows.change(BoxItem, *opening, still={"opened_at": None}))
        eventlog.append(
            "message.opened",
            at=now,
            actor=actor,
            subject=item.message.kep_id,
            facts={"recipient": recipient.recipient_no, "account": reader.acting.account.public_id},
        )
        passing("read.before_commit")
    passing("read.after_commit")
    if is_first:
        item.opened_at, item.opened_by = now, reader.acting.person
    else:  # somebody was faster, or the term: their rows say how it stands
        item.refresh_from_db(fields=["opened_at", "opened_by"])
        recipient.refresh_from_db(fields=["state", "closed_at"])
    return item


def readable(item: BoxItem) -> bool:
    """Whether content may be shown: sent items always, inbox items once opened."""
    return item.folder == BoxItem.Folder.SENT or item.opened_at is not None


def refuse_unread(item: BoxItem) -> None:
    """Raise `NotReadYet` for content that nobody has opened: no download, export or attachment goes round it."""
    if not readable(item):
        raise NotReadYet("content asked before opening")
