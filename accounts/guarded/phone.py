"""Another phone for a person, at a branch: proved like the first one, told to the old one, and stopped by its owner.

The new phone is in the person's hand: a code sent to it is read out to the clerk (V-011). Two clerks decide. The old
phone gets a code by which whoever holds it stops the change at `/hesap/durdur/`: before it is allowed nothing
happens; afterwards, for 72 hours, the old phone comes back, every visit ends, and every reset of secrets that waits is
stopped with it. The change itself does not wait, because whoever has lost his phone cannot sign in until it is done.

A change on top of a change does not take the stop away: each change keeps its own code, sent to the phone before it,
and stopping the older one takes the newer ones back first.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from evidence import eventlog

from .. import activation, approvals, one_time, open_visits, persons, security_notices
from ..approvals import facts_of
from ..desk import limits
from ..desk.identity_step import IdentityDocument
from ..desk.limits import Counted
from ..identity import read_mobile
from ..models import Approval, KepAccount, OneTimeCode, Person
from ..one_time import Purpose
from ..posts import Serving
from ..security_notices import Occasion
from .errors import CodeWentElsewhere, IdentityOpen, PhoneMoved, SamePhone, StopRefused

KIND = "phone.change"
_State = Approval.State


def send_code(person: Person, *, phone: str, by: Serving, now: datetime) -> OneTimeCode:
    """Send a code to the new phone, to be read out at the desk; `phone` as typed.

    Refused: `PhoneRefused`, `IdentityOpen`, `SamePhone`, `CodeTooSoon`, `CodeNotSent`, `DeskBusy`.
    """
    number = _new_number(person, phone)
    limits.count(Counted.CODE, by, now=now)
    return one_time.send(Purpose.PHONE, _proof_subject(person), phone=number, now=now)


def ask(
    person: Person, *, phone: str, code: str, document: IdentityDocument, why: str, by: Serving, now: datetime
) -> Approval:
    """Ask for the change with the code that was read out; the old phone gets its code to stop it. Not in a transaction.

    Refused, and then the code is not used up: `SamePhone`, `CodeWentElsewhere`, whatever `approvals.ask` refuses,
    `CodeNotSent` or `CodeTooSoon` for the old phone. The code itself: `CodeNotRight`, `CodeUsedUp`, `TooManyTries`.
    """
    number = _new_number(person, phone)
    with one_time.spending(Purpose.PHONE, _proof_subject(person), code, now=now) as spent:
        if spent.number_index != persons.phone_index(number):
            raise CodeWentElsewhere("the code went to another number")
        facts = {"person": str(person.pk), "old": person.phone, "new": number, "document": document.value}
        approval = approvals.ask(KIND, subject=f"person:{person.pk}", facts=facts, why=why, by=by, now=now)
        one_time.send(Purpose.STOP, _stop_subject(approval), phone=person.phone, now=now)
    return approval


def execute(approval: Approval, now: datetime) -> None:
    """Change it: every visit ends, codes on their way to the old phone are dead, both phones hear of it.

    The old phone's code to stop it begins its 72 hours anew. Refused: `PhoneMoved`; `CodeTooSoon`, `CodeNotSent`.
    """
    facts, actor = facts_of(approval), f"person:{approval.asked_by_id}"
    person = _locked(facts["person"])
    if person.phone != facts["old"]:
        raise PhoneMoved("not the phone it was asked for")
    _set(person, facts["new"], approval, actor=actor, now=now)
    has = one_time.living(Purpose.STOP, _stop_subject(approval), now=now)
    if has is None or has.sent_at + one_time.GAP <= now:
        one_time.send(Purpose.STOP, _stop_subject(approval), phone=facts["old"], now=now)


def undo(approval: Approval, now: datetime) -> None:
    """Bring the old phone back, and stop everything that leaned on the new one.

    Called by `approvals.stop` when its holder proved himself. Changes on top of this one are taken back before it.
    """
    facts = facts_of(approval)
    person = _locked(facts["person"])
    leaning = Approval.objects.filter(subject=approval.subject, kind__in=(KIND, "secrets.reset"), pk__gt=approval.pk)
    for later in leaning.order_by("-pk"):
        if approvals.can_be_stopped(later, now=now):
            approvals.stop(later, reason="phone_stopped", now=now)
    person.refresh_from_db()
    if person.phone != facts["new"]:
        raise PhoneMoved("changed in another way meanwhile")
    _set(person, facts["old"], approval, actor="holder", now=now)


def stop_by_code(*, tckn: str, code: str, now: datetime) -> None:
    """Stop a change by the code the old phone got; `tckn` is in canonical form. Not inside a transaction.

    Refused: `StopRefused` for everything alike; wrong entries are counted by the code (V-024).
    """
    with transaction.atomic(durable=True):
        person = Person.objects.filter(tckn_index=persons.tckn_index(tckn)).first()
        changes = list(stoppable(person, now=now)) if person else []
        for subject in [_stop_subject(each) for each in changes] or ["nobody"]:
            taken = one_time.take(Purpose.STOP, subject, code, now=now)
            if isinstance(taken, OneTimeCode):
                approvals.stop(next(each for each in changes if _stop_subject(each) == subject), reason="code", now=now)
                return
        eventlog.append("approval.stop_refused", at=now, subject=f"number:{persons.tckn_index(tckn)}")
    raise StopRefused("number and code do not fit")


def stoppable(person: Person, *, now: datetime) -> "QuerySet[Approval]":
    """Changes of this person's phone that are open, or were made less than 72 hours ago; the newest first."""
    rows = Approval.objects.filter(kind=KIND, subject=f"person:{person.pk}")
    running = rows.filter(state__in=(_State.ASKED, _State.APPROVED))
    fresh = rows.filter(state=_State.DONE, ended_at__gt=now - settings.KEP_RESET_AFTER_PHONE)
    return (running | fresh).order_by("-pk")


