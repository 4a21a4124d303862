"""From a signature to a message being checked: the order of K-093, as far as no network is needed (design.md 1.4).

**Submission** turns SIGNED operations into messages in CHECKING. It runs in a worker, whether or not the
browser is still there, and asks everything again that could have changed since the person pressed the button:
right, visit, draft. Refusals up to here are typed errors without a proof (design.md 1.1.5): the operation is
turned down, the draft stays and says why. From the MIME check on the message exists, and a refusal is proof 11.

What goes together: questions are asked of the database once for all signatures of a lot, each original is read and
its signature verified by itself, and one transaction begins all the messages. `checking` takes them from there.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.access import Acting, acting_for_each
from accounts.errors import AccessRefused
from evidence import cades, eventlog, rows, vault
from evidence.errors import VaultDamaged, VaultMissing, VaultUnavailable
from evidence.facts import Party, Reason
from evidence.refusals import CmsRefused
from guards.crash_points import passing
from guards.errors import KepError
from guards.ids import uuid7_hex
from guards.mime import HeadersDiffer
from signing import operations
from signing.models import SigningOperation

from . import compose, notify, proof_reasons, states
from .errors import DraftChanged, MayNotSend, SignInEnded
from .lot import Lot
from .models import BoxItem, Draft, Message
from .original import Original, OriginalRefused, read_original, wrap_signed
from .step import Step
from .submit_kind import STANDARD, refuse_foreign_kind

log = logging.getLogger(__name__)

WORKER = "deliver"


@dataclass(frozen=True)
class Refusal:
    """Why an original is not accepted: the reason of proof 11, its detail, and the code the page shows."""

    reason: Reason
    detail: str
    code: str


@dataclass(frozen=True)
class _Asked:
    """What the database says, now, about one signature that has come."""

    operation: SigningOperation
    draft: Draft
    acting: Acting
    parties: tuple[Party, ...]


@dataclass(frozen=True)
class _Submission:
    """A signature that becomes a message, with everything its transaction needs."""

    operation: SigningOperation
    draft: Draft
    acting: Acting
    message: Message
    parties: tuple[Party, ...]
    refusal: Refusal | None
    refused_digest: bytes = b""
    """Of the original as it came, kept so that the digest in proof 11 can be shown."""


# --- submission ---------------------------------------------------------------------------------------------------


def submit(operation: SigningOperation, *, now: datetime, kind: str = STANDARD) -> Message | None:
    """Turn one SIGNED operation into a message in CHECKING or, for a faulty original, in REJECTED with proof 11.

    Returns None when the signature could not be used and was turned down without a proof: right, account, visit,
    draft, recipients. Safe to run twice and in parallel: the operation is consumed in the same transaction, and a
    message is unique per operation. `VaultUnavailable` when the octets are out of reach for now.
    """

    def failed(_: SigningOperation, error: Exception) -> None:
        if not isinstance(error, IntegrityError | operations.StaleOperation):
            raise error  # those two say that another worker was faster: its message stands

    lot = Lot([operation], now, failed=failed, spared=lambda _: None)
    return next(iter(submit_all(lot, kind=kind)), None)


def submit_all(lot: Lot[SigningOperation], *, kind: str = STANDARD) -> list[Message]:
    """The same for a lot of operations: the messages that came to be. See `submit` and `Lot`."""
    refuse_foreign_kind(kind)
    now = lot.now
    contents = vault.get_many({bytes(each.content_digest) for each in lot.rows})
    asked = _ask_again(lot)
    passing("submit.after_questions")

    def prepare(each: _Asked) -> _Submission | None:
        found = contents[bytes(each.operation.content_digest)]
        try:
            if isinstance(found, KepError):
                raise found
            raw = wrap_signed(found, bytes(each.operation.cms))
        except VaultUnavailable:
            raise  # the store is away, the octets are not lost: the operation waits
        except KepError as refusal:
            if isinstance(refusal, VaultMissing | VaultDamaged):
                log.critical("ALM-03 octets of a signature: %s", refusal, extra={"operation": str(each.operation.pk)})
            _turn_down(each.operation, refusal, now=now)
            return None
        original, refused = _read(raw, found, each.acting)
        message = _message_of(each.operation, each.draft, each.acting, original, kind=kind, size=len(raw), now=now)
        kept = vault.put(raw) if refused else b""
        return _Submission(each.operation, each.draft, each.acting, message, each.parties, refused, kept)

    prepared = lot.each(asked, prepare, row_of=lambda each: each.operation)
    begun = lot.commit(prepared, lambda some: _begin(some, now=now), row_of=lambda each: each.operation)
    passing("submit.after_commit")
    return [each.message for each in begun]


def _begin(submissions: Sequence[_Submission], *, now: datetime) -> None:
    operations.consume([each.operation for each in submissions], now=now)
    for each in submissions:
        each.message.pk = None  # a second try, alone, after a common one was refused
    states.begin([each.message for each in submissions], now=now)
    drafts = Draft.objects.filter(pk__in=[each.draft.pk for each in submissions], submitted_at__isnull=True)
    if drafts.update(submitted_at=now, returned_code="") != len(submissions):
        raise DraftChanged("a draft was sent or deleted meanwhile")
    rows.insert_all(
        BoxItem(account=each.acting.account, message=each.message, folder=BoxItem.Folder.SENT, placed_at=now)
        for each in submissions
    )
    for each in submissions:
        if each.refusal is not None:
            reject(each.message, each.refusal, each.refused_digest, each.parties, now=now)
    passing("submit.before_commit")


def _ask_again(lot: Lot[SigningOperation]) -> list[_Asked]:
    """Right, visit, draft and addresses, from the rows as they are now (K-093, first three questions)."""
    now = lot.now
    drafts = {
        draft.public_id: draft
        for draft in Draft.objects.filter(
            public_id__in={each.reference for each in lot.rows}, submitted_at__isnull=True
        ).select_related("account__holder")
    }
    known = [(each, drafts[each.reference]) for each in lot.rows if each.reference in drafts]
    rights = acting_for_each(((operation.person, draft.account) for operation, draft in known), now=now)
    found = compose.resolve_drafts([draft for _, draft in known], now=now)
    addressees = {draft.pk: each for (_, draft), each in zip(known, found, strict=True)}

    def ask(operation: SigningOperation) -> _Asked | None:
        try:
            draft = drafts.get(operation.reference)
            if draft is None or str(draft.version) != operation.reference_version:
                raise DraftChanged("the draft is not the one that was signed")
            acting = rights[operation.person, draft.account_id]
            if isinstance(acting, AccessRefused):
                raise acting
            if not acting.rights.may_sign_and_send:
                raise MayNotSend("no right to sign and send")
            if draft.signed_in_at is None or draft.visit_ends_at is None or operation.signed_at > draft.visit_ends_at:
                raise SignInEnded("the visit ended before the signature")
            compose.refuse_unreachable(addressees[draft.pk])
        except KepError as refusal:
            _turn_down(operation, refusal, now=now)
            return None
        return _Asked(operation, draft, acting, compose.parties(addressees[draft.pk]))

    return lot.each(lot.rows, ask, row_of=lambda each: each)


def _read(raw: bytes, signed_part: bytes, acting: Acting) -> tuple[Original | None, Refusal | None]:
    """MIME form and signature maths (K-093, fourth and fifth question)."""
    try:
        original = read_original(raw)
    except HeadersDiffer as error:
        return None, Refusal(Reason.INVALID_MESSAGE_FORMAT, proof_reasons.HEADERS_DIFFER, error.code)
    except OriginalRefused as error:
        return None, Refusal(Reason.INVALID_MESSAGE_FORMAT, proof_reasons.NOT_A_MESSAGE, error.code)
    if original.from_.address != acting.account.address:
        return original, Refusal(Reason.POLICY_VIOLATION, proof_reasons.OTHER_SENDER, "ILT-09")
    try:
        cades.verify_over(original.signature_der, signed_part)
    except CmsRefused as error:
        return original, Refusal(Reason.INVALID_USER_SIGNATURE, proof_reasons.NOT_SIGNED, error.code)
    return original, None


def _message_of(
    operation: SigningOperation,
    draft: Draft,
    acting: Acting,
    original: Original | None,
    *,
    kind: str,
    size: int,
    now: datetime,
) -> Message:
    number = uuid7_hex(int(now.timestamp() * 1000))
    fallback = f"{operation.pk.hex}.okunamadi@{settings.KEP_PROVIDER_DOMAIN}"
    return Message(
        kep_id=f"{number}.kep@{settings.KEP_PROVIDER_DOMAIN}",
        original_message_id=original.message_id.strip("<>") if original else fallback,
        operation=operation.pk,
        kind=kind,
        account=acting.account,
        draft=draft,
        submitted_by=acting.person,
        sender_address=acting.account.address,
        sender_name=acting.account.holder.name,
        subject=original.subject if original else draft.subject,
        attachment_count=len(original.attachments) if original else 0,
        size=size,
        signed_in_at=draft.signed_in_at,
        sign_in_method=draft.sign_in_method,
        submitted_at=now,
        signed_part_digest=bytes(operation.content_digest),
        cms=bytes(operation.cms),
        deemed_policy=settings.KEP_DEEMED_READING[kind],
        due_at=now,
    )


def _turn_down(operation: SigningOperation, refusal: KepError, *, now: datetime) -> None:
    with suppress(operations.StaleOperation), transaction.atomic():  # another worker was faster: what it did stands
        operations.turn_down(operation, refusal.code, now=now)
        Draft.objects.filter(public_id=operation.reference, submitted_at__isnull=True).update(
            returned_code=refusal.code
        )
        eventlog.append(
            "submission.turned_down",
            at=now,
            actor=str(operation.person),
            subject=operation.reference,
            facts={"code": refusal.code},
        )


# --- ways back ----------------------------------------------------------------------------------------------------


def turn_back(message: Message, code: str, *, now: datetime) -> None:
    """CHECKING -> RETURNED: no proof, the draft is open again, the sender is told by SMS (design.md 1.4)."""
    with transaction.atomic():
        states.advance(
            [Step(message, values={"due_at": None, "parked_at": None, "refusal_code": code}, note=code)],
            states.Event.TURNED_BACK,
            now=now,
            actor=WORKER,
        )
        _give_draft_back(message, code)
        notify.tell_sender_returned(message, now=now)


def withdraw(message: Message, *, acting: Acting, now: datetime) -> None:
    """CHECKING -> RETURNED by the sender: nothing was accepted yet, so nothing is recalled (K-096 speaks of later).

    `MayNotSend` without the right to send for this account; `StaleState` when the message has moved on meanwhile:
    after acceptance there is no way back.
    """
    if not acting.rights.may_sign_and_send or acting.account != message.account:
        raise MayNotSend("no right to take it back")
    with transaction.atomic():
        states.advance(
            # a worker that is checking it this moment holds a claim: without it, a hold comes to nothing
            [Step(message, values={"due_at": None, "parked_at": None, "claimed_until": None, "claimed_by": ""})],
            states.Event.WITHDRAWN,
            now=now,
            actor=str(acting.person.pk),
        )
        _give_draft_back(message, "")


def reject(
    message: Message, refusal: Refusal, original_digest: bytes, recipients: tuple[Party, ...], *, now: datetime
) -> None:
    """CHECKING -> REJECTED with proof 11 over the refused bytes, which are in the vault; inside a transaction."""
    states.advance(
        [
            Step(
                message,
                values={
                    "original_digest": original_digest,
                    "due_at": None,
                    "claimed_until": None,
                    "refusal_code": refusal.code,
                },
                note=refusal.code,
                reasons=((refusal.reason, refusal.detail),),
                recipients=recipients,
            )
        ],
        states.Event.FAILED,
        now=now,
        actor=WORKER,
    )
    _give_draft_back(message, refusal.code)


def _give_draft_back(message: Message, code: str) -> None:
    Draft.objects.filter(pk=message.draft_id).update(submitted_at=None, returned_code=code)
