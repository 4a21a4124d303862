"""Last step: the activation code leaves for the phone that was checked. Nobody at the counter sees it (V-013).

The person sets parola and şifre at `/aktivasyon/` himself; until then the address takes no mail (design.md 1.1.4). A
code that ran out is sent anew here, by the branch that opened the account, and always to the phone on record (W-007).
"""

from datetime import datetime

from django.db import transaction

from evidence import eventlog

from .. import activation
from ..applying import states
from ..applying.states import Event
from ..models import Application, KepAccount, OneTimeCode
from ..posts import Serving
from . import checklist, limits, queue
from .checklist import Step
from .errors import NotOpen
from .limits import Counted

State = Application.State


def begin(public_id: str, *, by: Serving, now: datetime) -> OneTimeCode:
    """Send the code and close the checklist. When the code could not be sent, nothing has changed.

    Refused: `NotReachable`, `CodeTooSoon`, `CodeNotSent`, `DeskBusy`;
    `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`.
    """
    limits.count(Counted.CODE, by, now=now)
    with transaction.atomic():
        application = queue.hold(public_id, by)
        checklist.require_turn(application, Step.ACTIVATION)
        account = _account_of(application)
    code = activation.begin(account, now=now)
    with transaction.atomic():
        application = queue.hold(public_id, by)
        checklist.record(application, Step.ACTIVATION, facts={"code": code.public_id}, by=by, now=now)
        states.advance(application, Event.ACTIVATION_BEGUN, now=now, actor=by.actor, branch=by.branch_code)
    return code


def send_again(public_id: str, *, by: Serving, now: datetime) -> OneTimeCode:
    """A new code for an account that still waits; the old one is dead.

    Refused: `NotOpen` once it is active, `NotReachable`, `CodeTooSoon`, `CodeNotSent`, `DeskBusy`;
    `NoSuchApplication`, `OwnApplication`.
    """
    limits.count(Counted.CODE, by, now=now)
    application = queue.look_at(public_id, by, now=now)
    if application.state != State.AWAITING_ACTIVATION:
        raise NotOpen("not awaiting its activation", state=application.state)
    code = activation.begin(_account_of(application), now=now)
    with transaction.atomic():
        eventlog.append(
            "desk.activation_sent_again",
            at=now,
            actor=by.actor,
            subject=f"application:{application.public_id}",
            facts={"branch": by.branch_code, "code": code.public_id},
        )
    return code


def _account_of(application: Application) -> KepAccount:
    if application.account is None:
        raise NotOpen("no account yet")
    return application.account
