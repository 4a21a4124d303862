"""From accepted to the box: release, deliver, and the end of the term (docs/QUEUE.md).

**Release** belongs to the sealing worker, because the KEP message needs the işlem key: nothing travels before
proof 10 is sealed. It wraps the original and the proof, signs, puts the bytes into the vault, and moves every
recipient on in one commit. Dying in between costs an orphan in the vault and nothing else; the envelope that
counts is the one that row names, and there can be only one.

**Deliver** places an item in the recipient's box and takes the step to DELIVERED with proof 40 prepared, in
one transaction. The item is unique per (account, message), so that a second run can do no harm. Whether the box
can take mail is asked in that same moment: an account closed after acceptance gives 41 / UnknownRecipient.

**The term** is a due time on the recipient's row. Whoever asks first after it, the worker or somebody opening
the message, takes the same guarded step to DEEMED_READ; the other one finds the row moved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Q

from accounts.models import KepAccount
from evidence import eventlog, issue, rows, vault
from evidence.algorithms import Signer
from evidence.claims import put_back_damaged
from evidence.envelope import DispatchDraft, DispatchHeaders, assemble_dispatch, build_dispatch_part
from evidence.errors import CipherTextRefused, VaultUnavailable
from evidence.facts import EvidenceKind, Reason
from evidence.fieldcrypt import rows_that_open
from evidence.models import SealedEvidence
from evidence.timestamp import Stamper
from guards.crash_points import passing
from guards.errors import KepError

from . import notify, proof_reasons, states, term_holds
from .errors import StaleState
from .introduction import introduction
from .lot import Lot
from .models import BoxItem, Envelope, Message, Recipient, TermHold
from .step import Step
from .terms import term_end

WORKER = "deliver"
SEALER = "seal"


@dataclass(frozen=True)
class _Wrapped:
    """An accepted message with its KEP message, to be signed or signed already."""

    message: Message
    draft: DispatchDraft = field(repr=False)
    signature: bytes = field(default=b"", repr=False)


def release_all(lot: Lot[Message], *, signer: Signer, stamper: Stamper) -> int:
    """Wrap accepted messages with their sealed proofs 10 and send their recipients on their way; how many went out.

    The rows must be claimed, their recipients prefetched. What the outside does not allow now leaves everything as it
    was (see `Lot`); a message whose proof is still owed is given back untouched.
    """
    acceptances = _acceptances(lot)
    lot.spared([each for each in lot.rows if acceptances.get(each.pk) is None])
    sealed = [each for each in lot.rows if acceptances.get(each.pk) is not None]
    originals = vault.get_many({bytes(each.original_digest) for each in sealed})

    def wrap(message: Message) -> _Wrapped:
        if any(each.state != states.RecipientState.ACCEPTED for each in message.recipients.all()):
            raise StaleState("released meanwhile", kep_id=message.kep_id)  # our claim had run out before we read them
        original = originals[bytes(message.original_digest)]
        if isinstance(original, KepError):
            raise original
        return _Wrapped(message, _draft_of(message, acceptances[message.pk], original, now=lot.now))

    wrapped = lot.each(sealed, wrap, row_of=lambda each: each)
    parts = [each.draft.signed_part for each in wrapped]
    signatures = issue.sign_envelopes(parts, signer=signer, stamper=stamper, now=lot.now) if parts else []
    finished: list[tuple[Message, bytes]] = []
    for each, signature in zip(wrapped, signatures, strict=True):
        if isinstance(signature, bytes):
            finished.append((each.message, assemble_dispatch(each.draft, signature)))
        else:
            lot.refuse(each.message, signature)
    try:
        digests = vault.put_many([raw for _, raw in finished])
    except VaultUnavailable as error:
        for message, _ in finished:
            lot.refuse(message, error)
        return 0
    passing("release.after_vault")
    going = [(message, digest) for (message, _), digest in zip(finished, digests, strict=True)]
    gone = lot.commit(going, lambda some: _send_on(some, now=lot.now), row_of=lambda each: each[0])
    passing("release.after_commit")
    return len(gone)


def _acceptances(lot: Lot[Message]) -> dict[int, SealedEvidence]:
    """The sealed proof 10 of each message that has one, by the message's key."""
    by_id = {each.kep_id: each.pk for each in lot.rows}
    try:
        found = issue.sealed_proofs(by_id, code=EvidenceKind.SUBMITTED)
    except CipherTextRefused:  # one of them does not open: each for itself
        alone = lot.each(
            lot.rows,
            lambda each: issue.sealed_proofs([each.kep_id], code=EvidenceKind.SUBMITTED),
            row_of=lambda each: each,
        )
        found = {kep_id: proofs for some in alone for kep_id, proofs in some.items()}
    return {by_id[kep_id]: proofs[0] for kep_id, proofs in found.items() if proofs}


