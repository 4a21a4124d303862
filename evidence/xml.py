"""Evidence as ETSI TS 102 640-2 XML (version 2), written so that the bytes of the file are its canonical form.

The document is put together from constants and escaped text in one order, one spelling and one line: no declaration,
no white space between elements, empty elements as start and end, declarations before attributes, each prefix declared
where it is used. Exclusive, inclusive and version 2 canonicalisation of these bytes all give the same bytes, so a
digest may be taken over them without a canonicaliser (measured.md, byte rules).

`read` is the exact inverse: it takes the pieces out by our own grammar and then demands that `render` of what it read
gives every byte back. A comment inside an address, a blank in a tag, a declaration, an entity where a letter could
stand: an XML parser takes them and a signature stays valid over them, here they are `EvidenceRefused`. Evidence of
providers with other software has other bytes and is not for this reader.
"""

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from functools import lru_cache

from evidence.facts import (
    DELIVERY_EXPIRED,
    Authentication,
    EvidenceFacts,
    EvidenceKind,
    Issuer,
    Party,
    Reason,
)
from evidence.refusals import EvidenceRefused, InconsistentFacts, UnrepresentableText

NAMESPACE = "http://uri.etsi.org/02640/v2#"
VERSION = "2.1.1"
DS = 'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"
MAX_BYTES = 8 * 1024 * 1024
"""Ten thousand recipients stay far below."""

_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
_ATTRIBUTE = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
_IN_TEXT, _IN_ATTRIBUTE = re.compile("[&<>\r]"), re.compile('[&<"\t\n\r]')
_REFERENCES = {name: char for char, name in (_TEXT | _ATTRIBUTE).items()}
_REFERENCE = re.compile("&[^;]{0,6};?")


# --- writing ---------------------------------------------------------------------------------------------------


def render(facts: EvidenceFacts) -> bytes:
    """The unsigned evidence, canonical. Facts that exist can be written: nothing is refused here."""
    root = facts.kind.root_element
    sender_method, recipient_method = facts.sender_authentication, facts.recipient_authentication
    pieces = (
        f'<{root} xmlns="{NAMESPACE}" Id="ev" version="{VERSION}">',
        f"<EventCode>{facts.event_code}</EventCode>" if facts.event_code else "",
        f"<EventReasons>{''.join(map(_reason, facts.reasons))}</EventReasons>" if facts.reasons else "",
        f"<EvidenceIdentifier>{facts.evidence_id}</EvidenceIdentifier>",
        f"<EvidenceIssuerPolicyID><PolicyID>{facts.issuer.policy_id}</PolicyID></EvidenceIssuerPolicyID>",
        "<EvidenceIssuerDetails><NamesPostalAddresses><NamePostalAddress>"
        f'<EntityName xml:lang="tr"><Name>{_text(facts.issuer.name)}</Name></EntityName>'
        "</NamePostalAddress></NamesPostalAddresses>"
        f'<AttributedElectronicAddress scheme="mailto">{facts.issuer.address}</AttributedElectronicAddress>'
        "</EvidenceIssuerDetails>",
        _authentication("SenderAuthenticationDetails", sender_method) if sender_method else "",
        _authentication("RecipientAuthenticationDetails", recipient_method) if recipient_method else "",
        f"<EventTime>{time(facts.event_at)}</EventTime>",
        f"<SubmissionTime>{time(facts.submitted_at)}</SubmissionTime>",
        f"<SenderDetails>{_party(facts.sender)}</SenderDetails>",
        "<RecipientsDetails>",
        *(f"<EntityDetails>{_party(one)}</EntityDetails>" for one in facts.recipients),
        "</RecipientsDetails>",
        _number(facts.recipient_no) if facts.recipient_no else "",
        '<SenderMessageDetails isNotification="false">',
        f"<MessageSubject>{_text(facts.subject)}</MessageSubject>",
        _user_agent_id(facts.original_message_id) if facts.original_message_id else "",
        f"<MessageIdentifierByREMMD>{_text(facts.kep_id)}</MessageIdentifierByREMMD>",
        f'<ds:DigestMethod {DS} Algorithm="{SHA256_URI}"></ds:DigestMethod>',
        f"<ds:DigestValue {DS}>{b64encode(facts.original_digest).decode('ascii')}</ds:DigestValue>",
        f"</SenderMessageDetails></{root}>",
    )
    return "".join(pieces).encode()


