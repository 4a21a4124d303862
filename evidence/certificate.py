"""What a certificate says about itself, as plain values, and whether another one signed it.

Nothing here is trust: facts are claims until `evidence.chain` has led them to a root. Other floors see certificates
only as `CertificateFacts` and never import a crypto library. Facts carry a person's name and number: they are for the
screen and for comparison, never for a log (I-006).
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from evidence import der
from evidence.anchors import DEMO_POLICY, UNREADABLE, CertificateRefused, TrustPolicy

MAX_CERTIFICATE_BYTES = 64 * 1024
QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
QC_LIMIT = "0.4.0.1862.1.2"
_E = TypeVar("_E", bound=x509.ExtensionType)
_IDENTITY = re.compile(r"(?:(?:TCKN|PNOTR)[-: ]?)?([1-9][0-9]{10})", re.ASCII)
_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}


@dataclass(frozen=True)
class QcLimit:
    """The most money one use of the certificate may commit (ETSI EN 319 412-5, 4.3.2): amount * 10^exponent."""

    currency: str
    amount: int
    exponent: int


@dataclass(frozen=True)
class CertificateFacts:
    """What one certificate claims. OIDs are dotted text, times aware UTC."""

    subject_name: str = field(repr=False)
    """RFC 4514 text, identity number included: not for logs."""
    common_name: str = field(repr=False)
    tckn: str | None = field(repr=False)
    """Eleven digits of the only serialNumber attribute, a `TCKN-` or `PNOTR-` prefix stripped; None if it has no such
    form (S-003). The check digits are the caller's matter."""
    serial_hex: str
    issuer_name: str
    not_before: datetime
    not_after: datetime
    key_usage: frozenset[str]
    """Names of RFC 5280, 4.2.1.3, such as `nonRepudiation`; empty when the extension is absent."""
    key_usage_critical: bool
    extended_key_usage: frozenset[str]
    extended_key_usage_critical: bool
    policies: tuple[str, ...]
    user_notices: tuple[str, ...]
    """Texts of user notice qualifiers that are not empty."""
    qc_statements: tuple[str, ...]
    limit: QcLimit | None
    has_etsi_statement: bool
    has_btk_statement: bool
    is_qualified: bool
    """Whether it carries both: the mark of a nitelikli elektronik sertifika (S-002)."""
    is_seal: bool
    """Whether it says it is a mali mühür or e-mühür (S-003)."""
    is_persons: bool
    """Whether its policies are a person's and of no other role; a claim until the path confirms it."""
    is_ca: bool
    is_strong: bool
    """Whether key and signature are of the strength the policy asks (S-005)."""
    may_sign_documents: bool
    """Whether extended key usages, if there are any, leave its holder free to sign."""
    is_limit_refused: bool
    """Whether its limit is 0 and the policy reads that as a certificate that may commit to nothing."""
    ocsp_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]
    fingerprint_sha256: str
    algorithm: str
    """`RSA-2048`, `P-256`, ... or the OID of a key we do not know."""
    signature_hash: str
    """`sha256`, ... or an empty text where the signature names none we know."""
    san_dns: tuple[str, ...]


@lru_cache(maxsize=1024)
def load(raw: bytes) -> x509.Certificate:
    """The certificate in `raw`. `CertificateRefused` for anything else, for v1 and v2, and above 64 KB."""
    if len(raw) > MAX_CERTIFICATE_BYTES:
        raise CertificateRefused("too large")
    try:
        _check_outline(raw)
        certificate = x509.load_der_x509_certificate(raw)
        _touch(certificate)
    except UNREADABLE as error:
        raise CertificateRefused("unreadable") from error
    except UnsupportedAlgorithm as error:
        raise CertificateRefused("key of an unknown kind") from error
    return certificate


def _check_outline(raw: bytes) -> None:
    """What the library takes and we do not (`DerRefused`): versions before 3, a serial number that is not positive,
    and a signature with "unused" bits, whose first byte would have a second spelling that no signature covers."""
    body, _, signature = der.read(raw).parts(der.SEQUENCE, 3)
    version, serial = body.expect(der.SEQUENCE).children[:2]
    if version.raw != b"\xa0\x03\x02\x01\x02" or serial.as_integer() <= 0:
        raise der.DerRefused("not version 3 with a positive serial number", at=version.start)
    signature.as_bits()


def _touch(certificate: x509.Certificate) -> tuple[object, ...]:
    """Read every field once: the library reads them late, and a bad one would otherwise raise far from here."""
    return (
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.serial_number,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.public_key(),
        certificate.extensions,
    )


