"""Addresses of the closed circuit, and the header fields every message of ours must carry.

Only KEP addresses exist here (K-004, V-073, V-074): lower-case ASCII, a domain of the `hsNN.kep.tr` family.
Groups, comments, quoted local parts, source routes and encoded words inside an address are forms in which two
readers see two recipients; each of them is refused, never repaired.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from guards.mime_fields import Field, MimeRefused, decode_text, decode_word, one, unfold, unshowable

MAX_ADDRESSES: Final = 2_000

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"({_LABEL}(?:\.{_LABEL})*)@((?:{_LABEL}\.)?hs[0-9]{{2}}\.kep\.tr)")
_MAILBOX_TOKEN = re.compile(
    r" *(?:"
    r'"((?:[^"\\]|\\[\x20-\x7e])*+)"'  # 1 quoted display name
    r"|<([^<>\s]*)>"  # 2 address in angle brackets
    r"|(,)"  # 3 next mailbox
    r"|([^\s\"<>,()\[\]:;\\]+)"  # 4 word, encoded word or bare address
    r") *"
)
_MESSAGE_ID = re.compile(r"<[0-9A-Za-z!#$%&'*+/=?^_`{|}~.-]{1,200}@[0-9A-Za-z.-]{1,200}>")
_DATE = re.compile(
    r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun), +)?([0-9]{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"([0-9]{4}) ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))? (?:([+-])([0-9]{2})([0-9]{2})|GMT|UT)"
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

KINDS: Final = ("standart", "eYazisma", "eTebligat")
"""The values of X-TR-REM-iletiTip (K-085)."""


@dataclass(frozen=True, slots=True)
class Address:
    """A display name (may be empty, never trusted as identity: V-058) and a KEP address in lower case."""

    name: str
    address: str


def is_kep_address(text: str) -> bool:
    """Whether `text` is an address of the closed circuit by form: K-040..K-048, V-074."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and len(text) <= 254 and len(found[1]) <= 64


def addresses(field: Field) -> tuple[Address, ...]:
    """The mailboxes of From, To, Cc or Reply-To, in order, at least one.

    Refuses (MimeRefused) anything outside the strict grammar of V-074, an outside address (V-073) and a display
    name that cannot be shown.
    """
    text = unfold(field.raw)
    found: list[Address] = []
    words: list[tuple[str, str]] = []
    address: str | None = None
    at = 0
    while at < len(text):
        token = _MAILBOX_TOKEN.match(text, at)
        if token is None:
            raise MimeRefused("malformed address list", name=field.name)
        at = token.end()
        quoted, bracketed, comma, word = token.groups()
        if comma:
            found.append(_mailbox(words, address, field.name))
            words, address = [], None
        elif address is not None:
            raise MimeRefused("text after an address", name=field.name)
        elif bracketed is not None:
            address = bracketed
        elif quoted is not None:
            if "=?" in quoted:
                raise MimeRefused("encoded word in a quoted name", name=field.name)
            words.append((re.sub(r"\\(.)", r"\1", quoted), "quoted"))
        else:
            words.append((decode_word(word), "encoded") if "=?" in word else (word, "plain"))
        if len(found) > MAX_ADDRESSES:
            raise MimeRefused("too many addresses", name=field.name)
    found.append(_mailbox(words, address, field.name))
    return tuple(found)


def _mailbox(words: list[tuple[str, str]], address: str | None, field_name: str) -> Address:
    if address is None:
        if len(words) != 1 or words[0][1] != "plain":
            raise MimeRefused("address missing", name=field_name)
        address, words = words[0][0], []
    elif any("@" in word and form == "plain" for word, form in words):
        raise MimeRefused("two addresses in one mailbox", name=field_name)
    if not is_kep_address(address):
        raise MimeRefused("not a KEP address", name=field_name)
    name = ""
    for position, (word, form) in enumerate(words):
        joined = form == "encoded" and position > 0 and words[position - 1][1] == "encoded"
        name += word if joined or position == 0 else " " + word
    if fault := unshowable(name):
        raise MimeRefused("unshowable display name", name=field_name, fault=fault)
    return Address(name, address)


@dataclass(frozen=True, slots=True)
class MessageHeaders:
    """What a message says of itself in its headers. `date` is aware; ids stand in angle brackets."""

    from_: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    date: datetime
    message_id: str
    kind: str
    kind_id: str | None


_NEVER: Final = frozenset(
    {"bcc", "sender", "received", "return-path", "resent-from", "resent-to", "resent-cc", "resent-bcc"}
)


def read_headers(fields: Sequence[Field]) -> MessageHeaders:
    """The header facts of an original, read in one way for submit, view, search, evidence and relay (V-067).

    Refuses (MimeRefused) a missing or repeated From, To, Subject, Date or Message-ID, more than one author, Bcc
    (K-087), Sender, trace and Resent- fields, an outside Reply-To (V-073) and an unknown message kind (K-085).
    """
    for field in fields:
        if field.name in _NEVER:
            raise MimeRefused("header field not allowed in an original", name=field.name)
    authors = addresses(_need(fields, "from"))
    if len(authors) != 1:
        raise MimeRefused("more than one author", name="from")
    cc, reply_to = one(fields, "cc"), one(fields, "reply-to")
    if reply_to is not None:
        addresses(reply_to)
    kind, kind_id = one(fields, "x-tr-rem-iletitip"), one(fields, "x-tr-rem-iletiid")
    kind_text = unfold(kind.raw) if kind is not None else "standart"
    if kind_text not in KINDS:
        raise MimeRefused("unknown message kind", name="x-tr-rem-iletitip")
    return MessageHeaders(
        from_=authors[0],
        to=addresses(_need(fields, "to")),
        cc=addresses(cc) if cc is not None else (),
        subject=decode_text(_need(fields, "subject").raw),
        date=read_date(unfold(_need(fields, "date").raw)),
        message_id=read_message_id(unfold(_need(fields, "message-id").raw)),
        kind=kind_text,
        kind_id=unfold(kind_id.raw) if kind_id is not None else None,
    )


def _need(fields: Sequence[Field], name: str) -> Field:
    field = one(fields, name)
    if field is None:
        raise MimeRefused("header field missing", name=name)
    return field


def read_message_id(text: str) -> str:
    """`text` when it is one message id in angle brackets; MimeRefused otherwise."""
    if not _MESSAGE_ID.fullmatch(text):
        raise MimeRefused("malformed message id")
    return text


def read_date(text: str) -> datetime:
    """An RFC 5322 date as an aware datetime. Refuses obsolete zones, a wrong weekday and days that do not exist."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise MimeRefused("malformed date")
    weekday, day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    try:
        offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
        zone = timezone(-offset if sign == "-" else offset) if sign else UTC
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second or 0), tzinfo=zone
        )
    except ValueError:
        raise MimeRefused("malformed date") from None
    if weekday and _DAYS[moment.weekday()] != weekday:
        raise MimeRefused("weekday does not fit the date")
    return moment


def write_date(moment: datetime) -> str:
    """An aware `moment` in RFC 5322 form, to the second, in its own zone."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a message date needs a time zone")
    minutes = int(offset.total_seconds()) // 60
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1]} {moment.year:04d} "
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} {zone}"
    )