def _draft_of(message: Message, acceptance: SealedEvidence, original: bytes, *, now: datetime) -> DispatchDraft:
    words = introduction(message, acceptance)
    return build_dispatch_part(
        provider=issue.issuer(),
        introduction_text=words.text,
        introduction_html=words.html,
        original=original,
        evidences=[(f"delil-{EvidenceKind.SUBMITTED:d}.xml", bytes(acceptance.xml))],
        headers=dispatch_headers(message, acceptance, now=now),
    )


def _send_on(going: Sequence[tuple[Message, bytes]], *, now: datetime) -> None:
    steps = [
        Step(recipient, values={"due_at": now, "claimed_until": None})
        for message, _ in going
        for recipient in message.recipients.all()
    ]
    # the steps first: a worker whose claim had run out hears that the rows have moved on, not that something is twice
    states.advance(steps, states.Event.RELEASED_HERE, now=now, actor=SEALER)
    rows.insert(Envelope, ("message_id", "digest", "made_at"), [(message.pk, digest, now) for message, digest in going])
    Message.objects.filter(pk__in=[message.pk for message, _ in going]).update(
        released_at=now, due_at=None, claimed_until=None, tries=0, failures=0, last_error=""
    )
    eventlog.append_all(
        [
            eventlog.Happening(
                "message.released", at=now, actor=SEALER, subject=message.kep_id, facts={"sha256": digest.hex()}
            )
            for message, digest in going
        ]
    )
    passing("release.before_commit")


def dispatch_headers(message: Message, acceptance: SealedEvidence, *, now: datetime) -> DispatchHeaders:
    """The outer headers of the KEP message (K-105, rem-formats 4.3)."""
    recipients = list(message.recipients.all())
    return DispatchHeaders(
        sender_address=message.sender_address,
        sender_name=message.sender_name,
        to=tuple((each.name, each.address) for each in recipients if not each.is_cc),
        cc=tuple((each.name, each.address) for each in recipients if each.is_cc),
        subject=message.subject,
        kep_id=f"<{message.kep_id}>",
        original_message_id=f"<{message.original_message_id}>",
        date=now.astimezone(UTC).replace(microsecond=0),
        evidence_id=acceptance.intent.evidence_id,
        evidence_kind=EvidenceKind(acceptance.intent.code),
        original_digest=bytes(message.original_digest),
        kind=message.kind,
        provider=settings.KEP_PROVIDER_DOMAIN,
    )


def deliver_all(lot: Lot[Recipient]) -> int:
    """Place claimed DELIVERING rows of our own in their boxes, or say why not; how many moved."""
    delivered = lot.commit(lot.rows, lambda some: _deliver(some, now=lot.now), row_of=lambda each: each)
    passing("deliver.after_commit")
    return len(delivered)


def _deliver(recipients: Sequence[Recipient], *, now: datetime) -> None:
    accounts = KepAccount.objects.in_bulk({each.account_id for each in recipients if each.account_id})
    takes = {each.pk: takes_mail(accounts.get(each.account_id)) for each in recipients}
    _place([each for each in recipients if takes[each.pk]], now=now)
    _refuse([each for each in recipients if not takes[each.pk]], now=now)
    passing("deliver.before_commit")


