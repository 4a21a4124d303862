"""A box with many messages, as rows: `python -m benches.mailboxes --data DIR --messages N`.

Three messages travel through the product first: one that was read, one that lies unopened, one that nobody opened in
time. Every other message is a copy of one of them, row by row, in every table where a message leaves rows: signing
operation, draft, message, stamp, validation material, recipient, envelope, box items, transitions, intents, sealed
proofs, event log, notice. Keys, public ids, references and times are the copy's own, and every encrypted field is
sealed anew. What a copy shares with its pattern: the octets in the vault and the text of its proofs; so pages that take
a message apart are asked for the patterns, which lie on top of the box.

One box is Deniz's inbox and Ayşe's sent items at once. A fifth of the items were never opened, hence the number beside
the folder is a large one. A folder that was filled once is found filled the next time.
"""

import argparse
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import start

from . import place
from .floor import Keys

SENDER, OWNER = "sender", "stranger"
"""Roles of the demo's people whose sent items and whose inbox are filled."""
BATCH = 2_000
UNOPENED_EVERY = 5
NEWEST_UNREAD = 40
APART = timedelta(minutes=7)
MARK = "filled"


def main() -> None:
    """Fill the box of a provider's folder unless it is filled."""
    parser = argparse.ArgumentParser(prog="benches.mailboxes")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--messages", type=int, required=True)
    given = parser.parse_args()
    mark = given.data / MARK
    if mark.exists() and mark.read_text() == str(given.messages):
        return
    if (given.data / start.MARK).exists():  # half filled, or for another number
        shutil.rmtree(given.data)
    plan = place.plan_of(given.data, workers=1)
    with place.running(plan, Keys("p256", "p256"), ("valkey", "demo-pki")) as here:
        place.use(here.environment, role="seal")
        fill(given.messages)
    mark.write_text(str(given.messages))


def fill(messages: int) -> None:
    """Three patterns and their copies, `messages` in all."""
    from django.db import connection, transaction

    patterns = [_pattern(kind) for kind in ("read", "unread", "deemed")]
    if connection.vendor == "sqlite":
        _hurry(connection.connection)
    copies, first = messages - len(patterns), 0
    keys = _next_keys()
    while first < copies:
        batch = range(first, min(copies, first + BATCH))
        with transaction.atomic():
            _insert(patterns, batch, copies, keys)
        first += len(batch)
        print(f"  box: {first + len(patterns)} of {messages}", file=sys.stderr, flush=True)


def _hurry(connection: sqlite3.Connection) -> None:
    """A box that is half filled when the power fails is filled anew."""
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")


# --- patterns ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Pattern:
    """A message that came through the product, with all its rows by table, in the order of insertion."""

    kind: str
    kep_id: str
    placed_at: datetime
    rows: Sequence[tuple[str, Any]]


def _pattern(kind: str) -> Pattern:
    from guards.clock import now as clock
    from mailbox import tasks
    from mailbox.models import BoxItem, Message

    from .steps import until_empty
    from .writers import make_one

    make_one(SENDER, OWNER, subject=f"Kira sözleşmesinin yenilenmesi ({kind})")
    for verb in (tasks.submit_signed, tasks.check_due, tasks.seal_due, tasks.release_due, tasks.deliver_due):
        until_empty(verb)
    message = Message.objects.latest("pk")
    item = BoxItem.objects.select_related("account", "recipient").get(message=message, folder=BoxItem.Folder.INBOX)
    if kind == "read":
        _open(item)
    moment = clock()
    if kind == "deemed":
        moment += timedelta(hours=25)
        tasks.end_terms_due(moment)
    until_empty(lambda: tasks.seal_due(moment))
    until_empty(tasks.send_notices_due)
    return Pattern(kind, message.kep_id, item.placed_at, list(_rows_of(message)))


def _open(item: Any) -> None:
    from guards.clock import now as clock
    from mailbox.reading import open_message

    from .writers import reader_of

    now = clock()
    open_message(item, reader=reader_of(item.account, now=now), now=now)


def _rows_of(message: Any) -> Iterator[tuple[str, Any]]:
    """Every row that this message left, by the name of its table."""
    from accounts.models import SmsNotice
    from evidence.models import Event, EvidenceIntent
    from signing.models import SigningOperation

    yield "draft", message.draft
    yield "operation", SigningOperation.objects.get(pk=message.operation)
    yield "message", message
    yield "stamp", message.stamp
    yield "validation", message.validation
    recipient = message.recipients.get()
    yield "recipient", recipient
    yield "envelope", message.envelope
    yield from (("item", each) for each in message.items.order_by("pk"))
    yield from (("transition", each) for each in message.transitions.order_by("pk"))
    subjects = [message.kep_id, message.draft.public_id]
    for intent in EvidenceIntent.objects.filter(kep_id=message.kep_id).order_by("pk"):
        yield "intent", intent
        yield "sealed", intent.sealed
        subjects.append(intent.evidence_id)
    yield from (("event", each) for each in Event.objects.filter(subject__in=subjects).order_by("pk"))
    yield from (("notice", each) for each in SmsNotice.objects.filter(reference__startswith=f"arrived:{recipient.pk}:"))


# --- copies -----------------------------------------------------------------------------------------------------------
Values = dict[str, Any]