@lru_cache(maxsize=4096)
def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` has the issuer's name and its key made the signature. Says nothing about being allowed to."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


@lru_cache(maxsize=1024)
def facts_of(raw: bytes, *, policy: TrustPolicy = DEMO_POLICY) -> CertificateFacts:
    """The claims of a DER certificate; `policy` says what makes it qualified, or a seal.

    `CertificateRefused` where `load` refuses.
    """
    certificate = load(raw)
    policies, notices = policies_of(certificate)
    statements, limit = _statements(certificate)
    usage, usage_critical = key_usage_of(certificate)
    purposes, purposes_critical = extended_key_usage_of(certificate)
    has_etsi, has_btk = (
        not wanted.isdisjoint(statements) for wanted in (policy.etsi_statements, policy.btk_statements)
    )
    return CertificateFacts(
        subject_name=certificate.subject.rfc4514_string(),
        common_name=_single(certificate.subject, NameOID.COMMON_NAME) or "",
        tckn=_tckn(certificate.subject),
        serial_hex=f"{certificate.serial_number:x}",
        issuer_name=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_usage=usage,
        key_usage_critical=usage_critical,
        extended_key_usage=purposes,
        extended_key_usage_critical=purposes_critical,
        policies=policies,
        user_notices=notices,
        qc_statements=statements,
        limit=limit,
        has_etsi_statement=has_etsi,
        has_btk_statement=has_btk,
        is_qualified=has_etsi and has_btk,
        is_seal=not policy.seal.isdisjoint(policies),
        is_persons=policy.is_persons(frozenset(policies)),
        is_ca=is_authority(certificate),
        is_strong=has_fit_key(certificate, policy) and signature_hash_of(certificate) in policy.hashes,
        may_sign_documents=not purposes or not policy.signing_purposes.isdisjoint(purposes),
        is_limit_refused=policy.zero_limit_refused and limit is not None and limit.amount <= 0,
        ocsp_urls=_ocsp_urls(certificate),
        crl_urls=crl_urls_of(certificate),
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        algorithm=_algorithm(certificate),
        signature_hash=signature_hash_of(certificate),
        san_dns=_dns_names(certificate),
    )


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether basicConstraints say CA."""
    found = _extension(certificate, x509.BasicConstraints)
    return found is not None and found.value.ca


def key_usage_of(certificate: x509.Certificate) -> tuple[frozenset[str], bool]:
    """The key usages by their RFC names, and whether the extension is critical."""
    found = _extension(certificate, x509.KeyUsage)
    if found is None:
        return frozenset(), False
    return frozenset(shown for name, shown in _USAGES.items() if getattr(found.value, name)), found.critical


def extended_key_usage_of(certificate: x509.Certificate) -> tuple[frozenset[str], bool]:
    """The extended key usages as dotted OIDs, and whether the extension is critical."""
    found = _extension(certificate, x509.ExtendedKeyUsage)
    if found is None:
        return frozenset(), False
    return frozenset(purpose.dotted_string for purpose in found.value), found.critical


def policies_of(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The certificate policies, and the texts of their user notices that are not empty."""
    found = _extension(certificate, x509.CertificatePolicies)
    if found is None:
        return (), ()
    notices = [
        qualifier.explicit_text
        for information in found.value
        for qualifier in information.policy_qualifiers or ()
        if isinstance(qualifier, x509.UserNotice) and (qualifier.explicit_text or "").strip()
    ]
    dotted = tuple(information.policy_identifier.dotted_string for information in found.value)
    return dotted, tuple(text for text in notices if text)


def crl_urls_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Addresses of whole CRLs by the issuer itself: points that name reasons or another CRL issuer are left out."""
    found = _extension(certificate, x509.CRLDistributionPoints)
    return tuple(
        name.value
        for point in (found.value if found else ())
        if not point.reasons and not point.crl_issuer
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )


def signature_hash_of(certificate: x509.Certificate) -> str:
    """The hash inside the issuer's signature, empty when it is none we know."""
    try:
        found = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return found.name if found else ""


def has_fit_key(certificate: x509.Certificate, policy: TrustPolicy) -> bool:
    """Whether the subject's key is as strong as the policy asks (S-005)."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= policy.min_rsa_bits
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in policy.curves


def _extension(certificate: x509.Certificate, kind: type[_E]) -> x509.Extension[_E] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _single(name: x509.Name, kind: x509.ObjectIdentifier) -> str | None:
    """The text of the only attribute of this kind; None if there is none, or a choice of several."""
    found = name.get_attributes_for_oid(kind)
    value = found[0].value if len(found) == 1 else None
    return value if isinstance(value, str) else None


def _tckn(subject: x509.Name) -> str | None:
    match = _IDENTITY.fullmatch(_single(subject, NameOID.SERIAL_NUMBER) or "")
    return match.group(1) if match else None


def _statements(certificate: x509.Certificate) -> tuple[tuple[str, ...], QcLimit | None]:
    """The QCStatements (RFC 3739, 3.2.6) and the limit among them; a list that is not DER counts as no list."""
    try:
        found = certificate.extensions.get_extension_for_oid(QC_STATEMENTS)
        if not isinstance(found.value, x509.UnrecognizedExtension):
            return (), None
        numbers, limit = [], None
        for statement in der.read(found.value.value).expect(der.SEQUENCE).children:
            parts = statement.expect(der.SEQUENCE).children
            if not 1 <= len(parts) <= 2:
                return (), None
            numbers.append(parts[0].as_oid())
            if numbers[-1] == QC_LIMIT and len(parts) == 2:
                currency, amount, exponent = parts[1].parts(der.SEQUENCE, 3)
                limit = QcLimit(_currency(currency), amount.as_integer(), exponent.as_integer())
    except (x509.ExtensionNotFound, der.DerRefused):
        return (), None
    return tuple(numbers), limit


def _currency(node: der.Node) -> str:
    """ISO 4217 letters, or the number as text."""
    if node.tag == der.PRINTABLE_STRING:
        return node.content.decode("ascii", "replace")
    return str(node.as_integer())


def _ocsp_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    found = _extension(certificate, x509.AuthorityInformationAccess)
    return tuple(
        access.access_location.value
        for access in (found.value if found else ())
        if access.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(access.access_location, x509.UniformResourceIdentifier)
    )


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    found = _extension(certificate, x509.SubjectAlternativeName)
    return tuple(found.value.get_values_for_type(x509.DNSName)) if found else ()


def _algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}.get(key.curve.name, key.curve.name)
    return certificate.public_key_algorithm_oid.dotted_string
