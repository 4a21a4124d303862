"""Inviting somebody to act for an account, and his answer (K-132, W-005, V-011).

An invitation goes to a person by identity number. A number that nobody here has yet becomes a person without secrets,
known by form only; he gets a code by which he sets them, and answers afterwards, signed in. A person known already
hears of it on the phone *he* gave, never on the one that was typed (V-011).

The inviter hears the same in both cases, and the list of open invitations shows him what he typed: who types numbers
must not learn whose they are, or whether they are known (V-008). Because of that, a code that cannot be sent now is no
refusal either: it stands in the event log, and *Yeniden gönder* asks for another.

**Whose phone?** Somebody known by form only has the phone that the first inviter wrote down. He answers an invitation
only if this inviter wrote the same phone; otherwise he first proves himself at a branch or by e-imza. So nobody gets
into a company by having invited a stranger's number to his own first.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.views.decorators.debug import sensitive_variables

from evidence import eventlog
from guards.ids import could_be_public_id

from .. import activation, notices, persons
from ..access import Acting
from ..errors import AccountsError
from ..identity import read_mobile
from ..models import AccountChange, KepAccount, Operator, OperatorInvitation, Person
from ..operators import OPEN_INVITATION
from . import grants, offices
from .errors import AlreadyOperator, InvitationOver, NoSuchInvitation, NotYouForCertain, TooManyInvitations
from .grants import Grant

log = logging.getLogger(__name__)

LASTS: Final = timedelta(days=14)
PER_ACCOUNT_AND_DAY: Final = 30
PER_PERSON_AND_DAY: Final = 3
"""Invitations of one account to one person, and texts about one invitation."""
_DAY: Final = timedelta(days=1)


@sensitive_variables("tckn", "phone", "first_name", "last_name", "email")
def invite(
    acting: Acting,
    *,
    tckn: str,
    first_name: str,
    last_name: str,
    phone: str,
    email: str | None,
    grant: Grant,
    now: datetime,
) -> OperatorInvitation:
    """Offer an office at the account. The person is told after the commit.

    Refused: `TcknRefused`, `PhoneRefused`, `NameRefused`, `MayNotManage`, `BeyondOwnRights`, `GrantRefused`,
    `AlreadyOperator` (also with an open invitation), `TooManyInvitations`.
    """
    grants.refuse_bad(grant, now=now)
    with offices.managing(acting, now=now) as manager:
        account = manager.account
        offices.refuse_giving(manager, grant)
        person = persons.enroll(
            tckn=tckn, first_name=first_name, last_name=last_name, phone=phone, email=email, now=now, established=False
        )
        _refuse_flood(account, person, now=now)
        if offices.present(account, now=now).filter(person=person).exists():
            raise AlreadyOperator("holds an office at this account")
        _let_lapsed_go(account, person, now=now)
        invitation = _write(account, person, grant, actor=f"person:{manager.person.pk}", now=now)
        invitation.typed_name = f"{first_name.strip()} {last_name.strip()}"
        invitation.typed_phone_index = persons.phone_index(read_mobile(phone))
        invitation.save(update_fields=["typed_name", "typed_phone_index"])
        _tell(invitation, now=now)
    _send_code(invitation, now=now)
    return invitation


def send_again(acting: Acting, public_id: str, *, now: datetime) -> OperatorInvitation:
    """Tell the invited person once more. `MayNotManage`, `NoSuchInvitation`, `InvitationOver`, `TooManyInvitations`."""
    with offices.managing(acting, now=now) as manager:
        invitation = of_account(manager.account, public_id)
        if not is_open(invitation, now=now):
            raise InvitationOver("not open any more")
        told = AccountChange.objects.filter(account=manager.account, reason=_again(invitation), at__gt=now - _DAY)
        if told.count() >= PER_PERSON_AND_DAY:
            raise TooManyInvitations("told often enough today")
        _note("operator.invited_again", invitation, actor=f"person:{manager.person.pk}", now=now)
        _tell(invitation, now=now)
    _send_code(invitation, now=now)
    return invitation


def withdraw(acting: Acting, public_id: str, *, now: datetime) -> OperatorInvitation:
    """Take an open invitation back. `MayNotManage`, `BeyondOwnRights`, `NoSuchInvitation`, `InvitationOver`."""
    with offices.managing(acting, now=now) as manager:
        invitation = of_account(manager.account, public_id)
        if invitation.is_main:
            offices.refuse_giving(manager, grant_of(invitation))
        _answer(invitation, now=now, withdrawn_at=now)
        _note("operator.invitation_withdrawn", invitation, actor=f"person:{manager.person.pk}", now=now)
    return invitation


def accept(person: Person, public_id: str, *, now: datetime) -> Operator:
    """The invited person, signed in with all factors, takes the office: of many presses one wins.

    Refused: `NoSuchInvitation`, `InvitationOver`, `NotYouForCertain`, `AlreadyOperator`, `GrantRefused` (its last day
    is over).
    """
    invitation = for_person(person, public_id)
    if not is_you_for_certain(invitation):
        raise NotYouForCertain("known by form only, and by another phone")
    with transaction.atomic():
        account = (
            KepAccount.objects.select_for_update(of=("self",)).select_related("holder").get(pk=invitation.account_id)
        )
        if account.state != KepAccount.State.ACTIVE:
            raise InvitationOver("the account is not open")
        _answer(invitation, now=now, accepted_at=now)
        operator = offices.appoint(
            account,
            person,
            grant=grant_of(invitation),
            actor=f"person:{person.pk}",
            appointed_by=invitation.invited_by,
            kind="operator.accepted",
            now=now,
        )
        OperatorInvitation.objects.filter(pk=invitation.pk).update(operator=operator)
    return operator


def decline(person: Person, public_id: str, *, now: datetime) -> OperatorInvitation:
    """The invited person does not want it. `NoSuchInvitation`, `InvitationOver`."""
    invitation = for_person(person, public_id)
    with transaction.atomic():
        offices.hold(invitation.account_id)  # in the order of every other answer: the account, then the invitation
        _answer(invitation, now=now, declined_at=now)
        _note("operator.declined", invitation, actor=f"person:{person.pk}", now=now)
    return invitation


def open_of(account: KepAccount, *, now: datetime) -> "QuerySet[OperatorInvitation]":
    """What the account has offered and nobody has answered yet, newest first. One query."""
    return OperatorInvitation.objects.filter(OPEN_INVITATION, account=account, expires_at__gt=now).order_by(
        "-invited_at", "-pk"
    )


def open_for(person: Person, *, now: datetime) -> "QuerySet[OperatorInvitation]":
    """What this person may answer, newest first. One query."""
    rows = OperatorInvitation.objects.filter(OPEN_INVITATION, person=person, expires_at__gt=now)
    return rows.filter(account__state=KepAccount.State.ACTIVE).select_related("account__holder").order_by("-pk")


def of_account(account: KepAccount, public_id: str) -> OperatorInvitation:
    """An invitation of this account; `NoSuchInvitation` for every other name alike."""
    return _one(Q(account=account), public_id)


def for_person(person: Person, public_id: str) -> OperatorInvitation:
    """An invitation to this person; `NoSuchInvitation` for every other name alike."""
    return _one(Q(person=person), public_id)


def is_open(invitation: OperatorInvitation, *, now: datetime) -> bool:
    """Whether it can still be answered."""
    answered = invitation.accepted_at or invitation.declined_at or invitation.withdrawn_at
    return answered is None and now < invitation.expires_at


def is_you_for_certain(invitation: OperatorInvitation) -> bool:
    """Whether it is sure enough that the person signed in is the one who is meant (I-004)."""
    person = invitation.person
    is_established = person.identity_state == Person.IdentityState.ESTABLISHED
    return is_established or invitation.typed_phone_index == person.phone_index


def grant_of(invitation: OperatorInvitation) -> Grant:
    """What was offered."""
    return Grant(
        frozenset(invitation.rights),
        invitation.is_main,
        invitation.role,
        invitation.relation,
        invitation.starts_at,
        invitation.ends_at,
    )


def _one(whose: Q, public_id: str) -> OperatorInvitation:
    rows = OperatorInvitation.objects.filter(whose, public_id=public_id).select_related("account__holder", "person")
    found = rows.first() if could_be_public_id(public_id) else None
    if found is None:
        raise NoSuchInvitation("no such invitation")
    return found


def _write(account: KepAccount, person: Person, grant: Grant, *, actor: str, now: datetime) -> OperatorInvitation:
    try:
        with transaction.atomic():
            invitation = OperatorInvitation.objects.create(
                account=account,
                person=person,
                is_main=grant.is_main,
                role=grant.role,
                relation=grant.relation,
                rights=sorted(grant.switches),
                starts_at=grant.starts_at,
                ends_at=grant.ends_at,
                invited_by=actor,
                invited_at=now,
                expires_at=now + LASTS,
            )
    except IntegrityError as error:
        raise AlreadyOperator("invited already") from error
    _note("operator.invited", invitation, actor=actor, now=now)
    return invitation


def _answer(invitation: OperatorInvitation, *, now: datetime, **answer: datetime) -> None:
    """One conditional UPDATE: an invitation is answered once, whoever presses at the same moment."""
    waiting = OperatorInvitation.objects.filter(OPEN_INVITATION, pk=invitation.pk, expires_at__gt=now)
    if not waiting.update(**answer, typed_name=None):  # nobody needs what was typed any more
        raise InvitationOver("answered or run out")
    for name, value in answer.items():
        setattr(invitation, name, value)


def _let_lapsed_go(account: KepAccount, person: Person, *, now: datetime) -> None:
    """One that ran out without an answer must not stand in the way of a new one."""
    lapsed = OperatorInvitation.objects.filter(OPEN_INVITATION, account=account, person=person, expires_at__lte=now)
    lapsed.update(withdrawn_at=now, typed_name=None)


def _refuse_flood(account: KepAccount, person: Person, *, now: datetime) -> None:
    today = OperatorInvitation.objects.filter(account=account, invited_at__gt=now - _DAY)
    if today.count() >= PER_ACCOUNT_AND_DAY or today.filter(person=person).count() >= PER_PERSON_AND_DAY:
        raise TooManyInvitations("enough invitations for a day")


def _tell(invitation: OperatorInvitation, *, now: datetime) -> None:
    """A notice to the phone the person gave, without link, name or account (V-028)."""
    text = (
        f"KEP {settings.KEP_PROVIDER_CODE}: bir KEP hesabinda islem yetkilisi olmaya davet edildiniz. "
        "Giris yapip davetinizi yanitlayin."
    )
    reference = f"invitation:{invitation.public_id}:{now:%Y%m%d%H%M%S}"
    notices.queue_notices([(invitation.person.phone, text, reference)], now=now)


def _send_code(invitation: OperatorInvitation, *, now: datetime) -> None:
    """The code by which somebody without secrets sets them; after the commit, because it waits for the gateway."""
    if invitation.person.has_secrets:
        return
    try:
        activation.begin_for(invitation.person, now=now)
    except AccountsError as refusal:
        log.warning("no activation code with an invitation: %s", type(refusal).__name__)
        with transaction.atomic():
            subject, facts = f"account:{invitation.account.public_id}", {"invitation": invitation.public_id}
            eventlog.append("operator.code_not_sent", at=now, subject=subject, facts={**facts, "code": refusal.code})


def _again(invitation: OperatorInvitation) -> str:
    return f"told:{invitation.public_id}"


def _note(kind: str, invitation: OperatorInvitation, *, actor: str, now: datetime) -> None:
    account = invitation.account
    reason = _again(invitation) if kind == "operator.invited_again" else kind
    AccountChange.objects.create(account=account, kind=AccountChange.Kind.OPERATORS, reason=reason, at=now, actor=actor)
    facts: dict[str, str | int | None] = {
        "invitation": invitation.public_id,
        "person": f"person:{invitation.person_id}",
        "main": int(invitation.is_main),
        "given": " ".join(invitation.rights),
    }
    eventlog.append(kind, at=now, actor=actor, subject=f"account:{account.public_id}", facts=facts)
