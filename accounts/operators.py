"""What an operator (işlem yetkilisi) may do: single switches with a first and a last day (K-130, K-131, W-006).

Denied unless granted. A right that ended is gone at the next request, because every act asks these rows again
(V-043, V-044). Main operators hold the switches they were given like everybody else: `is_main` says who stands
for the account, not what he may do.
"""

import enum
from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from .models import KepAccount, Operator


class Act(enum.Enum):
    """The acts a right can be held for; the value is the switch on the row."""

    READ = "may_read"
    COMPOSE = "may_compose"
    SIGN_AND_SEND = "may_sign_and_send"
    SEND_TEBLIGAT = "may_send_tebligat"
    READ_TEBLIGAT = "may_read_tebligat"
    ARCHIVE = "may_archive"
    DELETE = "may_delete"
    SEE_BALANCE = "may_see_balance"
    MANAGE_OPERATORS = "may_manage_operators"


OPEN_INVITATION = Q(accepted_at__isnull=True, declined_at__isnull=True, withdrawn_at__isnull=True)
"""An invitation that nobody has answered; it may have run out."""


def running(now: datetime) -> Q:
    """The condition of an operatorship that holds at `now`: begun, and not ended."""
    return Q(starts_at__lte=now) & (Q(ends_at__isnull=True) | Q(ends_at__gt=now))


def may(operator: Operator, act: Act, *, now: datetime) -> bool:
    """Whether this operator may do this act at `now`: within his dates and by his own switch."""
    is_running = operator.starts_at <= now and (operator.ends_at is None or operator.ends_at > now)
    return is_running and bool(getattr(operator, act.value))


def notice_numbers(account_ids: Collection[int], *, now: datetime) -> dict[int, list[str]]:
    """Whose phone hears of arrivals, by account: the natural holder, and operators who read and want notices.

    Two queries for any number of accounts; a number stands once per account.
    """
    numbers: dict[int, list[str]] = {account_id: [] for account_id in account_ids}
    holders = KepAccount.objects.filter(pk__in=account_ids, holder__person__isnull=False, wants_sms=True)
    for account_id, phone in holders.values_list("pk", "holder__person__phone"):
        numbers[account_id].append(phone)
    operators = Operator.objects.filter(running(now), account__in=account_ids, wants_sms=True, may_read=True)
    for account_id, phone in operators.order_by("pk").values_list("account", "person__phone"):
        if phone not in numbers[account_id]:
            numbers[account_id].append(phone)
    return numbers
