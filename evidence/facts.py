"""What a proof must state, without any format.

`EvidenceFacts` is the legal content of one KEP evidence: which step, of which message, about which recipient, when,
by whom, for what reason. `evidence.xml` writes it as ETSI TS 102 640-2 XML; another format (EN 319 522) can be
written from the same facts. A value that exists is fit to be written: the constructor refuses what no evidence may
state (`InconsistentFacts`) and what XML cannot hold (`UnrepresentableText`), so both are found before the legal step
is taken and not when it is sealed. No Django here.

The codes are those of the PTT system and design.md 1.2; reason numbers and names are annex D of TS 102 640-2, with the
spelling we emit, while `Reason.parse` also takes the other spellings that circulate.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from evidence.refusals import InconsistentFacts, UnrepresentableText

EVENT = "http:uri.etsi.org/02640/Event#"
REASON = "http:uri.etsi.org/REM/EventReason#"
"""Both without `//`, as published and as every implementation writes them: opaque strings."""

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_EVIDENCE_ID = re.compile(r"ev-[0-9a-z-]{1,60}")
_POLICY = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,30}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]{1,300}")
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}")


class EvidenceKind(IntEnum):
    """The step an evidence proves. The number is the legal code that people know ("40 geldi mi?")."""

    SUBMITTED = 10
    NOT_SUBMITTED = 11
    RELAYED = 20
    NOT_RELAYED = 21
    RELAY_FAILED = 31
    DELIVERED = 40
    NOT_DELIVERED = 41
    READ = 60
    DEEMED_READ = 61

    @property
    def title(self) -> str:
        """The Turkish name, as screens and files show it."""
        return _KINDS[self][0]

    @property
    def root_element(self) -> str:
        """The root element of TS 102 640-2."""
        return _KINDS[self][1]

    @property
    def event_code(self) -> str | None:
        """The EventCode URI; None for 31, whose element has no outcome. 41 after a time-out has another: `EXPIRED`."""
        outcome = _KINDS[self][2]
        return EVENT + outcome if outcome else None

    @property
    def is_negative(self) -> bool:
        """Whether the step did not succeed: such an evidence must give a reason."""
        return self in _NEGATIVE

    @property
    def names_recipient(self) -> bool:
        """Whether it speaks of one recipient (20 and above) and not of the whole message (10, 11)."""
        return self >= EvidenceKind.RELAYED


_KINDS: dict[EvidenceKind, tuple[str, str, str]] = {
    EvidenceKind.SUBMITTED: ("Gönderi kabul edildi", "SubmissionAcceptanceRejection", "Acceptance"),
    EvidenceKind.NOT_SUBMITTED: ("Gönderi kabul edilmedi", "SubmissionAcceptanceRejection", "Rejection"),
    EvidenceKind.RELAYED: (
        "Alıcının hizmet sağlayıcısı iletiyi kabul etti",
        "RelayREMMDAcceptanceRejection",
        "Acceptance",
    ),
    EvidenceKind.NOT_RELAYED: (
        "Alıcının hizmet sağlayıcısı iletiyi kabul etmedi",
        "RelayREMMDAcceptanceRejection",
        "Rejection",
    ),
    EvidenceKind.RELAY_FAILED: ("İleti alıcının hizmet sağlayıcısına iletilemedi", "RelayREMMDFailure", ""),
    EvidenceKind.DELIVERED: ("Alıcının kutusuna teslim edildi", "DeliveryNonDeliveryToRecipient", "Delivery"),
    EvidenceKind.NOT_DELIVERED: ("Teslim edilemedi", "DeliveryNonDeliveryToRecipient", "NonDelivery"),
    EvidenceKind.READ: ("Okundu", "RetrievalNonRetrievalByRecipient", "Retrieval"),
    EvidenceKind.DEEMED_READ: ("Okunmuş sayıldı", "RetrievalNonRetrievalByRecipient", "RetrievalExpiration"),
}
_NEGATIVE = frozenset(
    {
        EvidenceKind.NOT_SUBMITTED,
        EvidenceKind.NOT_RELAYED,
        EvidenceKind.RELAY_FAILED,
        EvidenceKind.NOT_DELIVERED,
        EvidenceKind.DEEMED_READ,
    }
)
DELIVERY_EXPIRED = EVENT + "DeliveryExpiration"
"""The EventCode of a 41 that was made because the time ran out (`EvidenceFacts.expired`)."""


class Reason(Enum):
    """Why a step did not succeed: (number, name) of TS 102 640-2 annex D. The name is the one we emit."""

    INVALID_MESSAGE_FORMAT = (1, "InvalidMessageFormat")
    MALWARE_FOUND = (2, "MalwareFound")
    INVALID_USER_SIGNATURE = (3, "InvalidUserSignature")
    USER_CERT_EXPIRED_OR_REVOKED = (4, "UserCertExpiredOrRevoked")
    POLICY_VIOLATION = (5, "PolicyViolation")
    R_REMMD_MALFUNCTION = (6, "R_REMMD_Malfunction")
    R_REMMD_NOT_IDENTIFIED = (7, "R_REMMD_NotIdentified")
    R_REMMD_UNREACHABLE = (8, "R_REMMD_Unreachable")
    NO_DELIVERY_INFO = (9, "S_REMMD_ReceivedNoDeliveryInfoFromR_REMMD")
    UNKNOWN_RECIPIENT = (10, "UnknownRecipient")
    MAILBOX_FULL = (11, "MailboxFull")
    TECHNICAL_MALFUNCTION = (12, "TechnicalMalfunction")
    ATTACHMENT_FORMAT_NOT_ACCEPTED = (13, "AttachementFormatNotAccepted")
    RECIPIENT_REJECTION = (14, "RecipientRejection")
    RETENTION_PERIOD_EXPIRED = (15, "RetentionPeriodExpired")
    REGULAR_EMAIL_UNREACHABLE = (16, "RegularEmailUnreachable")
    REGULAR_EMAIL_NON_OPERATIONAL = (17, "RegularEmailNonOperational")
    REGULAR_EMAIL_REJECTION = (18, "RegularEmailRejection")
    PRINTING_SYSTEM_UNREACHABLE = (19, "PrintingSystemUnreachable")
    PRINTING_SYSTEM_NON_OPERATIONAL = (20, "PrintingSystemNonOperational")
    PRINTING_BUFFER_FULL = (21, "PrintingBufferFull")
    OTHER = (22, "Other")

    @property
    def number(self) -> int:
        """The number in annex D."""
        return self.value[0]

    @property
    def etsi_name(self) -> str:
        """The published name, misspellings included."""
        return self.value[1]

    @property
    def uri(self) -> str:
        """What stands in `Code`."""
        return REASON + self.etsi_name

    @classmethod
    def parse(cls, uri: str) -> "Reason":
        """The reason a `Code` names, in our spelling or one that others use (`//`, corrected or mistyped names).

        Raises InconsistentFacts for a code nobody knows; a reader decides whether that is fatal.
        """
        name = uri.removeprefix(REASON).removeprefix(REASON.replace("http:", "http://"))
        found = _REASONS.get(name)
        if found is None:
            raise InconsistentFacts("unknown reason code")
        return found


_REASONS: dict[str, Reason] = {reason.etsi_name: reason for reason in Reason} | {
    "R_REMMD_NotIdenified": Reason.R_REMMD_NOT_IDENTIFIED,
    "AttachmentFormatNotAccepted": Reason.ATTACHMENT_FORMAT_NOT_ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class Party:
    """A sender or recipient: the KEP address, and the name shown beside it (may be empty)."""

    address: str
    name: str = ""

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise InconsistentFacts("not a KEP address")
        _writable("name", self.name)


@dataclass(frozen=True, slots=True)
class Issuer:
    """The provider that makes the evidence: legal name, evidence policy (`urn:oid:...`), code (`hs01`) and domain."""

    name: str
    policy_id: str
    code: str
    domain: str

    def __post_init__(self) -> None:
        _writable("issuer", self.name)
        if not self.name:
            raise InconsistentFacts("an issuer must have a name")
        if not _POLICY.fullmatch(self.policy_id):
            raise InconsistentFacts("an evidence policy is urn:oid: and an identifier")
        if not _DOMAIN.fullmatch(self.domain) or self.domain.split(".")[0] != self.code:
            raise InconsistentFacts("a provider's domain begins with its code")

    @property
    def address(self) -> str:
        """The service address evidence is sent from, such as `kephs@hs01.kep.tr`."""
        return f"kephs@{self.domain}"


@dataclass(frozen=True, slots=True)
class Authentication:
    """When and how somebody proved who they are (`method_uri`, a URI of the provider's evidence policy)."""

    at: datetime
    method_uri: str

    def __post_init__(self) -> None:
        _whole_second("authentication", self.at)
        if not _URI.fullmatch(self.method_uri):
            raise InconsistentFacts("an authentication method is a URI")


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """The content of one evidence (A-002, K-106).

    Times are aware UTC of whole seconds; `event_at` is the commit of the step and is never re-dated (A-003).
    `recipient_no` counts from 1 in the order of `recipients`; 0 speaks of the whole message (10 and 11 only).
    `original_digest` is the SHA-256 of the exact bytes of the original. `expired` belongs to a 41 that was made because
    the time ran out. Empty `original_message_id` means that the original carried none.
    """

    evidence_id: str
    kind: EvidenceKind
    reasons: tuple[tuple[Reason, str], ...]
    issuer: Issuer
    event_at: datetime
    submitted_at: datetime
    sender: Party
    sender_authentication: Authentication | None
    recipient_authentication: Authentication | None
    recipients: tuple[Party, ...]
    recipient_no: int
    subject: str
    original_message_id: str
    kep_id: str
    original_digest: bytes
    expired: bool = False

    def __post_init__(self) -> None:
        if not _EVIDENCE_ID.fullmatch(self.evidence_id):
            raise InconsistentFacts("an evidence id is ev- and a UUID")
        if not self.recipients:
            raise InconsistentFacts("a message has recipients")
        lowest = 1 if self.kind.names_recipient else 0
        highest = len(self.recipients) if self.kind.names_recipient else 0
        if not lowest <= self.recipient_no <= highest:
            raise InconsistentFacts("recipient number does not fit the kind", kind=int(self.kind))
        if self.kind.is_negative and not self.reasons:
            raise InconsistentFacts("a refusal must give its reason", kind=int(self.kind))
        if self.expired and self.kind is not EvidenceKind.NOT_DELIVERED:
            raise InconsistentFacts("only a 41 can say that the time ran out", kind=int(self.kind))
        if len(self.original_digest) != 32:
            raise InconsistentFacts("a SHA-256 digest has 32 bytes")
        if not self.kep_id:
            raise InconsistentFacts("a message has a KEP id")
        _whole_second("event", self.event_at)
        _whole_second("submission", self.submitted_at)
        _writable("subject", self.subject)
        _writable("message id", self.original_message_id)
        _writable("KEP id", self.kep_id)
        for _, detail in self.reasons:
            _writable("reason", detail)

    @property
    def event_code(self) -> str | None:
        """The EventCode URI this evidence states, None for 31."""
        return DELIVERY_EXPIRED if self.expired else self.kind.event_code


def _writable(field: str, text: str) -> None:
    if _UNWRITABLE.search(text):
        raise UnrepresentableText("text XML cannot hold", field=field)


def _whole_second(name: str, moment: datetime) -> None:
    if moment.utcoffset() != timedelta(0) or moment.microsecond:
        raise InconsistentFacts(f"the time of {name} must be UTC and whole seconds")
    if not 1900 <= moment.year <= 9999:
        raise InconsistentFacts(f"the time of {name} is out of range")
