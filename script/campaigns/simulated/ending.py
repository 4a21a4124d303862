"""What must hold when nothing is due any more: nothing lost, nothing open, and the bytes tell the same story.

Asked of the history that people remember (what they were told had been signed) and of every stored byte.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from evidence import cades, issue, vault
from evidence import integrity as evidence_integrity
from evidence.envelope import read_dispatch
from evidence.models import SealWork
from mailbox import integrity
from mailbox.models import Draft, Envelope, Message, OriginalStamp, Recipient, ValidationMaterial
from mailbox.original import read_original
from mailbox.state_names import MessageState, RecipientState
from signing.models import SigningOperation

from .watch import Violation

if TYPE_CHECKING:
    from .people import Acknowledged
    from .world import World

_FINAL = {RecipientState.READ, RecipientState.DEEMED_READ, RecipientState.UNDELIVERED}


def check_end(world: "World") -> None:
    """Raise `Violation` for the first thing that is wrong at the end of a seed."""
    _nothing_open()
    for acknowledged in world.people.acknowledged:
        _not_lost(world, acknowledged)
    for message in Message.objects.select_related("account").prefetch_related("recipients"):
        _bytes_agree(message)
        _judged_rightly(world, message)
    _each_operation_known(world)
    now = world.scheduler.now
    for finding in (*evidence_integrity.findings(now), *integrity.findings(now)):
        raise Violation("kepcheck finds nothing", f"{finding}")


def _nothing_open() -> None:
    for message in Message.objects.filter(state=MessageState.CHECKING):
        raise Violation("every message reaches its end", f"message {message.pk} is still checked: {message.last_error}")
    for recipient in Recipient.objects.exclude(state__in=_FINAL):
        raise Violation("every recipient reaches its end", f"recipient {recipient.pk} is {recipient.state}")
    for work in SealWork.objects.all():
        raise Violation("every proof is sealed", f"work {work.pk} is still owed: {work.last_error}")
    for operation in SigningOperation.objects.filter(state=SigningOperation.State.SIGNED):
        raise Violation("every signature is used or turned down", f"{operation.pk} still waits")


def _not_lost(world: "World", acknowledged: "Acknowledged") -> None:
    """Somebody was told that the signature had come: it became a message, or was turned down with a reason."""
    operation = SigningOperation.objects.filter(pk=acknowledged.operation).first()
    if operation is None:
        raise Violation("nothing acknowledged is lost", f"operation of draft {acknowledged.draft} is gone")
    message = Message.objects.filter(operation=operation.pk).first()
    if message is None:
        if operation.state != SigningOperation.State.CANCELLED:
            raise Violation("nothing acknowledged is lost", f"operation is {operation.state} and has no message")
        if not operation.refusal_code and acknowledged.draft not in world.people.changed_drafts:
            raise Violation("nothing acknowledged is lost", "a signature was cancelled by nobody and without a reason")
        return
    if message.subject != acknowledged.subject:
        raise Violation("what was signed is what was sent", f"message {message.pk} has another subject")
    addressees = [each.address for each in message.recipients.all()]
    if addressees and addressees != acknowledged.addresses:
        raise Violation("what was signed is what was sent", f"message {message.pk} goes to {addressees}")
    if message.state == MessageState.RETURNED and not (
        message.refusal_code or acknowledged.draft in world.people.withdrawn_drafts
    ):
        raise Violation("nothing acknowledged is lost", f"message {message.pk} came back without a reason")


def _bytes_agree(message: Message) -> None:
    """Original, time-stamp, KEP message and proof 10 are one and the same story."""
    if message.state != MessageState.ACCEPTED:
        return
    raw = vault.get(bytes(message.original_digest))
    token = cades.read(read_original(raw).signature_der).token
    if token != bytes(OriginalStamp.objects.get(message=message).token):
        raise Violation("the original has one time-stamp for ever", f"message {message.pk}")
    dispatch = read_dispatch(vault.get(bytes(Envelope.objects.get(message=message).digest)))
    ten = issue.sealed_proofs([message.kep_id], code=10)[message.kep_id]
    if dispatch.original != raw or [each for _, each in dispatch.evidences] != [bytes(each.xml) for each in ten]:
        raise Violation("the KEP message carries the original and its proof 10", f"message {message.pk}")


def _judged_rightly(world: "World", message: Message) -> None:
    """Accepted with a certificate that was not known as revoked; rejected only with one that was."""
    stamp = OriginalStamp.objects.filter(message=message).first()
    revoked_at = world.people.revoked.get(message.account.address)
    is_late = stamp is not None and revoked_at is not None and stamp.stamped_at >= revoked_at
    if message.state == MessageState.REJECTED and not is_late:
        raise Violation("only faulty originals are rejected", f"message {message.pk}: {message.refusal_code}")
    if message.state == MessageState.ACCEPTED and is_late and _was_told(message, revoked_at):
        raise Violation("nothing is accepted with a revoked certificate", f"message {message.pk}")
    if message.state in (MessageState.REJECTED, MessageState.RETURNED) and message.draft_id is not None:
        others = Message.objects.filter(draft=message.draft_id, state=MessageState.ACCEPTED).exists()
        if not others and Draft.objects.filter(pk=message.draft_id, submitted_at__isnull=False).exists():
            raise Violation("what was not sent is a draft again", f"message {message.pk}")


def _was_told(message: Message, revoked_at: datetime | None) -> bool:
    """Whether the answer kept about the person's certificate is one that must have named the revocation.

    A list from before it does not, and counts for an hour where the responder is away (S-014, `evidence.status`).
    """
    kept = ValidationMaterial.objects.get(message=message)
    answer = kept.answers[0]
    if revoked_at is None or answer["ocsp"] is not None:
        return revoked_at is not None
    published = x509.load_der_x509_crl(vault.get(bytes.fromhex(answer["crl"]))).last_update_utc
    return published >= revoked_at or kept.checked_at - published > timedelta(hours=1, minutes=5)


def _each_operation_known(world: "World") -> None:
    """No message without a signature that somebody completed: even where the answer did not reach the signer."""
    for message in Message.objects.all():
        if message.operation not in world.people.posted:
            raise Violation("no message without a signature", f"message {message.pk}")