@lru_cache(maxsize=256)
def time(moment: datetime) -> str:
    """An xs:dateTime in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reason(reason: tuple[Reason, str]) -> str:
    detail = f"<Details>{_text(reason[1])}</Details>" if reason[1] else ""
    return f"<EventReason><Code>{reason[0].uri}</Code>{detail}</EventReason>"


def _authentication(element: str, shown: Authentication) -> str:
    return (
        f"<{element}><AuthenticationTime>{time(shown.at)}</AuthenticationTime>"
        f"<AuthenticationMethod>{_text(shown.method_uri)}</AuthenticationMethod></{element}>"
    )


def _party(party: Party) -> str:
    shown = f' DisplayName="{_attribute(party.name)}"' if party.name else ""
    return f'<AttributedElectronicAddress{shown} scheme="mailto">{party.address}</AttributedElectronicAddress>'


def _number(recipient_no: int) -> str:
    return f"<EvidenceRefersToRecipient>{recipient_no}</EvidenceRefersToRecipient>"


def _user_agent_id(message_id: str) -> str:
    return f"<UAMessageIdentifier>{_text(message_id)}</UAMessageIdentifier>"


def _text(text: str) -> str:
    return _IN_TEXT.sub(lambda found: _TEXT[found[0]], text)


def _attribute(text: str) -> str:
    return _IN_ATTRIBUTE.sub(lambda found: _ATTRIBUTE[found[0]], text)


# --- reading ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def read(raw: bytes) -> EvidenceFacts:
    """The facts that `render` writes as exactly these bytes.

    Kept for a short while: what is about to be signed is read, and read again as part of what was sealed.

    Raises EvidenceRefused: `grammar` for anything that is no evidence of our form, `facts` for one that states what
    none may state, `bytes` with the offset `at` where a byte differs from what we would have written.
    """
    if len(raw) > MAX_BYTES:
        raise EvidenceRefused("grammar", where="evidence", size=len(raw))
    try:
        found = _GRAMMAR.fullmatch(raw.decode())
    except UnicodeDecodeError as error:
        raise EvidenceRefused("grammar", where="evidence", at=error.start) from error
    if found is None:
        raise EvidenceRefused("grammar", where="evidence")
    try:
        facts = _facts(found.groupdict())
    except (InconsistentFacts, UnrepresentableText, ValueError) as error:
        raise EvidenceRefused("facts", where="evidence") from error
    written = render(facts)
    if written != raw:
        raise EvidenceRefused("bytes", where="evidence", at=first_difference(written, raw))
    return facts


def first_difference(one: bytes, other: bytes) -> int:
    """The first offset at which two byte strings differ; the length of the shorter if it begins the longer."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


_PARTY = (
    '<AttributedElectronicAddress(?: DisplayName="([^"<]*)")? scheme="mailto">([^<]*)</AttributedElectronicAddress>'
)
_REASON = "<EventReason><Code>([^<]*)</Code>(?:<Details>([^<]*)</Details>)?</EventReason>"
_EACH_PARTY, _EACH_REASON = re.compile(_PARTY), re.compile(_REASON)


def _optional(grammar: str) -> str:
    return f"(?:{grammar})?"


def _uncaptured(grammar: str) -> str:
    return re.sub(r"\((?!\?)", "(?:", grammar)


def _method(side: str) -> str:
    return (
        f"<AuthenticationTime>(?P<{side}_at>[^<]*)</AuthenticationTime>"
        f"<AuthenticationMethod>(?P<{side}_by>[^<]*)</AuthenticationMethod>"
    )


