"""The door to every trust decision: roots, roles, paths, revocation. No Django, no network, no opinion about law.

    anchors.py      whom we trust and for what; verdicts and reasons
    certificate.py  what a certificate claims, as plain values
    chain.py        from a leaf to a root at a moment, in a role
    names.py        name constraints
    revocation.py   OCSP answers and CRLs, judged
    status.py       fetching them through callables handed in

Other floors import from here only.
"""

from evidence.anchors import (
    DEMO_POLICY,
    AnchorsRefused,
    CertificateRefused,
    Role,
    TrustAnchors,
    TrustPolicy,
    TrustReason,
    Verdict,
)
from evidence.certificate import CertificateFacts, QcLimit, facts_of
from evidence.chain import Finding, PathReport, check_path

__all__ = [
    "DEMO_POLICY",
    "AnchorsRefused",
    "CertificateFacts",
    "CertificateRefused",
    "Finding",
    "PathReport",
    "QcLimit",
    "Role",
    "TrustAnchors",
    "TrustPolicy",
    "TrustReason",
    "Verdict",
    "check_path",
    "facts_of",
]
