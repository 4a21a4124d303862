"""Whom we trust and for what: the words all trust decisions are made of.

Trust anchors are a dated list kept by the operator (S-004), never taken from a message, a bundle or the machine's own
store. A root alone says too little (measured.md, Trust): what a certificate may do is decided by the policies its
issuing authority was held to, and which policies mean which role is data in `TrustPolicy`, not code. There are three
verdicts and each comes with its reasons (V-061); "cannot tell" is never shown as valid.
"""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from evidence.der import DerRefused
from evidence.errors import EvidenceError

UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    DerRefused,
)
"""What reading hostile X.509 structures raises (several of these are no ValueError)."""


class Verdict(Enum):
    """What a check found; the value is the word shown."""

    VALID = "Geçerli"
    INVALID = "Geçersiz"
    INDETERMINATE = "Belirlenemedi"

    @classmethod
    def worst(cls, verdicts: "tuple[Verdict, ...]") -> "Verdict":
        """INVALID before INDETERMINATE before VALID; VALID for none."""
        for verdict in (cls.INVALID, cls.INDETERMINATE):
            if verdict in verdicts:
                return verdict
        return cls.VALID


class Role(Enum):
    """What a certificate is asked to be."""

    PERSON = "person"  # a natural person's qualified certificate (nitelikli elektronik sertifika)
    TRANSACTION = "transaction"  # a provider's işlem sertifikası
    TIMESTAMP = "timestamp"
    OCSP = "ocsp"


class AnchorsRefused(EvidenceError):
    """A list of roots that is empty, unreadable, or holds something that is no self-signed CA certificate."""

    code = "GVN-90"
    user_message = (
        "Güvenilen kök sertifikalar dosyası okunamadı ya da kök sertifika içermiyor. Hiçbir şey denetlenmedi; "
        "dosyayı düzeltip yeniden deneyin."
    )


class CertificateRefused(EvidenceError):
    """Bytes that are no readable X.509 v3 certificate of ordinary size (V-062)."""

    code = "GVN-91"
    user_message = (
        "Sertifika okunamadı; bozuk ya da tanınmayan biçimde. Hiçbir şey gönderilmedi. "
        "Sertifikanızı veren kuruluşa başvurun ya da başka bir sertifikayla deneyin."
    )


@dataclass(frozen=True)
class TrustReason:
    """Why a verdict is not VALID: a stable code, one Turkish sentence, and where in the path (0 is the leaf)."""

    code: str
    text_tr: str
    verdict: Verdict = Verdict.INVALID
    position: int = 0


_ROLES = {"person", "transaction", "timestamp", "seal"}
_STATEMENTS = {"etsi", "btk"}
_LIMITS = {"zero_limit_refused": bool, "min_rsa_bits": int}
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,30}")


