"""The states of an application (K-020), and the one writer of them.

    (none)             begun             DRAFT                  `begin`
    DRAFT              submitted         DOCUMENTS_AWAITED      papers are still to come, or come to the desk
    DRAFT              submitted_whole   UNDER_REVIEW           nothing is missing, or signed by e-imza (K-022)
    DOCUMENTS_AWAITED  documents_given   UNDER_REVIEW
    UNDER_REVIEW       documents_asked   DOCUMENTS_AWAITED
    DOCUMENTS_AWAITED  rejected          REJECTED               with the reason
    UNDER_REVIEW       rejected          REJECTED               with the reason
    UNDER_REVIEW       approved          APPROVED               identity is established (K-025)
    APPROVED           rejected          REJECTED               with the reason, while no account was opened
    APPROVED           reopened          UNDER_REVIEW           a check was opened again before an address was given
    APPROVED           allotted          ADDRESS_ALLOTTED       `allotment.allot` has opened its account
    ADDRESS_ALLOTTED   activation_begun  AWAITING_ACTIVATION    the code is on its way
    AWAITING_ACTIVATION  activated       ACTIVE                 by the activation itself
    DRAFT, DOCUMENTS_AWAITED, UNDER_REVIEW, APPROVED  withdrawn  WITHDRAWN    by the applicant

What the desk, the activation and others call:

    begin(application, *, now, actor, branch="") -> Application
    advance(application, event, *, now, actor, branch="", why="", values=None) -> Application
    begin_all(applications, *, now, actor) and advance_all(applications, event, *, now, actor): the rows of one list

`actor` is "person:<uuid>", "applicant" or "system"; `branch` the branch's code; `values` further columns of the row
that change with the step, written by the same UPDATE. An application that lies with a branch moves by its own branch
only: that is asked by the desk before it comes here. REJECTED, ACTIVE and WITHDRAWN are ends.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from django.db import transaction

from evidence import eventlog
from evidence.eventlog import Happening

from ..models import Application, ApplicationChange
from .errors import IllegalApplicationStep, StaleApplication

State = Application.State


class Event(StrEnum):
    """What can happen to an application."""

    SUBMITTED = "submitted"
    SUBMITTED_WHOLE = "submitted_whole"
    DOCUMENTS_GIVEN = "documents_given"
    DOCUMENTS_ASKED = "documents_asked"
    REJECTED = "rejected"
    APPROVED = "approved"
    REOPENED = "reopened"
    ALLOTTED = "allotted"
    ACTIVATION_BEGUN = "activation_begun"
    ACTIVATED = "activated"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.DRAFT, Event.SUBMITTED): State.DOCUMENTS_AWAITED,
        (State.DRAFT, Event.SUBMITTED_WHOLE): State.UNDER_REVIEW,
        (State.DOCUMENTS_AWAITED, Event.DOCUMENTS_GIVEN): State.UNDER_REVIEW,
        (State.UNDER_REVIEW, Event.DOCUMENTS_ASKED): State.DOCUMENTS_AWAITED,
        (State.DOCUMENTS_AWAITED, Event.REJECTED): State.REJECTED,
        (State.UNDER_REVIEW, Event.REJECTED): State.REJECTED,
        (State.APPROVED, Event.REJECTED): State.REJECTED,
        (State.UNDER_REVIEW, Event.APPROVED): State.APPROVED,
        (State.APPROVED, Event.REOPENED): State.UNDER_REVIEW,
        (State.APPROVED, Event.ALLOTTED): State.ADDRESS_ALLOTTED,
        (State.ADDRESS_ALLOTTED, Event.ACTIVATION_BEGUN): State.AWAITING_ACTIVATION,
        (State.AWAITING_ACTIVATION, Event.ACTIVATED): State.ACTIVE,
        (State.DRAFT, Event.WITHDRAWN): State.WITHDRAWN,
        (State.DOCUMENTS_AWAITED, Event.WITHDRAWN): State.WITHDRAWN,
        (State.UNDER_REVIEW, Event.WITHDRAWN): State.WITHDRAWN,
        (State.APPROVED, Event.WITHDRAWN): State.WITHDRAWN,
    }
)
ENDS: Final = frozenset({State.REJECTED, State.ACTIVE, State.WITHDRAWN})
"""States that nothing leads out of."""

_MOMENTS: Final[Mapping[Event, str]] = MappingProxyType(
    {
        Event.SUBMITTED: "submitted_at",
        Event.SUBMITTED_WHOLE: "submitted_at",
        Event.REJECTED: "decided_at",
        Event.APPROVED: "decided_at",
        Event.WITHDRAWN: "decided_at",
    }
)
_VALUES: Final[Mapping[Event, frozenset[str]]] = MappingProxyType(
    {
        Event.SUBMITTED: frozenset({"branch"}),
        Event.SUBMITTED_WHOLE: frozenset({"branch"}),
        Event.ALLOTTED: frozenset({"account"}),  # the same that `allot` has written
    }
)
"""Columns that may change together with a step; everything else has a verb of its own."""
_BY_ACCOUNT: Final = MappingProxyType({Event.ALLOTTED: True, Event.REJECTED: False})
"""Steps that ask for the account: refused while `account` is NULL, or while it is not."""


def begin(application: Application, *, now: datetime, actor: str, branch: str = "") -> Application:
    """Insert a new application as a draft, with the first line of its history and its event."""
    with transaction.atomic():
        application.state, application.created_at = State.DRAFT, now
        application.save(force_insert=True)
        _write(application, "", "begun", now=now, actor=actor, branch=branch)
    return application


def advance(
    application: Application,
    event: Event,
    *,
    now: datetime,
    actor: str,
    branch: str = "",
    why: str = "",
    values: Mapping[str, object] | None = None,
) -> Application:
    """Move the application from the state its object shows, and write who, when, where and why (K-020).

    One UPDATE guarded by the old state: of many who try at once, one wins and the others hear `StaleApplication`.
    `IllegalApplicationStep` for a step the table does not hold, for an allotment without an account and for a
    rejection with one. ValueError for a rejection without a reason, or a column that does not belong to the step. `why`
    is encrypted and stands in no event. The object shows the new state afterwards.
    """
    target, changed = _target(application, event), dict(values or {})
    if event is Event.REJECTED and not why.strip():
        raise ValueError("a rejection needs its reason")
    if set(changed) - _VALUES.get(event, frozenset()):
        raise ValueError("a column that does not belong to this step")
    if moment := _MOMENTS.get(event):
        changed[moment] = now
    if event is Event.REOPENED:
        changed["decided_at"] = None
    old = application.state
    with transaction.atomic():
        rows = Application.objects.filter(pk=application.pk, state=old)
        if event in _BY_ACCOUNT and rows.filter(account__isnull=_BY_ACCOUNT[event]).exists():
            raise IllegalApplicationStep("an account was opened, or none", state=str(old), event=str(event))
        if not rows.update(state=target, **changed):
            raise StaleApplication("the application has moved on", state=str(old), event=str(event))
        for name, value in {"state": target, **changed}.items():
            setattr(application, name, value)
        _write(application, old, event, now=now, actor=actor, branch=branch, why=why)
    return application


def begin_all(applications: Sequence[Application], *, now: datetime, actor: str) -> None:
    """Insert new drafts together: all of them or none."""
    for application in applications:
        application.state, application.created_at = State.DRAFT, now
    with transaction.atomic():
        Application.objects.bulk_create(applications)
        _write_all([(each, "") for each in applications], "begun", now=now, actor=actor)


def advance_all(applications: Sequence[Application], event: Event, *, now: datetime, actor: str) -> None:
    """Move applications that are all in one state together: all of them or none.

    `StaleApplication` when one of them has moved on, `IllegalApplicationStep` for a step the table does not hold.
    Rejections have reasons of their own and are not for lists.
    """
    targets = {_target(each, event) for each in applications}
    olds = {each.state for each in applications}
    if event in (Event.REJECTED, Event.ALLOTTED) or len(olds) != 1:
        raise ValueError("a list moves from one state, by a step that needs nothing of its own")
    (target,), (old,) = targets, olds
    changed = {_MOMENTS[event]: now} if event in _MOMENTS else {}
    with transaction.atomic():
        rows = Application.objects.filter(pk__in=[each.pk for each in applications], state=old)
        if rows.update(state=target, **changed) != len(applications):
            raise StaleApplication("a row of the list has moved on", state=str(old), event=str(event))
        for application in applications:
            application.state = target
        _write_all([(each, old) for each in applications], event, now=now, actor=actor)


def may(application: Application, event: Event) -> bool:
    """Whether the table knows this step from the application's state."""
    return (State(application.state), event) in TRANSITIONS


def _target(application: Application, event: Event) -> State:
    try:
        return TRANSITIONS[State(application.state), event]
    except KeyError as error:
        raise IllegalApplicationStep("no such step", state=str(application.state), event=str(event)) from error


def _write(
    application: Application, old: str, word: str, *, now: datetime, actor: str, branch: str = "", why: str = ""
) -> None:
    _write_all([(application, old)], word, now=now, actor=actor, branch=branch, why=why)


def _write_all(
    moved: Sequence[tuple[Application, str]], word: str, *, now: datetime, actor: str, branch: str = "", why: str = ""
) -> None:
    """One line of history and one event for each; the objects show their new state already."""
    ApplicationChange.objects.bulk_create(
        ApplicationChange(
            application=application,
            from_state=old,
            to_state=application.state,
            at=now,
            actor=actor,
            branch=branch,
            why=why or None,
        )
        for application, old in moved
    )
    eventlog.append_all(
        [
            Happening(
                f"application.{word}",
                at=now,
                actor=actor,
                subject=f"application:{application.public_id}",
                facts={
                    "from": str(old),
                    "to": str(application.state),
                    "branch": branch,
                    "kind": str(application.kind),
                },
            )
            for application, old in moved
        ]
    )
