"""What the mailbox does in the commit in which an account is suspended, resumed, closed or opened again.

The floor below knows no mail: it sends `account_changed` in its transaction, and this module hears it. Signatures that
were asked for the account's drafts are cancelled, because nobody may send for it now; the drafts stay. Terms of unread
mail stand still or run on (`term_holds`). What is already being checked is turned back by the check itself.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Q
from django.dispatch import receiver

from accounts.lifecycle import Closing, Suspension, account_changed
from accounts.models import AccountChange, KepAccount
from signing import operations
from signing.models import SigningOperation

from . import term_holds
from .compose import PURPOSE
from .errors import AccountStopped
from .models import Draft, TermHold

_Kind = AccountChange.Kind
HOLDS: Final[Mapping[tuple[str, str], TermHold.Cause]] = {
    (_Kind.SUSPENDED, Suspension.PROVIDER): TermHold.Cause.PROVIDER,
    (_Kind.SUSPENDED, Suspension.AUTHORITY): TermHold.Cause.AUTHORITY,
    (_Kind.CLOSED, Closing.DEATH): TermHold.Cause.DEATH,
    (_Kind.CLOSED, Closing.DISSOLUTION): TermHold.Cause.DISSOLUTION,
}
"""Which changes hold the terms; a holder's own suspension and every other closing do not (design.md 1.1.2)."""


@receiver(account_changed)
def follow(*, account: KepAccount, change: AccountChange, **_: Any) -> None:
    """Cancel, hold and let run on, in the transaction of the change."""
    if change.kind not in (_Kind.SUSPENDED, _Kind.RESUMED, _Kind.CLOSED, _Kind.REOPENED):
        return
    term_holds.end(account, change=change)  # a stronger order takes the place of a weaker one
    cause = HOLDS.get((change.kind, change.reason))
    if cause is not None:
        term_holds.begin(account, cause, change=change)
    if change.kind in (_Kind.SUSPENDED, _Kind.CLOSED):
        _cancel_signatures(account, change)


def _cancel_signatures(account: KepAccount, change: AccountChange) -> None:
    drafts = Draft.objects.filter(account=account, submitted_at__isnull=True).values_list("public_id", flat=True)
    waiting = Q(state__in=SigningOperation.OPEN_STATES) | Q(state=SigningOperation.State.SIGNED)
    asked = SigningOperation.objects.filter(waiting, purpose=PURPOSE, reference__in=list(drafts))
    for operation in asked.order_by("pk"):
        operations.cancel(operation.pk, person=operation.person, now=change.at, code=AccountStopped.code)
        operations.cancel_for(reference=operation.reference, purpose=PURPOSE)  # signed, and not used yet
