"""What kepcheck asks of the mailbox: states that cannot be, steps without their proofs, rows without their bytes.

The state machine says which proofs a history must have left; this module reads every message's history again
and compares. It also asks the vault for everything a row names (R-009, A-001, A-004).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from accounts.lifecycle import Suspension
from accounts.models import KepAccount
from evidence import vault
from evidence.fieldcrypt import rows_that_open
from evidence.integrity import chunks_of_keys
from evidence.models import EvidenceIntent
from guards.errors import KepError
from guards.findings import Finding

from . import states
from .models import BoxItem, DraftAttachment, Envelope, Message, Recipient, TermHold
from .original import read_original
from .state_names import MessageState, RecipientState

_STUCK = timedelta(minutes=30)
_NEEDED = {
    RecipientState.DELIVERED: {40},
    RecipientState.READ: {40, 60},
    RecipientState.DEEMED_READ: {40, 61},
    RecipientState.UNDELIVERED: {41},
}
_IN_A_BOX = (RecipientState.DELIVERED, RecipientState.READ, RecipientState.DEEMED_READ)


def findings(now: datetime) -> Iterable[Finding]:
    """Everything that is wrong with messages, recipients, boxes and what they name."""
    intents = _intents()
    rows = Message.objects.select_related("envelope").prefetch_related("recipients", "transitions", "items")
    for chunk in chunks_of_keys(Message, 100):
        messages, damaged = rows_that_open(rows.order_by("pk"), chunk)
        for key in damaged:
            yield Finding("MB-22", f"message {key}", "the row holds a field that does not open")
        for message in messages:
            yield from _message(message, intents.get(message.kep_id, set()), now=now)
    known = set(Message.objects.values_list("kep_id", flat=True))
    for kep_id in sorted(set(intents) - known):
        yield Finding("MB-01", kep_id, "proofs of a message that does not exist")
    yield from _holds()
    yield from _named_objects()


def _holds() -> Iterable[Finding]:
    """Terms that stand still for no reason that is left, and suspensions of ours under which they run."""
    ours = {Suspension.PROVIDER.value, Suspension.AUTHORITY.value}
    running = TermHold.objects.filter(ended_at=None).select_related("account")
    for hold in running:
        account, is_for_good = hold.account, hold.cause in (TermHold.Cause.DEATH, TermHold.Cause.DISSOLUTION)
        is_right = account.state == KepAccount.State.CLOSED if is_for_good else account.suspended_for == hold.cause
        if not is_right:
            yield Finding(
                "MB-25", f"account {account.public_id}", f"its terms stand still for {hold.cause} and need not"
            )
    held = running.values("account")
    for public_id in (
        KepAccount.objects.filter(suspended_for__in=ours).exclude(pk__in=held).values_list("public_id", flat=True)
    ):
        yield Finding("MB-26", f"account {public_id}", "suspended by us, and its terms run")


def _intents() -> dict[str, set[tuple[int, int]]]:
    found: dict[str, set[tuple[int, int]]] = {}
    for kep_id, number, code in EvidenceIntent.objects.values_list("kep_id", "recipient_no", "code"):
        found.setdefault(kep_id, set()).add((number, code))
    return found


def _message(message: Message, made: set[tuple[int, int]], *, now: datetime) -> Iterable[Finding]:
    recipients = list(message.recipients.all())
    needed = {MessageState.ACCEPTED: {(0, 10)}, MessageState.REJECTED: {(0, 11)}}.get(
        MessageState(message.state), set()
    )
    for recipient in recipients:
        needed = needed | {(recipient.recipient_no, code) for code in _NEEDED.get(RecipientState(recipient.state), ())}
    for number, code in sorted(needed - made):
        yield Finding("MB-02", message.kep_id, f"proof {code} of recipient {number} is missing")
    for number, code in sorted(made - needed):
        yield Finding("MB-03", message.kep_id, f"proof {code} of recipient {number} has no step")
    if message.state == MessageState.ACCEPTED and not recipients:
        yield Finding("MB-04", message.kep_id, "accepted and without a recipient")
    if message.state != MessageState.ACCEPTED and recipients:
        yield Finding("MB-05", message.kep_id, "recipients of a message that was not accepted")
    has_envelope = getattr(message, "envelope", None) is not None
    if has_envelope != (message.released_at is not None):
        yield Finding("MB-06", message.kep_id, "envelope and release do not go together")
    waits = [each for each in recipients if each.state == RecipientState.ACCEPTED]
    if message.released_at is not None and waits:
        yield Finding("MB-07", message.kep_id, "released, but a recipient still waits for the release")
    yield from _boxes(message, recipients)
    yield from _history(message, recipients)
    yield from _parked(message, recipients)
    if message.due_at is not None and message.due_at < now - _STUCK:
        yield Finding("MB-08", message.kep_id, "work on it is long due")
    if message.state == MessageState.CHECKING and message.due_at is None:
        yield Finding("MB-09", message.kep_id, "in CHECKING and nobody will look at it")
    for recipient in recipients:
        is_parked = recipient.parked_at is not None
        if recipient.state == RecipientState.DELIVERING and recipient.due_at is None and not is_parked:
            yield Finding("MB-10", message.kep_id, f"recipient {recipient.recipient_no} waits and nobody will look")
        if recipient.state == RecipientState.DELIVERED and recipient.term_ends_at is None:
            yield Finding("MB-11", message.kep_id, f"recipient {recipient.recipient_no} has no reading term")


def _parked(message: Message, recipients: list[Recipient]) -> Iterable[Finding]:
    """Work that failed again and again and waits for people, and a release that nobody would look at."""
    is_to_do = message.state == MessageState.CHECKING or (
        message.state == MessageState.ACCEPTED and message.released_at is None
    )
    if is_to_do and message.parked_at is not None:
        yield Finding("MB-23", message.kep_id, f"work on it is parked: {message.last_error}")
    elif is_to_do and message.due_at is None and message.state == MessageState.ACCEPTED:
        yield Finding("MB-24", message.kep_id, "accepted, not released, and nobody will look at it")
    for each in recipients:
        if each.parked_at is not None and each.state in (RecipientState.DELIVERING, RecipientState.DELIVERED):
            yield Finding("MB-23", message.kep_id, f"recipient {each.recipient_no} is parked: {each.last_error}")


def _boxes(message: Message, recipients: list[Recipient]) -> Iterable[Finding]:
    items = list(message.items.all())
    boxed = Counter(item.recipient_id for item in items if item.folder == BoxItem.Folder.INBOX)
    for recipient in recipients:
        should = 1 if recipient.state in _IN_A_BOX and recipient.account_id else 0
        if boxed[recipient.pk] != should:
            yield Finding(
                "MB-12",
                message.kep_id,
                f"recipient {recipient.recipient_no}: {boxed[recipient.pk]} items for {should}",
            )
    if sum(item.folder == BoxItem.Folder.SENT for item in items) != 1:
        yield Finding("MB-13", message.kep_id, "not exactly one item among the sent ones")
    for item in items:
        if item.folder == BoxItem.Folder.INBOX and item.opened_at is not None:
            state = next(each.state for each in recipients if each.pk == item.recipient_id)
            if state == RecipientState.DELIVERED:
                yield Finding("MB-14", message.kep_id, "opened without a step to READ")


def _history(message: Message, recipients: list[Recipient]) -> Iterable[Finding]:
    """Walk the written transitions through the tables; they must end in the state the row has."""
    reached: dict[int, str] = {}
    for step in sorted(message.transitions.all(), key=lambda each: each.pk):
        table = states.MESSAGE_TRANSITIONS if step.recipient_no == 0 else states.RECIPIENT_TRANSITIONS
        old = reached.get(step.recipient_no)
        if step.from_state != (old or ""):
            yield Finding("MB-15", message.kep_id, f"a step from {step.from_state or 'nothing'} that it was not in")
        event = states.Event(step.event)
        allowed = {str(new) for (start, what), new in table.items() if what == event and (start or "") == (old or "")}
        if step.to_state not in allowed:
            yield Finding("MB-16", message.kep_id, f"a step the law does not know: {step.event} to {step.to_state}")
        reached[step.recipient_no] = step.to_state
    present = {0: str(message.state), **{each.recipient_no: str(each.state) for each in recipients}}
    for number, state in present.items():
        if reached.get(number) != state:
            yield Finding("MB-17", message.kep_id, f"row {number} says {state}, its history {reached.get(number)}")


def _named_objects() -> Iterable[Finding]:
    for message in Message.objects.only("kep_id", "signed_part_digest", "original_digest").iterator(chunk_size=200):
        if not vault.has(bytes(message.signed_part_digest)):
            yield Finding("MB-18", message.kep_id, "the signed octets are not in the vault")
        if message.original_digest is not None:
            try:
                read_original(vault.get(bytes(message.original_digest)))
            except KepError as refusal:
                if message.state == MessageState.ACCEPTED:
                    yield Finding("MB-19", message.kep_id, f"the original cannot be read: {refusal}")
    for envelope in (
        Envelope.objects.select_related("message").only("digest", "message__kep_id").iterator(chunk_size=200)
    ):
        if not vault.has(bytes(envelope.digest)):
            yield Finding("MB-20", envelope.message.kep_id, "the KEP message is not in the vault")
    for attachment in DraftAttachment.objects.select_related("draft").only("digest", "draft__public_id").iterator(200):
        if not vault.has(bytes(attachment.digest)):
            yield Finding("MB-21", attachment.draft.public_id, "a draft's file is not in the vault")