def tell_old_phones(person: Person, occasion: Occasion, *, now: datetime) -> None:
    """Tell the phones that were the person's less than 72 hours ago, inside the caller's transaction."""
    for change in stoppable(person, now=now).filter(state=_State.DONE):
        security_notices.tell(person, occasion, now=now, phone=facts_of(change)["old"])


def _new_number(person: Person, phone: str) -> str:
    number = read_mobile(phone)
    if person.identity_state != Person.IdentityState.ESTABLISHED:
        raise IdentityOpen("known by form only")
    if number == person.phone:
        raise SamePhone("the present phone")
    return number


def _set(person: Person, number: str, approval: Approval, *, actor: str, now: datetime) -> None:
    old = person.phone
    person.phone, person.phone_index, person.phone_changed_at = number, persons.phone_index(number), now
    person.save(update_fields=["phone", "phone_index", "phone_changed_at"])
    _kill_codes(person, now=now)
    open_visits.end_all(person, reason="phone_changed", now=now, actor=actor)
    security_notices.tell(person, Occasion.PHONE, now=now)
    security_notices.tell(person, Occasion.PHONE, now=now, phone=old)
    facts = {"approval": approval.public_id}
    eventlog.append("phone.changed", at=now, actor=actor, subject=f"person:{person.pk}", facts=facts)


def _kill_codes(person: Person, *, now: datetime) -> None:
    """What is on its way to the phone before sets no secrets any more."""
    for purpose in (Purpose.RECOVERY, Purpose.ACTIVATION):
        one_time.revoke(purpose, f"person:{person.pk}", now=now)
    waiting = KepAccount.objects.filter(holder__person=person, state=KepAccount.State.PENDING_ACTIVATION)
    for account in waiting:
        one_time.revoke(Purpose.ACTIVATION, activation.subject_of(account), now=now)


def _locked(key: str) -> Person:
    return Person.objects.select_for_update().get(pk=UUID(key))


def _proof_subject(person: Person) -> str:
    return f"phone:{person.pk}"


def _stop_subject(approval: Approval) -> str:
    return f"approval:{approval.public_id}"


def register() -> None:
    """The kind of this file."""
    approvals.register(
        KIND,
        title=gettext_noop("Telefon değişikliği"),
        execute=execute,
        undo=undo,
        undo_within=settings.KEP_RESET_AFTER_PHONE,
    )
