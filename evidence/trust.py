"""The door to every trust decision: roots, roles, paths, revocation. No Django, no network, no opinion about law.

    anchors.py      whom we trust and for what; verdicts and reasons
    certificate.py  what a certificate claims, as plain values
    chain.py        from a leaf to a root at a moment, in a role
    names.py        name constraints
    answers.py      what an OCSP answer or a CRL says, and whether it may be heard
    revocation.py   whether that decides about a moment
    status.py       fetching them through callables handed in

All names other floors need can be had from here.
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
from evidence.answers import RevocationFinding
from evidence.certificate import CertificateFacts, QcLimit, facts_of
from evidence.chain import Finding, PathReport, check_path
from evidence.revocation import (
    Material,
    RevocationReport,
    check_path_revocation,
    check_revocation,
)
from evidence.status import RevocationFetcher

__all__ = [
    "DEMO_POLICY",
    "AnchorsRefused",
    "CertificateFacts",
    "CertificateRefused",
    "Finding",
    "Material",
    "PathReport",
    "QcLimit",
    "RevocationFetcher",
    "RevocationFinding",
    "RevocationReport",
    "Role",
    "TrustAnchors",
    "TrustPolicy",
    "TrustReason",
    "Verdict",
    "check_path",
    "check_path_revocation",
    "check_revocation",
    "facts_of",
]
