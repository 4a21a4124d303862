"""What must hold after every step, asked of the rows themselves and not of the code that wrote them.

Each rule is a question whose answer must be empty. Beside them: every step written in the history is one that the
tables of the law know, from the state in which the row was; and a claim that runs belongs to nobody else.
"""
# ruff: noqa: S608 - every question is made of constants of this file

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from evidence.claims import CLAIM
from mailbox import states

from .scheduler import Scheduler


class Violation(BaseException):
    """A rule does not hold. No ordinary exception: the product's own boundaries must not survive it."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


_HAS = (
    "EXISTS (SELECT 1 FROM evidence_evidenceintent i"
    " WHERE i.kep_id = m.kep_id AND i.recipient_no = {no} AND i.code = {code})"
)
_OF_MESSAGE = _HAS.format(no=0, code="{code}")
_OF_RECIPIENT = _HAS.format(no="r.recipient_no", code="{code}")
_TEN_SEALED = (
    "EXISTS (SELECT 1 FROM evidence_sealedevidence s JOIN evidence_evidenceintent i ON i.id = s.intent_id"
    " WHERE i.kep_id = m.kep_id AND i.code = 10)"
)
_RECIPIENTS = "FROM mailbox_recipient r JOIN mailbox_message m ON m.id = r.message_id"
_BOXED = "('DELIVERED', 'READ', 'DEEMED_READ')"

RULES: tuple[tuple[str, str], ...] = (
    (
        "a signature is used up by one message, or not at all",
        "SELECT o.id FROM signing_signingoperation o LEFT JOIN mailbox_message m ON m.operation = o.id"
        " WHERE (o.state = 'CONSUMED') != (m.id IS NOT NULL)",
    ),
    (
        "a draft is locked while one message stands for it",
        "SELECT d.id FROM mailbox_draft d WHERE (d.submitted_at IS NOT NULL)"
        " != ((SELECT count(*) FROM mailbox_message m"
        " WHERE m.draft_id = d.id AND m.state IN ('CHECKING', 'ACCEPTED')) = 1)",
    ),
    (
        "the proofs of a message are those of its state",
        f"SELECT m.kep_id FROM mailbox_message m WHERE (m.state = 'ACCEPTED') != {_OF_MESSAGE.format(code=10)}"
        f" OR (m.state = 'REJECTED') != {_OF_MESSAGE.format(code=11)}",
    ),
    (
        "the proofs of a recipient are those of its state",
        f"SELECT m.kep_id, r.recipient_no, r.state {_RECIPIENTS} WHERE"
        f" (r.state IN {_BOXED}) != {_OF_RECIPIENT.format(code=40)}"
        f" OR (r.state = 'UNDELIVERED') != {_OF_RECIPIENT.format(code=41)}"
        f" OR (r.state = 'READ') != {_OF_RECIPIENT.format(code=60)}"
        f" OR (r.state = 'DEEMED_READ') != {_OF_RECIPIENT.format(code=61)}",
    ),
    (
        "no proof is made twice, and none beside the one it excludes",
        "SELECT a.kep_id, a.code, b.code FROM evidence_evidenceintent a JOIN evidence_evidenceintent b"
        " ON a.kep_id = b.kep_id AND a.recipient_no = b.recipient_no AND a.id < b.id"
        " WHERE a.code = b.code OR (a.code IN (10, 11) AND b.code IN (10, 11))"
        " OR (a.code IN (40, 41) AND b.code IN (40, 41)) OR (a.code IN (60, 61) AND b.code IN (60, 61))",
    ),
    (
        "proofs follow one another in time",
        "SELECT a.kep_id, a.code, b.code FROM evidence_evidenceintent a JOIN evidence_evidenceintent b"
        " ON a.kep_id = b.kep_id AND (a.recipient_no IN (0, b.recipient_no)) AND a.code < b.code"
        " WHERE a.event_at > b.event_at",
    ),
    (
        "nothing travels before proof 10 is sealed",
        f"SELECT m.kep_id, r.state {_RECIPIENTS} WHERE r.state != 'ACCEPTED' AND NOT {_TEN_SEALED}",
    ),
    (
        "no KEP message without the sealed proof 10",
        "SELECT m.kep_id FROM mailbox_envelope e JOIN mailbox_message m ON m.id = e.message_id"
        f" WHERE NOT {_TEN_SEALED}",
    ),
    (
        "a proof is sealed, or owed",
        "SELECT i.kep_id, i.code FROM evidence_evidenceintent i WHERE"
        " EXISTS (SELECT 1 FROM evidence_sealedevidence s WHERE s.intent_id = i.id)"
        " = EXISTS (SELECT 1 FROM evidence_sealwork w WHERE w.intent_id = i.id)",
    ),
    (
        "one item in the box of whoever it was delivered to",
        f"SELECT m.kep_id, r.recipient_no, r.state {_RECIPIENTS} WHERE (r.state IN {_BOXED})"
        " != (SELECT count(*) FROM mailbox_boxitem b WHERE b.recipient_id = r.id AND b.folder = 'inbox')",
    ),
    (
        "one item among those the sender sent",
        "SELECT m.kep_id FROM mailbox_message m WHERE 1 != (SELECT count(*) FROM mailbox_boxitem b"
        " WHERE b.message_id = m.id AND b.folder = 'sent')",
    ),
    (
        "opening and reading are one step",
        "SELECT b.id, r.state FROM mailbox_boxitem b JOIN mailbox_recipient r ON r.id = b.recipient_id"
        " WHERE (r.state = 'READ' AND b.opened_at IS NULL) OR (r.state = 'DELIVERED' AND b.opened_at IS NOT NULL)",
    ),
    (
        "read before the term, deemed read from its end on",
        "SELECT r.id, r.state, r.closed_at, r.term_ends_at FROM mailbox_recipient r WHERE"
        " (r.state = 'READ' AND r.closed_at >= r.term_ends_at)"
        " OR (r.state = 'DEEMED_READ' AND r.closed_at < r.term_ends_at)",
    ),
    (
        "release is one step",
        "SELECT m.kep_id FROM mailbox_message m WHERE (m.released_at IS NOT NULL)"
        " != EXISTS (SELECT 1 FROM mailbox_envelope e WHERE e.message_id = m.id) OR (m.released_at IS NOT NULL AND"
        " EXISTS (SELECT 1 FROM mailbox_recipient r WHERE r.message_id = m.id AND r.state = 'ACCEPTED'))",
    ),
    (
        "every acceptance has recipients, and nothing else has",
        "SELECT m.kep_id FROM mailbox_message m WHERE (m.state = 'ACCEPTED')"
        " != EXISTS (SELECT 1 FROM mailbox_recipient r WHERE r.message_id = m.id)",
    ),
)
"""Name and question; the question's rows are what violates it."""

