"""From a signature to an accepted message: the order of K-093, split where the network begins (design.md 1.4).

**Submission** turns a SIGNED operation into a message in CHECKING. It runs in a worker, whether or not the
browser is still there, and asks everything again that could have changed since the person pressed the button:
right, visit, draft. Refusals up to here are typed errors without a proof (design.md 1.1.5): the operation is
turned down, the draft stays and says why. From the MIME check on the message exists, and a refusal is proof 11.

**Checking** asks the outside. First the signature time-stamp, fetched once by unique insert; from then on the
original's bytes and digest are final, however often the worker dies. Then the certificate at the proven time,
with its revocation. An outside service that does not answer is a hold: the row waits and asks again, the page
says so, and after 24 hours the message goes back to the draft (`turned_back`). Nothing is ever accepted
without.

**Acceptance** is one transaction: recipient rows, the state, proof 10 prepared, the event log. What follows,
the seal and the way to the recipients, is other workers' business and found by their own rows.
"""

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.access import Acting, acting_for
from accounts.errors import AccessRefused
from directory.search import Resolved, resolve
from evidence import cades, eventlog, outside, vault
from evidence.errors import VaultDamaged, VaultMissing, VaultUnavailable
from evidence.facts import Party, Reason
from evidence.refusals import CmsRefused, TimestampRefused, TimestampUnavailable
from evidence.timestamp import TokenFacts, check_token
from guards.crash_points import passing
from guards.errors import KepError
from guards.ids import uuid7_hex
from guards.mime import HeadersDiffer
from signing import operations
from signing.judgement import judge_person, with_revocation
from signing.models import SigningOperation

from . import compose, notify, proof_reasons, states
from .errors import DraftChanged, MayNotSend, SignInEnded
from .models import BoxItem, Draft, Message, OriginalStamp, Recipient
from .original import Original, OriginalRefused, read_original, wrap_signed
from .step import Step
from .submit_kind import STANDARD, refuse_foreign_kind
from .trouble import hold
from .validation import keep_material

log = logging.getLogger(__name__)

WORKER = "deliver"
_LAST_TRIES = timedelta(hours=1)
"""After a day on hold a message is tried once more; what has failed in another way for this much longer goes back."""


@dataclass(frozen=True)
class Refusal:
    """Why an original is not accepted: the reason of proof 11, its detail, and the code the page shows."""

    reason: Reason
    detail: str
    code: str


# --- submission ---------------------------------------------------------------------------------------------------


def submit(operation: SigningOperation, *, now: datetime, kind: str = STANDARD) -> Message | None:
    """Turn one SIGNED operation into a message in CHECKING or, for a faulty original, in REJECTED with proof 11.

    Returns None when the signature could not be used and was turned down without a proof: right, account, visit,
    draft, recipients. Safe to run twice and in parallel: the operation is consumed in the same transaction, and a
    message is unique per operation.
    """
    refuse_foreign_kind(kind)
    try:
        draft, acting, to, cc = _ask_again(operation, now=now)
        signed_part = operations.content_of(operation)
        raw = wrap_signed(signed_part, bytes(operation.cms))
    except VaultUnavailable:
        raise  # the store is away, the octets are not lost: the operation waits
    except KepError as refusal:
        if isinstance(refusal, VaultMissing | VaultDamaged):
            log.critical("octets of a signature: %s", refusal, extra={"operation": str(operation.pk)})
        with suppress(operations.StaleOperation):  # another worker was faster: what it did stands
            _turn_down(operation, refusal, now=now)
        return None
    passing("submit.after_questions")
    original, refusal = _read(raw, signed_part, acting)
    message = _message_of(operation, draft, acting, original, kind=kind, size=len(raw), now=now)
    try:
        with transaction.atomic():
            operations.consume(operation, now=now)
            states.begin(message, now=now, actor=str(acting.person.pk))
            Draft.objects.filter(pk=draft.pk).update(submitted_at=now, returned_code="")
            BoxItem.objects.create(account=acting.account, message=message, folder=BoxItem.Folder.SENT, placed_at=now)
            if refusal is not None:
                _reject(message, refusal, raw, compose.parties((*to, *cc)), now=now)
            passing("submit.before_commit")
    except (IntegrityError, operations.StaleOperation):
        return None  # another worker was faster: its message stands
    passing("submit.after_commit")
    return message


