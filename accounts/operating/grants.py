"""What is given to an operator: single switches, a place in the company, and dates (K-131, W-005, W-006).

Days are days in Istanbul: an office begins with the first moment of its first day and ends with the last moment of its
last one. Denied unless named: a grant holds the names of the switches that are on and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Final

from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext_noop

from ..models import AccountHolder, KepAccount, Operator
from ..operators import Act
from .errors import GrantRefused

RIGHTS: Final = tuple(act.value for act in Act)
NOTICES: Final = ("wants_sms", "wants_email")
SWITCHES: Final = (*RIGHTS, *NOTICES)

_SENDING: Final = frozenset({Act.COMPOSE.value, Act.SIGN_AND_SEND.value, Act.SEND_TEBLIGAT.value})


@dataclass(frozen=True)
class Grant:
    """Everything a manager decides about an operator. `starts_at` None: from the acceptance on."""

    switches: frozenset[str]
    is_main: bool = False
    role: str = ""
    relation: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def rights(self) -> frozenset[str]:
        """The switches that allow something; notices allow nothing."""
        return self.switches & frozenset(RIGHTS)


def offered(account: KepAccount) -> tuple[str, ...]:
    """The switches that mean something for this account, in the order of screens.

    A receive-only account writes nothing (K-010); only public senders send e-tebligat (screens, Table).
    """
    hidden: set[str] = set()
    if account.mode == KepAccount.Mode.RECEIVE_ONLY:
        hidden |= _SENDING
    if account.holder.kind != AccountHolder.Kind.PUBLIC_LEGAL:
        hidden.add(Act.SEND_TEBLIGAT.value)
    return tuple(each for each in SWITCHES if each not in hidden)


def held_by(operator: Operator) -> Grant:
    """What the operator has been given."""
    return Grant(
        frozenset(each for each in SWITCHES if getattr(operator, each)),
        operator.is_main,
        operator.role,
        operator.relation,
        operator.starts_at,
        operator.ends_at,
    )


def with_hidden(grant: Grant, before: Iterable[str], account: KepAccount) -> Grant:
    """The grant with those switches kept that the account's form does not show."""
    shown = frozenset(offered(account))
    return replace(grant, switches=(grant.switches & shown) | (frozenset(before) - shown))


def refuse_bad(grant: Grant, *, now: datetime) -> None:
    """`GrantRefused` for an unknown switch, for no right at all, and for dates that are no time."""
    if not grant.switches <= frozenset(SWITCHES):
        raise GrantRefused("unknown switch", why=gettext_noop("bilinmeyen bir yetki adı geldi."))
    if not grant.rights:
        raise GrantRefused("no right", why=gettext_noop("en az bir yetki seçin."))
    if grant.relation and grant.relation not in Operator.Relation.values:
        raise GrantRefused("unknown relation", why=gettext_noop("hesapla ilişkisi bilinmiyor."))
    if grant.ends_at is None:
        return
    if grant.ends_at <= now:
        raise GrantRefused("ends in the past", why=gettext_noop("son gün geçmişte kalıyor."))
    if grant.starts_at is not None and grant.ends_at <= grant.starts_at:
        raise GrantRefused("ends before it begins", why=gettext_noop("son gün ilk günden önce."))


def first_moment(day: date) -> datetime:
    """When that day begins in Istanbul."""
    return datetime.combine(day, time(), tzinfo=get_default_timezone())


def moment_after(day: date) -> datetime:
    """When that day is over in Istanbul."""
    return first_moment(day + timedelta(days=1))


def day_of(moment: datetime) -> date:
    """The day of a moment in Istanbul."""
    return localtime(moment).date()


def last_day(ends_at: datetime | None) -> date | None:
    """The last day on which the office holds."""
    return localtime(ends_at - timedelta(microseconds=1)).date() if ends_at else None


def state_of(operator: Operator) -> str:
    """A name of what the operator holds now, by which a form says what it was made from."""
    grant = held_by(operator)
    said = (sorted(grant.switches), grant.is_main, grant.role, grant.relation, grant.starts_at, grant.ends_at)
    return sha256(repr(said).encode()).hexdigest()[:20]
