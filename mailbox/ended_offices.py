"""When somebody may no longer write or send for an account, the signatures he was asked for there are cancelled.

The floor below sends `office_narrowed` in its transaction; it knows no drafts. The drafts stay, because they are the
account's. A signature that was already made is turned back by `submit`, which asks for the right again.
"""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.models import Operator
from accounts.operating.offices import office_narrowed
from accounts.operators import running
from signing import operations

from .compose import PURPOSE
from .errors import MayNotSend
from .models import Draft


@receiver(office_narrowed)
def cancel_what_was_asked(*, operator: Operator, now: datetime, **_: Any) -> None:
    """Cancel this person's open operations for this account, unless he may still write and send."""
    sends = Operator.objects.filter(running(now), pk=operator.pk, may_compose=True, may_sign_and_send=True)
    if sends.exists():
        return
    asked = operations.open_of(person=operator.person_id, purpose=PURPOSE)
    drafts = Draft.objects.filter(account=operator.account, public_id__in=[each.reference for each in asked])
    ours = set(drafts.values_list("public_id", flat=True))
    for operation in asked:
        if operation.reference in ours:
            operations.cancel(operation.pk, person=operator.person_id, now=now, code=MayNotSend.code)
