"""An application taken at the counter: typed by the clerk while the applicant stands there (W-001).

It begins like every other one, as a draft with a number, and is handed in to this branch in the same transaction. What
was typed is checked afterwards by the same six steps; the phone too, so that nothing is taken on the clerk's word.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from .. import persons
from ..applying import draft, states
from ..applying.draft import Applicant
from ..applying.legal import LegalPerson
from ..applying.states import Event
from ..models import Application, KepAccount
from ..posts import Serving
from . import limits
from .errors import OwnApplication
from .limits import Counted


@dataclass(frozen=True)
class Wishes:
    """What the applicant chooses (W-003, W-004)."""

    mode: KepAccount.Mode
    wants_sms: bool
    wants_email: bool
    listed: bool
    takes_tebligat: bool


def take_in(
    kind: Application.Kind,
    applicant: Applicant,
    legal: LegalPerson | None,
    wishes: Wishes,
    *,
    by: Serving,
    now: datetime,
) -> Application:
    """A new application that waits at this branch. Refused: `OwnApplication`, `DeskBusy`."""
    if persons.tckn_index(applicant.tckn) == by.person.tckn_index:
        raise OwnApplication("a clerk's own application")
    limits.count(Counted.INTAKE, by, now=now)
    with transaction.atomic():
        application = draft.begin(kind, applicant, legal, now=now, actor=by.actor)
        application.mode = wishes.mode
        application.wants_sms, application.wants_email = wishes.wants_sms, wishes.wants_email
        application.listed = wishes.listed or legal is not None  # legal persons always are (K-063)
        application.takes_tebligat = wishes.takes_tebligat
        application.save(update_fields=["mode", "wants_sms", "wants_email", "listed", "takes_tebligat"])
        return states.advance(
            application,
            Event.SUBMITTED,
            now=now,
            actor=by.actor,
            branch=by.branch_code,
            values={"branch": by.branch},
        )