_CLAIMED = ("signing_signingoperation", "mailbox_message", "mailbox_recipient", "evidence_sealwork")
_DUE = {
    "deliver": (
        "SELECT max(due_at, coalesce(claimed_until, '')) AS t FROM mailbox_message"
        " WHERE state = 'CHECKING' AND due_at IS NOT NULL",
        "SELECT max(due_at, coalesce(claimed_until, '')) FROM mailbox_recipient"
        " WHERE state = 'DELIVERING' AND due_at IS NOT NULL",
        "SELECT max(term_ends_at, coalesce(due_at, '')) FROM mailbox_recipient WHERE state = 'DELIVERED'",
        "SELECT max(due_at, coalesce(claimed_until, '')) FROM accounts_smsnotice"
        " WHERE sent_at IS NULL AND given_up_at IS NULL",
        "SELECT expires_at FROM signing_signingoperation WHERE state IN ('ASKED', 'CLAIMED', 'OFFERED')",
        "SELECT max(due_at, coalesce(claimed_until, '')) FROM signing_signingoperation"
        " WHERE state = 'SIGNED' AND due_at IS NOT NULL",
    ),
    "seal": (
        "SELECT max(due_at, coalesce(claimed_until, '')) AS t FROM evidence_sealwork WHERE due_at IS NOT NULL",
        "SELECT max(due_at, coalesce(claimed_until, '')) FROM mailbox_message"
        " WHERE state = 'ACCEPTED' AND released_at IS NULL AND due_at IS NOT NULL",
    ),
}
"""When each queue has something to do, by its rows."""
_NEXT = {queue: f"SELECT min(t) FROM ({' UNION ALL '.join(parts)})" for queue, parts in _DUE.items()}


class Watch:
    """Looks at the rows of one seed."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.alarms: list[str] = []
        self._last_step = 0
        self._reached: dict[tuple[int, int], str] = {}
        self._claims: dict[tuple[str, int | str], tuple[str, datetime]] = {}

    def look(self) -> None:
        """Raise `Violation` for the first rule that does not hold now."""
        if self.alarms:
            raise Violation("no error that nobody foresaw", self.alarms[0])
        for rule, question in RULES:
            found = self._rows(question)
            if found:
                raise Violation(rule, str(found[:3]))
        self._look_at_steps()
        self._claims = self._claims_now()

    def look_at_claims(self) -> None:
        """Raise `Violation` where a claim that still runs was taken by somebody else. Called after each claiming."""
        now = self._claims_now()
        for key, (holder, until) in now.items():
            before, its_end = self._claims.get(key, ("", until))
            if holder and before and holder != before and its_end >= until - CLAIM:
                raise Violation("a running claim is nobody else's", f"{key[0]} {key[1]}")
        self._claims = now

    def next_due(self, queue: str) -> datetime | None:
        """When the next row of `queue` is due; None when nothing is."""
        found = self._rows(_NEXT[queue])[0][0]
        return _moment(found) if found else None

    def _look_at_steps(self) -> None:
        for key, message, number, event, old, new, kep_id in self._rows(
            "SELECT t.id, t.message_id, t.recipient_no, t.event, t.from_state, t.to_state, m.kep_id"
            " FROM mailbox_transition t JOIN mailbox_message m ON m.id = t.message_id WHERE t.id > ? ORDER BY t.id",
            self._last_step,
        ):
            self._last_step = key
            place = (message, number)
            self._scheduler.note(f"message {message}.{number}: {event}, {old or 'nothing'} -> {new}")
            table: Any = states.RECIPIENT_TRANSITIONS if number else states.MESSAGE_TRANSITIONS
            if self._reached.get(place, "") != old or table.get((old or None, event)) != new:
                raise Violation("states move by the tables only", f"{kep_id} {number}: {event} from {old} to {new}")
            self._reached[place] = new
        rows = self._rows(
            "SELECT id, 0, state FROM mailbox_message"
            " UNION ALL SELECT message_id, recipient_no, state FROM mailbox_recipient"
        )
        if {(message, number): state for message, number, state in rows} != self._reached:
            raise Violation("states move by the tables only", "a row is in a state that its history does not tell")

    def _claims_now(self) -> dict[tuple[str, int | str], tuple[str, datetime]]:
        return {
            (table, key): (holder, _moment(until))
            for table in _CLAIMED
            for key, holder, until in self._rows(
                f"SELECT id, claimed_by, claimed_until FROM {table} WHERE claimed_until IS NOT NULL"
            )
        }

    def _rows(self, question: str, *values: int) -> list[Any]:
        return list(connection.connection.execute(question, values))


def _moment(text: str | datetime) -> datetime:
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
