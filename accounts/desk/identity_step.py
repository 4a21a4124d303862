"""First step: the person at the counter is the one on the document, and the document is the one applied with (K-021).

The clerk types the identity number from the document instead of reading it from our screen, where it is masked: that
is what makes him look. Name and birth date are taken as they stand on the document, because an applicant at home
may have written them otherwise; once an account is open under them they stay (K-030).
"""

import enum
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localdate

from ..identity import read_name, read_tckn
from ..models import Application
from ..posts import Serving
from . import checklist, limits, queue
from .checklist import Step
from .errors import DocumentExpired, IdentityDiffers, NameStays, NotAttested
from .limits import Counted


class IdentityDocument(enum.Enum):
    """Photo documents that carry the identity number (K-021)."""

    ID_CARD = "id_card"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"


@dataclass(frozen=True)
class Seen:
    """What stands on the document. `valid_until` is None on a document without a last day."""

    document: IdentityDocument
    tckn: str
    first_name: str
    last_name: str
    birth_date: date
    valid_until: date | None
    is_same_person: bool


def confirm(public_id: str, *, seen: Seen, by: Serving, now: datetime) -> None:
    """Check the step. A number that differs costs the clerk a search, so that nobody guesses one out here.

    Refused: `NotAttested`, `TcknRefused`, `NameRefused`, `DocumentExpired`, `IdentityDiffers`, `NameStays`, `DeskBusy`;
    `NoSuchApplication`, `OwnApplication`, `NotOpen`, `WrongOrder`.
    """
    if not seen.is_same_person:
        raise NotAttested("nobody compared face and document")
    if seen.valid_until is not None and seen.valid_until < localdate(now):
        raise DocumentExpired("document is no longer valid")
    tckn = read_tckn(seen.tckn)
    limits.count(Counted.LOOK, by, now=now)
    with transaction.atomic():
        application = queue.hold(public_id, by)
        is_same = tckn == application.tckn
        if is_same:
            checklist.require_turn(application, Step.IDENTITY)
            corrected = _take_over(application, seen)
            facts = {"document": seen.document.value, "corrected": corrected}
            checklist.record(application, Step.IDENTITY, facts=facts, by=by, now=now)
    if not is_same:
        limits.count(Counted.SEARCH, by, now=now)
        raise IdentityDiffers("another number on the document")


def _take_over(application: Application, seen: Seen) -> int:
    """Write what the document says over what was typed; how many fields that were."""
    given = {
        "first_name": read_name(seen.first_name),
        "last_name": read_name(seen.last_name),
        "birth_date": seen.birth_date.isoformat(),
    }
    differing = {name: value for name, value in given.items() if getattr(application, name) != value}
    if not differing:
        return 0
    if application.account_id is not None:
        raise NameStays("the account is open under the old data")
    for name, value in differing.items():
        setattr(application, name, value)
    application.save(update_fields=sorted(differing))
    return len(differing)