@dataclass
class Copy:
    """The names of one copy; `key` gives the next primary key of a table."""

    shift: timedelta
    key: Callable[[str], int]
    old: Pattern

    def __post_init__(self) -> None:
        from guards.ids import public_id, uuid7_hex

        self.draft_id, self.operation = public_id(), uuid4()
        self.kep_id = f"{uuid7_hex(int((self.old.placed_at + self.shift).timestamp() * 1000))}.kep@hs01.kep.tr"
        self.evidence: dict[str, str] = {}
        self.keys: dict[str, Any] = {}

    def own(self, table: str, row: Any) -> Values:
        """What is the copy's own in a row of this table; the primary key is remembered for rows that point to it."""
        from guards.ids import public_id, uuid7_hex

        key: int | UUID = self.operation if table == "operation" else self.key(table)
        self.keys[table] = key
        own: Values = {"id": key}
        if table in ("stamp", "validation", "recipient", "envelope", "item", "transition"):
            own["message_id"] = self.keys["message"]
        if table == "draft":
            own["public_id"] = self.draft_id
        elif table == "operation":
            own |= {"reference": self.draft_id, "code_hmac": secrets.token_hex(32), "token_hmac": secrets.token_hex(32)}
        elif table == "message":
            own |= {
                "kep_id": self.kep_id,
                "original_message_id": f"{uuid7_hex()}@hs01.kep.tr",
                "operation": self.operation,
                "draft_id": self.keys["draft"],
                "subject": f"Yazı {self.kep_id[8:20]}: {row.subject}",
            }
        elif table == "item":
            own |= {"public_id": public_id(), "recipient_id": self.keys["recipient"] if row.recipient_id else None}
        elif table == "intent":
            self.evidence[row.evidence_id] = own["evidence_id"] = f"ev-{uuid7_hex()}"
            own["kep_id"] = self.kep_id
        elif table == "sealed":
            own["intent_id"] = self.keys["intent"]
        elif table == "event":
            own |= self._event(row)
        elif table == "notice":
            own["reference"] = f"arrived:{self.keys['recipient']}:0"
        return own

    def _event(self, row: Any) -> Values:
        from evidence.eventlog import leaf_hash

        subject = self.evidence.get(row.subject) or (self.kep_id if row.subject == self.old.kep_id else self.draft_id)
        body = bytes(row.body).replace(row.subject.encode(), subject.encode())
        salt = secrets.token_bytes(16)
        return {"subject": subject, "body": body, "salt": salt, "leaf_hash": leaf_hash(salt, body)}


class _Table:
    """Turns rows of one pattern into tuples for an INSERT, with what never changes prepared once."""

    def __init__(self, row: Any) -> None:
        from django.db import connection, models

        from evidence.fieldcrypt import EncryptedBytes, EncryptedText

        self._connection = connection
        self.fields = row._meta.concrete_fields
        quote = connection.ops.quote_name
        columns = ", ".join(quote(field.column) for field in self.fields)
        marks = ", ".join(["%s"] * len(self.fields))
        self.sql = f"INSERT INTO {quote(row._meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of models
        self._fixed = [self._stored(field, getattr(row, field.attname)) for field in self.fields]
        self._moving = [
            (position, field, getattr(row, field.attname))
            for position, field in enumerate(self.fields)
            if isinstance(field, models.DateTimeField | EncryptedText | EncryptedBytes)
            and getattr(row, field.attname) is not None
        ]
        self._place = {field.attname: position for position, field in enumerate(self.fields)}

    def _stored(self, field: Any, value: Any) -> Any:
        return field.get_db_prep_save(value, connection=self._connection)

    def values(self, own: Values, shift: timedelta) -> tuple[Any, ...]:
        """One row: times moved by `shift`, encrypted fields sealed anew, `own` in its places."""
        made = list(self._fixed)
        for position, field, value in self._moving:
            if field.attname not in own:
                moved = value + shift if isinstance(value, datetime) else value
                made[position] = self._stored(field, moved)
        for name, value in own.items():
            position = self._place[name]
            made[position] = self._stored(self.fields[position], value)
        return tuple(made)


def _insert(patterns: list[Pattern], batch: range, copies: int, keys: Callable[[str], int]) -> None:
    from django.db import connection

    tables = {
        (pattern.kind, number): _Table(row) for pattern in patterns for number, (_, row) in enumerate(pattern.rows)
    }
    waiting: dict[str, list[tuple[Any, ...]]] = {}
    order: dict[str, None] = {}
    for number in batch:
        age = copies - number
        kind = ("unread" if age % 2 else "read") if age <= NEWEST_UNREAD else "read"
        if age > NEWEST_UNREAD and not age % UNOPENED_EVERY:
            kind = "deemed"
        pattern = next(each for each in patterns if each.kind == kind)
        copy = Copy(-APART * age, keys, pattern)
        for position, (table, row) in enumerate(pattern.rows):
            maker = tables[(kind, position)]
            order.setdefault(maker.sql)
            waiting.setdefault(maker.sql, []).append(maker.values(copy.own(table, row), copy.shift))
    with connection.cursor() as cursor:
        for sql in order:
            cursor.executemany(sql, waiting[sql])


def _next_keys() -> Callable[[str], int]:
    """A counter per table, beginning after its last row."""
    from django.db.models import Max

    from accounts.models import SmsNotice
    from evidence.models import Event, EvidenceIntent, SealedEvidence
    from mailbox import models as box

    of_table = {
        "draft": box.Draft, "message": box.Message, "stamp": box.OriginalStamp, "validation": box.ValidationMaterial,
        "recipient": box.Recipient, "envelope": box.Envelope, "item": box.BoxItem, "transition": box.Transition,
        "intent": EvidenceIntent, "sealed": SealedEvidence, "event": Event, "notice": SmsNotice,
    }  # fmt: skip
    last = {name: model._base_manager.aggregate(last=Max("pk"))["last"] or 0 for name, model in of_table.items()}

    def following(table: str) -> int:
        last[table] += 1
        return int(last[table])

    return following


if __name__ == "__main__":
    main()
