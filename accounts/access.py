"""The only road to an account: who acts, for which account, with which rights, at this moment.

A person signs in; what he may see and do hangs on the account he acts for. The visit remembers an account's
public id and nothing more: state, holder, operatorship and rights are read from their rows at every request, so
that a right taken away is gone at once (V-043). Whoever names an account that is not his hears exactly what he
hears for one that does not exist (V-042). A receive-only account never composes, whoever asks (K-010, K-011).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Q
from django.http import HttpRequest
from django.utils import timezone

from evidence import eventlog
from guards import clock
from guards.ids import could_be_public_id

from .errors import AccessRefused, AccountNotChosen, NoAccount, NotActing
from .models import KepAccount, Operator, OperatorInvitation, Person
from .operators import OPEN_INVITATION, Act, may, running

__all__ = [
    "Acting",
    "NotActing",
    "Rights",
    "account_for",
    "accounts_of",
    "acting_for",
    "acting_for_each",
    "acting_of",
    "beside",
    "choose",
    "is_paid",
    "note_choice",
]

ACCOUNT_KEY = "kep_account"
"""Where the visit keeps the public id of the account somebody acts for."""
CHOSEN = "account.chosen"
"""The event of somebody who begins to act for an account."""


@dataclass(frozen=True)
class Rights:
    """What may be done with the account now; what is not granted is denied (K-131)."""

    may_read: bool
    may_compose: bool
    may_sign_and_send: bool
    may_send_tebligat: bool = False
    may_read_tebligat: bool = False
    may_archive: bool = False
    may_delete: bool = False
    may_see_balance: bool = False
    may_manage_operators: bool = False


@dataclass(frozen=True)
class Acting:
    """A person acting for an account; `operator` is None when the person is the holder himself."""

    person: Person
    account: KepAccount
    operator: Operator | None
    rights: Rights

    @property
    def acts_for_himself(self) -> bool:
        """Whether the account is the person's own."""
        return self.operator is None


def accounts_of(person: Person, *, now: datetime) -> tuple[Acting, ...]:
    """Every account this person may act for at `now`, his own first, then by address. Two queries."""
    own = KepAccount.objects.filter(_usable(), holder__person=person).select_related("holder").order_by("address")
    held = [_acting(person, account, None, now=now) for account in own]
    operators = (
        Operator.objects.filter(running(now), _usable("account__"), person=person)
        .exclude(account__holder__person=person)
        .select_related("account__holder")
        .order_by("account__address")
    )
    return (*held, *(_acting(person, each.account, each, now=now) for each in operators))


def account_for(person: Person, public_id: str, *, now: datetime) -> Acting:
    """The person acting for the account with this public id; `AccessRefused` for every reason alike."""
    rows = KepAccount.objects.filter(_usable(), public_id=public_id).select_related("holder")
    account = rows.first() if could_be_public_id(public_id) else None
    if account is None:
        raise AccessRefused("no such account for this person")
    if account.holder.person_id == person.pk:
        return _acting(person, account, None, now=now)
    operator = Operator.objects.filter(running(now), account=account, person=person).first()
    if operator is None:
        raise AccessRefused("no such account for this person")
    return _acting(person, account, operator, now=now)


def acting_for(person_id: UUID, account: KepAccount, *, now: datetime) -> Acting:
    """The same question outside a request, for workers: `AccessRefused` also when the person is no longer active."""
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        raise AccessRefused("no such person")
    return account_for(person, account.public_id, now=now)


def acting_for_each(
    asked: Iterable[tuple[UUID, KepAccount]], *, now: datetime
) -> dict[tuple[UUID, int], Acting | AccessRefused]:
    """`acting_for` for many pairs of person and account, by (person, account key): three queries for any number."""
    pairs = {(person_id, account.pk) for person_id, account in asked}
    people = Person.objects.filter(is_active=True).in_bulk({person_id for person_id, _ in pairs})
    usable = KepAccount.objects.filter(_usable()).select_related("holder").in_bulk({key for _, key in pairs})
    strangers = [(each, key) for each, key in pairs if key in usable and usable[key].holder.person_id != each]
    operators = {
        (each.person_id, each.account_id): each
        for each in Operator.objects.filter(
            running(now), person__in={each for each, _ in strangers}, account__in={key for _, key in strangers}
        ).order_by("-pk")
    } if strangers else {}  # fmt: skip
    found: dict[tuple[UUID, int], Acting | AccessRefused] = {}
    for person_id, key in pairs:
        person, account, operator = people.get(person_id), usable.get(key), operators.get((person_id, key))
        is_own = account is not None and account.holder.person_id == person_id
        if person is None or account is None or (operator is None and not is_own):
            found[person_id, key] = AccessRefused("no such account for this person")
        else:
            found[person_id, key] = _acting(person, account, None if is_own else operator, now=now)
    return found


