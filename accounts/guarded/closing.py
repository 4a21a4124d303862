"""Closing and opening an account again, stopping it for a time and letting it go on (K-031..K-035), by four eyes.

A clerk closes or opens again for the holder who stands at the desk, or upon the paper that proves the reason. A
suspension that the provider or an authority orders, and its end, are asked for by the back office alone.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_noop

from .. import activation, approvals, lifecycle
from ..approvals import facts_of
from ..desk.identity_step import IdentityDocument
from ..lifecycle import Closing, Suspension
from ..models import AccountHolder, Approval, KepAccount, Post
from ..posts import Serving
from .errors import NotPossibleNow

CLOSE: Final = "account.close"
REOPEN: Final = "account.reopen"
SUSPEND: Final = "account.suspend"
RESUME: Final = "account.resume"
_State = KepAccount.State

ORDERED: Final = (Suspension.PROVIDER, Suspension.AUTHORITY)
"""Suspensions the provider's people enter; the holder's own is his own."""


def ask_to_close(account: KepAccount, *, reason: Closing, why: str, by: Serving, now: datetime) -> Approval:
    """Refused: `NotPossibleNow` for a closed one or a reason of another kind of holder; as `approvals.ask` refuses."""
    if account.state == _State.CLOSED or reason not in reasons_for(account):
        raise NotPossibleNow("closed already, or not this reason", given=reason.value)
    return _ask(CLOSE, account, {"reason": reason.value}, why=why, by=by, now=now)


def ask_to_reopen(account: KepAccount, *, document: IdentityDocument, why: str, by: Serving, now: datetime) -> Approval:
    """Refused: `NotPossibleNow` for an account that is not closed or whose holder is no more."""
    if account.state != _State.CLOSED or lifecycle.closing_of(account) in lifecycle.FOR_GOOD:
        raise NotPossibleNow("not closed, or closed for good")
    return _ask(REOPEN, account, {"document": document.value}, why=why, by=by, now=now)


def ask_to_suspend(account: KepAccount, *, reason: Suspension, why: str, by: Serving, now: datetime) -> Approval:
    """Refused: `NotPossibleNow` for an account not in use or a suspension of the holder's own; `NotThisPost`."""
    if account.state not in (_State.ACTIVE, _State.SUSPENDED) or reason not in ORDERED:
        raise NotPossibleNow("not in use, or not ours to order", given=reason.value)
    return _ask(SUSPEND, account, {"reason": reason.value}, why=why, by=by, now=now)


def ask_to_resume(account: KepAccount, *, why: str, by: Serving, now: datetime) -> Approval:
    """Ask that the present suspension, ordered by provider or authority, be lifted. `NotPossibleNow`, `NotThisPost`."""
    if account.state != _State.SUSPENDED or account.suspended_for not in ORDERED:
        raise NotPossibleNow("not suspended by us")
    return _ask(RESUME, account, {"reason": account.suspended_for}, why=why, by=by, now=now)


def reasons_for(account: KepAccount) -> tuple[Closing, ...]:
    """Reasons to close that fit the holder: a company does not die, a person is not dissolved."""
    is_natural = account.holder.kind == AccountHolder.Kind.NATURAL
    not_fitting = Closing.DISSOLUTION if is_natural else Closing.DEATH
    return tuple(each for each in Closing if each is not not_fitting)


def _ask(kind: str, account: KepAccount, facts: dict[str, str], *, why: str, by: Serving, now: datetime) -> Approval:
    holder = account.holder.person_id
    facts = {**facts, "account": account.public_id, **({"person": str(holder)} if holder else {})}
    return approvals.ask(kind, subject=f"account:{account.public_id}", facts=facts, why=why, by=by, now=now)


def _close(approval: Approval, now: datetime) -> None:
    reason = Closing(facts_of(approval)["reason"])
    lifecycle.close(_account(approval), reason=reason, now=now, **_told(approval))


def _reopen(approval: Approval, now: datetime) -> None:
    account = lifecycle.reopen(_account(approval), now=now, **_told(approval))
    activation.begin(account, now=now)


def _suspend(approval: Approval, now: datetime) -> None:
    reason = Suspension(facts_of(approval)["reason"])
    lifecycle.suspend(_account(approval), reason=reason, now=now, **_told(approval))


def _resume(approval: Approval, now: datetime) -> None:
    reason = Suspension(facts_of(approval)["reason"])
    lifecycle.resume(_account(approval), reason=reason, now=now, **_told(approval))


def _account(approval: Approval) -> KepAccount:
    return KepAccount.objects.select_related("holder").get(public_id=facts_of(approval)["account"])


def _told(approval: Approval) -> dict[str, str]:
    """Who asked, where and why, for the account's history."""
    branch = approval.branch.code if approval.branch else ""
    return {"actor": f"person:{approval.asked_by_id}", "branch": branch, "note": approval.why or ""}


_TITLES: Final[dict[str, tuple[str, Callable[[Approval, datetime], None]]]] = {
    CLOSE: (gettext_noop("Hesap kapatma"), _close),
    REOPEN: (gettext_noop("Hesabı yeniden açma"), _reopen),
}
_OF_OFFICE: Final[dict[str, tuple[str, Callable[[Approval, datetime], None]]]] = {
    SUSPEND: (gettext_noop("Hesabı askıya alma"), _suspend),
    RESUME: (gettext_noop("Askıyı kaldırma"), _resume),
}


def register() -> None:
    """The kinds of this file."""
    for kind, (title, execute) in _TITLES.items():
        approvals.register(kind, title=title, execute=execute)
    for kind, (title, execute) in _OF_OFFICE.items():
        approvals.register(kind, title=title, execute=execute, roles=frozenset({Post.Role.BACK_OFFICE}))
