"""The event log: what happened, to what, by whom, when, in the transaction that made it happen (K-160, V-095).

An event is one insert-only row. Its `body` is the exact byte string that will be hashed, so nothing is ever
re-made from columns; `leaf_hash` is SHA-256(0x00 ‖ salt ‖ body), the leaf of the tree a later issue grows over
these rows. Position (`idx`) stays empty until a sequencer numbers committed rows: a number taken inside the
transaction would leave gaps or serialise every commit (measured.md, Event log).

No message text, no identity number, no code and no PIN goes in (A-017): actors and subjects are references.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from . import rows
from .models import Event


@dataclass(frozen=True)
class Happening:
    """One event to be written: kind in dotted English, references for actor and subject, small facts."""

    kind: str
    at: datetime
    actor: str = ""
    subject: str = ""
    facts: Mapping[str, str | int | None] = field(default_factory=dict)


def append(
    kind: str, *, at: datetime, actor: str = "", subject: str = "", facts: Mapping[str, str | int | None] | None = None
) -> None:
    """Write one event inside the caller's transaction. See `append_all`."""
    append_all([Happening(kind, at, actor, subject, facts or {})])


def append_all(happenings: Sequence[Happening]) -> None:
    """Write events inside the caller's transaction, which must be open: an event without its act is a lie."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an event is written in the transaction of its act")
    rows.insert(Event, _COLUMNS, [_row(happening) for happening in happenings])


def leaf_hash(salt: bytes, body: bytes) -> bytes:
    """The RFC 6962 leaf over the stored bytes, salted so that a short body cannot be guessed from its hash."""
    return hashlib.sha256(b"\x00" + salt + body).digest()


_COLUMNS = ("at", "kind", "actor", "subject", "body", "salt", "leaf_hash")
_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _row(happening: Happening) -> tuple[object, ...]:
    body = _JSON.encode(
        {
            "kind": happening.kind,
            "at": happening.at.isoformat(),
            "actor": happening.actor,
            "subject": happening.subject,
            "facts": dict(happening.facts),
        }
    ).encode()
    salt = secrets.token_bytes(16)
    leaf = leaf_hash(salt, body)
    return happening.at, happening.kind, happening.actor, happening.subject, body, salt, leaf
