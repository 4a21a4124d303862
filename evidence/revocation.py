"""Was the certificate revoked? OCSP answers and CRLs judged, never fetched (S-011, S-012, S-014; design.md 6).

An answer counts only if it is about this certificate (issuer name, issuer key and serial number), signed by the issuer
or by a responder the issuer delegated to, and fresh. Fresh means, for a *good* answer: made after the proven signing
time, or before it by no more than the policy allows and not beyond its own nextUpdate; and not expired now, unless the
material was recorded with the signature at its time (`recorded`). A *revoked* answer never grows old. Bad material is
as no material: it never makes a verdict, so that rubbish from the network can neither acquit nor condemn.

OCSP is asked first. A CRL decides where no OCSP answer counts; being older than the signature it says little yet, so
the state stays PREMATURE (kesinleşmemiş) until a CRL made after the signing time is at hand. What was revoked at or
before the signing time is invalid; what was revoked later is valid, with the moment told. `at` is the time a time-stamp
proves; where nothing proves one, the caller passes now, and then any revocation is invalid (S-011). No usable answer is
"cannot tell": the message is held, not passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from evidence.anchors import CertificateRefused, TrustAnchors, TrustPolicy, TrustReason, Verdict
from evidence.answers import MAX_OCSP_BYTES, Answer, RevocationFinding, Source, read_crl, read_ocsp
from evidence.certificate import issued_by, load

State = Literal["MATURE", "PREMATURE"]


@dataclass(frozen=True)
class Material:
    """What was fetched for one certificate, and what kept the rest away."""

    ocsp: bytes | None = None
    crl: bytes | None = None
    failures: tuple[TrustReason, ...] = ()


@dataclass(frozen=True)
class RevocationReport:
    """The verdict, where it comes from, and its reasons (none when VALID).

    `state` is None where nothing was decided. `revoked_at` and `reason` (RFC 5280 word) are told also when the
    revocation came after the signing time and changes nothing. Past `next_update` a live check asks again.
    """

    verdict: Verdict
    source: Source | None = None
    state: State | None = None
    revoked_at: datetime | None = None
    reason: str | None = None
    next_update: datetime | None = None
    findings: tuple[TrustReason, ...] = ()


def check_revocation(
    leaf: bytes,
    issuer: bytes,
    *,
    at: datetime,
    ocsp: bytes | None,
    crl: bytes | None,
    anchors: TrustAnchors,
    now: datetime,
    recorded: bool = False,
) -> RevocationReport:
    """Whether `leaf`, issued by `issuer`, was in force at `at`, by the material given and judged at `now`.

    Never raises for what is in the material or the certificates. ValueError for a moment without a zone.
    """
    if at.tzinfo is None or now.tzinfo is None:
        raise ValueError("a moment without a zone proves nothing")
    if not _is_issued(leaf, issuer):
        return _undecided(RevocationFinding.NOTHING)
    judged: list[Answer | RevocationFinding] = []
    if ocsp is not None:
        is_readable = len(ocsp) <= MAX_OCSP_BYTES  # asked here: what is larger would be remembered as a key
        judged.append(_said(ocsp, leaf, issuer, anchors.policy) if is_readable else RevocationFinding.OCSP_UNREADABLE)
    if crl is not None:
        judged.append(read_crl(crl, load(leaf), load(issuer), anchors.policy))
    findings = []
    for answer in judged:
        if isinstance(answer, Answer) and _counts(answer, anchors.policy, at, now, recorded):
            return _report(answer, at)
        findings.append(_stale(answer) if isinstance(answer, Answer) else answer)
    return _undecided(*(findings or [RevocationFinding.NOTHING]))


@lru_cache(maxsize=512)
def _is_issued(leaf: bytes, issuer: bytes) -> bool:
    """Whether both can be read and the one signed the other: maths over bytes, remembered by them."""
    try:
        return issued_by(load(leaf), load(issuer))
    except CertificateRefused:
        return False


@lru_cache(maxsize=512)
def _said(ocsp: bytes, leaf: bytes, issuer: bytes, policy: TrustPolicy) -> Answer | RevocationFinding:
    """What the answer says, remembered by the bytes alone: one answer decides about many signatures, and to find it
    again by parsed certificates would cost more than all the rest. Whether it counts now is asked each time."""
    return read_ocsp(ocsp, load(leaf), load(issuer), policy)


def check_path_revocation(
    path: Sequence[bytes],
    materials: Sequence[Material],
    *,
    at: datetime,
    anchors: TrustAnchors,
    now: datetime,
    recorded: bool = False,
) -> RevocationReport:
    """The same for every certificate of a `PathReport.path` but the root, as one report: the worst verdict, with
    everything found at its position; PREMATURE if one is (S-012: a revoked authority takes its leaves along).

    ValueError unless there is one `Material` for each certificate below the root.
    """
    if len(materials) != len(path) - 1 or not materials:
        raise ValueError("one material for each certificate below the root")
    reports = [
        check_revocation(
            path[position],
            path[position + 1],
            at=at,
            ocsp=material.ocsp,
            crl=material.crl,
            anchors=anchors,
            now=now,
            recorded=recorded,
        )
        for position, material in enumerate(materials)
    ]
    verdict = Verdict.worst(tuple(report.verdict for report in reports))
    worst = next(report for report in reports if report.verdict is verdict)
    ends = [report.next_update for report in reports if report.next_update]
    return replace(
        worst,
        state=None if worst.state is None else _least_mature(reports),
        next_update=min(ends) if ends else None,
        findings=tuple(
            replace(finding, position=position)
            for position, report in enumerate(reports)
            for finding in report.findings
        ),
    )


def _undecided(*findings: RevocationFinding) -> RevocationReport:
    return RevocationReport(Verdict.INDETERMINATE, findings=tuple(finding.reason() for finding in findings))


def _least_mature(reports: Sequence[RevocationReport]) -> State:
    return "PREMATURE" if any(report.state == "PREMATURE" for report in reports) else "MATURE"


def _stale(answer: Answer) -> RevocationFinding:
    return RevocationFinding.OCSP_NOT_CURRENT if answer.source == "ocsp" else RevocationFinding.CRL_NOT_CURRENT


def _report(answer: Answer, at: datetime) -> RevocationReport:
    revoked = answer.revoked_at is not None and answer.revoked_at <= at
    settled = answer.source == "ocsp" or answer.revoked_at is not None or answer.this_update > at
    return RevocationReport(
        Verdict.INVALID if revoked else Verdict.VALID,
        answer.source,
        "MATURE" if settled else "PREMATURE",
        answer.revoked_at,
        answer.reason,
        answer.next_update,
        (RevocationFinding.REVOKED.reason(),) if revoked else (),
    )


def _counts(answer: Answer, policy: TrustPolicy, at: datetime, now: datetime, recorded: bool) -> bool:
    """Whether the answer is fresh enough to decide about `at`."""
    if answer.this_update > now + policy.clock_skew:
        return False
    if answer.revoked_at is not None:
        return True
    if now > answer.next_update and not recorded:
        return False
    lifetime = policy.ocsp_lifetime if answer.source == "ocsp" else timedelta.max
    return at <= answer.next_update and at - answer.this_update <= lifetime
