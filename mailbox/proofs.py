"""From rows to facts: what each proof of a message states (K-106, A-002).

One function, `facts_of`, gives the facts of every kind of proof from the same rows, so that two proofs of one
message can never disagree about sender, recipients, subject or digest.
"""

from datetime import UTC, datetime

from evidence import issue
from evidence.facts import Authentication, EvidenceFacts, EvidenceKind, Party

from .models import Message, Recipient
from .step import Step


def facts_of(step: Step, kind: EvidenceKind, *, now: datetime) -> EvidenceFacts:
    """The facts of the proof that `step` makes; `now` is the event's time.

    Raises what the evidence floor raises when something cannot be stated: the step then does not happen.
    """
    row = step.row
    message = row if isinstance(row, Message) else row.message
    recipients = step.recipients or parties_of(message)
    submission = kind in (EvidenceKind.SUBMITTED, EvidenceKind.NOT_SUBMITTED)
    return EvidenceFacts(
        evidence_id=issue.new_evidence_id(now),
        kind=kind,
        reasons=step.reasons,
        issuer=issue.issuer(),
        event_at=whole_second(now),
        submitted_at=whole_second(message.submitted_at),
        sender=Party(message.sender_address, message.sender_name),
        sender_authentication=Authentication(whole_second(message.signed_in_at), message.sign_in_method)
        if submission
        else None,
        recipient_authentication=step.reader,
        recipients=recipients,
        recipient_no=row.recipient_no if isinstance(row, Recipient) else 0,
        subject=message.subject,
        original_message_id=f"<{message.original_message_id}>",
        kep_id=f"<{message.kep_id}>",
        original_digest=bytes(message.original_digest),
    )


def parties_of(message: Message) -> tuple[Party, ...]:
    """The addressees of an accepted message in the order of the evidence: one query, kept on the row."""
    return tuple(Party(each.address, each.name) for each in message.recipients.all())


def whole_second(moment: datetime) -> datetime:
    """UTC without fractions: the precision every proof states."""
    return moment.astimezone(UTC).replace(microsecond=0)
