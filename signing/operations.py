"""The verbs of a signing operation: one signature asked of one person (design.md 4, S-017..S-027).

The road: `ask` puts the bytes into the vault and gives a code; the signer `claim`s it once and holds a token;
it offers a certificate, and only if that is a qualified certificate of this very person does it get the
document; it hashes what it downloaded, signs the four attributes, posts the signature; `complete` assembles the
CMS from what *we* know, verifies it in full, stores it and rings. From SIGNED on nobody's browser or program is
needed: the floor above takes the operation by its purpose, whenever it looks.

A sign-in or an application (`requests`) is asked by `ask_request` and taken back by `returned`, in the browser that
asked and nowhere else.

Every step is a conditional UPDATE from the state it needs. Two claims of one code, two posts of one signature,
a cancel against a completion: one wins, the other hears so, and nothing is half done.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from evidence import cades, eventlog, parking, vault
from evidence.algorithms import algorithm_of
from evidence.carried import cut
from evidence.certificate import facts_of
from evidence.claims import claim as claim_due
from evidence.der import DerRefused
from evidence.errors import EvidenceError
from evidence.refusals import BrokenChain, CmsRefused
from guards.crash_points import passing

from . import codes, requests
from .errors import (
    CertificateUnfit,
    CertificateUnfitForRequest,
    OperationOver,
    PinLocked,
    RequestOver,
    SignatureUnfit,
    SignatureUnfitForRequest,
    SignerClockDiffers,
    SignerStopped,
    SignerTimedOut,
    StaleOperation,
    TooManyCodes,
    UnknownCode,
    UnknownLink,
)
from .judgement import judge_person
from .models import CodeMiss, SigningOperation
from .profile import Fault
from .requests import SignedRequest

State = SigningOperation.State

_OTHER_KEY = gettext_noop(
    "Bu sertifikanın anahtar türüyle ileti imzalanamıyor; RSA ya da P-256 anahtarlı sertifikanızı seçin."
)
_UNREADABLE = gettext_noop("Sertifika okunamadı.")
_NOT_THE_NAMED_ONE = gettext_noop(
    "Sertifika başka bir kişiye ait: T.C. kimlik numarası, isteği başlatan kişininkiyle aynı değil. "
    "Kendi sertifikanızı seçin."
)
NOBODY = UUID(int=0)
"""Whom a request is asked of before anybody has proved who he is."""
_NO_MORE_WORK: Mapping[str, None] = {"due_at": None, "claimed_until": None, "parked_at": None}
"""What has left SIGNED is worked on no longer."""
MISSES = 5
MISS_WINDOW = timedelta(minutes=10)

END_OF_REASON: Mapping[str, str] = {
    "user": "",
    "timeout": SignerTimedOut.code,
    "pin_locked": PinLocked.code,
    "clock_differs": SignerClockDiffers.code,
    "bad_answer": SignerStopped.code,
    "unknown_purpose": SignerStopped.code,
    "document_differs": SignerStopped.code,
    "document_unreadable": SignerStopped.code,
}
"""What the signer may say when it ends an operation, and the code under which the asking page tells it."""


@dataclass(frozen=True)
class Asked:
    """A fresh operation and its code, which is shown to the asking person and kept nowhere in clear."""

    operation: SigningOperation
    code: str


@dataclass(frozen=True)
class Claimed:
    """A claimed operation and the token that stands for it from now on."""

    operation: SigningOperation
    token: str


def ask(
    *,
    purpose: str,
    person: UUID,
    tckn: str,
    acting_for: str,
    reference: str,
    reference_version: str,
    content: bytes,
    content_type: str,
    now: datetime,
) -> Asked:
    """Ask `person` for one signature over `content`. An older open operation for the same reference ends.

    The bytes are in the vault before the row names them (`VaultUnavailable` leaves nothing).
    """
    digest = vault.put(content)
    code = codes.new_code()
    operation = SigningOperation(
        purpose=purpose,
        person=person,
        tckn=tckn,
        acting_for=acting_for,
        reference=reference,
        reference_version=reference_version,
        content_digest=digest,
        content_size=len(content),
        content_type=content_type,
        code_hmac=codes.code_hmac(code),
        code_shown=code,
        comparison=codes.new_comparison(),
        asked_at=now,
        expires_at=now + settings.KEP_SIGNING_LIFE,
    )
    with transaction.atomic():
        cancel_for(reference=reference, purpose=purpose)
        operation.save(force_insert=True)
        _log("signing.asked", operation, now=now, actor=str(person))
    return Asked(operation, code)


def ask_request(
    request: SignedRequest, *, person: UUID = NOBODY, tckn: str, acting_for: str, reference: str, now: datetime
) -> Asked:
    """Ask for a signature over a request, from the card of the person with this `tckn`; the code is for a link alone.

    Nobody is looked up: a number that nobody holds is asked for like any other (V-008). An older open operation for the
    same reference ends.
    """
    octets, code = request.octets(), codes.new_link_code()
    operation = SigningOperation(
        purpose=request.purpose,
        person=person,
        tckn=tckn,
        acting_for=acting_for,
        reference=reference,
        reference_version="",
        content=octets,
        content_digest=hashlib.sha256(octets).digest(),
        content_size=len(octets),
        content_type=requests.CONTENT_TYPES[request.purpose],
        code_hmac=codes.code_hmac(code),
        code_shown=code,
        comparison=codes.new_comparison(),
        asked_at=now,
        expires_at=request.expires_at,
    )
    with transaction.atomic():
        cancel_for(reference=reference, purpose=request.purpose)
        operation.save(force_insert=True)
        _log("signing.asked", operation, now=now, actor=_actor(operation))
    return Asked(operation, code)


def claim(typed: str, *, client: str, now: datetime) -> Claimed:
    """Spend a code. `UnknownCode` for every reason alike; `TooManyCodes` after five misses of one client.

    Refuses for the moment, and spends nothing, while the floors above have more work than they can do (R-018).
    """
    code = codes.canonical_code(typed)
    is_link = codes.is_link_code(code)
    if not is_link:  # a sign-in makes no work for anybody
        import_string(settings.KEP_REFUSE_WHEN_FULL)(now=now)
    mark = codes.client_mark(client)
    since = now - MISS_WINDOW
    if CodeMiss.objects.filter(client=mark, at__gt=since).count() >= MISSES:
        raise TooManyCodes("too many wrong codes", minutes=int(MISS_WINDOW.total_seconds() // 60))
    token = codes.new_token()
    if code is not None:
        with transaction.atomic():
            won = SigningOperation.objects.filter(
                code_hmac=codes.code_hmac(code), state=State.ASKED, expires_at__gt=now
            ).update(state=State.CLAIMED, token_hmac=codes.token_hmac(token), claimed_at=now, code_shown=None)
            if won:
                operation = SigningOperation.objects.get(code_hmac=codes.code_hmac(code))
                _log("signing.claimed", operation, now=now)
                return Claimed(operation, token)
    CodeMiss.objects.create(client=mark, at=now)
    raise (UnknownLink if is_link else UnknownCode)("no open operation with this code")


def offer_certificate(token: str, certificate: bytes, chain: Sequence[bytes], *, now: datetime) -> SigningOperation:
    """Judge the certificate the signer wants to use; a fitting one opens the document (S-003, S-023).

    `CertificateUnfit` names the first fault; the operation stays claimed, so that another certificate may be tried.
    """
    operation = _held(token, (State.CLAIMED, State.OFFERED), now=now)
    unfit = CertificateUnfitForRequest if _is_request(operation) else CertificateUnfit
    try:
        facts_of(certificate)
        algorithm = algorithm_of(cut(certificate).key)
        judged = judge_person(certificate, chain, tckn=operation.tckn, at=now)
    except (EvidenceError, DerRefused) as refusal:
        raise unfit("not a certificate", fault=refusal.code, text=_UNREADABLE) from refusal
    if judged.is_fit and algorithm is None:
        raise unfit("no algorithm of ours for this key", fault=CertificateUnfit.code, text=_OTHER_KEY)
    if not judged.is_fit:
        fault, text = judged.first
        if _is_request(operation) and fault == Fault.ANOTHER_PERSON.value[0]:
            text = _NOT_THE_NAMED_ONE  # nobody need be signed in here
        SigningOperation.objects.filter(pk=operation.pk).update(refusal_code=fault)
        raise unfit("certificate does not fit", fault=fault, text=text)
    won = SigningOperation.objects.filter(pk=operation.pk, state__in=(State.CLAIMED, State.OFFERED)).update(
        state=State.OFFERED,
        certificate=certificate,
        # the chain we found, not the one we were sent: it leads to a root of ours, which itself stays out
        chain=[base64.b64encode(each).decode() for each in judged.path.path[1:-1]],
        signing_time=now.astimezone(UTC).replace(microsecond=0),
        refusal_code="",
    )
    if not won:
        raise _over(operation)("ended meanwhile")
    operation.refresh_from_db()
    return operation


def document(token: str, *, now: datetime) -> bytes:
    """The exact octets to sign, once a fitting certificate was offered."""
    return content_of(_held(token, (State.OFFERED,), now=now))


def complete(token: str, signature: bytes, *, now: datetime) -> SigningOperation:
    """Assemble the CMS from certificate, digest and time as we know them, verify it in full, keep it: SIGNED.

    The card's answer is never trusted unverified (S-021). The same signature posted again is answered as done.
    """
    operation = _held(token, (State.OFFERED, State.SIGNED, State.CONSUMED), now=now)
    cms = _assembled(operation, signature)
    if operation.state != State.OFFERED:
        if operation.cms != cms:
            raise _over(operation)("already signed")
        return operation
    done: dict[str, object] = {"due_at": now}
    if _is_request(operation):  # no worker takes it: it waits for the browser that asked
        done = {"return_hmac": codes.return_hmac(codes.return_token(token))}
    with transaction.atomic():
        held = SigningOperation.objects.select_for_update().get(pk=operation.pk)
        # another certificate may have been offered a moment ago: the row must name the one this CMS was made with
        is_same = (held.certificate, held.signing_time) == (operation.certificate, operation.signing_time)
        won = is_same and SigningOperation.objects.filter(
            pk=operation.pk, state=State.OFFERED, expires_at__gt=now
        ).update(state=State.SIGNED, cms=cms, signed_at=now, **done)
        if not won:
            if (
                held.state in (State.SIGNED, State.CONSUMED) and held.cms == cms
            ):  # the same post, on another way, was faster
                return held
            raise _over(operation)("ended meanwhile")
        operation.refresh_from_db()
        _log("signing.signed", operation, now=now, actor=_actor(operation))
        if not _is_request(operation):
            import_string(settings.KEP_SIGNED_BELL)()
        passing("sign.before_commit")
    passing("sign.after_commit")
    return operation


def cancel(operation_id: UUID, *, person: UUID, now: datetime, code: str = "") -> bool:
    """The person gives it up; whether there was something open to give up. `code` says why, if a page is to tell."""
    return _end(Q(pk=operation_id, person=person), State.CANCELLED, "signing.cancelled", now=now, code=code)


def cancel_by_token(token: str, reason: str, *, now: datetime) -> bool:
    """The signer gives it up for one of `END_OF_REASON` (KeyError for another); whether something was open."""
    return _end(
        Q(token_hmac=codes.token_hmac(token)), State.CANCELLED, "signing.cancelled", now=now, code=END_OF_REASON[reason]
    )


def cancel_for(*, reference: str, purpose: str) -> int:
    """End what is open, or signed and not used yet, for a reference: inside the caller's transaction.

    Expired ones end too: their term must not be extended for bytes that the reference no longer holds.
    """
    return SigningOperation.objects.filter(
        reference=reference, purpose=purpose, state__in=(*SigningOperation.OPEN_STATES, State.SIGNED, State.EXPIRED)
    ).update(state=State.CANCELLED, code_shown=None, **_NO_MORE_WORK)


def extend(operation_id: UUID, *, person: UUID, now: datetime) -> Asked:
    """A new code and ten new minutes for the same bytes; the old code is dead. `OperationOver` when nothing waits.

    A request has its term in its bytes, and none is ever extended.
    """
    code = codes.new_code()
    with transaction.atomic():
        won = SigningOperation.objects.filter(
            pk=operation_id,
            person=person,
            state__in=(*SigningOperation.OPEN_STATES, State.EXPIRED),
            content__isnull=True,
        ).update(
            state=State.ASKED,
            code_hmac=codes.code_hmac(code),
            code_shown=code,
            token_hmac=None,
            certificate=None,
            signing_time=None,
            claimed_at=None,
            closed_at=None,
            refusal_code="",
            expires_at=now + settings.KEP_SIGNING_LIFE,
        )
        if not won:
            raise OperationOver("nothing to extend")
        operation = SigningOperation.objects.get(pk=operation_id)
        _log("signing.extended", operation, now=now, actor=str(person))
    return Asked(operation, code)


def expire_due(now: datetime) -> int:
    """Close what ran out of time, and forget old misses. Where nothing did, nothing is written."""
    old = CodeMiss.objects.filter(at__lt=now - MISS_WINDOW)
    if old.exists():
        old.delete()
    open_or_unfetched = Q(state__in=SigningOperation.OPEN_STATES) | Q(state=State.SIGNED, purpose__in=requests.PURPOSES)
    over = SigningOperation.objects.filter(open_or_unfetched, expires_at__lte=now)
    return over.update(state=State.EXPIRED, closed_at=now, code_shown=None) if over.exists() else 0


def forget_requests(*, before: datetime) -> int:
    """Delete requests that ended before this moment and led to nothing; how many. What they led to keeps its facts."""
    ended = (State.EXPIRED, State.CANCELLED)
    old = SigningOperation.objects.filter(purpose__in=requests.PURPOSES, state__in=ended, expires_at__lt=before)
    return old.delete()[0]


def returned(operation_id: UUID, purpose: str, returned_token: str, *, now: datetime) -> SigningOperation | None:
    """The signed request that this token came back for, still to be used and in its term; None for anything else."""
    return SigningOperation.objects.filter(
        pk=operation_id,
        purpose=purpose,
        state=State.SIGNED,
        return_hmac=codes.return_hmac(returned_token),
        expires_at__gt=now,
    ).first()


def open_of(*, person: UUID, purpose: str) -> list[SigningOperation]:
    """What this person is being asked to sign now."""
    return list(SigningOperation.objects.filter(person=person, purpose=purpose, state__in=SigningOperation.OPEN_STATES))


def latest_for(*, person: UUID, reference: str, purpose: str) -> SigningOperation | None:
    """The person's newest operation for a reference, whatever its state."""
    return (
        SigningOperation.objects.filter(person=person, reference=reference, purpose=purpose)
        .order_by("-asked_at", "-signed_at")
        .first()
    )


