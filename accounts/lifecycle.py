"""Suspending, closing and opening again, and the end of the paid term (K-031..K-036).

    PENDING_ACTIVATION ──activated──► ACTIVE ──suspend──► SUSPENDED
            │      ▲                  │   ◄──resume──────────┘ │
            │      └──reopen── CLOSED ◄──close──────────────────┘
            └──────────────────close──►┘

Each step is one conditional UPDATE from the state before it, with its `AccountChange`, its event and what follows from
it, in one transaction: of two people who press at once, one has done it.

**Suspending** stops sending and acting for the account; mail still arrives, and its record goes on (K-031). Three may
order it: the holder, the provider, an authority. The stronger order stands: it replaces a weaker one, and only whoever
gave it lifts it. **Closing** is for good as far as anybody else is concerned: the address stays with this row for ever
(K-033). Both end the visits of everybody who could act, and the signatures that were asked for the account; closing
also ends the rights of sub-operators and open invitations, so that an account that is opened again begins with its main
operators only. Opening again needs a new activation (K-034); nobody comes back to the address of somebody who died.

**Deemed reading** (design.md 1.1.2). The term of unread mail stands still while the provider or an authority has
ordered a suspension, and stops at death or dissolution. A holder's own suspension or closing does not stop it: nobody
may escape a letter by closing his own box. The mailbox hears `account_changed` in this transaction and keeps
`TermHold` rows; this floor knows no mail.
"""

import enum
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from evidence import eventlog

from . import activation, one_time, open_visits
from .lifecycle_errors import (
    AlreadyClosed,
    ClosedForGood,
    ExpiryRefused,
    NotActiveNow,
    NotClosedNow,
    NotFitting,
    NotSuspendedSo,
    StrongerSuspension,
)
from .models import AccountChange, AccountHolder, KepAccount, Operator, OperatorInvitation, Person
from .one_time import Purpose
from .operators import running

account_changed: Final = Signal()
"""Sent with `account` and `change` in the transaction of the change: what floors above must do in the same commit."""


class Suspension(enum.StrEnum):
    """Who ordered it, from the weakest to the strongest."""

    HOLDER = "holder"
    PROVIDER = "provider"
    AUTHORITY = "authority"

    @property
    def rank(self) -> int:
        """A higher one replaces a lower one."""
        return list(Suspension).index(self)


class Closing(enum.StrEnum):
    """Why an account is closed; always given (K-032)."""

    REQUEST = "request"
    CONTRACT_END = "contract_end"
    FALSE_DATA = "false_data"
    DEATH = "death"
    DISSOLUTION = "dissolution"
    AUTHORITY = "authority"


FOR_GOOD: Final = frozenset({Closing.DEATH, Closing.DISSOLUTION})
_Kind = AccountChange.Kind
_State = KepAccount.State


def suspend(
    account: KepAccount, *, reason: Suspension, actor: str, branch: str = "", note: str = "", now: datetime
) -> KepAccount:
    """Stop sending and acting for the account; a stronger reason takes the place of a weaker one.

    Refused: `NotActiveNow` for an account never activated or closed, `StrongerSuspension`.
    """
    with transaction.atomic():
        locked = _locked(account)
        if locked.state == _State.SUSPENDED and Suspension(locked.suspended_for).rank >= reason.rank:
            raise StrongerSuspension("suspended already", ordered=locked.suspended_for)
        weaker = [each.value for each in Suspension if each.rank < reason.rank]
        before = Q(state=_State.ACTIVE) | Q(state=_State.SUSPENDED, suspended_for__in=weaker)
        if not _move(locked, before, state=_State.SUSPENDED, suspended_for=reason.value):
            raise NotActiveNow("not in use", state=locked.state)
        _stop_acting(locked, reason="suspended", now=now, actor=actor)
        _written(locked, _Kind.SUSPENDED, reason=reason, actor=actor, branch=branch, note=note, now=now)
    account.refresh_from_db()
    return account


def resume(
    account: KepAccount, *, reason: Suspension, actor: str, branch: str = "", note: str = "", now: datetime
) -> KepAccount:
    """Lift the suspension that was ordered for `reason`: nobody lifts another's order. `NotSuspendedSo`."""
    with transaction.atomic():
        locked = _locked(account)
        before = Q(state=_State.SUSPENDED, suspended_for=reason.value)
        if not _move(locked, before, state=_State.ACTIVE, suspended_for=""):
            raise NotSuspendedSo("no such suspension", state=locked.state, asked=reason.value)
        _written(locked, _Kind.RESUMED, reason=reason, actor=actor, branch=branch, note=note, now=now)
    account.refresh_from_db()
    return account


