"""Whether the signatures of a message hold, asked anew each time somebody looks (K-102, V-061).

Two signatures, two answers: the person's over the original, judged at the moment its time-stamp proves and with
the validation material kept at acceptance; and the provider's over the KEP message. Nothing is remembered as
"valid": the stored bytes are checked again, so that a damaged store shows itself here and not in court.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from evidence import cades, outside, vault
from evidence.anchors import Role, Verdict
from evidence.certificate import facts_of
from evidence.chain import check_path
from evidence.envelope import read_dispatch
from evidence.errors import VaultDamaged, VaultMissing
from evidence.refusals import BrokenChain, CmsRefused, TimestampRefused
from evidence.revocation import check_path_revocation

from .models import Envelope, Message
from .original import Original
from .validation import kept_material


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
    anchors = outside.anchors()
    at = stamp.generated_at if stamp else now
    path = check_path(
        facts.certificate, (*facts.certificates, *outside.intermediates()), anchors, at=at, role=Role.PERSON
    )
    kept = kept_material(message)
    verdict, reasons, state = path.verdict, tuple(each.text_tr for each in path.reasons), ""
    if kept is not None and path.verdict is Verdict.VALID:
        revocation = check_path_revocation(
            kept.path, kept.materials, at=at, anchors=anchors, now=kept.checked_at, recorded=True
        )
        verdict, state = revocation.verdict, revocation.state or ""
        reasons = tuple(each.text_tr for each in revocation.findings)
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
    certificate = facts_of(facts.certificate)
    return SignatureVerdict(
        verdict=path.verdict,
        reasons=tuple(each.text_tr for each in path.reasons),
        signer_name=certificate.common_name,
        issuer_name=certificate.issuer_name,
        serial=certificate.serial_hex,
        not_after=certificate.not_after,
        stamped_at=stamp.generated_at if stamp else None,
        stamped_by=facts_of(stamp.tsa_certificate).common_name if stamp else "",
    )
