"""Can this provider do its work right now? What `/readyz` asks, and what `script/server` waits for.

Each question is answered on its own, with a short reason in English when the answer is no. The answers name parts,
never addresses, versions or errors in full: the page is public (V-088). Healthy is another question: `/healthz`
says only that this process answers.

Unready means that what is sent now is not delivered soon: work or a proof that waits too long, a time-stamp authority
that is away. The rest is reported and nothing more. A broker that is away: the workers look by themselves (design.md
1.6). Messages on hold, parked work, a clock that is off: people must act, but taking the pages away would help nobody;
where they make proofs late, that counts.
"""

import os
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError

from evidence.clock_drift import known_drift, level
from evidence.models import SealWork
from mailbox.backlog import recent_backlog
from mailbox.trouble import messages_on_hold

from .celery import app
from .parked import any_parked

PATIENCE = 1.0
"""Seconds one outside part may take to answer."""
KEPT_SECONDS = 1.0
"""How long the page repeats what it said."""
OLDEST_WORK = timedelta(minutes=10)
"""Work that is due for longer than this means that nobody does it (R-018); a proof owed for longer, that it fails."""


@dataclass(frozen=True)
class Answer:
    """One part: whether it can do its work, whether the provider can work without it, and why not."""

    part: str
    works: bool
    is_needed: bool = True
    why_not: str = ""


_asked: tuple[float, tuple[Answer, ...]] = (-1.0, ())


def recent_answers(now: datetime) -> tuple[Answer, ...]:
    """What `ask_all` said within the last second, else what it says now: a public page must not be a way to make
    every stranger's request write to the disk."""
    global _asked
    asked_at, answers = _asked
    if not answers or time.monotonic() - asked_at > KEPT_SECONDS:
        answers = ask_all(now)
        _asked = (time.monotonic(), answers)
    return answers


def ask_all(now: datetime) -> tuple[Answer, ...]:
    """Ask every part. Never raises: a part that fails in a foreseen way answers no."""
    answers = [_ask("database", _database), _ask("vault", _vault)]
    if answers[0].works:
        answers.append(_ask("queue", lambda: _queue_age(now)))
        answers.append(_ask("proofs", lambda: _owed_proofs(now)))
        answers.append(_ask("holds", _holds, is_needed=False))
        answers.append(_ask("parked", _parked, is_needed=False))
        answers.append(_ask("clock", _clock, is_needed=False))
    answers.append(_ask("timestamp", lambda: _reachable(settings.KEP_TSA_URL)))
    answers.append(_ask("broker", _broker, is_needed=False))
    return tuple(answers)


def is_ready(answers: tuple[Answer, ...]) -> bool:
    """Whether everything the provider cannot do without works."""
    return all(answer.works for answer in answers if answer.is_needed)


def as_json(answers: tuple[Answer, ...]) -> Mapping[str, object]:
    """The answers as the page shows them."""
    return {
        "ready": is_ready(answers),
        "parts": {answer.part: "ok" if answer.works else answer.why_not for answer in answers},
    }


def _ask(part: str, question: Callable[[], str], *, is_needed: bool = True) -> Answer:
    """`question` returns an empty text when all is well, else the reason."""
    try:
        reason = question()
    except (DatabaseError, OSError, OperationalError) as error:
        reason = type(error).__name__
    return Answer(part, not reason, is_needed, reason)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1", None)
    return ""


def _vault() -> str:
    directory = settings.KEP_VAULT_DIR
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory) as probe:
        probe.write(b"\0" * 4096)
        probe.flush()
        os.fsync(probe.fileno())
    return ""


def _queue_age(now: datetime) -> str:
    return "work waits too long" if recent_backlog().age(now) > OLDEST_WORK else ""


def _owed_proofs(now: datetime) -> str:
    owed = SealWork.objects.filter(parked_at__isnull=True).order_by("pk")
    prepared_at = owed.values_list("intent__prepared_at", flat=True).first()
    return "proofs wait too long" if prepared_at is not None and now - prepared_at > OLDEST_WORK else ""


def _holds() -> str:
    return "messages are on hold" if messages_on_hold().exists() else ""


def _parked() -> str:
    return "work waits for people" if any_parked() else ""


def _clock() -> str:
    drift = known_drift() or timedelta(0)
    return ("", "off by more than a second", "too far off: nothing is sealed")[level(drift)]


def _reachable(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((parts.hostname or "", port), timeout=PATIENCE):
        return ""


def _broker() -> str:
    options = {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}
    with app.connection_for_write(transport_options=options) as broker:
        broker.ensure_connection(max_retries=1, timeout=PATIENCE)
    return ""