def _ask_again(
    operation: SigningOperation, *, now: datetime
) -> tuple[Draft, Acting, tuple[Resolved, ...], tuple[Resolved, ...]]:
    """Right, visit, draft and addresses, from the rows as they are now (K-093, first three questions)."""
    draft = (
        Draft.objects.filter(public_id=operation.reference, submitted_at__isnull=True)
        .select_related("account__holder")
        .first()
    )
    if draft is None or str(draft.version) != operation.reference_version:
        raise DraftChanged("the draft is not the one that was signed")
    acting = acting_for(operation.person, draft.account, now=now)
    if not acting.rights.may_sign_and_send:
        raise MayNotSend("no right to sign and send")
    if draft.signed_in_at is None or draft.visit_ends_at is None or operation.signed_at > draft.visit_ends_at:
        raise SignInEnded("the visit ended before the signature")
    to, cc = compose.resolve_recipients(draft, acting, now=now)
    compose.refuse_unreachable((*to, *cc))
    return draft, acting, to, cc


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
    with transaction.atomic():
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


# --- checking -----------------------------------------------------------------------------------------------------


def check(message: Message, *, now: datetime) -> bool:
    """Take one claimed message in CHECKING as far as the outside allows: accepted, rejected, held, or given back.

    False when the outside did not answer: whoever has more to ask had better wait a moment.
    """
    code = _no_longer_allowed(message, now=now)
    if not code and message.tries and message.submitted_at + settings.KEP_CHECKING_HOLD_LIMIT + _LAST_TRIES <= now:
        code = "ILT-07"  # whatever nobody foresaw ends by itself too
    if code:
        turn_back(message, code, now=now)
        return True
    try:
        token = _stamp(message, now=now)
        signed_part = vault.get(bytes(message.signed_part_digest))
        raw = wrap_signed(signed_part, cades.with_token(bytes(message.cms), token.raw))
        passing("check.after_stamp")
        refusal = _check_certificate(message, token, now=now)
        if refusal is None:
            original_digest = vault.put(raw)
            passing("check.after_vault")
            _accept(message, original_digest, read_original(raw), now=now)
        else:
            _reject_late(message, refusal, raw, now=now)
    except (VaultMissing, VaultDamaged) as error:  # may be put back from the second copy: a hold, but loudly
        log.critical("octets of a message: %s", error, extra={"kep_id": message.kep_id})
        _wait(message, error, now=now)
    except (TimestampUnavailable, TimestampRefused, outside.RevocationUnknown, VaultUnavailable) as error:
        _wait(message, error, now=now)
        return False
    return True


def _wait(message: Message, error: KepError, *, now: datetime) -> None:
    """A hold that ends by itself: by a later turn, or after a day by giving the draft back."""
    if message.submitted_at + settings.KEP_CHECKING_HOLD_LIMIT <= now:
        turn_back(message, "ILT-07", now=now)
    else:
        hold(message, error, now=now)


def turn_back(message: Message, code: str, *, now: datetime) -> None:
    """CHECKING -> RETURNED: no proof, the draft is open again, the sender is told by SMS (design.md 1.4)."""
    with transaction.atomic():
        states.advance(
            [Step(message, values={"due_at": None, "refusal_code": code}, note=code)],
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
            [Step(message, values={"due_at": None, "claimed_until": None, "claimed_by": ""})],
            states.Event.WITHDRAWN,
            now=now,
            actor=str(acting.person.pk),
        )
        _give_draft_back(message, "")


