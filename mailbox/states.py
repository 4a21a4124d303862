"""The one state machine of a message and its recipients (design.md 1.4, mirrored in docs/QUEUE.md).

Two tables say everything the law knows: which event moves a row from which state to which, and which proofs
come into being with it. `advance` is the only writer of a state. It takes a batch and does, in one
transaction: an UPDATE guarded by the old state, one `Transition` row each, one prepared proof each. A row that
is no longer in its old state is `StaleState`; a pair the tables do not hold is `IllegalStep`.

A proof is *prepared* here, with the step, and *sealed* later by the one process that holds the key. No proof,
no legal step: if the facts cannot be written down, the transaction fails and nothing has happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from evidence import eventlog, issue, rows
from evidence.facts import EvidenceKind

from . import proofs
from .errors import IllegalStep, StaleState
from .lot import changing
from .models import Message, Recipient, Transition
from .state_names import MessageState, RecipientState
from .step import Step


class Event(StrEnum):
    """What can happen. The words are the ones of design.md 1.4."""

    SUBMITTED = "submitted"
    PASSED = "passed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    TURNED_BACK = "turned_back"
    RECEIVED = "received"
    REFUSED_INBOUND = "refused_inbound"
    RELEASED_HERE = "released_here"
    RELEASED_TO_PEER = "released_to_peer"
    PEER_TOOK = "peer_took"
    PEER_REFUSED = "peer_refused"
    GAVE_UP = "gave_up"
    PLACED = "placed"
    NOT_PLACED = "not_placed"
    PEER_DELIVERED = "peer_delivered"
    PEER_FAILED = "peer_failed"
    OPENED = "opened"
    TERM_ENDED = "term_ended"
    PEER_READ = "peer_read"
    PEER_DEEMED = "peer_deemed"


_M, _R, _E = MessageState, RecipientState, Event

MESSAGE_TRANSITIONS: Mapping[tuple[MessageState | None, Event], MessageState] = {
    (None, _E.SUBMITTED): _M.CHECKING,
    (_M.CHECKING, _E.PASSED): _M.ACCEPTED,
    (_M.CHECKING, _E.FAILED): _M.REJECTED,
    (_M.CHECKING, _E.WITHDRAWN): _M.RETURNED,
    (_M.CHECKING, _E.TURNED_BACK): _M.RETURNED,
}
RECIPIENT_TRANSITIONS: Mapping[tuple[RecipientState | None, Event], RecipientState] = {
    (None, _E.PASSED): _R.ACCEPTED,
    (None, _E.RECEIVED): _R.DELIVERING,
    (None, _E.REFUSED_INBOUND): _R.REFUSED,
    (_R.ACCEPTED, _E.RELEASED_HERE): _R.DELIVERING,
    (_R.ACCEPTED, _E.RELEASED_TO_PEER): _R.RELAYING,
    (_R.RELAYING, _E.PEER_TOOK): _R.RELAYED,
    (_R.RELAYING, _E.PEER_REFUSED): _R.RELAY_REJECTED,
    (_R.RELAYING, _E.GAVE_UP): _R.RELAY_FAILED,
    (_R.DELIVERING, _E.PLACED): _R.DELIVERED,
    (_R.DELIVERING, _E.NOT_PLACED): _R.UNDELIVERED,
    # a verified 40 or 41 of the peer implies its 20, also when that came late or never
    (_R.RELAYING, _E.PEER_DELIVERED): _R.DELIVERED,
    (_R.RELAYING, _E.PEER_FAILED): _R.UNDELIVERED,
    (_R.RELAYED, _E.PEER_DELIVERED): _R.DELIVERED,
    (_R.RELAYED, _E.PEER_FAILED): _R.UNDELIVERED,
    (_R.RELAY_FAILED, _E.PEER_TOOK): _R.RELAYED,
    (_R.RELAY_FAILED, _E.PEER_DELIVERED): _R.DELIVERED,
    (_R.RELAY_FAILED, _E.PEER_FAILED): _R.UNDELIVERED,
    (_R.DELIVERED, _E.OPENED): _R.READ,
    (_R.DELIVERED, _E.TERM_ENDED): _R.DEEMED_READ,
    (_R.DELIVERED, _E.PEER_READ): _R.READ,
    (_R.DELIVERED, _E.PEER_DEEMED): _R.DEEMED_READ,
}

PROOFS: Mapping[Event, tuple[EvidenceKind, ...]] = {
    _E.PASSED: (EvidenceKind.SUBMITTED,),
    _E.FAILED: (EvidenceKind.NOT_SUBMITTED,),
    _E.RECEIVED: (EvidenceKind.RELAYED,),
    _E.REFUSED_INBOUND: (EvidenceKind.NOT_RELAYED,),
    _E.GAVE_UP: (EvidenceKind.RELAY_FAILED,),
    _E.PLACED: (EvidenceKind.DELIVERED,),
    _E.NOT_PLACED: (EvidenceKind.NOT_DELIVERED,),
    _E.OPENED: (EvidenceKind.READ,),
    _E.TERM_ENDED: (EvidenceKind.DEEMED_READ,),
}
"""Proofs we make ourselves. A peer's proof is filed, never made: its events have no row here."""


