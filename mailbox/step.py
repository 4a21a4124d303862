"""One step of one row, before it is taken: what `states.advance` moves and `proofs` states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence.facts import Authentication, Party, Reason

from .models import Message, Recipient


@dataclass(frozen=True)
class Step:
    """One row to move: what else changes on it, why, and what its proof must state beside the row's own facts."""

    row: Message | Recipient
    values: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    reasons: tuple[tuple[Reason, str], ...] = ()
    recipients: tuple[Party, ...] = ()  # for message rows: the addressees in the order of the evidence
    reader: Authentication | None = None