def _no_longer_allowed(message: Message, *, now: datetime) -> str:
    """The code of what went away since the submission, right or account; empty when all stands (design.md 1.4)."""
    try:
        acting = acting_for(message.submitted_by_id, message.account, now=now)
    except AccessRefused as refusal:
        return refusal.code
    return "" if acting.rights.may_sign_and_send else MayNotSend.code


@dataclass(frozen=True)
class _Token:
    raw: bytes
    facts: TokenFacts


def _stamp(message: Message, *, now: datetime) -> _Token:
    """The one signature time-stamp of this original: fetched at most once per message that keeps it."""
    signature_digest = hashlib.sha256(cades.read(bytes(message.cms)).signature).digest()
    kept = OriginalStamp.objects.filter(message=message).first()
    if kept is None:
        token = outside.stamper().stamp(signature_digest)
        facts = check_token(token, signature_digest, trust=None)
        passing("check.before_stamp_kept")
        kept, _ = OriginalStamp.objects.get_or_create(
            message=message, defaults={"token": token, "stamped_at": facts.generated_at, "kept_at": now}
        )
    raw = bytes(kept.token)
    return _Token(raw, check_token(raw, signature_digest, trust=None))


def _check_certificate(message: Message, token: _Token, *, now: datetime) -> Refusal | None:
    """Chain, validity, revocation and owner at the proven time (K-093, K-094); `RevocationUnknown` is a hold."""
    facts = cades.read(bytes(message.cms))
    proven_at = token.facts.generated_at
    judged = judge_person(facts.certificate, facts.certificates, tckn=message.submitted_by.tckn, at=proven_at)
    if not judged.is_fit:
        code, text = judged.first
        expired = judged.is_expired_only  # K-094: a certificate that ran out is no broken signature
        return Refusal(Reason.USER_CERT_EXPIRED_OR_REVOKED if expired else Reason.INVALID_USER_SIGNATURE, text, code)
    judged = with_revocation(judged, at=proven_at, now=now)
    if judged.is_revoked:
        code, text = judged.first
        return Refusal(Reason.USER_CERT_EXPIRED_OR_REVOKED, text, code)
    keep_material(message, judged, now=now)
    return None


def _accept(message: Message, original_digest: bytes, original: Original, *, now: datetime) -> None:
    addressees = [*((each, False) for each in original.to), *((each, True) for each in original.cc)]
    found = {
        each.address: each for each in resolve([each.address for each, _ in addressees], asker=message.account, now=now)
    }
    recipients = [
        Recipient(
            message=message,
            recipient_no=number,
            is_cc=is_cc,
            address=address.address,
            name=address.name,
            account=found[address.address].account,
        )
        for number, (address, is_cc) in enumerate(addressees, start=1)
    ]
    with transaction.atomic():
        states.begin_recipients(recipients, states.Event.PASSED, now=now, actor=WORKER)
        states.advance(
            [
                Step(
                    message,
                    values={
                        "original_digest": original_digest,
                        "accepted_at": now,
                        "due_at": now,
                        "held_since": None,
                        "hold_reason": "",
                        "claimed_until": None,
                        "tries": 0,
                        "last_error": "",
                    },
                    recipients=tuple(Party(each.address, each.name) for each in recipients),
                )
            ],
            states.Event.PASSED,
            now=now,
            actor=WORKER,
        )
        passing("check.before_commit")
    passing("check.after_commit")


def _reject_late(message: Message, refusal: Refusal, raw: bytes, *, now: datetime) -> None:
    original = read_original(raw)
    recipients = tuple(Party(each.address, each.name) for each in (*original.to, *original.cc))
    with transaction.atomic():
        _reject(message, refusal, raw, recipients, now=now)


def _reject(message: Message, refusal: Refusal, raw: bytes, recipients: tuple[Party, ...], *, now: datetime) -> None:
    """CHECKING -> REJECTED with proof 11, the refused bytes kept so that the proof's digest can be shown."""
    states.advance(
        [
            Step(
                message,
                values={
                    "original_digest": vault.put(raw),
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
