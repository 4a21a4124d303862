"""Changing and ending an office, and beginning one; each in one transaction that holds the account's row.

The rights of whoever asks are read again inside that transaction: one whose right was taken a moment ago is refused,
whatever his page still shows (V-043, V-047). A switch that is taken away ends every visit of that person, and so does
the end of an office (V-032, W-006); a manager who narrows himself keeps his own visit, which the rows bound anyway.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.dispatch import Signal

from evidence import eventlog
from guards.ids import could_be_public_id

from .. import access, open_visits
from ..access import Acting
from ..models import AccountChange, KepAccount, Operator, OperatorInvitation, Person
from ..operators import OPEN_INVITATION, Act, running
from . import grants
from .errors import (
    AlreadyOperator,
    BeyondOwnRights,
    ChangedMeanwhile,
    LastMainOperator,
    MayNotManage,
    NoSuchOperator,
    OwnOffice,
)
from .grants import SWITCHES, Grant

office_narrowed = Signal()
"""Sent inside the transaction in which somebody may do less than before, with `operator` as he is now and `now`: floors
above end what he had begun by a right that is gone."""

REMOVED = "operator_removed"
NARROWED = "operator_narrowed"


def present(account: KepAccount, *, now: datetime) -> "QuerySet[Operator]":
    """Whose office has not ended, main operators first; offices that begin later are among them. One query."""
    rows = Operator.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), account=account)
    return rows.select_related("person").order_by("-is_main", "starts_at", "pk")


def may_look(acting: Acting) -> bool:
    """Whether the person may see who the operators are: main operators, and whoever manages them."""
    return acting.operator is not None and (acting.operator.is_main or acting.rights.may_manage_operators)


def refuse_looking(acting: Acting) -> None:
    """`MayNotManage` unless the person may see who the operators are."""
    if not may_look(acting):
        raise MayNotManage("may not see the operators")


def office_of(account: KepAccount, public_id: str, *, now: datetime) -> Operator:
    """One present operator of this account, by name; `NoSuchOperator` for every other name alike."""
    found = present(account, now=now).filter(public_id=public_id).first() if could_be_public_id(public_id) else None
    if found is None:
        raise NoSuchOperator("no such operator of this account")
    return found


def may_open(acting: Acting, operator: Operator) -> bool:
    """Whether this person may change this operator at all; asked again, with what he gives, when he saves."""
    is_free = _is_main(acting) or not (operator.is_main or operator.person_id == acting.person.pk)
    return acting.rights.may_manage_operators and is_free


def openable(acting: Acting, public_id: str, *, now: datetime) -> Operator:
    """An operator whom this person may change. `MayNotManage`, `NoSuchOperator`, `OwnOffice`, `BeyondOwnRights`."""
    if not acting.rights.may_manage_operators:
        raise MayNotManage("may not manage operators")
    operator = office_of(acting.account, public_id, now=now)
    if not may_open(acting, operator):
        raise OwnOffice("own rights") if operator.person_id == acting.person.pk else BeyondOwnRights("a main operator")
    return operator


def removable(acting: Acting, public_id: str, *, now: datetime) -> Operator:
    """An operator whom this person may remove: as `openable`, and himself."""
    if not acting.rights.may_manage_operators:
        raise MayNotManage("may not manage operators")
    operator = office_of(acting.account, public_id, now=now)
    if operator.is_main and not _is_main(acting):
        raise BeyondOwnRights("a main operator is removed by a main operator")
    return operator


def change(acting: Acting, public_id: str, *, grant: Grant, seen: str, now: datetime) -> Operator:
    """Give this operator exactly `grant`. `seen` is `grants.state_of` as the manager's page showed it.

    Refused: `MayNotManage`, `NoSuchOperator`, `OwnOffice`, `BeyondOwnRights`, `GrantRefused`, `ChangedMeanwhile`,
    `LastMainOperator`.
    """
    with managing(acting, now=now) as manager:
        operator = office_of(manager.account, public_id, now=now)
        before = grants.held_by(operator)
        grant = grants.with_hidden(grant, before.switches, manager.account)
        if operator.starts_at <= now:  # an office that has begun began when it did
            grant = replace(grant, starts_at=operator.starts_at)
        _refuse_touching(manager, operator, grant)
        grants.refuse_bad(grant, now=now)
        if grants.state_of(operator) != seen:
            raise ChangedMeanwhile("the page was made from an older state")
        if grants.held_by(operator) != grant:
            _write(operator, grant, before, actor=_actor(manager), now=now)
    return operator


def remove(acting: Acting, public_id: str, *, now: datetime) -> Operator:
    """End this office now, with its visits and the open invitations its person has made.

    Refused: `MayNotManage`, `NoSuchOperator`, `BeyondOwnRights`, `LastMainOperator`. A manager may end his own.
    """
    with managing(acting, now=now) as manager:
        operator = removable(manager, public_id, now=now)
        end(operator, actor=_actor(manager), now=now)
    return operator


def end(operator: Operator, *, actor: str, branch: str = "", now: datetime) -> None:
    """End an office by whoever is entitled to (the desk by four eyes); in a transaction of its own or the caller's.

    Refused: `NoSuchOperator` when it has ended already, `LastMainOperator`.
    """
    with transaction.atomic():
        account = hold(operator.account_id)
        row = Operator.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), pk=operator.pk)
        # one that has not begun never runs: it ends before it begins
        if not row.update(ends_at=now, ended_by=actor):
            raise NoSuchOperator("ended already")
        operator.ends_at, operator.ended_by = now, actor
        if operator.is_main:
            _refuse_last(account, now=now)
        _take_back_invitations(account, operator.person, actor=actor, now=now)
        open_visits.end_all(operator.person, reason=REMOVED, now=now, actor=actor)
        office_narrowed.send(Operator, operator=operator, now=now)
        _note("operator.removed", operator, actor=actor, branch=branch, now=now)


def appoint(
    account: KepAccount,
    person: Person,
    *,
    grant: Grant,
    actor: str,
    appointed_by: str = "",
    kind: str = "operator.appointed",
    branch: str = "",
    now: datetime,
) -> Operator:
    """Begin an office: at the desk by four eyes, or by an invitation, which its person accepts (`kind` is the event).

    `appointed_by` is who gave the rights, where that is somebody else than `actor`. Refused: `GrantRefused`,
    `AlreadyOperator`.
    """
    grants.refuse_bad(grant, now=now)
    starts_at = max(now, grant.starts_at) if grant.starts_at else now
    with transaction.atomic():
        hold(account.pk)
        if present(account, now=now).filter(person=person).exists():
            raise AlreadyOperator("holds an office at this account")
        try:
            operator = Operator.objects.create(
                account=account,
                person=person,
                is_main=grant.is_main,
                role=grant.role,
                relation=grant.relation,
                starts_at=starts_at,
                ends_at=grant.ends_at,
                appointed_by=appointed_by or actor,
                **{each: each in grant.switches for each in SWITCHES},
            )
        except IntegrityError as error:
            raise AlreadyOperator("holds an office at this account") from error
        _note(kind, operator, actor=actor, branch=branch, now=now, given=sorted(grant.switches))
    return operator


@contextmanager
def managing(acting: Acting, *, now: datetime) -> Iterator[Acting]:
    """A transaction that holds the account's row, with the manager's rights as they are in it. `MayNotManage`."""
    with transaction.atomic():
        hold(acting.account.pk)
        manager = access.account_for(acting.person, acting.account.public_id, now=now)
        if not manager.rights.may_manage_operators:
            raise MayNotManage("may not manage operators")
        yield manager


def refuse_giving(manager: Acting, grant: Grant, already: frozenset[str] = frozenset()) -> None:
    """`BeyondOwnRights` when a manager who is no main operator gives more than he holds, or appoints a main one."""
    if _is_main(manager):
        return
    own = grants.held_by(manager.operator).rights if manager.operator else frozenset()
    if grant.is_main or not (grant.rights - already) <= own:
        raise BeyondOwnRights("more than the manager holds")


def _refuse_touching(manager: Acting, operator: Operator, grant: Grant) -> None:
    if _is_main(manager):
        return
    if operator.person_id == manager.person.pk:
        raise OwnOffice("a manager's own rights")
    if operator.is_main:
        raise BeyondOwnRights("a main operator is changed by a main operator")
    refuse_giving(manager, grant, already=grants.held_by(operator).rights)


def _write(operator: Operator, grant: Grant, before: Grant, *, actor: str, now: datetime) -> None:
    values = {each: each in grant.switches for each in SWITCHES}
    values |= {"is_main": grant.is_main, "role": grant.role, "relation": grant.relation}  # type: ignore[dict-item]
    values |= {"starts_at": grant.starts_at or operator.starts_at, "ends_at": grant.ends_at}  # type: ignore[dict-item]
    Operator.objects.filter(pk=operator.pk).update(**values)
    for name, value in values.items():
        setattr(operator, name, value)
    if before.is_main:
        _refuse_last(operator.account, now=now)
    taken, given = sorted(before.switches - grant.switches), sorted(grant.switches - before.switches)
    is_narrower = bool(before.rights - grant.rights) or (before.is_main and not grant.is_main)
    if Act.MANAGE_OPERATORS.value in taken:
        _take_back_invitations(operator.account, operator.person, actor=actor, now=now)
    if is_narrower and actor != f"person:{operator.person_id}":
        open_visits.end_all(operator.person, reason=NARROWED, now=now, actor=actor)
    if is_narrower:
        office_narrowed.send(Operator, operator=operator, now=now)
    _note("operator.changed", operator, actor=actor, branch="", now=now, given=given, taken=taken)


def _refuse_last(account: KepAccount, *, now: datetime) -> None:
    """After the change, and before it is committed. The account's row is held."""
    heads = Operator.objects.filter(running(now), account=account, is_main=True, may_manage_operators=True)
    if not heads.filter(ends_at__isnull=True, person__is_active=True).exists():
        raise LastMainOperator("nobody would be left to stand for the account")


