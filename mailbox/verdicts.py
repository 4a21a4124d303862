"""Whether the signatures of a message hold, asked anew each time somebody looks (K-102, V-061).

Two signatures, two answers: the person's over the original, judged at the moment its time-stamp proves and with
the validation material kept at acceptance; and the provider's over the KEP message. Nothing is remembered as
"valid": the stored bytes are checked again, so that a damaged store shows itself here and not in court.

What was refused is remembered: where the check at its time found the certificate revoked, no material is kept and
the refusal itself is the answer. Without a time-stamp, or material about this very certificate, nothing is valid.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from evidence import cades, outside, vault
from evidence.anchors import Role, Verdict
from evidence.answers import RevocationFinding
from evidence.certificate import facts_of
from evidence.chain import check_path
from evidence.envelope import read_dispatch
from evidence.errors import VaultDamaged, VaultMissing
from evidence.refusals import BrokenChain, CmsRefused, TimestampRefused
from evidence.revocation import check_path_revocation
from evidence.timestamp import TokenFacts
from guards.spoken import spoken
from signing.judgement import judge_person

from .models import Envelope, Message
from .original import Original
from .state_names import MessageState
from .validation import kept_material

_REVOKED = RevocationFinding.REVOKED.reason()
_UNPROVEN = RevocationFinding.NOTHING.reason()


@dataclass(frozen=True)
class SignatureVerdict:
    """One signature: the verdict, why, whose, and when it is proven to have existed."""

    verdict: Verdict
    reasons: tuple[str, ...]
    signer_name: str = ""
    issuer_name: str = ""
    serial: str = ""
    not_after: datetime | None = None
    stamped_at: datetime | None = None
    stamped_by: str = ""
    revocation_state: str = ""


def persons_signature(message: Message, original: Original, *, now: datetime) -> SignatureVerdict:
    """The verdict on the sender's own signature over the bytes that are shown."""
    try:
        facts = cades.verify_over(original.signature_der, original.signed_part)
        stamp = facts.stamp
    except (CmsRefused, TimestampRefused) as refusal:
        return SignatureVerdict(Verdict.INVALID, (refusal.for_person(),))
    at = stamp.generated_at if stamp else now
    judged = judge_person(facts.certificate, facts.certificates, tckn=message.submitted_by.tckn, at=at)
    verdict, reasons, state = judged.path.verdict, tuple(spoken(each.text_tr) for each in judged.path.reasons), ""
    if verdict is Verdict.VALID and judged.faults:
        verdict, reasons = Verdict.INVALID, tuple(spoken(each.text_tr) for each in judged.faults)
    if verdict is Verdict.VALID:
        verdict, reasons = _stamped(stamp)
    if verdict is Verdict.VALID:
        verdict, reasons, state = _in_force(message, facts.certificate, at=at)
    certificate = facts_of(facts.certificate)
    return SignatureVerdict(
        verdict=verdict,
        reasons=reasons,
        signer_name=certificate.common_name,
        issuer_name=certificate.issuer_name,
        serial=certificate.serial_hex,
        not_after=certificate.not_after,
        stamped_at=stamp.generated_at if stamp else None,
        stamped_by=facts_of(stamp.tsa_certificate).common_name if stamp else "",
        revocation_state=state,
    )


def _stamped(stamp: TokenFacts | None) -> tuple[Verdict, tuple[str, ...]]:
    """Whether an authority we trust says when: an unknown one, or none, proves no moment."""
    if stamp is None:
        return Verdict.INDETERMINATE, (spoken(_UNPROVEN.text_tr),)
    report = check_path(
        stamp.tsa_certificate,
        (*stamp.certificates, *outside.intermediates()),
        outside.anchors(),
        at=stamp.generated_at,
        role=Role.TIMESTAMP,
    )
    return report.verdict, tuple(spoken(each.text_tr) for each in report.reasons)


def _in_force(message: Message, certificate: bytes, *, at: datetime) -> tuple[Verdict, tuple[str, ...], str]:
    """Whether a fitting certificate was in force at `at`, why not, and how settled that is."""
    if message.state == MessageState.REJECTED and message.refusal_code == _REVOKED.code:
        return Verdict.INVALID, (spoken(_REVOKED.text_tr),), ""
    kept = kept_material(message)
    if kept is None or kept.path[:1] != (certificate,):
        return Verdict.INDETERMINATE, (spoken(_UNPROVEN.text_tr),), ""
    revocation = check_path_revocation(
        kept.path, kept.materials, at=at, anchors=outside.anchors(), now=kept.checked_at, recorded=True
    )
    return revocation.verdict, tuple(spoken(each.text_tr) for each in revocation.findings), revocation.state or ""


def providers_signature(message: Message) -> SignatureVerdict | None:
    """The verdict on the KEP message's envelope; None while there is none."""
    envelope = Envelope.objects.filter(message=message).first()
    if envelope is None:
        return None
    try:
        dispatch = read_dispatch(vault.get(bytes(envelope.digest)))
        facts = cades.verify_emitted(dispatch.signature_der, hashlib.sha256(dispatch.signed_part).digest())
        stamp = facts.stamp
    except (CmsRefused, TimestampRefused, BrokenChain, VaultMissing, VaultDamaged) as refusal:
        return SignatureVerdict(Verdict.INVALID, (refusal.for_person(),))
    at = stamp.generated_at if stamp else message.released_at
    path = check_path(facts.certificate, facts.certificates, outside.anchors(), at=at, role=Role.TRANSACTION)
    verdict, reasons = path.verdict, tuple(spoken(each.text_tr) for each in path.reasons)
    if stamp is not None:  # the envelope's own time-stamp is a policy (design.md 1.5); one that is there must hold
        of_stamp, why = _stamped(stamp)
        verdict, reasons = Verdict.worst((verdict, of_stamp)), (*reasons, *why)
    certificate = facts_of(facts.certificate)
    return SignatureVerdict(
        verdict=verdict,
        reasons=reasons,
        signer_name=certificate.common_name,
        issuer_name=certificate.issuer_name,
        serial=certificate.serial_hex,
        not_after=certificate.not_after,
        stamped_at=stamp.generated_at if stamp else None,
        stamped_by=facts_of(stamp.tsa_certificate).common_name if stamp else "",
    )
