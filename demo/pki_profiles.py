"""What each kind of certificate of the demo PKI says, before anybody signs it.

A role is never only a place below the root (measured.md, Trust): each issuing CA carries the certificate policy of the
one kind it may issue, and the leaf carries the same, so a person's certificate cannot pass as a provider's and a
provider's cannot sign for a person. Persons follow the profile table of section 3.1 of the signing reference (S-002,
S-003). `Fault` names every way a test may ask for a certificate that is wrong in exactly one point.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.pki_store import config
from evidence import der

QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
ISSUING_CAS = {"eshs-ca": "person", "islem-ca": "transaction", "tsa-ca": "timestamp"}
"""Issuing authority to the policy it is held to."""
AUTHORITIES = ("root", *ISSUING_CAS)


class Fault(StrEnum):
    """One deliberate deviation from the profile, for tests. The value is the keyword that asks for it."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    NO_NON_REPUDIATION = "no_non_repudiation"
    KEY_USAGE_NOT_CRITICAL = "key_usage_not_critical"
    NO_USER_NOTICE = "no_user_notice"
    NO_ETSI_STATEMENT = "no_etsi_statement"
    NO_BTK_STATEMENT = "no_btk_statement"
    NO_TCKN = "no_tckn"
    TCKN_PREFIXED = "tckn_prefixed"  # not wrong, only another spelling (S-003)
    WEAK_KEY = "weak_key"
    CA_CERTIFICATE = "ca_certificate"
    LIMIT_ZERO = "limit_zero"
    RESTRICTED_USE = "restricted_use"
    SEAL = "seal"
    TRANSACTION_POLICY = "transaction_policy"
    BROKEN_SIGNATURE = "broken_signature"
    NO_REVOCATION_SOURCES = "no_revocation_sources"


@dataclass(frozen=True)
class Draft:
    """A certificate without key, serial number, issuer and signature."""

    ca: str
    kind: str
    subject: x509.Name
    not_before: datetime
    not_after: datetime
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]
    """Each with whether it is critical. Key identifiers and revocation sources come with the signature."""
    points_to_revocation: bool = True


def new_serial() -> int:
    """A serial number of exactly 16 octets, so that lengths around it are constant."""
    return secrets.randbelow(0x7F) + 1 << 120 | secrets.randbits(120)


def whole_seconds(moment: datetime) -> datetime:
    """The moment in UTC as certificates can hold it."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _years_after(start: datetime, years: int) -> datetime:
    return (
        start.replace(year=start.year + years)
        if (start.month, start.day) != (2, 29)
        else start + timedelta(days=365 * years)
    )


def _start(now: datetime) -> datetime:
    """A day ago: a machine whose clock is a little slow still finds the certificate valid."""
    return whole_seconds(now) - timedelta(days=1)


def _name(common_name: str, *, organization: str = "", serial: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, config()["names"]["country"])]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    if serial:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*names: str) -> x509.KeyUsage:
    known = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in names for name in known})


def _policies(dotted: str, notice: str = "") -> x509.CertificatePolicies:
    qualifiers: list[str | x509.UserNotice] | None = [x509.UserNotice(None, notice)] if notice else None
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(dotted), qualifiers)])


def statements(*dotted: str, zero_limit: bool = False) -> x509.UnrecognizedExtension:
    """The QCStatements extension (RFC 3739, 3.2.6); with `zero_limit` also a limit of 0 TRY per transaction."""
    parts = [der.seq(der.oid(number)) for number in dotted]
    if zero_limit:
        money = der.seq(der.printable("TRY"), der.integer(0), der.integer(0))
        parts.append(der.seq(der.oid(config()["statements"]["limit"]), money))
    return x509.UnrecognizedExtension(QC_STATEMENTS, der.seq(*parts))


def authority(name: str, now: datetime) -> Draft:
    """The root (20 years), or an issuing CA (10 years) held to its one policy and to issuing leaves only."""
    names, years = config()["names"], config()["years"]
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=1 if name == "root" else 0), True),
        (_key_usage("key_cert_sign", "crl_sign"), True),
    ]
    if name != "root":
        extensions.append((_policies(config()["policies"][ISSUING_CAS[name]]), False))
    start = _start(now)
    return Draft(
        ca="root",
        kind="authority",
        subject=_name(names[name], organization=names["organization"]),
        not_before=start,
        not_after=_years_after(start, years["root" if name == "root" else "issuing"]),
        extensions=tuple(extensions),
        points_to_revocation=name != "root",
    )


def responder(ca: str, now: datetime) -> Draft:
    """The certificate that signs OCSP answers for `ca`: delegated, short-lived, itself not asked about (RFC 6960)."""
    names = config()["names"]
    start = _start(now)
    return Draft(
        ca=ca,
        kind="responder",
        subject=_name(f"{names[ca]} {names['responder']}", organization=names["organization"]),
        not_before=start,
        not_after=_years_after(start, config()["years"]["responder"]),
        extensions=(
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),
            (x509.OCSPNoCheck(), False),
        ),
        points_to_revocation=False,
    )


def transaction(provider: str, number: int, now: datetime) -> Draft:
    """One of a provider's two overlapping işlem certificates: `number` 1 ends a year before 2."""
    names = config()["names"]
    start = _start(now)
    return Draft(
        ca="islem-ca",
        kind="transaction",
        subject=_name(
            f"{provider}.kep.tr {names['transaction']} {number}",
            organization=names["providers"].get(provider, provider),
        ),
        not_before=start,
        not_after=_years_after(start, config()["years"]["transaction"][number - 1]),
        extensions=(
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage("digital_signature", "content_commitment"), True),
            (_policies(config()["policies"]["transaction"]), False),
            (x509.SubjectAlternativeName([x509.DNSName(f"{provider}.kep.tr")]), False),
        ),
    )