def _take_back_invitations(account: KepAccount, person: Person, *, actor: str, now: datetime) -> None:
    """What somebody offered who may not offer any more is not offered any more."""
    theirs = OperatorInvitation.objects.filter(account=account, invited_by=f"person:{person.pk}")
    for public_id in theirs.filter(OPEN_INVITATION).values_list("public_id", flat=True):
        if theirs.filter(OPEN_INVITATION, public_id=public_id).update(withdrawn_at=now, typed_name=None):
            facts = {"invitation": public_id, "why": "inviter"}
            subject = f"account:{account.public_id}"
            eventlog.append("operator.invitation_withdrawn", at=now, actor=actor, subject=subject, facts=facts)


def hold(account_key: int) -> KepAccount:
    """Lock the account's row until the transaction ends; whoever changes operators does this before anything else."""
    return KepAccount.objects.select_for_update().get(pk=account_key)


def _is_main(acting: Acting) -> bool:
    return acting.operator is not None and acting.operator.is_main


def _actor(acting: Acting) -> str:
    return f"person:{acting.person.pk}"


def _note(
    kind: str,
    operator: Operator,
    *,
    actor: str,
    branch: str,
    now: datetime,
    given: list[str] | None = None,
    taken: list[str] | None = None,
) -> None:
    account = operator.account
    AccountChange.objects.create(
        account=account, kind=AccountChange.Kind.OPERATORS, reason=kind, at=now, actor=actor, branch=branch
    )
    facts: dict[str, str | int | None] = {
        "operator": operator.public_id,
        "person": f"person:{operator.person_id}",
        "main": int(operator.is_main),
        "given": " ".join(given or ()),
        "taken": " ".join(taken or ()),
        "until": operator.ends_at.isoformat() if operator.ends_at else None,
    }
    if branch:
        facts["branch"] = branch
    eventlog.append(kind, at=now, actor=actor, subject=f"account:{account.public_id}", facts=facts)
