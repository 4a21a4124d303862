"""From CHECKING to accepted: what has to be asked of the outside, and the commit that accepts (design.md 1.4, K-093).

First the signature time-stamp, fetched once by unique insert; from then on the original's bytes and digest are
final, however often the worker dies. Then the certificate at the proven time, with its revocation. An outside
service that does not answer is a hold: the row waits and asks again, the page says so, and after 24 hours the
message goes back to the draft (`turned_back`). Nothing is ever accepted without.

A lot goes through together, stage by stage: all stamps in flight at once and kept in one commit, each certificate
asked about once and after those stamps, so that one answer counts for all its signatures (S-014), all originals into
the vault with one fsync, all acceptances in one transaction: recipient rows, the state, proof 10 prepared, the event
log. A message that fails at a stage leaves the lot there. What follows, the seal and the way to the recipients, is
other workers' business and found by their own rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from accounts.access import Acting, acting_for_each
from accounts.errors import AccessRefused
from directory.search import resolve_each
from evidence import cades, outside, rows, vault
from evidence.errors import VaultUnavailable
from evidence.facts import Party, Reason
from evidence.parking import is_hold
from evidence.timestamp import TokenFacts, check_token
from guards.crash_points import passing
from guards.errors import KepError
from signing.judgement import Judgement, RevocationRound, judge_person

from . import states
from .errors import MayNotSend, Returned
from .lot import Lot, unit_of_work
from .models import Message, OriginalStamp, Recipient
from .original import Original, read_original, wrap_signed
from .step import Step
from .submit import Refusal, reject, turn_back
from .trouble import LAST_TRIES, LOST, hold, put_back, ring_when_lost
from .validation import keep_material, lists_of

WORKER = "deliver"
_STAMP = ("message_id", "token", "stamped_at", "kept_at")


@dataclass(frozen=True)
class _Stamped:
    """A message with the one time-stamp of its original."""

    message: Message
    cms: cades.CmsFacts
    token: bytes = field(repr=False)
    stamp: TokenFacts


@dataclass(frozen=True)
class _Checked:
    """A message whose certificate was judged: to be accepted, or to be refused with proof 11."""

    message: Message
    original: Original = field(repr=False)
    raw: bytes = field(repr=False)
    judged: Judgement
    refusal: Refusal | None
    recipients: tuple[Recipient, ...]


def check_all(lot: Lot[Message]) -> int:
    """Take claimed messages in CHECKING as far as the outside allows: accepted, rejected, held, or given back.

    How many moved on. `account` and `submitted_by` of the rows must be joined.
    """
    given_back, standing = _still_allowed(lot)
    stamped = _stamp(lot, standing)
    passing("check.after_stamp")
    parts = vault.get_many({bytes(each.message.signed_part_digest) for each in stamped})
    round_ = RevocationRound(now=lot.now)

    def judge(each: _Stamped) -> _Checked:
        part = parts[bytes(each.message.signed_part_digest)]
        if isinstance(part, KepError):
            raise part
        raw = wrap_signed(part, cades.with_token(bytes(each.message.cms), each.token))
        judged, refusal = _judge(each, round_)
        original = read_original(raw)
        return _Checked(each.message, original, raw, judged, refusal, _recipients_of(each.message, original))

    checked = lot.each(stamped, judge, row_of=_message_of)
    checked = _keep_octets(lot, checked)
    passing("check.after_vault")
    fit = [each for each in checked if each.refusal is None]
    accepted = lot.commit(fit, lambda some: _accept(some, now=lot.now), row_of=_message_of)
    passing("check.after_commit")
    refused = [each for each in checked if each.refusal is not None]
    rejected = lot.commit(refused, lambda some: _reject(some, now=lot.now), row_of=_message_of)
    return given_back + len(accepted) + len(rejected)


def failed(message: Message, error: Exception, *, now: datetime) -> None:
    """A message that left its lot: held while the outside is away, put back for what nobody foresaw."""
    if not (isinstance(error, LOST) or is_hold(error)):
        put_back(message, error, now=now)
        return
    ring_when_lost(error, about=f"message {message.kep_id}")
    if message.submitted_at + settings.KEP_CHECKING_HOLD_LIMIT <= now:
        turn_back(message, Returned.code, now=now)
    else:
        hold(message, error, now=now)


def _message_of(each: _Stamped | _Checked) -> Message:
    return each.message


def _still_allowed(lot: Lot[Message]) -> tuple[int, list[Message]]:
    """Gives back what may not go on: right or account gone since the submission, or held for too long (design.md 1.4).

    How many were given back, and those that stand.
    """
    now, standing = lot.now, []
    rights = acting_for_each(((each.submitted_by_id, each.account) for each in lot.rows), now=now)
    last_tries = now - settings.KEP_CHECKING_HOLD_LIMIT - LAST_TRIES
    given_back = 0
    for message in lot.rows:
        code = _code_of(rights[message.submitted_by_id, message.account_id])
        if not code and message.tries and message.submitted_at <= last_tries:
            code = Returned.code  # whatever nobody foresaw ends by itself too
        if not code:
            standing.append(message)
            continue

        def turn(message: Message, code: str = code) -> bool:
            turn_back(message, code, now=now)
            return True

        given_back += len(lot.each([message], turn, row_of=lambda each: each))
    return given_back, standing


def _code_of(rights: Acting | AccessRefused) -> str:
    if isinstance(rights, AccessRefused):
        return rights.code
    return "" if rights.rights.may_sign_and_send else MayNotSend.code


def _stamp(lot: Lot[Message], messages: Sequence[Message]) -> list[_Stamped]:
    """The one signature time-stamp of each original: whatever was fetched first and kept is the one."""
    read = dict(lot.each(messages, lambda each: (each.pk, cades.read(bytes(each.cms))), row_of=lambda each: each))
    known = [each for each in messages if each.pk in read]
    digests = {key: hashlib.sha256(facts.signature).digest() for key, facts in read.items()}
    kept = _kept_tokens(known)
    missing = [each for each in known if each.pk not in kept]
    fetched = outside.stamper().stamp_many([digests[each.pk] for each in missing]) if missing else []
    tokens = [(each, found) for each, found in zip(missing, fetched, strict=True) if isinstance(found, bytes)]
    for message, found in zip(missing, fetched, strict=True):
        if not isinstance(found, bytes):
            lot.refuse(message, found)
    passing("check.before_stamp_kept")
    stamp_of = {(each.pk, token): check_token(token, digests[each.pk], trust=None) for each, token in tokens}
    if tokens:
        stamps = [(each.pk, token, stamp_of[each.pk, token].generated_at, lot.now) for each, token in tokens]
        unit_of_work(lambda: rows.insert(OriginalStamp, _STAMP, stamps, skip_known=True))
        kept |= _kept_tokens([each for each, _ in tokens])  # another worker may have been faster: its token counts

    def facts(message: Message) -> _Stamped:
        token = kept[message.pk]
        stamp = stamp_of.get((message.pk, token)) or check_token(token, digests[message.pk], trust=None)
        return _Stamped(message, read[message.pk], token, stamp)

    return lot.each([each for each in known if each.pk in kept], facts, row_of=lambda each: each)


def _kept_tokens(messages: Sequence[Message]) -> dict[int, bytes]:
    kept = OriginalStamp.objects.filter(message__in=[each.pk for each in messages])
    return {key: bytes(token) for key, token in kept.values_list("message_id", "token")}


def _judge(each: _Stamped, round_: RevocationRound) -> tuple[Judgement, Refusal | None]:
    """Chain, validity, revocation and owner at the proven time (K-093, K-094); `RevocationUnknown` is a hold."""
    proven_at = each.stamp.generated_at
    judged = judge_person(
        each.cms.certificate, each.cms.certificates, tckn=each.message.submitted_by.tckn, at=proven_at
    )
    if not judged.is_fit:
        code, text = judged.first
        expired = judged.is_expired_only  # K-094: a certificate that ran out is no broken signature
        reason = Reason.USER_CERT_EXPIRED_OR_REVOKED if expired else Reason.INVALID_USER_SIGNATURE
        return judged, Refusal(reason, text, code)
    judged = round_.ask(judged, at=proven_at)
    if judged.is_revoked:
        code, text = judged.first
        return judged, Refusal(Reason.USER_CERT_EXPIRED_OR_REVOKED, text, code)
    return judged, None


def _recipients_of(message: Message, original: Original) -> tuple[Recipient, ...]:
    addressees = [*((each, False) for each in original.to), *((each, True) for each in original.cc)]
    return tuple(
        Recipient(message=message, recipient_no=number, is_cc=is_cc, address=each.address, name=each.name)
        for number, (each, is_cc) in enumerate(addressees, start=1)
    )


def _keep_octets(lot: Lot[Message], checked: list[_Checked]) -> list[_Checked]:
    """Put the originals, and the lists their verdicts rest on (A-021), into the vault: one fsync for all of them.

    Those that are kept: all or none.
    """
    try:
        vault.put_many([*(each.raw for each in checked), *{crl for each in checked for crl in lists_of(each.judged)}])
    except VaultUnavailable as error:
        for each in checked:
            lot.refuse(each.message, error)
        return []
    return checked


def _accept(checked: Sequence[_Checked], *, now: datetime) -> None:
    questions = [([one.address for one in each.recipients], each.message.account) for each in checked]
    for each, found in zip(checked, resolve_each(questions, now=now), strict=True):
        for recipient, resolved in zip(each.recipients, found, strict=True):
            recipient.pk, recipient.account = None, resolved.account
    steps = [
        Step(
            each.message,
            values={
                "original_digest": hashlib.sha256(each.raw).digest(),
                "accepted_at": now,
                "due_at": now,
                "held_since": None,
                "hold_reason": "",
                "claimed_until": None,
                "tries": 0,
                "failures": 0,
                "last_error": "",
            },
            recipients=tuple(Party(one.address, one.name) for one in each.recipients),
        )
        for each in checked
    ]
    # the step first: a worker whose claim had run out hears that the row has moved on, not that something is twice
    states.advance(steps, states.Event.PASSED, now=now, actor=WORKER)
    states.begin_recipients(
        [one for each in checked for one in each.recipients], states.Event.PASSED, now=now, actor=WORKER
    )
    keep_material(((each.message, each.judged) for each in checked), now=now)
    passing("check.before_commit")


def _reject(checked: Sequence[_Checked], *, now: datetime) -> None:
    for each in checked:
        parties = tuple(Party(one.address, one.name) for one in each.recipients)
        if each.refusal is not None:
            reject(each.message, each.refusal, hashlib.sha256(each.raw).digest(), parties, now=now)
