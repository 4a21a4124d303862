"""Activation: the code of the branch or of an invitation becomes two secrets of one's own (W-007, V-012, V-013).

`begin` is the clerk's, or an inviter's: it sends a code and shows it to nobody. `activate` is the person's, signed out:
number, address and code together, then parola, şifre and the texts of the day. Everything that can be wrong with the
first three has one answer, the same questions and the same writing (V-008). Wrong tries are counted by the code alone:
the counters of the sign-in must not be driven up from here, where nobody has to wait (V-007). Nothing of the code
becomes a secret, and the code is used up in the transaction that sets the secrets and opens the box; chosen secrets
that are refused give it back.

**Two occasions.** The code of `account:<public_id>` opens an account that waits: its holder's, or a legal person's by
its main operator. The code of `person:<uuid>` gives somebody secrets who was invited to an account and has none; the
account is open already, and the invitation is accepted afterwards, signed in. Whoever has secrets keeps them: he signs
in and opens the account there (`activate_signed_in`). Before activation the address takes no mail (design.md 1.1.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.views.decorators.debug import sensitive_variables

from evidence import eventlog

from . import one_time, persons
from .applying import states
from .errors import AddressRefused
from .identity import read_address
from .life_errors import ActivationRefused, NothingToActivate, NotReachable, SignInInstead, TermsNotAccepted
from .models import (
    AccountChange,
    Application,
    KepAccount,
    OneTimeCode,
    Operator,
    OperatorInvitation,
    Person,
    TermsAccepted,
)
from .one_time import Purpose
from .operators import running

NOBODY: Final = "nobody"
"""A subject no code was ever sent for, so that a stranger's number is asked about like everybody's."""


@dataclass(frozen=True)
class AcceptedText:
    """One legal text in one version, as it was shown and accepted."""

    text: str
    version: str


@dataclass(frozen=True)
class Activated:
    """Who can sign in from now on; the account that was opened, or None when it was open already."""

    person: Person
    account: KepAccount | None


def begin(account: KepAccount, *, now: datetime) -> OneTimeCode:
    """Send the activation code of a waiting account to its holder, or to a legal person's main operator.

    Older codes of the account are dead. Refused: `NotReachable`, `CodeTooSoon`, `CodeNotSent`.
    """
    person = person_of(account, now=now)
    if person is None or account.state != KepAccount.State.PENDING_ACTIVATION:
        raise NotReachable("no person to send to, or not waiting", account=account.public_id)
    return _begin(person, subject_of(account), now=now)


def begin_for(person: Person, *, now: datetime) -> OneTimeCode:
    """Send a code by which somebody without secrets sets them: one who was invited, or lost his when his identity was
    established. `NotReachable` for one who has them.

    At `/aktivasyon/` the person names the address of an account he was invited to, acts for or holds.
    """
    if person.has_secrets or not person.is_active:
        raise NotReachable("the person has secrets, or may not sign in")
    return _begin(person, f"person:{person.pk}", now=now)


def person_of(account: KepAccount, *, now: datetime) -> Person | None:
    """Who activates this account: the natural holder, or the first running main operator of a legal person."""
    if account.holder.person is not None:
        return account.holder.person
    mains = Operator.objects.filter(running(now), account=account, is_main=True).select_related("person")
    main = mains.order_by("pk").first()
    return main.person if main else None


def waiting_for(person: Person, *, now: datetime) -> "QuerySet[KepAccount]":
    """The accounts that this person, signed in, could activate."""
    mains = Operator.objects.filter(running(now), person=person, is_main=True).values("account")
    theirs = Q(holder__person=person) | Q(holder__person=None, pk__in=mains)
    waiting = KepAccount.objects.filter(theirs, state=KepAccount.State.PENDING_ACTIVATION)
    return waiting.select_related("holder").order_by("address")


def subject_of(account: KepAccount) -> str:
    """What an activation code of this account is sent for."""
    return f"account:{account.public_id}"


@sensitive_variables("tckn", "code", "password", "pin")
def activate(
    *,
    tckn: str,
    address: str,
    code: str,
    password: str,
    pin: str,
    accepted: Sequence[AcceptedText],
    texts: Sequence[AcceptedText],
    now: datetime,
) -> Activated:
    """Set the person's secrets and open the account; `tckn` is in canonical form, `texts` are those of the day.

    Not inside a transaction. Refused: `ActivationRefused` for every wrong number, address or code alike, a dead code
    too (a counted entry); and only once the code was right, without using it up: `SignInInstead`, `SecretsRefused`,
    `TermsNotAccepted`.
    """
    index = persons.tckn_index(tckn)
    with transaction.atomic(durable=True):
        person, account, subject = _find(index, address, now=now)
        taken = one_time.take(Purpose.ACTIVATION, subject, code, now=now)
        if not isinstance(taken, OneTimeCode):
            eventlog.append("activation.refused", at=now, subject=f"number:{index}")
        elif person is None or account is None:
            raise RuntimeError("a code was taken for nobody")
        else:
            opens = subject == subject_of(account)
            _set_secrets(person, password=password, pin=pin)
            _open(account if opens else None, person, accepted=accepted, texts=texts, named=account, now=now)
            return Activated(person, account if opens else None)
    raise ActivationRefused("number, address and code do not fit")


def activate_signed_in(
    person: Person,
    public_id: str,
    *,
    accepted: Sequence[AcceptedText],
    texts: Sequence[AcceptedText],
    now: datetime,
) -> KepAccount:
    """Open a waiting account by somebody who is signed in with all his factors, so that no code is needed.

    Refused: `NothingToActivate` (another's account like an unknown one), `TermsNotAccepted`.
    """
    with transaction.atomic():
        account = waiting_for(person, now=now).filter(public_id=public_id).first()
        if account is None:
            raise NothingToActivate("no such account waits for this person")
        _open(account, person, accepted=accepted, texts=texts, named=account, now=now)
        one_time.revoke(Purpose.ACTIVATION, subject_of(account), now=now)
    return account


def _begin(person: Person, subject: str, *, now: datetime) -> OneTimeCode:
    code = one_time.send(Purpose.ACTIVATION, subject, phone=person.phone, now=now)
    with transaction.atomic():
        eventlog.append("activation.begun", at=now, subject=subject, facts={"code": code.public_id})
    return code


def _find(index: str, typed_address: str, *, now: datetime) -> tuple[Person | None, KepAccount | None, str]:
    """The person of this number, the account of this address, and the occasion that joins them. Always five queries."""
    try:
        address = str(read_address(typed_address.strip()))
    except AddressRefused:
        address = ""
    person = Person.objects.filter(tckn_index=index, is_active=True).first()
    account = KepAccount.objects.filter(address=address).select_related("holder__person").first()
    key, account_key = (person.pk if person else None), (account.pk if account else 0)
    mains = Operator.objects.filter(running(now), account=account_key, is_main=True).order_by("pk")
    main_key = mains.values_list("person", flat=True).first()
    is_operator = Operator.objects.filter(running(now), account=account_key, person=key).exists()
    is_invited = OperatorInvitation.objects.filter(
        account=account_key, person=key, accepted_at=None, declined_at=None, withdrawn_at=None, expires_at__gt=now
    ).exists()
    if person is None or account is None:
        return person, account, NOBODY
    activates = (account.holder.person_id or main_key) == person.pk
    if activates and account.state == KepAccount.State.PENDING_ACTIVATION:
        return person, account, subject_of(account)
    belongs = is_operator or is_invited or account.holder.person_id == person.pk  # whose secrets were taken away
    return person, account, f"person:{person.pk}" if belongs else NOBODY


def _set_secrets(person: Person, *, password: str, pin: str) -> None:
    locked = Person.objects.select_for_update().get(pk=person.pk)
    if locked.has_secrets:
        raise SignInInstead("the person has secrets")
    persons.set_secrets(person, password=password, pin=pin)
    person.save(update_fields=["password", "pin_hash"])


def _open(
    account: KepAccount | None,
    person: Person,
    *,
    accepted: Sequence[AcceptedText],
    texts: Sequence[AcceptedText],
    named: KepAccount,
    now: datetime,
) -> None:
    if not set(texts) <= set(accepted):
        raise TermsNotAccepted("not every text of the day")
    actor = f"person:{person.pk}"
    for each in texts:
        TermsAccepted.objects.create(person=person, account=named, text=each.text, version=each.version, at=now)
    facts = {each.text: each.version for each in texts}
    if account is None:
        eventlog.append("secrets.first_set", at=now, actor=actor, subject=actor, facts=facts)
        return
    waiting = KepAccount.objects.filter(pk=account.pk, state=KepAccount.State.PENDING_ACTIVATION)
    if not waiting.update(state=KepAccount.State.ACTIVE, activated_at=now):
        raise NothingToActivate("the account does not wait any more")
    account.refresh_from_db()
    application = Application.objects.filter(account=account, state=Application.State.AWAITING_ACTIVATION).first()
    if application is not None:
        states.advance(application, states.Event.ACTIVATED, now=now, actor=actor)
    AccountChange.objects.create(account=account, kind=AccountChange.Kind.ACTIVATED, at=now, actor=actor)
    eventlog.append("account.activated", at=now, actor=actor, subject=subject_of(account), facts=facts)
