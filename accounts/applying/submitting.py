"""Sending an application, taking it back, and what follows when it was signed by e-imza (K-020, K-022, K-025).

An application on paper waits for its papers, or for the desk when all of them are uploaded. One signed by e-imza was
signed by the very person whose certificate names this identity number: for a natural person identity is established by
that, and the account opens without a clerk. For a legal person somebody still has to see that the signer may represent
it, so a branch decides.
"""

from datetime import datetime

from django.db import transaction

from .. import activation, allotment, e_imza
from ..errors import CodeTooSoon
from ..identity_errors import AddressNotAllowed, AddressTaken
from ..life_errors import CodeNotSent
from ..models import Application
from . import checklist, draft, statement, states
from .errors import SignedOtherwise
from .states import Event, State

SYSTEM = "system"


def submit(application: Application, *, now: datetime, actor: str = draft.APPLICANT) -> Application:
    """Send the draft: to its branch for review when no needed paper is missing, else to wait for them.

    One that was signed by e-imza is sent as it was signed, or not at all; afterwards a natural person's account is
    opened, if that is possible now. Refused: `NotADraft`, `StepSkipped`, `SignedOtherwise`, `StaleApplication` for the
    second of two at once.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().select_related("branch").get(pk=application.pk)
        draft.require_ready(row)
        if row.signed_by_e_imza_at is not None and e_imza.signed_text(row) != statement.text_of(row):
            raise SignedOtherwise("what was signed is not what stands in the draft")
        event = Event.SUBMITTED if checklist.missing(row) else Event.SUBMITTED_WHOLE
        states.advance(row, event, now=now, actor=actor)
    if row.signed_by_e_imza_at is not None and row.state == State.UNDER_REVIEW:
        open_at_once(row, now=now)
    return row


def hand_in(application: Application, *, now: datetime, actor: str = draft.APPLICANT) -> bool:
    """Move an application that waited for papers on, if none is missing any more; whether it was moved."""
    if application.state != State.DOCUMENTS_AWAITED or checklist.missing(application):
        return False
    states.advance(application, Event.DOCUMENTS_GIVEN, now=now, actor=actor)
    return True


def withdraw(application: Application, *, now: datetime, actor: str = draft.APPLICANT) -> Application:
    """Take the application back. Refused: `IllegalApplicationStep` once an address was given, `StaleApplication`."""
    return states.advance(application, Event.WITHDRAWN, now=now, actor=actor)


def open_at_once(application: Application, *, now: datetime) -> bool:
    """Open the account of a natural person whose e-imza proved him, and send the activation code; whether it opened.

    When the wanted address went to somebody else meanwhile, the application stays with its branch. When the code does
    not leave now, the account waits, and the branch sends it again.
    """
    if application.signed_by_e_imza_at is None or application.kind != Application.Kind.NATURAL:
        return False
    try:
        with transaction.atomic():
            states.advance(application, Event.APPROVED, now=now, actor=SYSTEM)
            account = allotment.allot(
                application, application.wanted_address, now=now, actor=SYSTEM, branch="", established=True
            )
            application.account = account
            states.advance(application, Event.ALLOTTED, now=now, actor=SYSTEM)
    except (AddressTaken, AddressNotAllowed):
        application.state, application.account = State.UNDER_REVIEW, None
        return False
    try:
        activation.begin(account, now=now)
    except (CodeTooSoon, CodeNotSent):
        return True
    states.advance(application, Event.ACTIVATION_BEGUN, now=now, actor=SYSTEM)
    return True