@dataclass(frozen=True)
class TrustPolicy:
    """Which object identifiers mean which role, which algorithms still hold (S-005), and how long answers live.

    All OIDs are dotted text. Values are dated configuration: a verifier of old material passes the policy of its time.
    """

    person: frozenset[str]
    """Certificate policies under which persons' qualified certificates are issued; empty accepts any that is not of
    another role."""
    transaction: frozenset[str]
    timestamp: frozenset[str]
    seal: frozenset[str]
    """Mali mühür and e-mühür: an institution's seal, never a person's signature (S-003)."""
    etsi_statements: frozenset[str]
    """One of these must be in QCStatements; and one of `btk_statements`: the expression of table 3.1."""
    btk_statements: frozenset[str]
    zero_limit_refused: bool = True
    """What a QC limit value of 0 means: the two conformity suites disagree, so it is decided here (table 3.1)."""
    signing_purposes: frozenset[str] = frozenset(
        {"2.5.29.37.0", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12"}
    )
    """Extended key usages that leave a person free to sign: any, e-mail protection, document signing (two numbers)."""
    hashes: frozenset[str] = frozenset({"sha256", "sha384", "sha512"})
    min_rsa_bits: int = 2048
    curves: frozenset[str] = frozenset({"secp256r1", "secp384r1", "secp521r1"})
    ocsp_lifetime: timedelta = timedelta(minutes=10)
    """How much older than the proven signing time a good answer may be and still count (design.md 1.8)."""
    clock_skew: timedelta = timedelta(minutes=2)
    """How far another machine's clock may run ahead of ours."""

    @classmethod
    def from_toml(cls, source: Path) -> "TrustPolicy":
        """The policy a provider's operator wrote down: `[policies]` person, transaction, timestamp, seal and
        `[statements]` etsi, btk, each a list of dotted OIDs; `[limits]` zero_limit_refused, min_rsa_bits.

        AnchorsRefused for a missing list, an unknown name or anything that is no OID: a policy is never half read.
        """
        try:
            read = tomllib.loads(source.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise AnchorsRefused("the trust policy cannot be read", name=source.name) from error
        policies, statements, limits = (read.pop(name, {}) for name in ("policies", "statements", "limits"))
        if read or set(policies) != _ROLES or set(statements) != _STATEMENTS or set(limits) - set(_LIMITS):
            raise AnchorsRefused("the trust policy has other names than it may have", name=source.name)
        if any(type(value) is not _LIMITS[name] for name, value in limits.items()):
            raise AnchorsRefused("a limit of the trust policy is of another type", name=source.name)
        lists = {**policies, **{f"{name}_statements": value for name, value in statements.items()}}
        for value in lists.values():
            if not isinstance(value, list) or not all(isinstance(one, str) and _OID.fullmatch(one) for one in value):
                raise AnchorsRefused("the trust policy lists something that is no OID", name=source.name)
        read_lists: dict[str, Any] = {name: frozenset(value) for name, value in lists.items()}
        return cls(**read_lists, **limits)

    def is_persons(self, policies: frozenset[str]) -> bool:
        """Whether certificate policies are those of a person's certificate and of no other role."""
        wanted = not policies.isdisjoint(self.person) if self.person else bool(policies)
        return wanted and policies.isdisjoint(self.transaction | self.timestamp | self.seal)


DEMO_POLICY = TrustPolicy(
    person=frozenset({"2.999.5070.1.1"}),
    transaction=frozenset({"2.999.5070.2.1"}),
    timestamp=frozenset({"2.999.5070.3.1"}),
    seal=frozenset({"2.16.792.1.2.1.1.5.7.50.1", "2.16.792.1.2.1.1.5.7.50.2"}),
    etsi_statements=frozenset({"0.4.0.1862.1.1"}),
    btk_statements=frozenset({"2.16.792.1.61.0.1.5070.1.1"}),
)
"""The policies of the demo PKI (its own list of numbers is compared with this one by a test); statements are real."""


@dataclass(frozen=True)
class TrustAnchors:
    """The roots that count, as DER, and the policy they are trusted under.

    `AnchorsRefused` for an empty list and for anything that is not a certificate authority signed by itself.
    """

    roots: tuple[bytes, ...]
    policy: TrustPolicy = field(default=DEMO_POLICY, repr=False)

    def __post_init__(self) -> None:
        if not self.roots:
            raise AnchorsRefused("no root")
        for root in self.certificates:
            try:
                constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
                root.verify_directly_issued_by(root)
            except (*UNREADABLE, x509.ExtensionNotFound, UnsupportedAlgorithm, InvalidSignature) as error:
                raise AnchorsRefused("not a self-signed authority") from error
            if not constraints.ca:
                raise AnchorsRefused("not a certificate authority")

    @classmethod
    def from_pem(cls, source: Path | str | bytes, *, policy: TrustPolicy = DEMO_POLICY) -> "TrustAnchors":
        """The roots of a PEM file (a path) or of PEM text (bytes). `AnchorsRefused` if it cannot be read."""
        try:
            raw = source if isinstance(source, bytes) else Path(source).read_bytes()
            found = x509.load_pem_x509_certificates(raw)
        except (OSError, *UNREADABLE) as error:
            raise AnchorsRefused("unreadable") from error
        return cls(tuple(root.public_bytes(serialization.Encoding.DER) for root in found), policy)

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The roots, parsed. `AnchorsRefused` if one cannot be."""
        try:
            return tuple(x509.load_der_x509_certificate(root) for root in self.roots)
        except UNREADABLE as error:
            raise AnchorsRefused("unreadable") from error
