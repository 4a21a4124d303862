"""The parking list: every piece of work that failed again and again and waits for people (R-016).

One place that knows all kinds of work, what each row of it is called in logs and lists, and which rows still have work
to do. A row is named by its kind and key (`message:12`) and by the reference of what it is about, never by content.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model, Q

from evidence import eventlog
from evidence.models import SealRequest, SealWork
from guards.errors import KepError
from mailbox.models import Message, Recipient
from mailbox.state_names import MessageState, RecipientState
from signing.models import SigningOperation

from . import bell


class NotParked(KepError):
    """No parked work has this name: it was never there, or somebody made it due already."""


@dataclass(frozen=True)
class Kind:
    """One kind of work: its rows, the column that says what each is about, and which of them still have work to do."""

    name: str
    model: type[Model]
    reference: str
    unfinished: Q
    queue: str


KINDS = (
    Kind("signature", SigningOperation, "reference", Q(state=SigningOperation.State.SIGNED), "deliver"),
    Kind("checking", Message, "kep_id", Q(state=MessageState.CHECKING), "deliver"),
    Kind("release", Message, "kep_id", Q(state=MessageState.ACCEPTED, released_at__isnull=True), "seal"),
    Kind("deliver", Recipient, "message__kep_id", Q(state=RecipientState.DELIVERING), "deliver"),
    Kind("term", Recipient, "message__kep_id", Q(state=RecipientState.DELIVERED), "deliver"),
    Kind("seal", SealWork, "intent__evidence_id", Q(), "seal"),
    Kind("bundle", SealRequest, "reference", Q(finished_at__isnull=True), "seal"),
)


@dataclass(frozen=True)
class Parked:
    """One parked row as it is listed."""

    kind: str
    key: str
    reference: str
    tries: int
    since: datetime
    last_error: str

    @property
    def name(self) -> str:
        """What `--retry` takes."""
        return f"{self.kind}:{self.key}"


def parked_rows() -> list[Parked]:
    """Everything that is parked, by kind, oldest first."""
    found = []
    for kind in KINDS:
        rows = _parked(kind).order_by("parked_at").values_list("pk", kind.reference, "tries", "parked_at", "last_error")
        found += [Parked(kind.name, str(key), *rest) for key, *rest in rows.iterator()]
    return found


def parked_counts() -> dict[str, int]:
    """How many rows of each kind are parked."""
    return {kind.name: _parked(kind).count() for kind in KINDS}


def any_parked() -> bool:
    """Whether anything is parked: one small query for each kind until one has some."""
    return any(_parked(kind).exists() for kind in KINDS)


def retry(names: Iterable[str], *, now: datetime, actor: str) -> list[Parked]:
    """Make parked rows due again, counted afresh, each with a line in the event log. `NotParked` names what is not."""
    wanted = list(names)
    by_name = {each.name: each for each in parked_rows()}
    if strange := [name for name in wanted if name not in by_name]:
        raise NotParked("not parked", names=", ".join(strange))
    done = [by_name[name] for name in wanted]
    kinds = {kind.name: kind for kind in KINDS}
    with transaction.atomic():
        for each in done:
            kind = kinds[each.kind]
            values: dict[str, Any] = {"due_at": now, "parked_at": None, "tries": 0, "failures": 0}
            if kind.name == "checking":
                values |= {"hold_reason": "", "held_since": None}
            _parked(kind).filter(pk=each.key).update(**values)
            eventlog.append(
                "work.made_due",
                at=now,
                actor=actor,
                subject=each.reference,
                facts={"work": each.name, "last_error": each.last_error},
            )
        for queue in {kinds[each.kind].queue for each in done}:
            bell.ring_after_commit(queue)
    return done


def _parked(kind: Kind) -> Any:
    return kind.model._base_manager.filter(kind.unfinished, parked_at__isnull=False)
