"""Which applications a clerk may see: those of his branch, and those that no branch has taken yet.

Whatever is not his is answered like what does not exist (V-042). One that no branch has is found only by its whole
number or the applicant's identity number, both of which the applicant brings along; it can be looked at once the
branch has taken it. Each search and each look is counted and leaves an event (V-049).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from evidence import eventlog
from guards.ids import could_be_public_id

from .. import persons
from ..identity import is_tckn
from ..models import Application
from ..posts import Serving
from . import checklist, limits
from .checklist import Step
from .errors import NoSuchApplication, NotOpen, OwnApplication, TakenElsewhere
from .frame import WAITING
from .limits import Counted

PER_PAGE: Final = 50
MOST_FOUND: Final = 20
_NUMBER: Final = re.compile(r"B-?([0-9]{4})-?([0-9A-Z]{5,8})", re.ASCII | re.IGNORECASE)

State = Application.State
ENDED: Final = (State.AWAITING_ACTIVATION, State.ACTIVE, State.REJECTED, State.WITHDRAWN)


@dataclass(frozen=True)
class Page:
    """One page of the queue, oldest first; `number` counts from 1."""

    rows: Sequence[Application]
    number: int
    has_next: bool


def waiting_at(by: Serving, *, page: int = 1) -> Page:
    """What waits at this branch, the one handed in first on top. One query."""
    rows = Application.objects.filter(branch=by.branch, state__in=WAITING).select_related("account")
    first = (max(page, 1) - 1) * PER_PAGE
    found = list(rows.order_by("submitted_at", "pk")[first : first + PER_PAGE + 1])
    return Page(found[:PER_PAGE], max(page, 1), len(found) > PER_PAGE)


def find(text: str, by: Serving, *, now: datetime) -> Sequence[Application]:
    """By application number or identity number: the branch's own and those no branch has, newest first.

    Nothing else is searched by, and what is neither finds nothing. `DeskBusy` after too many searches in this hour.
    """
    limits.count(Counted.SEARCH, by, now=now)
    wanted, typed = text.strip(), "none"
    rows = Application.objects.none()
    if is_tckn(wanted):
        typed, rows = "tckn", Application.objects.filter(tckn_index=persons.tckn_index(wanted))
    elif found := _NUMBER.fullmatch(wanted.replace(" ", "")):
        typed, rows = "number", Application.objects.filter(number=f"B-{found[1]}-{found[2].upper()}")
    mine = Q(branch=by.branch) | Q(branch=None, state__in=WAITING)
    seen = list(rows.filter(mine).select_related("account").order_by("-created_at", "-pk")[:MOST_FOUND])
    with transaction.atomic():
        eventlog.append(
            "desk.searched",
            at=now,
            actor=by.actor,
            subject=f"branch:{by.branch_code}",
            facts={"by": typed, "found": len(seen), "branch": by.branch_code},
        )
    return seen


def look_at(public_id: str, by: Serving, *, now: datetime) -> Application:
    """One application of this branch, to be shown; the look is counted and leaves an event (V-049).

    Refused: `NoSuchApplication`, `OwnApplication`, `DeskBusy`.
    """
    application = _of_branch(Application.objects.select_related("account", "branch"), public_id, by)
    limits.count(Counted.LOOK, by, now=now)
    with transaction.atomic():
        eventlog.append(
            "desk.looked",
            at=now,
            actor=by.actor,
            subject=f"application:{application.public_id}",
            facts={"branch": by.branch_code},
        )
    return application


def hold(public_id: str, by: Serving) -> Application:
    """The same row locked for an act, inside the caller's transaction; it must wait at the counter.

    Refused: `NoSuchApplication`, `OwnApplication`, `NotOpen`.
    """
    application = _of_branch(Application.objects.select_for_update(), public_id, by)
    if application.state not in WAITING:
        raise NotOpen("not waiting at the counter", state=application.state)
    return application


def reopen(public_id: str, step: Step, *, by: Serving, now: datetime) -> None:
    """Open a checked step again, and the later ones that stood on it (`checklist.reopen`).

    Refused: `WrongOrder`, `StepStays`; `NoSuchApplication`, `OwnApplication`, `NotOpen`.
    """
    with transaction.atomic():
        checklist.reopen(hold(public_id, by), step, by=by, now=now)


def take(public_id: str, by: Serving, *, now: datetime) -> Application:
    """Take an application that no branch has yet for this branch; of two clerks at the same moment one wins.

    Refused: `NoSuchApplication`, `OwnApplication`, `TakenElsewhere`, `DeskBusy`.
    """
    limits.count(Counted.LOOK, by, now=now)
    with transaction.atomic():
        rows = Application.objects.filter(public_id=public_id if could_be_public_id(public_id) else "")
        application = rows.first()
        if application is None or application.branch_id not in (None, _branch_pk(by)):
            raise NoSuchApplication("unknown, or of another branch")
        _refuse_own(application, by)
        if application.branch_id is not None:
            return application
        if application.state not in WAITING:
            raise NoSuchApplication("not handed in yet, or ended")
        if not rows.filter(branch=None, state__in=WAITING).update(branch=by.branch):
            raise TakenElsewhere("it has a branch now")
        application.refresh_from_db()
        eventlog.append(
            "desk.application_taken",
            at=now,
            actor=by.actor,
            subject=f"application:{application.public_id}",
            facts={"branch": by.branch_code},
        )
    return application


def _of_branch(rows: "QuerySet[Application]", public_id: str, by: Serving) -> Application:
    wanted = public_id if could_be_public_id(public_id) else ""
    application = rows.filter(public_id=wanted, branch=_branch_pk(by)).first()
    if application is None:
        raise NoSuchApplication("unknown, or of another branch")
    _refuse_own(application, by)
    return application


def _branch_pk(by: Serving) -> int:
    if by.branch is None:
        raise NoSuchApplication("the back office has no counter")
    return by.branch.pk


def _refuse_own(application: Application, by: Serving) -> None:
    if application.tckn_index == by.person.tckn_index:
        raise OwnApplication("a clerk's own application")
