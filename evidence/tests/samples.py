"""Evidence facts for tests of the signing core: one right value per kind, changed where a test wants."""

import hashlib
from dataclasses import replace
from typing import Any

from evidence.facts import Authentication, EvidenceFacts, EvidenceKind, Issuer, Party, Reason
from evidence.tests.forge import NOW

ISSUER = Issuer("Örnek KEPHS A.Ş.", "urn:oid:2.16.792.9.9.9.1", "hs01", "hs01.kep.tr")
REASONS = {
    EvidenceKind.NOT_SUBMITTED: ((Reason.INVALID_USER_SIGNATURE, "İmza doğrulanamadı"),),
    EvidenceKind.NOT_RELAYED: ((Reason.MALWARE_FOUND, ""),),
    EvidenceKind.RELAY_FAILED: ((Reason.R_REMMD_UNREACHABLE, ""), (Reason.R_REMMD_NOT_IDENTIFIED, "")),
    EvidenceKind.NOT_DELIVERED: ((Reason.UNKNOWN_RECIPIENT, ""),),
    EvidenceKind.DEEMED_READ: ((Reason.RETENTION_PERIOD_EXPIRED, ""),),
}


def facts(kind: EvidenceKind = EvidenceKind.SUBMITTED, **changes: Any) -> EvidenceFacts:
    """Right facts of a kind, with changes."""
    right = EvidenceFacts(
        evidence_id="ev-0198b0c0d0e07000800000000000abcd",
        kind=kind,
        reasons=REASONS.get(kind, ()),
        issuer=ISSUER,
        event_at=NOW,
        submitted_at=NOW,
        sender=Party("ayse.isik@hs01.kep.tr", "Ayşe Işık"),
        sender_authentication=Authentication(NOW, "urn:oid:2.16.792.9.9.9.1.1"),
        recipient_authentication=Authentication(NOW, "urn:oid:2.16.792.9.9.9.1.2") if kind is kind.READ else None,
        recipients=(Party("ali@hs02.kep.tr"), Party("cagri@hs01.kep.tr", 'Çağrı "Ş" & Oğulları')),
        recipient_no=2 if kind.names_recipient else 0,
        subject="Kira sözleşmesi <fesih> & ihtar",
        original_message_id="<0198b0c0@hs01.kep.tr>",
        kep_id="<0198b0c1.kep@hs01.kep.tr>",
        original_digest=hashlib.sha256(b"original").digest(),
    )
    return replace(right, **changes)
