"""The reading term stands still: when, why, and what becomes of the terms that were running (design.md 1.1.2).

A hold belongs to an account and covers its unread mail. While it runs, no term of that account ends. When it ends,
every running term is moved on by the time that it stood still: from the beginning of the hold, or from the delivery of
a message that came while it ran. A term that had ended before the hold began is not saved by it; the law had spoken.
A hold that death or dissolution has begun never ends, and neither do the terms it holds.

Holds are begun and ended in the transaction of the change that causes them (`stopped_accounts`), so that a person who
opens a message in the very next second meets the moved term. Proof 61 names the stretches that did not count.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef

from accounts.models import AccountChange, KepAccount
from evidence import eventlog, rows

from .models import Recipient, TermHold
from .state_names import RecipientState

HOLDING_TERM: Final = Exists(
    TermHold.objects.filter(account=OuterRef("account"), ended_at__isnull=True, started_at__lt=OuterRef("term_ends_at"))
)
"""For a query over recipients: whether a running hold keeps this row's term from ending."""


def begin(account: KepAccount, cause: TermHold.Cause, *, change: AccountChange) -> TermHold:
    """The terms of the account stand still from this change on; inside its transaction."""
    hold = TermHold.objects.create(account=account, cause=cause, started_at=change.at, begun_by=change)
    _log("terms.held", account, change, cause=cause)
    return hold


def end(account: KepAccount, *, change: AccountChange) -> int:
    """The terms of the account run on; inside the transaction of the change. How many were moved; 0 without a hold."""
    hold = TermHold.objects.select_for_update().filter(account=account, ended_at=None).first()
    if hold is None:
        return 0
    hold.ended_at, hold.ended_by = max(change.at, hold.started_at), change
    hold.save(update_fields=["ended_at", "ended_by"])
    standing = Recipient.objects.select_for_update().filter(
        account=account, state=RecipientState.DELIVERED, term_ends_at__gt=hold.started_at
    )
    moved = [
        (each.pk, (each.term_ends_at + (hold.ended_at - max(hold.started_at, each.delivered_at)),))
        for each in standing.order_by("pk").only("term_ends_at", "delivered_at")
        if each.delivered_at < hold.ended_at
    ]
    rows.change(Recipient, ("term_ends_at",), moved, still={"state": RecipientState.DELIVERED})
    _log("terms.run_on", account, change, cause=hold.cause, moved=len(moved))
    return len(moved)


def holding(recipient: Recipient) -> bool:
    """Whether a running hold keeps this recipient's term from ending. One query."""
    running = TermHold.objects.filter(account=recipient.account_id, ended_at=None)
    return running.filter(started_at__lt=recipient.term_ends_at).exists()


def holds_of(recipients: Collection[Recipient]) -> dict[int, list[TermHold]]:
    """The holds that touched the term of each delivered recipient, oldest first, by its key. One query at most."""
    delivered = [each for each in recipients if each.account_id and each.delivered_at and each.term_ends_at]
    found: dict[int, list[TermHold]] = {each.pk: [] for each in delivered}
    if not delivered:
        return found
    by_account: dict[int | None, list[TermHold]] = {}
    for hold in TermHold.objects.filter(account__in={each.account_id for each in delivered}):
        by_account.setdefault(hold.account_id, []).append(hold)
    for each in delivered:
        found[each.pk] = [hold for hold in by_account.get(each.account_id, ()) if _touches(hold, each)]
    return found


def still_over(recipients: Iterable[Recipient], *, now: datetime) -> list[Recipient]:
    """Those whose term is over by the rows as they are now, and locked until the transaction ends.

    Between looking for ended terms and ending them an account may have been suspended, or a term moved on.
    """
    asked = {each.pk: each for each in recipients}
    locked = Recipient.objects.select_for_update(of=("self",)).filter(pk__in=asked, term_ends_at__lte=now)
    ends = dict(locked.exclude(HOLDING_TERM).order_by("pk").values_list("pk", "term_ends_at"))
    for key, at in ends.items():
        asked[key].term_ends_at = at
    return [each for key, each in asked.items() if key in ends]


def _touches(hold: TermHold, recipient: Recipient) -> bool:
    return hold.started_at < recipient.term_ends_at and (
        hold.ended_at is None or hold.ended_at > recipient.delivered_at
    )


def _log(kind: str, account: KepAccount, change: AccountChange, **facts: str | int) -> None:
    eventlog.append(kind, at=change.at, actor=change.actor, subject=f"account:{account.public_id}", facts=facts)
