"""One sealed proof of ours, judged each time it is shown: form, signature, time-stamp, roles (V-061).

The verdict on a page is never a remembered flag. It is the same check that `script/verify` makes of a single
evidence file, with this provider's roots.
"""

import functools
import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from . import outside, xades
from .anchors import Role, Verdict
from .certificate import facts_of
from .chain import check_path
from .refusals import BrokenChain, EvidenceRefused, TimestampRefused

_WORDS = {Verdict.VALID: "valid", Verdict.INVALID: "invalid", Verdict.INDETERMINATE: "indeterminate"}


@dataclass(frozen=True)
class ProofVerdict:
    """`word` is valid, invalid or indeterminate; who issued and who stamped, as their certificates say.

    Reasons are the Turkish sentences themselves: the verdict is kept for readers of any language (`guards.spoken`).
    """

    word: str
    provider_code: str = ""
    stamped_by: str = ""
    reasons: tuple[str, ...] = ()


@functools.lru_cache(maxsize=4096)
def judge_proof(xml: bytes, *, digest: bytes) -> ProofVerdict:
    """The verdict on `xml`, which must be the bytes that `digest` (SHA-256) names.

    Kept per process by its exact bytes: the answer depends on them and on the pinned roots alone.
    """
    if hashlib.sha256(xml).digest() != digest:
        return ProofVerdict("invalid", reasons=(gettext_noop("Saklanan delil, kayıttaki özetiyle uyuşmuyor."),))
    try:
        parts = xades.take_apart(xml)
    except (EvidenceRefused, TimestampRefused, BrokenChain) as refusal:
        return ProofVerdict("invalid", reasons=(refusal.user_message,))
    at = parts.stamp.generated_at
    anchors = outside.anchors()
    signer = check_path(parts.signing_certificate, parts.certificates, anchors, at=at, role=Role.TRANSACTION)
    stamper = check_path(parts.stamp.tsa_certificate, parts.stamp.certificates, anchors, at=at, role=Role.TIMESTAMP)
    worst = Verdict.worst((signer.verdict, stamper.verdict))
    return ProofVerdict(
        word=_WORDS[worst],
        provider_code=parts.facts.issuer.code,
        stamped_by=facts_of(parts.stamp.tsa_certificate).common_name,
        reasons=tuple(each.text_tr for each in (*signer.reasons, *stamper.reasons)),
    )
