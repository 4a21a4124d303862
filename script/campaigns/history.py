"""The history checker: what clients were told against what is kept, each message from its signature to its last proof.

Strict in both directions (R-002, A-001). Whatever was acknowledged must be there exactly once: one message, one item
among the sent ones, one item in each recipient's box, exactly the proofs its steps owe, each of them valid and about
this very message, and an event log that tells the same story step by step. And nothing else may be there: no message
nobody was told of, no second item, no proof without its step. It needs a deployment at rest, reads rows and changes
nothing; `kepcheck` asks other questions and is run beside it.

Each finding has a code that says whose promise is broken:

    LOST      acknowledged, and there is no message, or one that was not accepted or not delivered
    DOUBLED   two messages of one signature or draft, two items of one message in one box
    MISSING   a proof that is owed and not sealed
    EXTRA     a proof, a recipient or an item that nothing accounts for
    INVALID   a sealed proof that does not hold, or speaks of something else
    UNTOLD    a message whose sender was never answered, although no answer can have been lost
    UNREAD    an acknowledged opening of which there is no trace
    LOG       event log and transitions do not agree with the rows or with each other
    OWED      work is left
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns import unfinished
from campaigns.told import Told
from django.db.models import Q

from evidence import xades
from evidence.models import Event, EvidenceIntent, SealedEvidence
from evidence.proof_check import judge_proof
from guards.errors import KepError
from guards.findings import Finding
from mailbox.models import BoxItem, Message, Recipient, Transition
from mailbox.state_names import MessageState, RecipientState
from signing.models import SigningOperation

CODES = ("LOST", "DOUBLED", "MISSING", "EXTRA", "INVALID", "UNTOLD", "UNREAD", "LOG", "OWED")
CHUNK = 200
ARRIVED = {
    RecipientState.DELIVERED: (40,),
    RecipientState.READ: (40, 60),
    RecipientState.DEEMED_READ: (40, 61),
}


@dataclass(frozen=True)
class History:
    """What a check found: every finding, and how much was looked at."""

    findings: tuple[Finding, ...]
    acknowledged: int
    messages: int
    deliveries: int
    openings: int
    proofs: int

    @property
    def counts(self) -> dict[str, int]:
        """Findings by code, all codes; a message that is lost in several ways is lost once."""
        found = Counter(each.code for each in self.findings)
        lost = len({each.subject for each in self.findings if each.code == "LOST"})
        return {code: found[code] for code in CODES} | {"LOST": lost}

    @property
    def is_clean(self) -> bool:
        """Nothing was found, and something was looked at."""
        return not self.findings and self.acknowledged > 0


def check(told: Told) -> History:
    """Compare everything that was told with everything that is kept."""
    findings = [*_owed(), *_operations(told), *_messages_told(told)]
    deliveries = proofs = 0
    keys = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(keys), CHUNK):
        chunk = _Chunk.of(keys[first : first + CHUNK])
        for message in chunk.messages:
            findings += _message(message, chunk, told)
        deliveries += sum(item.folder == BoxItem.Folder.INBOX for items in chunk.items.values() for item in items)
        proofs += sum(map(len, chunk.sealed.values()))
    findings += _openings(told)
    findings += _strangers()
    openings = BoxItem.objects.filter(folder=BoxItem.Folder.INBOX, opened_at__isnull=False).count()
    return History(tuple(findings), len(told.acked), len(keys), deliveries, openings, proofs)


# --- what was told ----------------------------------------------------------------------------------------------------
def _operations(told: Told) -> Iterator[Finding]:
    """Every acknowledged signature was kept and used; a refused one was not used."""
    states = dict(_states_of([*told.acked, *told.refused]))
    for operation in told.acked:
        if operation not in told.stock:
            yield Finding("LOST", operation, "acknowledged, but nobody had prepared it: the acknowledgement is forged")
        if states.get(operation) != SigningOperation.State.CONSUMED:
            yield Finding("LOST", operation, f"acknowledged, and its signature is {states.get(operation, 'nowhere')}")
    for operation in told.refused:
        if states.get(operation) in (SigningOperation.State.SIGNED, SigningOperation.State.CONSUMED):
            yield Finding("UNTOLD", operation, "refused, and its signature was taken all the same")


def _states_of(operations: Sequence[str]) -> Iterator[tuple[str, str]]:
    for first in range(0, len(operations), CHUNK):
        rows = SigningOperation.objects.filter(pk__in=operations[first : first + CHUNK]).values_list("pk", "state")
        yield from ((str(key), state) for key, state in rows)


def _messages_told(told: Told) -> Iterator[Finding]:
    """Exactly one message for each acknowledged signature, none for a signature nobody posted."""
    made = Counter(map(str, Message.objects.values_list("operation", flat=True)))
    for operation in told.acked:
        if not made[operation]:
            yield Finding("LOST", operation, "acknowledged, and there is no message")
    for operation, count in made.items():
        if count > 1:
            yield Finding("DOUBLED", operation, f"{count} messages of one signature")
        if operation not in told.acked and operation not in told.posted:
            yield Finding("UNTOLD", operation, "a message of a signature that nobody posted")
    for field in ("draft", "original_message_id"):
        values: Counter[object] = Counter(Message.objects.exclude(**{field: None}).values_list(field, flat=True))
        for value, count in values.items():
            if count > 1:
                yield Finding("DOUBLED", str(value), f"{count} messages of one {field.replace('_', ' ')}")


def _openings(told: Told) -> Iterator[Finding]:
    """Whoever was told that he opened a message has opened it, and nobody else has."""
    inbox = BoxItem.objects.filter(folder=BoxItem.Folder.INBOX)
    opened = dict(inbox.filter(opened_at__isnull=False).values_list("public_id", "recipient__state"))
    for item in told.opened:
        if opened.get(item) != RecipientState.READ:
            yield Finding("UNREAD", item, f"its opening was acknowledged, and it is {opened.get(item, 'unopened')}")
    for item in opened.keys() - told.opened - told.trying:
        yield Finding("EXTRA", item, "opened, and nobody tried to")


# --- what is kept -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Chunk:
    """Some messages with everything that names them, by message key or KEP id."""

    messages: list[Message]
    recipients: dict[int, list[Recipient]]
    items: dict[int, list[BoxItem]]
    transitions: dict[int, list[Transition]]
    intents: dict[str, list[EvidenceIntent]]
    sealed: dict[str, list[SealedEvidence]]
    events: dict[str, list[tuple[str, dict[str, Any]]]]
    places: dict[tuple[str, str], int]
    """Where in the log the first line of a kind stands that speaks of a subject."""

    @classmethod
    def of(cls, keys: list[int]) -> "_Chunk":
        messages = list(Message.objects.filter(pk__in=keys).select_related("envelope", "draft").order_by("pk"))
        kep_ids = [each.kep_id for each in messages]
        intents = list(EvidenceIntent.objects.filter(kep_id__in=kep_ids).order_by("pk"))
        sealed = SealedEvidence.objects.filter(intent__kep_id__in=kep_ids).select_related("intent").order_by("pk")
        subjects = [*kep_ids, *(each.evidence_id for each in intents)]
        subjects += [each.draft.public_id for each in messages if each.draft is not None]
        chunk = cls(messages, {}, {}, {}, {}, {}, {}, {})
        for recipient in Recipient.objects.filter(message__in=keys):
            chunk.recipients.setdefault(recipient.message_id, []).append(recipient)
        for item in BoxItem.objects.filter(message__in=keys):
            chunk.items.setdefault(item.message_id, []).append(item)
        for step in Transition.objects.filter(message__in=keys).order_by("pk"):
            chunk.transitions.setdefault(step.message_id, []).append(step)
        for intent in intents:
            chunk.intents.setdefault(intent.kep_id, []).append(intent)
        for proof in sealed:
            chunk.sealed.setdefault(proof.intent.kep_id, []).append(proof)
        for event in Event.objects.filter(subject__in=subjects).order_by("pk").only("kind", "subject", "body"):
            facts = json.loads(bytes(event.body))["facts"]
            chunk.events.setdefault(event.subject, []).append((event.kind, facts))
            chunk.places.setdefault((event.subject, event.kind), event.pk)
        return chunk


def _message(message: Message, chunk: _Chunk, told: Told) -> Iterator[Finding]:
    recipients = chunk.recipients.get(message.pk, [])
    if str(message.operation) in told.acked and message.state != MessageState.ACCEPTED:
        yield Finding(
            "LOST", message.kep_id, f"acknowledged, and it is {message.state} {message.refusal_code}".rstrip()
        )
    yield from _addressees(message, recipients, told)
    yield from _boxes(message, recipients, chunk.items.get(message.pk, []))
    yield from _proofs(message, recipients, chunk)
    yield from _log(message, recipients, chunk)


def _addressees(message: Message, recipients: list[Recipient], told: Told) -> Iterator[Finding]:
    if message.state != MessageState.ACCEPTED:
        return
    meant, rows = Counter(told.stock.get(str(message.operation), ())), Counter(each.address for each in recipients)
    for address, count in (meant - rows).items():
        yield Finding("LOST", message.kep_id, f"{count} recipients of those it was sent to are not there ({address})")
    for address, count in (rows - meant).items():
        yield Finding("EXTRA", message.kep_id, f"{count} recipients it was not sent to ({address})")
    for recipient in recipients:
        if recipient.state not in ARRIVED:
            yield Finding("LOST", message.kep_id, f"recipient {recipient.recipient_no} is {recipient.state}")


def _boxes(message: Message, recipients: list[Recipient], items: list[BoxItem]) -> Iterator[Finding]:
    """One item in each box it belongs to, in no other."""
    meant = Counter({(message.account_id, BoxItem.Folder.SENT.value): 1})
    meant += Counter((each.account_id, BoxItem.Folder.INBOX.value) for each in recipients if each.state in ARRIVED)
    rows = Counter((each.account_id, each.folder) for each in items)
    for (account, folder), count in (meant - rows).items():
        yield Finding("LOST", message.kep_id, f"{count} items missing in {folder} of account {account}")
    for place, count in (rows - meant).items():
        code = "DOUBLED" if place in meant else "EXTRA"
        yield Finding(code, message.kep_id, f"{count} items too many in {place[1]} of account {place[0]}")
    named = Counter(each.recipient_id for each in items if each.folder == BoxItem.Folder.INBOX)
    for recipient in recipients:
        if named[recipient.pk] > 1:
            yield Finding(
                "DOUBLED", message.kep_id, f"{named[recipient.pk]} items of recipient {recipient.recipient_no}"
            )


def _proofs(message: Message, recipients: list[Recipient], chunk: _Chunk) -> Iterator[Finding]:
    """Exactly the proofs the states owe: prepared once, sealed once, valid, and about this message."""
    meant = Counter({(0, 10): 1}) if message.state == MessageState.ACCEPTED else Counter()
    meant += Counter({(0, 11): 1}) if message.state == MessageState.REJECTED else Counter()
    for recipient in recipients:
        meant += Counter((recipient.recipient_no, code) for code in ARRIVED.get(RecipientState(recipient.state), ()))
    sealed = chunk.sealed.get(message.kep_id, [])
    prepared = Counter((each.recipient_no, each.code) for each in chunk.intents.get(message.kep_id, []))
    kept = Counter((each.intent.recipient_no, each.intent.code) for each in sealed)
    for number, code in sorted((meant - kept).elements()):
        yield Finding("MISSING", message.kep_id, f"proof {code} of recipient {number} is not sealed")
    for number, code in sorted(((kept - meant) | (prepared - meant)).elements()):
        yield Finding("EXTRA", message.kep_id, f"proof {code} of recipient {number} has no step, or is there twice")
    for proof in sealed:
        if why := _fault_of(proof, message, recipients):
            name = f"proof {proof.intent.code} of recipient {proof.intent.recipient_no}"
            yield Finding("INVALID", message.kep_id, f"{name}: {why}")
    yield from _order(message, sealed, chunk)


def _fault_of(proof: SealedEvidence, message: Message, recipients: list[Recipient]) -> str:
    """Why this sealed proof does not prove its step; empty when it does."""
    raw, intent = bytes(proof.xml), proof.intent
    verdict = judge_proof(raw, digest=bytes(proof.digest))
    if verdict.word != "valid":
        return f"{verdict.word}: {'; '.join(verdict.reasons)}"
    try:
        parts = xades.take_apart(raw)
    except KepError as refusal:
        return str(refusal)
    facts = parts.facts
    if parts.unsigned != bytes(intent.unsigned):
        return "sealed over other bytes than were prepared"
    said = (facts.evidence_id, facts.kep_id.strip("<>"), facts.recipient_no, int(facts.kind))
    if said != (intent.evidence_id, message.kep_id, intent.recipient_no, intent.code):
        return "it names another evidence, message, recipient or step"
    if facts.original_digest != bytes(message.original_digest or b""):
        return "it names another original"
    addresses = [each.address for each in sorted(recipients, key=lambda each: each.recipient_no)]
    if message.state == MessageState.ACCEPTED and [each.address for each in facts.recipients] != addresses:
        return "it names other recipients"
    return ""


def _order(message: Message, sealed: list[SealedEvidence], chunk: _Chunk) -> Iterator[Finding]:
    """Nothing travels before proof 10 is sealed; nobody reads before it is delivered (A-004)."""
    at = {(each.intent.recipient_no, each.intent.code): each for each in sealed}
    acceptance = at.get((0, 10))
    stored = chunk.places.get((acceptance.intent.evidence_id, "seal.stored")) if acceptance is not None else None
    released = chunk.places.get((message.kep_id, "message.released"))
    # the log's own order: a release reads the committed proof, so its line comes later whatever the clocks say
    if released is not None and (stored is None or stored > released):
        yield Finding("INVALID", message.kep_id, "released before its proof 10 was sealed")
    for (number, code), proof in at.items():
        before = acceptance if code in (40, 41) else at.get((number, 40)) if code in (60, 61) else None
        if before is not None and proof.intent.event_at < before.intent.event_at:
            yield Finding("INVALID", message.kep_id, f"proof {code} of recipient {number} is older than what led to it")


def _log(message: Message, recipients: list[Recipient], chunk: _Chunk) -> Iterator[Finding]:
    """Each step is one transition and one line of the log; each proof was begun, and stored once."""
    transitions = chunk.transitions.get(message.pk, [])
    steps: Counter[tuple[Any, ...]] = Counter(
        (each.event, each.recipient_no, each.from_state, each.to_state) for each in transitions
    )
    for step, count in steps.items():
        if count > 1:
            yield Finding("LOG", message.kep_id, f"the step {step[0]} of recipient {step[1]} was taken {count} times")
    present = {0: str(message.state), **{each.recipient_no: str(each.state) for each in recipients}}
    last = {each.recipient_no: each.to_state for each in transitions}
    for number in present.keys() | last.keys():
        if present.get(number) != last.get(number):
            said = f"row {number} is {present.get(number)}, its last step led to {last.get(number)}"
            yield Finding("LOG", message.kep_id, said)
    told = chunk.events.get(message.kep_id, [])
    lines: Counter[tuple[Any, ...]] = Counter(
        (kind.removeprefix("message."), facts["recipient"], facts["from"], facts["to"])
        for kind, facts in told
        if kind.startswith("message.") and "from" in facts
    )
    for name, number, *_ in (steps - lines) | (lines - steps):
        yield Finding("LOG", message.kep_id, f"log and transitions disagree about {name} of recipient {number}")
    released = sum(kind == "message.released" for kind, _ in told)
    if released != (message.released_at is not None):
        yield Finding("LOG", message.kep_id, f"the log says {released} times that it was released")
    yield from _signed_once(message, chunk)
    for proof in chunk.sealed.get(message.kep_id, []):
        name = proof.intent.evidence_id
        kinds = Counter(kind for kind, _ in chunk.events.get(name, []))
        stored = [facts["sha256"] for kind, facts in chunk.events.get(name, []) if kind == "seal.stored"]
        if stored != [bytes(proof.digest).hex()] or not kinds["seal.begun"]:
            yield Finding("LOG", name, f"begun {kinds['seal.begun']} times, stored {len(stored)} times in the log")


def _signed_once(message: Message, chunk: _Chunk) -> Iterator[Finding]:
    reference = message.draft.public_id if message.draft is not None else ""
    lines = chunk.events.get(reference, [])
    signed = sum(kind == "signing.signed" and facts.get("operation") == str(message.operation) for kind, facts in lines)
    if signed != 1:
        yield Finding("LOG", message.kep_id, f"the log says {signed} times that it was signed")


def _strangers() -> Iterator[Finding]:
    """Proofs of messages that do not exist."""
    known = Message.objects.values("kep_id")
    for kep_id, code in EvidenceIntent.objects.filter(~Q(kep_id__in=known)).values_list("kep_id", "code"):
        yield Finding("EXTRA", kep_id, f"proof {code} of a message that does not exist")


def _owed() -> Iterable[Finding]:
    return [Finding("OWED", what, f"{rows} rows are left") for what, rows in unfinished.owed().items() if rows]