def take_signed(purpose: str, limit: int, *, now: datetime) -> list[SigningOperation]:
    """Up to `limit` signatures of one purpose that wait to be used, oldest first, claimed for a minute (R-011).

    Whoever takes one uses it (`consume`), turns it down, puts it back after a failure or gives it back untried. One
    that does not open is put back here and named in the log.
    """
    signed = SigningOperation.objects.filter(purpose=purpose, state=State.SIGNED)
    return claim_due(signed, now=now, limit=limit, weight="content_size")


def put_back(operation: SigningOperation, error: Exception, *, now: datetime) -> None:
    """Using a claimed signature failed: it is due again later, or parked when this goes on (evidence/parking.py)."""
    parking.put_back_failed(operation, error, now=now)


def content_of(operation: SigningOperation) -> bytes:
    """The octets the operation is about."""
    if operation.content is not None:
        return bytes(operation.content)
    return vault.get(bytes(operation.content_digest))


def consume(used: Sequence[SigningOperation], *, now: datetime) -> None:
    """The floor above has made use of these signatures, in this very transaction; `StaleOperation` if one was taken."""
    waiting = SigningOperation.objects.filter(pk__in=[each.pk for each in used], state=State.SIGNED)
    if waiting.update(state=State.CONSUMED, closed_at=now, **_NO_MORE_WORK) != len(used):
        raise StaleOperation("not waiting any more")