def begin(messages: Sequence[Message], *, now: datetime) -> None:
    """Insert new messages in CHECKING, by whoever signed. The caller's transaction also holds what they used up."""
    for message in messages:
        message.state = MESSAGE_TRANSITIONS[(None, Event.SUBMITTED)]
    rows.insert_all(messages)
    moves = [_Move(each, "", each.state, str(each.submitted_by.pk)) for each in messages]
    _write_transitions(moves, Event.SUBMITTED, now=now)


def begin_recipients(recipients: Sequence[Recipient], event: Event, *, now: datetime, actor: str) -> None:
    """Insert the recipient rows of accepted (or inbound) messages in their first state."""
    try:
        state = RECIPIENT_TRANSITIONS[(None, event)]
    except KeyError as error:
        raise IllegalStep("recipients do not begin so", event=event) from error
    for recipient in recipients:
        recipient.state = state
    rows.insert_all(recipients)
    _write_transitions([_Move(each, "", state, actor) for each in recipients], event, now=now)


def advance(steps: Sequence[Step], event: Event, *, now: datetime, actor: str, skip_stale: bool = False) -> list[Step]:
    """Move every row of `steps` by `event`; returns the steps that were taken.

    `now` becomes the event time of the proofs (design.md 1.2: EventTime is the commit). With `skip_stale` rows
    that somebody else moved meanwhile are left out; without it one such row raises `StaleState` and nothing of
    the batch happens. `IllegalStep` for a pair that is not in the tables.
    """
    with transaction.atomic():
        taken = _move(steps, event, skip_stale=skip_stale)
        moves = [_Move(step.row, old, step.row.state, actor, step.note) for step, old in taken]
        _write_transitions(moves, event, now=now)
        kinds = PROOFS.get(event, ())
        issue.prepare([proofs.facts_of(step, kind, now=now) for step, _ in taken for kind in kinds], now=now)
    return [step for step, _ in taken]


def _move(steps: Sequence[Step], event: Event, *, skip_stale: bool) -> list[tuple[Step, str]]:
    """The guarded UPDATE of each row, one statement for rows that change alike; the steps taken, with the old state."""
    groups: dict[tuple[Any, ...], list[tuple[Step, tuple[Any, ...]]]] = {}
    for step in steps:
        state = target(step.row, event)
        alike = (type(step.row), step.row.state, ("state", *step.values))
        groups.setdefault(alike, []).append((step, (state, *step.values.values())))
    standing = {id(step) for step in steps} if len(steps) == 1 else _standing(steps)
    taken: list[tuple[Step, str]] = []
    for (model, old, names), alike_steps in groups.items():
        still = [(step, values) for step, values in alike_steps if id(step) in standing]
        moved = rows.change(model, names, [(step.row.pk, values) for step, values in still], still={"state": old})
        if moved != len(still):
            still = []  # one row, and somebody else has moved it: several were seen to stand
        if len(still) != len(alike_steps) and not skip_stale:
            raise StaleState("the row has moved on", event=event, state=old)
        for step, values in still:
            changing(step.row)
            for name, value in zip(names, values, strict=True):
                setattr(step.row, name, value)
            taken.append((step, old))
    return taken


def _standing(steps: Sequence[Step]) -> set[int]:
    """Which rows are in the state their step starts from, locked until the transaction ends, always in one order."""
    found: set[int] = set()
    for model in (Message, Recipient):
        own = {step.row.pk: step for step in steps if type(step.row) is model}
        if own:
            locked = model._base_manager.filter(pk__in=own).order_by("pk").select_for_update()
            found |= {id(own[key]) for key, state in locked.values_list("pk", "state") if state == own[key].row.state}
    return found


def target(row: Message | Recipient, event: Event) -> str:
    """The state that `event` leads to from the row's present one; `IllegalStep` when the law knows no such step."""
    table: Mapping[Any, Any] = MESSAGE_TRANSITIONS if isinstance(row, Message) else RECIPIENT_TRANSITIONS
    try:
        return str(table[(row.state, event)])
    except KeyError as error:
        raise IllegalStep("no such step", state=row.state, event=event) from error


_WRITTEN = ("message", "recipient_no", "event", "from_state", "to_state", "at", "actor", "note")


@dataclass(frozen=True)
class _Move:
    """One change of state to be written down."""

    row: Message | Recipient
    old: str
    new: str
    actor: str
    note: str = ""


def _write_transitions(moves: Sequence[_Move], event: Event, *, now: datetime) -> None:
    written, happenings = [], []
    for move in moves:
        message = move.row if isinstance(move.row, Message) else move.row.message
        number = 0 if isinstance(move.row, Message) else move.row.recipient_no
        written.append((message.pk, number, str(event), str(move.old), str(move.new), now, move.actor, move.note))
        happenings.append(
            eventlog.Happening(
                f"message.{event}", at=now, actor=move.actor, subject=message.kep_id,
                facts={"recipient": number, "from": move.old, "to": move.new, "note": move.note},
            )
        )  # fmt: skip
    rows.insert(Transition, _WRITTEN, written)
    eventlog.append_all(happenings)
