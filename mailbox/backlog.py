"""How much work waits, and the door that closes when it is too much (R-018).

Two figures. *Age* is how long the most overdue piece of work has been due without anybody taking it: a message that
is on hold because the outside is away is asked again and again in time, so it makes nobody late; workers that are dead,
stuck or too few do. *Work* is the number of pieces that somebody has still to do. Parked work counts for neither:
people look at it.

Beyond `KEP_QUEUE_MOST_AGE` or `KEP_QUEUE_MOST_WORK` nothing new is let in: `compose.ask_signature` and the signer's
claim of a code refuse at once with a temporary refusal. Whoever is already signing ends what he began, what is signed
is sent, and reading and downloads go on.

Each figure comes from the partial index over `due_at`, of no more rows than the limit, and is kept for a moment by each
process: asking costs a busy page nothing.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from evidence.facts import EvidenceKind
from evidence.models import SealedEvidence, SealRequest, SealWork
from signing.models import SigningOperation

from .errors import QueueFull
from .models import Message, Recipient
from .state_names import MessageState, RecipientState

NOTHING = timedelta(0)
_PROOF_10 = SealedEvidence.objects.filter(intent__kep_id=OuterRef("kep_id"), intent__code=EvidenceKind.SUBMITTED)


@dataclass(frozen=True)
class Waiting:
    """One kind of work: how many pieces (no further than the limit), and since when the oldest of them is due."""

    pieces: int
    oldest_due_at: datetime | None

    def age(self, now: datetime) -> timedelta:
        """How late the oldest piece is; nothing when none is late."""
        return max(now - self.oldest_due_at, NOTHING) if self.oldest_due_at else NOTHING


@dataclass(frozen=True)
class Backlog:
    """What waits at one moment, by kind; the kinds are named as in `kepparked` (kepweb/parked.py).

    `term` counts terms that could not be ended and are tried again: those that are over are found by their own index.
    """

    kinds: Mapping[str, Waiting]

    @property
    def pieces(self) -> int:
        """Everything that waits."""
        return sum(each.pieces for each in self.kinds.values())

    def age(self, now: datetime) -> timedelta:
        """How late the most overdue piece is."""
        return max((each.age(now) for each in self.kinds.values()), default=NOTHING)

    def is_too_much(self, now: datetime) -> bool:
        """Whether nothing new is let in."""
        return self.pieces > settings.KEP_QUEUE_MOST_WORK or self.age(now) > settings.KEP_QUEUE_MOST_AGE


log = logging.getLogger(__name__)

_kept: tuple[float, Backlog] | None = None
_is_closed = False


def refuse_when_full(*, now: datetime) -> None:
    """Raise `QueueFull` while more work waits than can be done in time; rings when that begins."""
    global _is_closed
    waiting = recent_backlog()
    was_closed, _is_closed = _is_closed, waiting.is_too_much(now)
    pieces, age = waiting.pieces, int(waiting.age(now).total_seconds())
    if _is_closed and not was_closed:
        log.critical("ALM-08 nothing new is let in: %d pieces of work wait, the oldest for %d s", pieces, age)
    elif was_closed and not _is_closed:
        log.warning("new signatures are let in again")
    if _is_closed:
        raise QueueFull("too much work waits", pieces=pieces, age=age)


def recent_backlog() -> Backlog:
    """What `measure` said within the last `KEP_QUEUE_LOOK_SECONDS` in this process, else what it says now."""
    global _kept
    kept, moment = _kept, time.monotonic()
    if kept is None or moment - kept[0] >= settings.KEP_QUEUE_LOOK_SECONDS:
        kept = (moment, measure())
        _kept = kept
    return kept[1]


def measure() -> Backlog:
    """What waits now: one small query for each kind of work."""
    messages = Message.objects.filter(due_at__isnull=False, parked_at__isnull=True)
    accepted = messages.filter(state=MessageState.ACCEPTED)  # not late before its proof 10 is there: the seal is
    bundles = SealRequest.objects.filter(finished_at__isnull=True, due_at__isnull=False)
    return Backlog(
        {
            "signature": _waiting(SigningOperation.objects.filter(due_at__isnull=False)),
            "checking": _waiting(messages.filter(state=MessageState.CHECKING)),
            "release": _waiting(accepted, ready=accepted.filter(Exists(_PROOF_10))),
            **_waiting_recipients(),
            "seal": _waiting(SealWork.objects.filter(due_at__isnull=False)),
            "bundle": _waiting(bundles),
        }
    )


def _waiting_recipients() -> dict[str, Waiting]:
    """Both kinds of work on recipients in one look at their index: a delivered row has no other work than its term."""
    some = _first_due(Recipient.objects.filter(due_at__isnull=False), "state")
    is_term = Q(state=RecipientState.DELIVERED)
    which = {"deliver": ~is_term, "term": is_term}
    pieces = {f"{kind}_pieces": Count("due_at", filter=those) for kind, those in which.items()}
    oldest = {f"{kind}_oldest": Min("due_at", filter=those) for kind, those in which.items()}
    found = some.aggregate(**pieces, **oldest)
    return {kind: Waiting(found[f"{kind}_pieces"], found[f"{kind}_oldest"]) for kind in which}


def _first_due(rows: QuerySet, *columns: str) -> QuerySet:
    return rows.order_by("due_at").values("due_at", *columns)[: settings.KEP_QUEUE_MOST_WORK + 1]


def _waiting(rows: QuerySet, *, ready: QuerySet | None = None) -> Waiting:
    some = _first_due(rows)
    found = some.aggregate(pieces=Count("due_at"), oldest=Min("due_at"))
    if ready is not None and found["pieces"]:
        found["oldest"] = ready.order_by("due_at").values_list("due_at", flat=True).first()
    return Waiting(found["pieces"], found["oldest"])