_GRAMMAR = re.compile(
    f'<(?P<root>[A-Za-z]+) xmlns="{re.escape(NAMESPACE)}" Id="ev" version="{re.escape(VERSION)}">'
    + _optional("<EventCode>(?P<code>[^<]*)</EventCode>")
    + _optional(f"<EventReasons>(?P<reasons>(?:{_uncaptured(_REASON)})+)</EventReasons>")
    + "<EvidenceIdentifier>(?P<id>[^<]*)</EvidenceIdentifier>"
    "<EvidenceIssuerPolicyID><PolicyID>(?P<policy>[^<]*)</PolicyID></EvidenceIssuerPolicyID>"
    "<EvidenceIssuerDetails><NamesPostalAddresses><NamePostalAddress>"
    '<EntityName xml:lang="tr"><Name>(?P<issuer>[^<]*)</Name></EntityName>'
    "</NamePostalAddress></NamesPostalAddresses>"
    '<AttributedElectronicAddress scheme="mailto">kephs@(?P<domain>[^<]*)</AttributedElectronicAddress>'
    "</EvidenceIssuerDetails>"
    + _optional(f"<SenderAuthenticationDetails>{_method('sender')}</SenderAuthenticationDetails>")
    + _optional(f"<RecipientAuthenticationDetails>{_method('recipient')}</RecipientAuthenticationDetails>")
    + "<EventTime>(?P<event_at>[^<]*)</EventTime><SubmissionTime>(?P<submitted_at>[^<]*)</SubmissionTime>"
    + f"<SenderDetails>(?P<sender>{_uncaptured(_PARTY)})</SenderDetails><RecipientsDetails>"
    + f"(?P<recipients>(?:<EntityDetails>{_uncaptured(_PARTY)}</EntityDetails>)+)</RecipientsDetails>"
    + _optional("<EvidenceRefersToRecipient>(?P<number>[1-9][0-9]{0,5})</EvidenceRefersToRecipient>")
    + '<SenderMessageDetails isNotification="false"><MessageSubject>(?P<subject>[^<]*)</MessageSubject>'
    + _optional("<UAMessageIdentifier>(?P<message_id>[^<]*)</UAMessageIdentifier>")
    + "<MessageIdentifierByREMMD>(?P<kep_id>[^<]*)</MessageIdentifierByREMMD>"
    f'<ds:DigestMethod {re.escape(DS)} Algorithm="{re.escape(SHA256_URI)}"></ds:DigestMethod>'
    f"<ds:DigestValue {re.escape(DS)}>(?P<digest>[A-Za-z0-9+/]{{43}}=)</ds:DigestValue>"
    "</SenderMessageDetails></(?P=root)>"
)
_OUTCOMES: dict[tuple[str, str | None], tuple[EvidenceKind, bool]] = {
    (kind.root_element, kind.event_code): (kind, False) for kind in EvidenceKind
} | {(EvidenceKind.NOT_DELIVERED.root_element, DELIVERY_EXPIRED): (EvidenceKind.NOT_DELIVERED, True)}


def _facts(found: dict[str, str | None]) -> EvidenceFacts:
    """The facts in the pieces of the grammar; ValueError and the refusals of `evidence.facts` for bad ones."""

    def text(name: str) -> str:
        return _plain(found[name] or "")

    outcome = _OUTCOMES.get((text("root"), found["code"]))
    if outcome is None:
        raise ValueError("no evidence has this root and event code")
    kind, expired = outcome
    domain = text("domain")
    return EvidenceFacts(
        evidence_id=text("id"),
        kind=kind,
        reasons=tuple(
            (Reason.parse(uri), _plain(detail)) for uri, detail in _EACH_REASON.findall(found["reasons"] or "")
        ),
        issuer=Issuer(name=text("issuer"), policy_id=text("policy"), code=domain.split(".")[0], domain=domain),
        event_at=_moment(text("event_at")),
        submitted_at=_moment(text("submitted_at")),
        sender=_parties(found["sender"])[0],
        sender_authentication=_shown(found["sender_at"], found["sender_by"]),
        recipient_authentication=_shown(found["recipient_at"], found["recipient_by"]),
        recipients=_parties(found["recipients"]),
        recipient_no=int(found["number"] or "0"),
        subject=text("subject"),
        original_message_id=text("message_id"),
        kep_id=text("kep_id"),
        original_digest=b64decode(text("digest"), validate=True),
        expired=expired,
    )


def _parties(grammar: str | None) -> tuple[Party, ...]:
    return tuple(Party(_plain(address), _plain(name)) for name, address in _EACH_PARTY.findall(grammar or ""))


def _shown(at: str | None, by: str | None) -> Authentication | None:
    return Authentication(_moment(at), _plain(by)) if at is not None and by is not None else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _plain(text: str) -> str:
    """Text without the references we write; ValueError for any other reference."""
    if "&" not in text:
        return text

    def plain(found: re.Match[str]) -> str:
        if found[0] not in _REFERENCES:
            raise ValueError("a reference we do not write")
        return _REFERENCES[found[0]]

    return _REFERENCE.sub(plain, text)