def turn_down(operation: SigningOperation, code: str, *, now: datetime) -> None:
    """The floor above could not use the signature: the page says why, nothing was sent."""
    if not SigningOperation.objects.filter(pk=operation.pk, state=State.SIGNED).update(
        state=State.CANCELLED, closed_at=now, refusal_code=code, **_NO_MORE_WORK
    ):
        raise StaleOperation("not waiting any more")


def _held(token: str, states: Sequence[str], *, now: datetime) -> SigningOperation:
    operation = SigningOperation.objects.filter(token_hmac=codes.token_hmac(token)).first()
    if operation is None:
        raise UnknownCode("no operation with this token")
    is_late = operation.state in SigningOperation.OPEN_STATES and operation.expires_at <= now
    if operation.state not in states or is_late:
        raise _over(operation)("not open", state=operation.state)
    return operation


def _assembled(operation: SigningOperation, signature: bytes) -> bytes:
    certificate, digest, signing_time = operation.certificate, bytes(operation.content_digest), operation.signing_time
    if certificate is None or signing_time is None:
        raise OperationOver("no certificate was offered")
    algorithm = algorithm_of(cut(certificate).key)
    if algorithm is None:
        raise SignatureUnfit("no algorithm of ours for this key")
    try:
        chain = [base64.b64decode(each, validate=True) for each in operation.chain]
        cms = cades.assemble(
            certificate,
            chain,
            cades.signed_attributes(certificate, digest, signing_time),
            signature,
            algorithm=algorithm,
            token=None,
        )
        cades.verify_emitted(cms, hashlib.sha256(content_of(operation)).digest())
    except (CmsRefused, BrokenChain, DerRefused, binascii.Error) as refusal:
        unfit = SignatureUnfitForRequest if _is_request(operation) else SignatureUnfit
        raise unfit("the signature does not hold") from refusal
    return cms


def _end(which: Q, state: str, kind: str, *, now: datetime, code: str = "") -> bool:
    with transaction.atomic():
        operation = SigningOperation.objects.filter(which, state__in=SigningOperation.OPEN_STATES).first()
        if operation is None:
            return False
        won = SigningOperation.objects.filter(pk=operation.pk, state__in=SigningOperation.OPEN_STATES).update(
            state=state, closed_at=now, refusal_code=code, code_shown=None
        )
        if won:
            _log(kind, operation, now=now, actor=_actor(operation))
        return bool(won)


def _is_request(operation: SigningOperation) -> bool:
    return operation.purpose in requests.PURPOSES


def _over(operation: SigningOperation) -> type[OperationOver]:
    return RequestOver if _is_request(operation) else OperationOver


def _actor(operation: SigningOperation) -> str:
    """Whose act it is; nobody's, while nobody has proved who he is."""
    return "" if operation.person == NOBODY else str(operation.person)


def _log(kind: str, operation: SigningOperation, *, now: datetime, actor: str = "") -> None:
    eventlog.append(
        kind,
        at=now,
        actor=actor,
        subject=operation.reference,
        facts={"operation": str(operation.pk), "purpose": operation.purpose},
    )
