"""Path validation: from a leaf to one of our roots, at a given moment, for a given role (V-061, S-012).

The order is the safety. First a path is built out of signatures that verify, never out of names: two authorities may
bear the same name and only the key tells them apart. Where no path reaches a root, the answer is "cannot tell" and
nothing else about the certificate is believed, unless a signature is seen to be broken: then the answer is invalid.
Where a path exists, every rule is looked at and every failure is named once. The role is decided by the certificate
policies that each authority on the way was allowed to issue under (RFC 5280, 6.1, without mappings, which only ever
widen) together with the key usages and the qualified statements, never by the path alone: under one root a person's
certificate would otherwise sign as a provider. Revocation is `evidence.revocation`.

Everything carried in a message is hostile: at most 32 certificates are looked at and a path has at most 8.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from evidence.anchors import CertificateRefused, Role, TrustAnchors, TrustPolicy, TrustReason, Verdict
from evidence.certificate import (
    CertificateFacts,
    facts_of,
    has_fit_key,
    is_authority,
    issued_by,
    key_usage_of,
    load,
    policies_of,
    signature_hash_of,
)
from evidence.names import names_permitted

MAX_PATH = 8
MAX_POOL = 32
MAX_STEPS = 64
MAX_KEPT = 64 * 1024
"""Bytes of certificates up to which the paths through them are remembered."""
ANY_POLICY = "2.5.29.32.0"
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"),  # QCStatements
    }
)


class Finding(Enum):
    """Everything a path can fail by: code and sentence. One of them means "cannot tell", all others invalid."""

    UNREADABLE = ("GVN-01", "Sertifika okunamıyor ya da tanınmayan biçimde.")
    TOO_MANY = ("GVN-02", "İmzanın yanında izin verilenden fazla sertifika var.")
    UNKNOWN_ROOT = ("GVN-03", "Sertifika, güvenilen kök sertifikalardan birine ulaşmıyor.")
    BROKEN_SIGNATURE = ("GVN-04", "Sertifikanın üzerindeki makam imzası tutmuyor.")
    EXPIRED = ("GVN-05", "Sertifikanın süresi o anda dolmuştu.")
    NOT_YET_VALID = ("GVN-06", "Sertifika o anda henüz geçerli değildi.")
    NOT_AN_AUTHORITY = ("GVN-07", "Zincirdeki bir sertifika, sertifika verme yetkisi taşımıyor.")
    PATH_TOO_LONG = ("GVN-08", "Zincir, bir makamın izin verdiğinden uzun.")
    WEAK_ALGORITHM = ("GVN-09", "Sertifikanın anahtarı ya da imza algoritması artık yeterince güçlü sayılmıyor.")
    UNKNOWN_CRITICAL = ("GVN-10", "Sertifikada tanınmayan kritik bir kısıt var.")
    NAME_NOT_PERMITTED = ("GVN-11", "Sertifikadaki ad, makamının ad vermesine izin verilen alanın dışında.")
    AUTHORITY_AS_SIGNER = ("GVN-12", "Sertifika bir makam sertifikası; imza atmak için kullanılamaz.")
    NOT_A_PERSON = ("GVN-20", "Sertifika bir kişinin nitelikli elektronik sertifikası değil.")
    NOT_A_TRANSACTION = ("GVN-21", "Sertifika bir KEP hizmet sağlayıcısının işlem sertifikası değil.")
    NOT_A_TIMESTAMP = ("GVN-22", "Sertifika bir zaman damgası sertifikası değil.")
    NOT_A_RESPONDER = ("GVN-23", "Sertifika bir iptal durumu (OCSP) yanıtlayıcısının sertifikası değil.")

    def reason(self, position: int = 0) -> TrustReason:
        """This finding about the certificate at `position` of the path."""
        verdict = Verdict.INDETERMINATE if self is Finding.UNKNOWN_ROOT else Verdict.INVALID
        return TrustReason(self.value[0], self.value[1], verdict, position)


@dataclass(frozen=True)
class PathReport:
    """The verdict over a path, its reasons (none when VALID), and the path, leaf first, root last if one was found."""

    verdict: Verdict
    reasons: tuple[TrustReason, ...]
    path: tuple[bytes, ...]


Path = tuple[x509.Certificate, ...]


def check_path(
    leaf: bytes, intermediates: Sequence[bytes], anchors: TrustAnchors, *, at: datetime, role: Role
) -> PathReport:
    """Whether `leaf` led to one of `anchors` at the moment `at` and may act in `role`.

    `intermediates` are certificates in DER, in any order, as found in a message; unreadable ones help nobody and are
    passed over. Never raises for what is in them. ValueError if `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a zone proves nothing")
    try:
        facts = facts_of(leaf, policy=anchors.policy)
    except CertificateRefused:
        return PathReport(Verdict.INVALID, (Finding.UNREADABLE.reason(),), (leaf,))
    if len(intermediates) > MAX_POOL:
        return PathReport(Verdict.INVALID, (Finding.TOO_MANY.reason(),), (leaf,))
    pool = tuple(dict.fromkeys(intermediates))
    is_small = len(leaf) + sum(map(len, pool)) <= MAX_KEPT
    found: PathReport | None = None
    for way in (_ways if is_small else _ways.__wrapped__)(leaf, pool, anchors):
        report = _judge(way, facts, anchors.policy, at, role)
        if report.verdict is Verdict.VALID:
            return report
        found = found or report
    return found or _unfinished(load(leaf), _readable(pool), anchors)


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One path that signatures lead along, with all about it that neither the moment nor the role can change."""

    path: tuple[bytes, ...]
    terms: tuple[tuple[datetime, datetime], ...]
    """For each certificate: not before, not after."""
    lasting: tuple[tuple[Finding, ...], ...]
    """For each certificate: what is wrong with it in its place at any moment."""
    policies: frozenset[str]


@lru_cache(maxsize=256)
def _ways(leaf: bytes, pool: tuple[bytes, ...], anchors: TrustAnchors) -> tuple[_Way, ...]:
    """Every path from `leaf` to a root. Kept: one person signs many messages and brings the same certificates, and
    this hangs on their bytes, the roots and the policy alone. Moment, role and revocation are asked each time."""
    return tuple(
        _Way(
            path=tuple(_der(one) for one in path),
            terms=tuple((one.not_valid_before_utc, one.not_valid_after_utc) for one in path),
            lasting=tuple(tuple(_lasting(path, position, anchors.policy)) for position in range(len(path))),
            policies=_effective_policies(path),
        )
        for path in _paths(load(leaf), _readable(pool), anchors)
    )


def _readable(raws: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    pool = []
    for raw in dict.fromkeys(raws):
        try:
            pool.append(load(raw))
        except CertificateRefused:
            continue
    return tuple(pool)


def _paths(leaf: x509.Certificate, pool: Path, anchors: TrustAnchors) -> Iterator[Path]:
    """Every way from `leaf` up to a root along signatures that verify, until `MAX_STEPS` places were looked at.

    No path holds two certificates of one name and key: authorities that sign each other in a ring would otherwise
    multiply into more paths than anybody can judge.
    """
    waiting: list[Path] = [(leaf,)]
    steps = 0
    while waiting and steps < MAX_STEPS:
        begun, steps = waiting.pop(), steps + 1
        last = begun[-1]
        for root in anchors.certificates:
            if last == root:
                yield begun
            elif issued_by(last, root):
                yield (*begun, root)
        if len(begun) < MAX_PATH - 1:
            waiting.extend(
                (*begun, one)
                for one in reversed(pool)
                if one not in anchors.certificates and not _met(one, begun) and issued_by(last, one)
            )


def _met(certificate: x509.Certificate, path: Path) -> bool:
    """Whether the path already holds this name with this key."""
    return any(certificate.subject == one.subject and certificate.public_key() == one.public_key() for one in path)


def _unfinished(leaf: x509.Certificate, pool: Path, anchors: TrustAnchors) -> PathReport:
    """The report where no path reaches a root: a broken signature if one is seen, else an unknown root."""
    path = [leaf]
    while above := next((one for one in pool if not _met(one, tuple(path)) and issued_by(path[-1], one)), None):
        path.append(above)
    named = [one for one in (*pool, *anchors.certificates) if _claims(path[-1], one)]
    broken = bool(named) and not any(issued_by(path[-1], one) for one in named)
    finding = Finding.BROKEN_SIGNATURE if broken else Finding.UNKNOWN_ROOT
    reason = finding.reason(len(path) - 1)
    return PathReport(reason.verdict, (reason,), tuple(_der(one) for one in path))


def _claims(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the certificate names this issuer and this issuer's key. A world rebuilt under the same names has other
    keys: its certificates claim nothing of ours and stay "cannot tell"."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return True
    return named is None or named == own


def _judge(way: _Way, facts: CertificateFacts, policy: TrustPolicy, at: datetime, role: Role) -> PathReport:
    reasons = [
        finding.reason(position)
        for position, (term, lasting) in enumerate(zip(way.terms, way.lasting, strict=True))
        for finding in (*_out_of_term(*term, at), *lasting)
    ]
    if facts.is_ca:
        reasons.append(Finding.AUTHORITY_AS_SIGNER.reason())
    elif (misfit := _misfit(facts, way.policies, policy, role)) is not None:
        reasons.append(misfit.reason())
    verdict = Verdict.worst(tuple(reason.verdict for reason in reasons))
    return PathReport(verdict, tuple(reasons), way.path)


def _out_of_term(begins: datetime, ends: datetime, at: datetime) -> Iterator[Finding]:
    if at < begins:
        yield Finding.NOT_YET_VALID
    if at > ends:
        yield Finding.EXPIRED


def _lasting(path: Path, position: int, policy: TrustPolicy) -> Iterator[Finding]:
    """What is wrong with one certificate in its place on the path, whatever the moment."""
    certificate = path[position]
    is_root = position == len(path) - 1
    if not has_fit_key(certificate, policy) or not (is_root or signature_hash_of(certificate) in policy.hashes):
        yield Finding.WEAK_ALGORITHM
    if any(one.critical and one.oid not in _UNDERSTOOD for one in certificate.extensions):
        yield Finding.UNKNOWN_CRITICAL
    if position == 0:
        return
    if not is_authority(certificate) or "keyCertSign" not in key_usage_of(certificate)[0]:
        yield Finding.NOT_AN_AUTHORITY
    if _too_long(path, position):
        yield Finding.PATH_TOO_LONG
    if not all(names_permitted(certificate, below) for below in path[:position]):
        yield Finding.NAME_NOT_PERMITTED


def _too_long(path: Path, position: int) -> bool:
    """Whether more authorities stand below this one than its pathLenConstraint allows (self-issued ones are free)."""
    try:
        limit = path[position].extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    except x509.ExtensionNotFound:
        return False
    below = sum(1 for one in path[1:position] if one.subject != one.issuer)
    return limit is not None and below > limit


def _effective_policies(path: Path) -> frozenset[str]:
    """The leaf's policies that every authority between it and the root was itself held to (RFC 5280, 6.1.3)."""
    effective = frozenset(policies_of(path[0])[0]) - {ANY_POLICY}
    for authority in path[1:-1]:
        allowed = policies_of(authority)[0]
        if ANY_POLICY not in allowed:
            effective &= frozenset(allowed)
    return effective


def _misfit(facts: CertificateFacts, effective: frozenset[str], policy: TrustPolicy, role: Role) -> Finding | None:
    """What keeps the certificate from acting in the role; None if nothing does."""
    usage, purposes = facts.key_usage, facts.extended_key_usage
    may_sign = not usage.isdisjoint({"digitalSignature", "nonRepudiation"})
    stamping, answering = (
        ExtendedKeyUsageOID.TIME_STAMPING.dotted_string,
        ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string,
    )
    single_purpose = not purposes.isdisjoint({stamping, answering})
    if role is Role.PERSON:
        fits = (
            facts.is_qualified
            and "nonRepudiation" in usage
            and facts.is_persons
            and policy.is_persons(effective)
            and not single_purpose
        )
        return None if fits else Finding.NOT_A_PERSON
    if role is Role.TRANSACTION:
        fits = not effective.isdisjoint(policy.transaction) and may_sign and not single_purpose
        return None if fits and not facts.is_qualified else Finding.NOT_A_TRANSACTION
    if role is Role.TIMESTAMP:
        exact = purposes == {stamping} and facts.extended_key_usage_critical
        under_policy = not policy.timestamp or not effective.isdisjoint(policy.timestamp)
        return None if exact and under_policy and may_sign else Finding.NOT_A_TIMESTAMP
    return None if answering in purposes and may_sign else Finding.NOT_A_RESPONDER


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
