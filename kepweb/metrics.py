"""What is measured of a running provider, in the text form that Prometheus reads (design.md 6, R-018, R-040).

Every figure comes from the rows, by a few queries over partial indexes, so it is the same whichever process is asked
and right after any crash. No figure is about a person, an account or a message. Names of processes and machines are the
operator's own.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Max

from accounts.models import SmsNotice
from evidence.models import ClockReading, SealedEvidence, SealWork
from mailbox import backlog
from mailbox.models import Recipient
from mailbox.state_names import RecipientState
from mailbox.term_holds import HOLDING_TERM
from mailbox.trouble import messages_on_hold

from .parked import parked_counts

OVERDUE = timedelta(minutes=1)
"""A term that ended longer ago than this should have its proof."""


@dataclass(frozen=True)
class Figure:
    """One measured thing: its name, what it is, and a value for each set of labels."""

    name: str
    help: str
    values: Iterable[tuple[Mapping[str, str], float]]
    kind: str = "gauge"


def page(now: datetime) -> str:
    """Everything that is measured, at this moment."""
    return "".join(f"{line}\n" for figure in figures(now) for line in _lines(figure))


def figures(now: datetime) -> Iterator[Figure]:
    """The figures one by one; a failing database is the caller's affair."""
    waiting = backlog.measure()
    kinds = waiting.kinds.items()
    notices = SmsNotice.objects.filter(sent_at__isnull=True, given_up_at__isnull=True).order_by("due_at")
    first_notice = notices.values_list("due_at", flat=True).first()
    late = max((now - first_notice).total_seconds(), 0.0) if first_notice else 0.0
    yield Figure(
        "kep_queue_pieces",
        "Pieces of work that wait or are being done, by kind",
        [*(({"kind": kind}, each.pieces) for kind, each in kinds), ({"kind": "notice"}, notices.count())],
    )
    yield Figure(
        "kep_queue_oldest_seconds",
        "How long the oldest piece of work has been due, by kind",
        [*(({"kind": kind}, each.age(now).total_seconds()) for kind, each in kinds), ({"kind": "notice"}, late)],
    )
    yield _one("kep_door_open", "1 while new signatures are let in, 0 while they are not", _is_open(waiting, now))
    reasons = messages_on_hold().values_list("hold_reason").annotate(count=Count("pk")).order_by("hold_reason")
    yield Figure("kep_held_messages", "Messages on hold, by reason", [({"reason": each}, n) for each, n in reasons])
    yield Figure(
        "kep_parked_pieces",
        "Pieces of work that failed on and on and wait for people, by kind",
        [({"kind": kind}, count) for kind, count in parked_counts().items()],
    )
    yield from _proofs(now)
    overdue = Recipient.objects.filter(~HOLDING_TERM, state=RecipientState.DELIVERED, term_ends_at__lt=now - OVERDUE)
    yield _one("kep_terms_overdue", "Reading terms over for a minute and without a proof", overdue.count())
    clocks = list(ClockReading.objects.order_by("host").values_list("host", "drift_ms", "measured_at"))
    yield Figure(
        "kep_clock_drift_seconds",
        "Clock of the time-stamp authority minus ours: the least that is certain, by machine",
        [({"host": host}, drift / 1000) for host, drift, _ in clocks],
    )
    yield Figure(
        "kep_clock_measured_seconds",
        "Seconds since the clock was last measured, by machine",
        [({"host": host}, (now - at).total_seconds()) for host, _, at in clocks],
    )
    yield _one("kep_vault_free_bytes", "Free bytes on the disk of the vault", _free_bytes())
    yield Figure(
        "kep_process_silence_seconds",
        "Seconds since each process of this machine gave a sign of life",
        [({"process": name}, silence) for name, silence in _silences()],
    )


def _proofs(now: datetime) -> Iterator[Figure]:
    owed = SealWork.objects.order_by("pk").values_list("intent__prepared_at", flat=True).first()
    sealed = SealedEvidence.objects.order_by("-pk").values_list("stamped_at", flat=True).first()
    highest = SealedEvidence.objects.aggregate(Max("pk"))["pk__max"] or 0
    yield _one("kep_proofs_owed", "Proofs prepared and not sealed yet", SealWork.objects.count())
    oldest = (now - owed).total_seconds() if owed else 0.0
    yield _one("kep_proofs_owed_oldest_seconds", "Seconds since the oldest owed proof was prepared", oldest)
    yield _one("kep_proofs_sealed_total", "Highest number of a sealed proof", highest, kind="counter")
    if sealed is not None:
        age = max((now - sealed).total_seconds(), 0.0)
        yield _one("kep_last_timestamp_seconds", "Seconds since the time-stamp of the newest sealed proof", age)


def _one(name: str, help_text: str, value: float, *, kind: str = "gauge") -> Figure:
    return Figure(name, help_text, [({}, value)], kind)


def _is_open(waiting: backlog.Backlog, now: datetime) -> int:
    return 0 if waiting.is_too_much(now) else 1


def _free_bytes() -> int:
    folder = Path(settings.KEP_VAULT_DIR)
    return shutil.disk_usage(folder if folder.exists() else folder.parent).free


def _silences() -> Iterator[tuple[str, float]]:
    folder = os.environ.get("KEP_HEARTBEAT_FOLDER")
    for path in sorted(Path(folder).glob("*.alive")) if folder else ():
        try:
            yield path.stem, max(time.time() - path.stat().st_mtime, 0.0)
        except FileNotFoundError:
            continue  # its process is being started anew


def _lines(figure: Figure) -> Iterator[str]:
    yield f"# HELP {figure.name} {figure.help}"
    yield f"# TYPE {figure.name} {figure.kind}"
    for labels, value in figure.values:
        said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{figure.name}{{{said}}} {value:.15g}" if said else f"{figure.name} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
