"""The checks that stand between a signed request and what it opens (S-022, S-023, V-018).

The checks of S-023, in their order: form of the token; request of this browser, unused, in its two minutes; certificate
in time, of the profile and of the person with the number, under a root of ours; revocation, asked now; the challenge of
this session, this origin and this purpose in the bytes; the signature over them; then the request is used up, in the
transaction of what it opens: of fifty tries at once one wins. Nothing unknown passes: a revocation that cannot be
learned is a refusal.
"""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from evidence import cades, eventlog
from evidence.outside import RevocationUnknown
from evidence.refusals import CmsRefused
from signing import codes, operations
from signing.errors import StaleOperation
from signing.judgement import RevocationRound, judge_person
from signing.models import SigningOperation
from signing.requests import read_request

from . import persons
from .e_imza_errors import CertificateRefused, NotOfThisBrowser, RequestTooOld, RevocationNotKnown

_TOKEN: Final = re.compile(r"[0-9a-f]{64}")
_REVOKED: Final = gettext_noop("Sertifikanız iptal edilmiş. Sertifikanızı veren kuruluşa başvurun.")


@dataclass(frozen=True)
class Pending:
    """The request this browser has begun: which, for what, where to go when it is done."""

    operation: UUID
    purpose: str
    challenge_digest: str
    next_url: str = ""
    application: str = ""


def proved(
    pending: Pending | None, returned_token: str, purpose: str, *, now: datetime
) -> tuple[Pending, SigningOperation]:
    """The request of this browser, signed in time by the person it names; `use_up` it in what it opens.

    Refused: `NotOfThisBrowser`, `RequestTooOld`, `CertificateRefused`, `RevocationNotKnown`.
    """
    if pending is None or pending.purpose != purpose or not _TOKEN.fullmatch(returned_token):
        raise NotOfThisBrowser("no token, or nothing of this kind was begun here")
    operation = operations.returned(pending.operation, purpose, returned_token, now=now)
    if operation is None:
        is_late = SigningOperation.objects.filter(
            pk=pending.operation, expires_at__lte=now, return_hmac=codes.return_hmac(returned_token)
        ).exclude(state=SigningOperation.State.CONSUMED)
        raise RequestTooOld("over") if is_late.exists() else NotOfThisBrowser("not the token of this request, or used")
    _judge(operation, now=now)
    _check_bytes(operation, pending)
    return pending, operation


def _judge(operation: SigningOperation, *, now: datetime) -> None:
    """Time, profile, owner, path and revocation, all of them now."""
    others = cades.read(bytes(operation.cms or b"")).certificates[1:]
    judged = judge_person(bytes(operation.certificate or b""), others, tckn=operation.tckn, at=now)
    if not judged.is_fit:
        _refuse(operation, *judged.first, now=now)
    try:
        judged = RevocationRound(now=now).ask(judged, at=operation.signed_at or now)
    except RevocationUnknown as unknown:
        raise RevocationNotKnown("neither OCSP nor CRL") from unknown
    if judged.is_revoked:
        _refuse(operation, judged.first[0], _REVOKED, now=now)


def _refuse(operation: SigningOperation, fault: str, text: str, *, now: datetime) -> None:
    """This signature will never do: it is turned down for good, and the log says so."""
    with transaction.atomic(), suppress(StaleOperation):
        operations.turn_down(operation, CertificateRefused.code, now=now)
        log_refusal(operation, fault, now=now)
    raise CertificateRefused("certificate", fault=fault, text=text)


def _check_bytes(operation: SigningOperation, pending: Pending) -> None:
    content = operations.content_of(operation)
    try:
        said = read_request(content)
        cades.verify_emitted(bytes(operation.cms or b""), hashlib.sha256(content).digest())
    except (ValueError, CmsRefused) as broken:
        raise NotOfThisBrowser("the stored request does not hold") from broken
    is_ours = said.origin == settings.KEP_WEB_ORIGIN and said.purpose == pending.purpose == operation.purpose
    if not is_ours or hashlib.sha256(said.challenge).hexdigest() != pending.challenge_digest:
        raise NotOfThisBrowser("another challenge, origin or purpose")


def use_up(operation: SigningOperation, *, now: datetime) -> None:
    """Nobody can use this signature again, once the caller's transaction commits. Refused: `NotOfThisBrowser`."""
    try:
        operations.consume([operation], now=now)
    except StaleOperation as taken:
        raise NotOfThisBrowser("used a moment ago") from taken


def log_refusal(operation: SigningOperation, fault: str, *, now: datetime) -> None:
    """Write down, in the caller's transaction, that a signed request was turned away."""
    eventlog.append(
        "e_imza.refused",
        at=now,
        subject=f"number:{persons.tckn_index(operation.tckn)}",
        facts={"operation": str(operation.pk), "purpose": operation.purpose, "fault": fault},
    )
