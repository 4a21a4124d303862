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

from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import KepAccount
from evidence import eventlog, issue, vault
from evidence.algorithms import Signer
from evidence.envelope import DispatchHeaders, assemble_dispatch, build_dispatch_part
from evidence.facts import EvidenceKind, Reason
from evidence.fieldcrypt import rows_that_open
from evidence.models import SealedEvidence
from evidence.timestamp import Stamper
from guards.crash_points import passing

from . import notify, proof_reasons, states
from .introduction import introduction
from .labour import put_back_damaged
from .models import BoxItem, Envelope, Message, Recipient
from .step import Step
from .terms import term_end

WORKER = "deliver"
SEALER = "seal"


def release(message: Message, acceptance: SealedEvidence, *, signer: Signer, stamper: Stamper, now: datetime) -> None:
    """Wrap an accepted message with its sealed proof 10 and send its recipients on their way.

    The row must be claimed, its recipients prefetched. `TimestampUnavailable` and `VaultUnavailable` leave
    everything as it was; a message released meanwhile by another worker raises `StaleState`.
    """
    draft = build_dispatch_part(
        provider=issue.issuer(),
        introduction_text=introduction(message, acceptance).text,
        introduction_html=introduction(message, acceptance).html,
        original=vault.get(bytes(message.original_digest)),
        evidences=[(f"delil-{EvidenceKind.SUBMITTED:d}.xml", bytes(acceptance.xml))],
        headers=dispatch_headers(message, acceptance, now=now),
    )
    signature = issue.sign_envelope(draft.signed_part, signer=signer, stamper=stamper, now=now)
    digest = vault.put(assemble_dispatch(draft, signature))
    passing("release.after_vault")
    recipients = list(message.recipients.all())
    with transaction.atomic():
        Envelope.objects.create(message=message, digest=digest, made_at=now)
        states.advance(
            [Step(each, values={"due_at": now, "claimed_until": None}) for each in recipients],
            states.Event.RELEASED_HERE,
            now=now,
            actor=SEALER,
        )
        Message.objects.filter(pk=message.pk).update(
            released_at=now, due_at=None, claimed_until=None, tries=0, last_error=""
        )
        eventlog.append(
            "message.released", at=now, actor=SEALER, subject=message.kep_id, facts={"sha256": digest.hex()}
        )
        passing("release.before_commit")
    passing("release.after_commit")


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


def deliver(recipients: Sequence[Recipient], *, now: datetime) -> int:
    """Place claimed DELIVERING rows of our own in their boxes, or say why not; returns how many moved."""
    accounts = {
        account.pk: account
        for account in KepAccount.objects.filter(pk__in={each.account_id for each in recipients if each.account_id})
    }
    moved = 0
    for recipient in recipients:
        account = accounts.get(recipient.account_id)
        with transaction.atomic():
            moved += _place(recipient, account, now=now) if takes_mail(account) else _refuse(recipient, now=now)
            passing("deliver.before_commit")
        passing("deliver.after_commit")
    return moved


def takes_mail(account: KepAccount | None) -> bool:
    """Whether a box takes mail now: open ones do, suspended ones too (K-031); closed and never opened ones do not."""
    return account is not None and account.state in (KepAccount.State.ACTIVE, KepAccount.State.SUSPENDED)


def end_terms(recipients: Sequence[Recipient], *, now: datetime) -> int:
    """DELIVERED rows whose term has ended count as read from now on: one proof 61 each (K-122)."""
    steps = [
        Step(
            each,
            values={"closed_at": now, "due_at": None},
            reasons=((Reason.RETENTION_PERIOD_EXPIRED, proof_reasons.term_ended(each.term_ends_at)),),
        )
        for each in recipients
    ]
    taken = states.advance(steps, states.Event.TERM_ENDED, now=now, actor=WORKER, skip_stale=True)
    return len(taken)


def terms_due(*, now: datetime, limit: int) -> list[Recipient]:
    """Recipients whose reading term is over, oldest first, ready for their proofs.

    A delivered row has no other work, so a `due_at` on it means that its term could not be ended and when to try again.
    """
    rows = Recipient.objects.filter(state=states.RecipientState.DELIVERED)
    is_due = Q(due_at__isnull=True) | Q(due_at__lte=now)
    ended = rows.filter(is_due, term_ends_at__lte=now).order_by("term_ends_at")
    joined = rows.select_related("message").prefetch_related("message__recipients").order_by("term_ends_at")
    opened, damaged = rows_that_open(joined, ended.values_list("pk", flat=True)[:limit])
    put_back_damaged(rows, damaged, now=now)
    return opened


def _place(recipient: Recipient, account: KepAccount | None, *, now: datetime) -> int:
    values = {
        "delivered_at": now,
        "term_ends_at": term_end(recipient.message.deemed_policy, delivered_at=now),
        "due_at": None,
        "claimed_until": None,
        "tries": 0,
        "last_error": "",
    }
    taken = states.advance(
        [Step(recipient, values=values)], states.Event.PLACED, now=now, actor=WORKER, skip_stale=True
    )
    if taken:
        BoxItem.objects.create(
            account=account, message=recipient.message, recipient=recipient, folder=BoxItem.Folder.INBOX, placed_at=now
        )
        notify.tell_arrived([recipient], now=now)
    return len(taken)


def _refuse(recipient: Recipient, *, now: datetime) -> int:
    step = Step(
        recipient,
        values={"due_at": None, "claimed_until": None, "closed_at": now},
        reasons=((Reason.UNKNOWN_RECIPIENT, proof_reasons.TAKES_NO_MAIL),),
    )
    return len(states.advance([step], states.Event.NOT_PLACED, now=now, actor=WORKER, skip_stale=True))