def close(
    account: KepAccount, *, reason: Closing, actor: str, branch: str = "", note: str = "", now: datetime
) -> KepAccount:
    """Close the account from any state; its address stays with it for ever, its proofs for their whole term (K-035).

    Refused: `AlreadyClosed`, `NotFitting` for a reason that is not the holder's kind.
    """
    is_natural = account.holder.kind == AccountHolder.Kind.NATURAL
    if reason == (Closing.DISSOLUTION if is_natural else Closing.DEATH):
        raise NotFitting("not a reason for this holder", given=reason.value)
    with transaction.atomic():
        locked = _locked(account)
        if not _move(locked, ~Q(state=_State.CLOSED), state=_State.CLOSED, suspended_for="", closed_at=now):
            raise AlreadyClosed("closed before")
        _stop_acting(locked, reason="account_closed", now=now, actor=actor)
        one_time.revoke(Purpose.ACTIVATION, activation.subject_of(locked), now=now)
        lesser = Operator.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), account=locked, is_main=False)
        lesser.update(ends_at=now, ended_by=actor)
        OperatorInvitation.objects.filter(account=locked, accepted_at=None, declined_at=None, withdrawn_at=None).update(
            withdrawn_at=now
        )
        _written(locked, _Kind.CLOSED, reason=reason, actor=actor, branch=branch, note=note, now=now)
    account.refresh_from_db()
    return account


def reopen(account: KepAccount, *, actor: str, branch: str = "", note: str = "", now: datetime) -> KepAccount:
    """Give a closed account back to its former holder, who activates it anew (K-034).

    The caller has seen to the new application, the identity check and the second pair of eyes; `activation.begin`
    sends the code. Until it is activated the address takes no mail. Refused: `NotClosedNow`, `ClosedForGood`.
    """
    with transaction.atomic():
        locked = _locked(account)
        if locked.state != _State.CLOSED:
            raise NotClosedNow("not closed", state=locked.state)
        if closing_of(locked) in FOR_GOOD:
            raise ClosedForGood("its holder is no more")
        state = {"state": _State.PENDING_ACTIVATION, "closed_at": None, "activated_at": None}
        if not _move(locked, Q(state=_State.CLOSED), **state):
            raise NotClosedNow("opened a moment ago")
        _written(locked, _Kind.REOPENED, reason="", actor=actor, branch=branch, note=note, now=now)
    account.refresh_from_db()
    return account


def closing_of(account: KepAccount) -> Closing | None:
    """Why the account was closed last; None for one that never was. One query."""
    last = AccountChange.objects.filter(account=account, kind=_Kind.CLOSED).order_by("-pk").first()
    return Closing(last.reason) if last is not None and last.reason else None


# --- the paid term ----------------------------------------------------------------------------------------------------
def set_expiry(account: KepAccount, on: date | None, *, actor: str, branch: str = "", now: datetime) -> KepAccount:
    """Move the last day of the paid term, in Istanbul; None: no term. Refused: `ExpiryRefused`."""
    with transaction.atomic():
        locked = _locked(account)
        if on is not None and on < timezone.localdate(locked.opened_at):
            raise ExpiryRefused("before it was opened", on=on.isoformat())
        if not _move(locked, ~Q(state=_State.CLOSED), expires_on=on):
            raise ExpiryRefused("a closed account has no term")
        written = on.isoformat() if on else ""
        _written(locked, _Kind.EXPIRY, reason=written, actor=actor, branch=branch, note="", now=now)
    account.refresh_from_db()
    return account


def close_expired(*, now: datetime, limit: int = 50) -> int:
    """Close accounts whose term and grace (`KEP_EXPIRY_GRACE`) are over, as the end of the contract; how many.

    Safe to run twice and beside itself: each closing is its own conditional step.
    """
    grace: timedelta = settings.KEP_EXPIRY_GRACE
    last_day = timezone.localdate(now) - grace
    over = KepAccount.objects.filter(expires_on__lt=last_day).exclude(state=_State.CLOSED).order_by("expires_on")
    closed = 0
    for account in over.select_related("holder")[:limit]:
        try:
            close(account, reason=Closing.CONTRACT_END, actor="system", now=now)
        except AlreadyClosed:
            continue  # another worker was faster
        closed += 1
    return closed


# --- what every change does -------------------------------------------------------------------------------------------
def _locked(account: KepAccount) -> KepAccount:
    return KepAccount.objects.select_for_update(of=("self",)).select_related("holder__person").get(pk=account.pk)


def _move(account: KepAccount, before: Q, **values: object) -> bool:
    return bool(KepAccount.objects.filter(before, pk=account.pk).update(**values))


def _stop_acting(account: KepAccount, *, reason: str, now: datetime, actor: str) -> None:
    """End the visits of everybody who could act for the account a moment ago (V-032)."""
    for person in people_of(account, now=now):
        open_visits.end_all(person, reason=reason, now=now, actor=actor)


def people_of(account: KepAccount, *, now: datetime) -> list[Person]:
    """The natural holder and the running operators, each once."""
    operators = Operator.objects.filter(running(now), account=account).values("person")
    return list(Person.objects.filter(Q(pk=account.holder.person_id) | Q(pk__in=operators)).order_by("pk"))


def _written(
    account: KepAccount, kind: str, *, reason: str, actor: str, branch: str, note: str, now: datetime
) -> AccountChange:
    """The history row, the event, and the signal for the floors above, all in the open transaction."""
    account.refresh_from_db()
    change = AccountChange.objects.create(
        account=account, kind=kind, reason=str(reason), at=now, actor=actor, branch=branch, note=note or None
    )
    eventlog.append(
        f"account.{kind}",
        at=now,
        actor=actor,
        subject=f"account:{account.public_id}",
        facts={"reason": str(reason), "branch": branch, "state": account.state},
    )
    account_changed.send(sender=KepAccount, account=account, change=change)
    return change
