"""Is this a person's qualified certificate, of this very person, in force at this moment?

Three questions, asked in the order of K-093: the chain and the role (`evidence.chain`), the profile and the
owner (`signing.profile`), the revocation (`evidence.revocation`, fetched through `evidence.outside`). The answer
is one value with every reason in it; the first reason is what the person hears.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from evidence import outside
from evidence.anchors import Role, TrustReason, Verdict
from evidence.certificate import facts_of
from evidence.chain import Finding, PathReport, check_path
from evidence.revocation import Material, RevocationReport, check_path_revocation

from .profile import Fault, ProfileFault, qualified


@dataclass(frozen=True)
class Judgement:
    """What is known about a signer's certificate at one moment. `revocation` is None where it was not asked."""

    path: PathReport
    faults: tuple[ProfileFault, ...]
    revocation: RevocationReport | None = None
    materials: tuple[Material, ...] = ()

    @property
    def is_fit(self) -> bool:
        """Chain and profile hold; says nothing about revocation."""
        return self.path.verdict is Verdict.VALID and not self.faults

    @property
    def is_revoked(self) -> bool:
        """A counting answer says that the certificate, or an authority above it, was revoked by then."""
        return self.revocation is not None and self.revocation.verdict is Verdict.INVALID

    @property
    def is_expired_only(self) -> bool:
        """The certificate would fit, were its term not over by then."""
        expired = {fault.fault for fault in self.faults} == {Fault.EXPIRED}
        return expired and all(
            (reason.code, reason.position) == (Finding.EXPIRED.value[0], 0) for reason in self.path.reasons
        )

    @property
    def first(self) -> tuple[str, str]:
        """Code and Turkish sentence of the first thing that is wrong; empty strings when nothing is."""
        if self.faults:
            return self.faults[0].code, self.faults[0].text_tr
        findings: Sequence[TrustReason] = self.path.reasons if self.path.verdict is not Verdict.VALID else ()
        if not findings and self.revocation is not None and self.revocation.verdict is not Verdict.VALID:
            findings = self.revocation.findings
        return (findings[0].code, findings[0].text_tr) if findings else ("", "")


def judge_person(certificate: bytes, others: Sequence[bytes], *, tckn: str, at: datetime) -> Judgement:
    """Chain, role, profile and owner at `at`, without asking anybody outside."""
    path = check_path(certificate, (*others, *outside.intermediates()), outside.anchors(), at=at, role=Role.PERSON)
    return Judgement(path, qualified(facts_of(certificate, policy=outside.anchors().policy), tckn=tckn, at=at))


class RevocationRound:
    """Revocation for a lot of signatures: each certificate is asked about once, whoever signed how often.

    To be opened after the time-stamps of the whole lot were fetched, so that each answer is younger than every moment
    it has to speak of (S-014). An issuer whose services do not answer is not waited for again in the same round.
    """

    def __init__(self, *, now: datetime) -> None:
        self._now = now
        self._known: dict[tuple[bytes, bytes], Material] = {}
        self._silent: set[bytes] = set()

    def ask(self, judgement: Judgement, *, at: datetime) -> Judgement:
        """The same judgement with the revocation of every certificate below the root.

        Raises `outside.RevocationUnknown` when neither OCSP nor a current CRL can be had: hold, never pass.
        """
        path = judgement.path.path
        materials = tuple(self._material(leaf, issuer, at) for leaf, issuer in pairwise(path))
        report = check_path_revocation(path, materials, at=at, anchors=outside.anchors(), now=self._now)
        if report.verdict is Verdict.INDETERMINATE:
            raise outside.RevocationUnknown(
                "no usable revocation answer", findings=[each.code for each in report.findings]
            )
        return Judgement(judgement.path, judgement.faults, report, materials)

    def _material(self, leaf: bytes, issuer: bytes, at: datetime) -> Material:
        if (leaf, issuer) in self._known:
            return self._known[leaf, issuer]
        if issuer in self._silent:
            raise outside.RevocationUnknown("the issuer's services did not answer a moment ago")
        material = outside.revocation_material(leaf, issuer, at=at, now=self._now)
        if material.ocsp is None and material.crl is None:
            self._silent.add(issuer)
        else:
            self._known[leaf, issuer] = material
        return material
