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

`actor` is "person:<uuid>", "applicant" or "system"; `branch` the branch's code; `values` further columns of the row
that change with the step, written by the same UPDATE. An application that lies with a branch moves by its own branch
only: that is asked by the desk before it comes here. REJECTED, ACTIVE and WITHDRAWN are ends.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from django.db import transaction

from evidence import eventlog

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
        Event.SUBMITTED_WHOLE: frozenset({"branch", "signed_by_e_imza_at", "signature_digest"}),
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
        _write(application, "", "begun", now=now, actor=actor, branch=branch, why="")
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
        _write(application, old, event, to_state=target, now=now, actor=actor, branch=branch, why=why)
    application.state = target
    for name, value in changed.items():
        setattr(application, name, value)
    return application


def may(application: Application, event: Event) -> bool:
    """Whether the table knows this step from the application's state."""
    return (State(application.state), event) in TRANSITIONS


def _target(application: Application, event: Event) -> State:
    try:
        return TRANSITIONS[State(application.state), event]
    except KeyError as error:
        raise IllegalApplicationStep("no such step", state=str(application.state), event=str(event)) from error


def _write(
    application: Application,
    old: str,
    event: str,
    *,
    now: datetime,
    actor: str,
    branch: str,
    why: str,
    to_state: str = State.DRAFT,
) -> None:
    ApplicationChange.objects.create(
        application=application,
        from_state=old,
        to_state=to_state,
        at=now,
        actor=actor,
        branch=branch,
        why=why or None,
    )
    eventlog.append(
        f"application.{event}",
        at=now,
        actor=actor,
        subject=f"application:{application.public_id}",
        facts={"from": str(old), "to": str(to_state), "branch": branch, "kind": str(application.kind)},
    )
