"""Proving oneself by e-imza: signing in, the proof inside a visit, and the signed application (S-022, S-023, V-018).

**Asking** looks nobody up. A request with a fresh challenge is made for the number that was typed, whoever holds it or
nobody (V-008), and the browser's session remembers which request is its own. It has a link to the signer and no code
that could be read out on the telephone.

**Finishing** takes two things that must meet: the return token, which only the program that posted the signature got,
and the session of the browser that asked. Somebody who lets another person sign his request has the session and not
the token; somebody who makes another person open the link of a finished one gives him the token and not the session.

What is checked stands in `e_imza_proof`.

**The counters of the sign-in are not asked.** A stranger who has driven them up cannot keep the owner of a card out
(V-007), and a finished sign-in sets them to zero: he has proved himself in another way (V-006). How often a network may
begin is limited by a counter of its own, which belongs to no number and can lock nobody out.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from evidence import cades, eventlog, vault
from signing import operations
from signing.models import SigningOperation
from signing.requests import APPLICATION, SIGN_IN, STEP_UP, SignedRequest, new_request, read_request

from . import login, persons, step_up, throttle, visit
from .applying import limits
from .applying.limits import Door
from .e_imza_errors import ApplicationMoved, NoSignInForYou, NotOfThisBrowser
from .e_imza_proof import Pending, log_refusal, proved, use_up
from .errors import AccessRefused
from .models import Application, EImzaProof, Person

_KEPT: Final = "kep_e_imza"


@dataclass(frozen=True)
class Finished:
    """What a finished request has led to. `device_id` is the browser's, after a sign-in; `person` nobody's else."""

    purpose: str
    next_url: str
    device_id: str = ""
    person: Person | None = None


# --- asking ---------------------------------------------------------------------------------------------------------
def ask_sign_in(request: HttpRequest, tckn: str, now: datetime, *, next_url: str = "") -> SigningOperation:
    """Begin a sign-in of whoever holds `tckn` (canonical form), known here or not. Refused: `TooManyFromHere`.

    The visit that was there is thrown away; the new one is anonymous and holds the request and nothing else (V-038).
    """
    limits.count(Door.E_IMZA, request, now=now)
    asked = new_request(SIGN_IN, now=now)
    operation = _ask(asked, tckn=tckn, acting_for=_said(SIGN_IN), now=now)
    request.session.flush()
    _keep(request, asked, operation, next_url=next_url)
    return operation


def ask_step_up(request: HttpRequest, now: datetime, *, next_url: str = "") -> SigningOperation:
    """Begin the proof of the person signed in. Refused: `AccessRefused` when nobody is."""
    person = _signed_in(request)
    asked = new_request(STEP_UP, now=now)
    operation = _ask(asked, person=person.pk, tckn=person.tckn, acting_for=_said(STEP_UP), now=now)
    _keep(request, asked, operation, next_url=next_url)
    return operation


def ask_application(
    request: HttpRequest, application: Application, content: str, now: datetime, *, next_url: str = ""
) -> SigningOperation:
    """Begin the signing of an application by its own applicant (K-022). `content` is the whole application as text.

    Whoever calls has seen to it that the application belongs to this browser. The text is shown by the signer as it is
    and is what the signature covers. Refused: `ApplicationMoved` when it is no draft, `TooManyFromHere`; ValueError for
    a text that is empty or too long to be shown.
    """
    if application.state != Application.State.DRAFT:
        raise ApplicationMoved("not a draft")
    limits.count(Door.E_IMZA, request, now=now)
    asked = new_request(APPLICATION, now=now, text=content)
    acting_for = f"{_said(APPLICATION)} {application.number}"
    reference = f"application:{application.public_id}"
    operation = _ask(asked, tckn=application.tckn, acting_for=acting_for, reference=reference, now=now)
    _keep(request, asked, operation, next_url=next_url, application=application.public_id)
    return operation


def pending_of(request: HttpRequest) -> Pending | None:
    """The request that this browser has begun and not finished."""
    kept = request.session.get(_KEPT)
    return Pending(**{**kept, "operation": UUID(kept["operation"])}) if kept else None


def operation_of(pending: Pending) -> SigningOperation | None:
    """Its row at the signing floor."""
    return SigningOperation.objects.filter(pk=pending.operation, purpose=pending.purpose).first()


def give_up(request: HttpRequest, *, now: datetime) -> Pending | None:
    """The person does not want it any more: it ends, here and at the signer. What was given up, if anything."""
    pending = pending_of(request)
    if pending is not None:
        del request.session[_KEPT]
        operation = operation_of(pending)
        if operation is not None:
            operations.cancel(operation.pk, person=operation.person, now=now)
    return pending


# --- finishing ------------------------------------------------------------------------------------------------------
def finish(request: HttpRequest, returned_token: str, *, now: datetime) -> Finished:
    """Finish whatever this browser has begun. Refused as `finish_sign_in`, `finish_step_up`, `finish_application`."""
    pending = pending_of(request)
    if pending is None:
        raise NotOfThisBrowser("this browser has begun nothing")
    verbs = {SIGN_IN: finish_sign_in, STEP_UP: finish_step_up, APPLICATION: finish_application}
    return verbs[pending.purpose](request, returned_token, now=now)


def finish_sign_in(request: HttpRequest, returned_token: str, *, now: datetime) -> Finished:
    """Open the visit of the person who signed; the locks of the other sign-in do not matter here (V-007).

    Refused: `NotOfThisBrowser`, `RequestTooOld`, `CertificateRefused`, `RevocationNotKnown`, and, once everything is
    proved, `NoSignInForYou` for somebody who is not known here or may not sign in.
    """
    pending, operation = proved(pending_of(request), returned_token, SIGN_IN, now=now)
    index = persons.tckn_index(operation.tckn)
    person = Person.objects.filter(tckn_index=index, is_active=True).first()
    if person is None:
        with transaction.atomic():
            use_up(operation, now=now)
            log_refusal(operation, NoSignInForYou.code, now=now)
        del request.session[_KEPT]
        raise NoSignInForYou("proved, and nobody here")
    with transaction.atomic():
        use_up(operation, now=now)
        proof = EImzaProof.objects.create(
            user=person,
            name="e-imza",
            operation=operation.pk,
            certificate_digest=hashlib.sha256(operation.certificate or b"").digest(),
            proved_at=now,
        )
        del request.session[_KEPT]
        device_id = login.open_visit(request, person, device=proof, method=visit.SIGN_IN_BY_E_IMZA, now=now)
        throttle.forgive_all(person.tckn_index)
    return Finished(SIGN_IN, pending.next_url, device_id, person)


def finish_step_up(request: HttpRequest, returned_token: str, *, now: datetime) -> Finished:
    """The person signed in has proved himself anew in this visit (V-036).

    Refused: as `finish_sign_in`; `VisitEnded` when the visit was ended meanwhile; `AccessRefused` when nobody, or
    somebody else than the one who began, is signed in.
    """
    person = _signed_in(request)
    pending, operation = proved(pending_of(request), returned_token, STEP_UP, now=now)
    if operation.person != person.pk:
        raise AccessRefused("somebody else began it")
    with transaction.atomic():
        use_up(operation, now=now)
        del request.session[_KEPT]
        step_up.note_proof(request, person, method=visit.SIGN_IN_BY_E_IMZA, now=now)
    return Finished(STEP_UP, pending.next_url, person=person)


def finish_application(request: HttpRequest, returned_token: str, *, now: datetime) -> Finished:
    """Keep the signed application: `signed_by_e_imza_at` and `signature_digest` of the draft say so (K-022).

    The signature lies in the vault under `signature_digest`; its message digest is the vault's name of the text that
    was signed (`signed_text`). Submitting is the application's own business. Refused: as `finish_sign_in`, and
    `ApplicationMoved` when the application is no draft any more or names another person.
    """
    pending, operation = proved(pending_of(request), returned_token, APPLICATION, now=now)
    draft = Application.objects.filter(
        public_id=pending.application, state=Application.State.DRAFT, tckn_index=persons.tckn_index(operation.tckn)
    )
    content, signature = operations.content_of(operation), bytes(operation.cms or b"")
    _, signature_digest = vault.put_many([content, signature])
    with transaction.atomic():
        use_up(operation, now=now)
        if not draft.update(signed_by_e_imza_at=operation.signed_at, signature_digest=signature_digest):
            raise ApplicationMoved("no draft of this person")
        eventlog.append(
            "application.signed",
            at=now,
            actor="applicant",
            subject=f"application:{pending.application}",
            facts={"operation": str(operation.pk), "signature": signature_digest.hex()},
        )
    del request.session[_KEPT]
    return Finished(APPLICATION, pending.next_url)


def signed_text(application: Application) -> str:
    """The text that the applicant signed; empty when he has not. Compare it before the application is submitted.

    Raises the refusals of the vault, and ValueError should the stored bytes be no request: damage, no person's act.
    """
    if application.signature_digest is None:
        return ""
    signature = vault.get(bytes(application.signature_digest))
    facts = cades.read(signature)
    return read_request(vault.get(facts.message_digest)).text


# --- inside ---------------------------------------------------------------------------------------------------------
def _ask(
    asked: SignedRequest,
    *,
    tckn: str,
    acting_for: str,
    now: datetime,
    person: UUID = operations.NOBODY,
    reference: str = "",
) -> SigningOperation:
    # a reference of its own: nobody can end the request of another browser by beginning one for the same number
    named = reference or f"request:{hashlib.sha256(asked.challenge).hexdigest()[:24]}"
    return operations.ask_request(
        asked, person=person, tckn=tckn, acting_for=acting_for, reference=named, now=now
    ).operation


def _keep(
    request: HttpRequest, asked: SignedRequest, operation: SigningOperation, *, next_url: str, application: str = ""
) -> None:
    request.session[_KEPT] = {
        "operation": str(operation.pk),
        "purpose": asked.purpose,
        "challenge_digest": hashlib.sha256(asked.challenge).hexdigest(),
        "next_url": next_url,
        "application": application,
    }


def _said(purpose: str) -> str:
    """What the signer shows as the account before it has the bytes; the same for everybody."""
    return f"{settings.KEP_PROVIDER_NAME}, {_WORDS[purpose]}"


_WORDS: Final = {SIGN_IN: "giriş", STEP_UP: "kimlik doğrulama", APPLICATION: "başvuru"}


def _signed_in(request: HttpRequest) -> Person:
    if not isinstance(request.user, Person):
        raise AccessRefused("nobody is signed in")
    return request.user