def acting_of(request: HttpRequest) -> Acting:
    """Who acts for whom in this request; asked once per request, from the rows as they are.

    Refused, all of them `NotActing`: `NoAccount`, `AccountNotChosen`, and `AccessRefused` when the right has ended
    since the account was chosen. The gate turns each into the page where an account is chosen.
    """
    known: Acting | None = getattr(request, "kep_acting", None)
    if known is None:
        known = _find(request)
        request.kep_acting = known  # type: ignore[attr-defined]
    return known


@dataclass(frozen=True)
class Beside:
    """What waits for the person beside the account he acts for."""

    has_other_accounts: bool
    is_invited: bool


def beside(acting: Acting, *, now: datetime) -> Beside:
    """Whether the person could act for another account as well, and is invited to one. One query."""
    operated = Operator.objects.filter(running(now), person=acting.person).values("account")
    theirs = Q(holder__person=acting.person) | Q(pk__in=operated)
    others = KepAccount.objects.filter(_usable(), theirs).exclude(pk=acting.account.pk)
    offered = OperatorInvitation.objects.filter(OPEN_INVITATION, person=acting.person, expires_at__gt=now)
    found = Person.objects.filter(pk=acting.person.pk).values_list(Exists(others), Exists(offered))
    has_other_accounts, is_invited = found.get()
    return Beside(has_other_accounts, is_invited)


def choose(request: HttpRequest, acting: Acting) -> None:
    """Keep the account for the rest of the visit."""
    request.session[ACCOUNT_KEY] = acting.account.public_id
    request.kep_acting = acting  # type: ignore[attr-defined]


def note_choice(acting: Acting, *, now: datetime) -> None:
    """Write down that the person acts for this account from now on (K-133)."""
    with transaction.atomic():
        subject = f"account:{acting.account.public_id}"
        eventlog.append(CHOSEN, at=now, actor=f"person:{acting.person.pk}", subject=subject)


def _find(request: HttpRequest) -> Acting:
    person, now = request.user, clock.now()
    if not isinstance(person, Person):
        raise AccessRefused("nobody is signed in")
    chosen = request.session.get(ACCOUNT_KEY)
    if chosen is not None:
        return account_for(person, chosen, now=now)
    candidates = accounts_of(person, now=now)
    if not candidates:
        raise NoAccount("no account to act for")
    if len(candidates) > 1:
        raise AccountNotChosen("no account chosen in this visit")
    return candidates[0]


def _usable(prefix: str = "") -> Q:
    """Accounts one can act for. Suspension stops sending and sign-in, never delivery (K-031)."""
    return Q(**{f"{prefix}state": KepAccount.State.ACTIVE})


def is_paid(account: KepAccount, *, now: datetime) -> bool:
    """Whether the paid term covers today in Istanbul. Past it nothing is sent (P-011); mail still arrives (K-036)."""
    return account.expires_on is None or timezone.localdate(now) <= account.expires_on


def _acting(person: Person, account: KepAccount, operator: Operator | None, *, now: datetime) -> Acting:
    may_send = account.mode == KepAccount.Mode.SEND_AND_RECEIVE and is_paid(account, now=now)
    granted = {act: operator is None or may(operator, act, now=now) for act in Act}
    rights = Rights(
        may_read=granted[Act.READ],
        may_compose=may_send and granted[Act.COMPOSE],
        may_sign_and_send=may_send and granted[Act.SIGN_AND_SEND],
        may_send_tebligat=may_send and granted[Act.SEND_TEBLIGAT],
        may_read_tebligat=granted[Act.READ_TEBLIGAT],
        may_archive=granted[Act.ARCHIVE],
        may_delete=granted[Act.DELETE],
        may_see_balance=granted[Act.SEE_BALANCE],
        may_manage_operators=operator is not None and granted[Act.MANAGE_OPERATORS],
    )
    return Acting(person, account, operator, rights)