def takes_mail(account: KepAccount | None) -> bool:
    """Whether a box takes mail now: open ones do, suspended ones too (K-031); closed and never opened ones do not."""
    return account is not None and account.state in (KepAccount.State.ACTIVE, KepAccount.State.SUSPENDED)


def end_terms_all(lot: Lot[Recipient]) -> int:
    """DELIVERED rows whose term has ended count as read from now on: one proof 61 each (K-122); how many."""
    return len(lot.commit(lot.rows, lambda some: end_terms(some, now=lot.now), row_of=lambda each: each))


def end_terms(recipients: Sequence[Recipient], *, now: datetime) -> int:
    """The same inside the caller's transaction; rows that somebody moved meanwhile are left out. How many moved.

    A term that stands still does not end, whoever asks; the proof names the stretches that did not count.
    """
    over = term_holds.still_over(recipients, now=now)
    stood = term_holds.holds_of(over)
    steps = [
        Step(
            each,
            values={"closed_at": now, "due_at": None},
            reasons=tuple((Reason.RETENTION_PERIOD_EXPIRED, text) for text in _why_ended(each, stood[each.pk])),
        )
        for each in over
    ]
    return len(states.advance(steps, states.Event.TERM_ENDED, now=now, actor=WORKER, skip_stale=True))


def _why_ended(recipient: Recipient, holds: Sequence[TermHold]) -> Iterator[str]:
    yield proof_reasons.term_ended(recipient.term_ends_at)
    for hold in holds:
        if hold.ended_at is not None:
            yield proof_reasons.term_stood(hold.cause, max(hold.started_at, recipient.delivered_at), hold.ended_at)


def terms_due(*, now: datetime, limit: int) -> list[Recipient]:
    """Recipients whose reading term is over and does not stand still, oldest first, ready for their proofs.

    A delivered row has no other work, so a `due_at` on it means that its term could not be ended and when to try again.
    """
    delivered = Recipient.objects.filter(state=states.RecipientState.DELIVERED, parked_at__isnull=True)
    is_due = Q(due_at__isnull=True) | Q(due_at__lte=now)
    ended = delivered.filter(is_due, ~term_holds.HOLDING_TERM, term_ends_at__lte=now).order_by("term_ends_at")
    joined = delivered.select_related("message").prefetch_related("message__recipients").order_by("term_ends_at")
    opened, damaged = rows_that_open(joined, ended.values_list("pk", flat=True)[:limit])
    put_back_damaged(Recipient, damaged, now=now)
    return opened


def _place(recipients: Sequence[Recipient], *, now: datetime) -> None:
    steps = [
        Step(
            each,
            values={
                "delivered_at": now,
                "term_ends_at": term_end(each.message.deemed_policy, delivered_at=now),
                "due_at": None,
                "claimed_until": None,
                "tries": 0,
                "failures": 0,
                "last_error": "",
            },
        )
        for each in recipients
    ]
    if not steps:
        return
    states.advance(steps, states.Event.PLACED, now=now, actor=WORKER)
    rows.insert_all(
        BoxItem(
            account_id=each.account_id,
            message=each.message,
            recipient=each,
            folder=BoxItem.Folder.INBOX,
            placed_at=now,
        )
        for each in recipients
    )
    notify.tell_arrived(recipients, now=now)


def _refuse(recipients: Sequence[Recipient], *, now: datetime) -> None:
    steps = [
        Step(
            each,
            values={"due_at": None, "claimed_until": None, "closed_at": now},
            reasons=((Reason.UNKNOWN_RECIPIENT, proof_reasons.TAKES_NO_MAIL),),
        )
        for each in recipients
    ]
    if steps:
        states.advance(steps, states.Event.NOT_PLACED, now=now, actor=WORKER)