def timestamp(name: str, now: datetime) -> Draft:
    """A time-stamping certificate: `tsa` (P-256) or `tsa-rsa`; critical, exclusive purpose (RFC 3161, 2.3)."""
    names = config()["names"]
    start = _start(now)
    return Draft(
        ca="tsa-ca",
        kind="timestamp",
        subject=_name(names[name], organization=names["organization"]),
        not_before=start,
        not_after=_years_after(start, config()["years"]["timestamp"]),
        extensions=(
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
            (_policies(config()["policies"]["timestamp"]), False),
        ),
    )


def person(name: str, tckn: str, now: datetime, faults: Collection[Fault] = ()) -> Draft:
    """A qualified certificate of a natural person (section 3.1), right in everything but the named faults."""
    policies, numbers = config()["policies"], config()["statements"]
    usage = "digital_signature" if Fault.NO_NON_REPUDIATION in faults else "content_commitment"
    policy = policies["person"]
    if Fault.SEAL in faults:
        policy = policies["seal"]
    elif Fault.TRANSACTION_POLICY in faults:
        policy = policies["transaction"]
    notice = "" if Fault.NO_USER_NOTICE in faults else config()["notice"]["person"]
    claimed = [
        number
        for number, fault in ((numbers["etsi"], Fault.NO_ETSI_STATEMENT), (numbers["btk"], Fault.NO_BTK_STATEMENT))
        if fault not in faults and Fault.SEAL not in faults
    ]
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=Fault.CA_CERTIFICATE in faults, path_length=None), True),
        (_key_usage(usage), Fault.KEY_USAGE_NOT_CRITICAL not in faults),
        (_policies(policy, notice), False),
    ]
    if claimed or Fault.LIMIT_ZERO in faults:
        extensions.append((statements(*claimed, zero_limit=Fault.LIMIT_ZERO in faults), False))
    if Fault.RESTRICTED_USE in faults:
        extensions.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))
    serial = "" if Fault.NO_TCKN in faults else f"TCKN-{tckn}" if Fault.TCKN_PREFIXED in faults else tckn
    start = _start(now)
    draft = Draft(
        ca="eshs-ca",
        kind="seal" if Fault.SEAL in faults else "person",
        subject=_name(name, serial=serial),
        not_before=start,
        not_after=_years_after(start, config()["years"]["person"]),
        extensions=tuple(extensions),
        points_to_revocation=Fault.NO_REVOCATION_SOURCES not in faults,
    )
    return _moved(draft, faults)


def _moved(draft: Draft, faults: Collection[Fault]) -> Draft:
    """The same certificate with a validity that is over, or has not begun, where a fault asks for it."""
    if Fault.EXPIRED in faults:
        return replace(draft, not_before=draft.not_before - timedelta(days=365), not_after=draft.not_before)
    if Fault.NOT_YET_VALID in faults:
        return replace(draft, not_before=draft.not_before + timedelta(days=30))
    return draft
