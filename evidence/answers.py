"""One OCSP answer, or one CRL: is it about this certificate, and did somebody say it who may? (S-012)

Whether the answer is fresh enough to decide is `evidence.revocation`. Everything read here is hostile: sizes are
bounded, a form that is not understood is refused, and what is not signed by the issuer, or by a responder the issuer
itself delegated to, is not heard.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp as ocsp_form
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence import der
from evidence.anchors import UNREADABLE, TrustPolicy, TrustReason, Verdict
from evidence.certificate import (
    crl_urls_of,
    extended_key_usage_of,
    has_fit_key,
    is_authority,
    issued_by,
    key_usage_of,
    load,
    signature_hash_of,
)

MAX_OCSP_BYTES = 64 * 1024
MAX_CRL_BYTES = 32 * 1024 * 1024
_CERT_ID_HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303 - names an issuer, protects nothing
_CRL_UNDERSTOOD = (
    x509.CRLNumber,
    x509.AuthorityKeyIdentifier,
    x509.IssuingDistributionPoint,
    x509.AuthorityInformationAccess,
)
Source = Literal["ocsp", "crl"]


class RevocationFinding(Enum):
    """Why there is no clean answer: code and sentence. Only REVOKED makes a certificate invalid."""

    NOTHING = ("IPT-01", "Sertifikanın iptal durumu öğrenilemedi.")
    OCSP_UNREADABLE = ("IPT-02", "İptal durumu yanıtı okunamıyor.")
    OCSP_DECLINED = ("IPT-03", "İptal durumu hizmeti soruyu yanıtlamadı.")
    OCSP_OTHER_CERTIFICATE = ("IPT-04", "İptal durumu yanıtı başka bir sertifika hakkında.")
    OCSP_STRANGER = ("IPT-05", "İptal durumu yanıtını, makamın yetki vermediği biri imzalamış.")
    OCSP_BROKEN_SIGNATURE = ("IPT-06", "İptal durumu yanıtının imzası tutmuyor.")
    OCSP_NOT_CURRENT = ("IPT-07", "İptal durumu yanıtı o ana ait değil ya da süresi geçmiş.")
    OCSP_UNKNOWN = ("IPT-08", "Makam bu sertifikayı tanımadığını bildirdi.")
    OCSP_OTHER_NONCE = ("IPT-09", "İptal durumu yanıtı başka bir sorunun yanıtı.")
    UNREACHED = ("IPT-10", "İptal durumu hizmetine ulaşılamadı.")
    CRL_UNREADABLE = ("IPT-12", "İptal listesi okunamıyor.")
    CRL_OTHER_SCOPE = ("IPT-13", "İptal listesi bu sertifikanın makamına ait tam bir liste değil.")
    CRL_BROKEN_SIGNATURE = ("IPT-14", "İptal listesinin imzası tutmuyor.")
    CRL_NOT_CURRENT = ("IPT-15", "İptal listesi o ana ait değil ya da süresi geçmiş.")
    REVOKED = ("IPT-20", "Sertifika, imza anından önce iptal edilmişti.")

    def reason(self, position: int = 0) -> TrustReason:
        """This finding about the certificate at `position` of a path."""
        verdict = Verdict.INVALID if self is RevocationFinding.REVOKED else Verdict.INDETERMINATE
        return TrustReason(self.value[0], self.value[1], verdict, position)


@dataclass(frozen=True)
class Answer:
    """What one usable piece of material says. Times are aware UTC."""

    source: Source
    this_update: datetime
    next_update: datetime
    revoked_at: datetime | None = None
    reason: str | None = None


def ocsp_request(leaf: bytes, issuer: bytes, *, nonce: bytes) -> bytes:
    """The request to send to a responder, naming the issuer by SHA-256. `CertificateRefused` for unreadable bytes."""
    builder = ocsp_form.OCSPRequestBuilder().add_certificate(load(leaf), load(issuer), hashes.SHA256())
    return builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(serialization.Encoding.DER)


def answers_nonce(ocsp: bytes, nonce: bytes) -> bool:
    """Whether a readable answer echoes the nonce, or carries none (RFC 9654 lets responders answer from a store;
    freshness then rests on its times)."""
    try:
        found = ocsp_form.load_der_ocsp_response(ocsp).extensions.get_extension_for_class(x509.OCSPNonce)
    except x509.ExtensionNotFound:
        return True
    except (*UNREADABLE, UnsupportedAlgorithm):
        return False
    return found.value.nonce == nonce


@lru_cache(maxsize=512)
def read_ocsp(
    raw: bytes, leaf: x509.Certificate, issuer: x509.Certificate, policy: TrustPolicy
) -> Answer | RevocationFinding:
    """What an OCSP response says about `leaf`, or why it says nothing. Never raises for what is in `raw`.

    Kept for a while, because one answer decides about many signatures; whether it is fresh enough is asked each time.
    """
    if len(raw) > MAX_OCSP_BYTES:
        return RevocationFinding.OCSP_UNREADABLE
    try:
        response = ocsp_form.load_der_ocsp_response(raw)
        _check_ocsp_bits(raw)
        if response.response_status is not ocsp_form.OCSPResponseStatus.SUCCESSFUL:
            return RevocationFinding.OCSP_DECLINED
        single = next((one for one in response.responses if _is_about(one, leaf, issuer)), None)
        if single is None:
            return RevocationFinding.OCSP_OTHER_CERTIFICATE
        signer = _responder(response, issuer, policy)
        if signer is None:
            return RevocationFinding.OCSP_STRANGER
        if not _signed(response, signer, policy):
            return RevocationFinding.OCSP_BROKEN_SIGNATURE
        if single.certificate_status is ocsp_form.OCSPCertStatus.UNKNOWN:
            return RevocationFinding.OCSP_UNKNOWN
        reason = single.revocation_reason
        return Answer(
            "ocsp",
            single.this_update_utc,
            single.next_update_utc or single.this_update_utc + policy.ocsp_lifetime,
            single.revocation_time_utc,
            reason.value if reason else None,
        )
    except (*UNREADABLE, UnsupportedAlgorithm):
        return RevocationFinding.OCSP_UNREADABLE


def _check_ocsp_bits(raw: bytes) -> None:
    """Refuse signature bits in another spelling than the one DER form (`DerRefused`), for the answer and what it
    carries: no signature covers that byte."""
    parts = der.read(raw).expect(der.SEQUENCE).children
    if len(parts) == 2:
        kind_and_body = parts[1].parts(0xA0, 1)[0].parts(der.SEQUENCE, 2)
        basic = der.read(kind_and_body[1].as_octets()).expect(der.SEQUENCE).children
        for signed in ((basic[2],), *(one.parts(der.SEQUENCE, 3)[2:] for part in basic[3:] for one in _inside(part))):
            signed[0].as_bits()


def _inside(certificates: der.Node) -> tuple[der.Node, ...]:
    return certificates.parts(0xA0, 1)[0].expect(der.SEQUENCE).children


def _is_about(single: ocsp_form.OCSPSingleResponse, leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the CertID of the answer is this certificate's, under the hash the answer chose."""
    algorithm = _CERT_ID_HASHES.get(single.hash_algorithm.name)
    if algorithm is None or single.serial_number != leaf.serial_number:
        return False
    own = ocsp_form.OCSPRequestBuilder().add_certificate(leaf, issuer, algorithm).build()
    return single.issuer_name_hash == own.issuer_name_hash and single.issuer_key_hash == own.issuer_key_hash


