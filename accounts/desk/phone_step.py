"""Third step: the phone is in the applicant's hand. A code goes to it, the applicant reads it out, the clerk types it.

The code proves the phone and opens nothing else (V-012). Which number is checked is decided here: somebody whose
identity is established keeps the number on record, whatever the application says, because a phone is a factor and is
changed by four eyes only (V-011); everybody else is checked on the number he gives now. A code that went to another
number than the one being checked proves nothing and is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from .. import one_time, persons
from ..identity import read_mobile
from ..models import Application, OneTimeCode, Person
from ..one_time import Purpose
from ..posts import Serving
from . import checklist, limits, queue
from .checklist import Step
from .errors import CodeOfAnotherPhone, NotAttested, PhoneOnRecord
from .limits import Counted


@dataclass(frozen=True)
class Phone:
    """The number to be checked (E.164), and whether it is on record and stays."""

    number: str
    is_on_record: bool


def phone_of(application: Application) -> Phone:
    """Which number this application is checked on. One query."""
    known = Person.objects.filter(
        tckn_index=application.tckn_index, identity_state=Person.IdentityState.ESTABLISHED
    ).first()
    if known is not None:
        return Phone(known.phone, is_on_record=True)
    return Phone(application.phone, is_on_record=False)


def send_code(public_id: str, *, phone: str, by: Serving, now: datetime) -> OneTimeCode:
    """Send a code to be read out to the clerk; `phone` as typed. A new number replaces the one applied with.

    Refused: `PhoneRefused`, `PhoneOnRecord`, `CodeTooSoon`, `CodeNotSent`, `DeskBusy`;
    `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`.
    """
    wanted = read_mobile(phone)
    limits.count(Counted.CODE, by, now=now)
    with transaction.atomic():
        application = queue.hold(public_id, by)
        checklist.require_turn(application, Step.PHONE)
        current = phone_of(application)
        if wanted != current.number:
            if current.is_on_record:
                raise PhoneOnRecord("the phone on record stays")
            application.phone, application.phone_checked_at = wanted, None
            application.save(update_fields=["phone", "phone_checked_at"])
    return one_time.send(Purpose.PHONE, subject_of(application), phone=wanted, now=now, is_read_out=True)


def confirm(public_id: str, *, code: str, in_hand: bool, by: Serving, now: datetime) -> None:
    """Check the step with the code that was read out; a wrong one is counted (V-024).

    Refused: `NotAttested`, `CodeOfAnotherPhone`, `CodeNotRight`, `CodeUsedUp`, `TooManyTries`;
    `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`, and then the code is not used up.
    """
    if not in_hand:
        raise NotAttested("nobody saw the phone")
    with transaction.atomic():  # a try is counted only for somebody who may make it
        seen = queue.hold(public_id, by)
        checklist.require_turn(seen, Step.PHONE)
    with one_time.spending(Purpose.PHONE, subject_of(seen), code, now=now) as spent:
        application = queue.hold(public_id, by)
        if spent.number_index != persons.phone_index(phone_of(application).number):
            raise CodeOfAnotherPhone("the code went elsewhere")
        checklist.record(application, Step.PHONE, facts={"code": spent.public_id}, by=by, now=now)
        Application.objects.filter(pk=application.pk).update(phone_checked_at=now)


def subject_of(application: Application) -> str:
    """What a phone's code of this application is sent for."""
    return f"application:{application.public_id}"