def _responder(
    response: ocsp_form.OCSPResponse, issuer: x509.Certificate, policy: TrustPolicy
) -> x509.Certificate | None:
    """The issuer, or the certificate it delegated to, whichever the answer says signed it (RFC 6960, 4.2.2.2)."""
    if _is_named(response, issuer):
        return issuer
    return next(
        (
            one
            for one in response.certificates[:8]
            if _is_named(response, one) and _delegated(one, issuer, policy, response.produced_at_utc)
        ),
        None,
    )


def _is_named(response: ocsp_form.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    return response.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _delegated(
    certificate: x509.Certificate, issuer: x509.Certificate, policy: TrustPolicy, produced_at: datetime
) -> bool:
    """Whether the issuer itself made this certificate for answering, in force when the answer was made, and told not
    to be asked about (id-pkix-ocsp-nocheck): asking a responder about itself would go in circles."""
    if not issued_by(certificate, issuer) or is_authority(certificate):
        return False
    unasked = any(one.oid == x509.OCSPNoCheck.oid for one in certificate.extensions)
    answering = ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in extended_key_usage_of(certificate)[0]
    strong = has_fit_key(certificate, policy) and signature_hash_of(certificate) in policy.hashes
    in_force = certificate.not_valid_before_utc <= produced_at <= certificate.not_valid_after_utc
    return unasked and answering and strong and in_force


def _signed(response: ocsp_form.OCSPResponse, signer: x509.Certificate, policy: TrustPolicy) -> bool:
    """Whether the signer's key made the answer's signature: ECDSA, or RSA with PKCS #1 v1.5, over a hash that holds."""
    algorithm, key = response.signature_hash_algorithm, signer.public_key()
    if algorithm is None or algorithm.name not in policy.hashes:
        return False
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def read_crl(
    raw: bytes, leaf: x509.Certificate, issuer: x509.Certificate, policy: TrustPolicy
) -> Answer | RevocationFinding:
    """What a CRL says about `leaf`, or why it says nothing. Never raises for what is in `raw`."""
    if len(raw) > MAX_CRL_BYTES:
        return RevocationFinding.CRL_UNREADABLE
    try:
        crl = _load_crl(raw)
        if crl.issuer != issuer.subject or not _covers(crl, leaf):
            return RevocationFinding.CRL_OTHER_SCOPE
        algorithm = crl.signature_hash_algorithm
        if algorithm is None or algorithm.name not in policy.hashes or not _crl_signed(raw, issuer):
            return RevocationFinding.CRL_BROKEN_SIGNATURE
        if crl.next_update_utc is None:
            return RevocationFinding.CRL_NOT_CURRENT
        entry = crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
        revoked_at, reason = (None, None) if entry is None else (entry.revocation_date_utc, _entry_reason(entry))
        return Answer("crl", crl.last_update_utc, crl.next_update_utc, revoked_at, reason)
    except (*UNREADABLE, UnsupportedAlgorithm):
        return RevocationFinding.CRL_UNREADABLE


@lru_cache(maxsize=16)
def _load_crl(raw: bytes) -> x509.CertificateRevocationList:
    der.read(raw, max_bytes=MAX_CRL_BYTES).parts(der.SEQUENCE, 3)[2].as_bits()
    return x509.load_der_x509_crl(raw)


@lru_cache(maxsize=16)
def _crl_signed(raw: bytes, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if "cRLSign" not in key_usage_of(issuer)[0] or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return False
    return _load_crl(raw).is_signature_valid(key)


def _covers(crl: x509.CertificateRevocationList, leaf: x509.Certificate) -> bool:
    """Whether the list is whole and speaks for this certificate: no delta, no indirect list, no part without it."""
    if any(one.critical and not isinstance(one.value, _CRL_UNDERSTOOD) for one in crl.extensions):
        return False
    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return not any(isinstance(one.value, x509.DeltaCRLIndicator) for one in crl.extensions)
    if scope.indirect_crl or scope.only_some_reasons or scope.only_contains_attribute_certs or scope.relative_name:
        return False
    if scope.only_contains_ca_certs if not is_authority(leaf) else scope.only_contains_user_certs:
        return False
    named = {one.value for one in scope.full_name or () if isinstance(one, x509.UniformResourceIdentifier)}
    return scope.full_name is None or not named.isdisjoint(crl_urls_of(leaf))


def _entry_reason(entry: x509.RevokedCertificate) -> str | None:
    """The entry's reason. ValueError for an entry that speaks of another issuer's certificate (indirect lists)."""
    if any(one.critical and not isinstance(one.value, x509.CRLReason) for one in entry.extensions):
        raise ValueError("entry under a rule we do not know")
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return None
