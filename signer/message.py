"""What the person is shown: sender, recipients, subject, files and text, read from the bytes to be signed.

Nothing that the provider says about the message is believed; this file reads the downloaded bytes alone
(S-019, S-020). It exists for display, so it is narrow on purpose: whatever two mail programs could read in
two ways is refused, never guessed (V-060). Header blocks are cut here by bytes: a name twice, a blank before
a colon, a lone CR or LF, a NUL or an octet above 126 ends it. Values are decoded strictly by RFC 2047;
controls and letters that turn the direction of writing are refused afterwards. Only then stdlib `email`
walks the parts, and each defect that it notes is a refusal as well. In the running text such letters are not
refused, because people do paste them, but written out as ⟦U+202E⟧ so that they can do nothing.
"""

import email
import email.errors
import email.policy
import re
import unicodedata
from dataclasses import dataclass
from email.header import decode_header
from email.message import EmailMessage

from signer.errors import DocumentUnreadable

TEXT_SHOWN = 20_000
"""Characters of the text that are shown; what is left out is said."""
MOST_PARTS = 200
MOST_HEADER_BYTES = 65_536

_FIELD = re.compile(rb"([!-9;-~]+):[ \t]?(.*)", re.DOTALL)
_ENCODED_WORD = re.compile(r"=\?(utf-8|us-ascii|iso-8859-9)\?[bq]\?[!->@-~]*\?=", re.IGNORECASE)
_ADDRESS = r"[A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9])?@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?:(?P<name>[^<>()@,;:\\\"\[\]]+?)[ ]*<(?P<in_angles>{_ADDRESS})>|<?(?P<bare>{_ADDRESS})>?)")
_ENCODINGS = ("7bit", "8bit", "base64", "quoted-printable")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Person:
    """Name (may be empty) and address of one sender or recipient."""

    name: str
    address: str


@dataclass(frozen=True)
class File:
    """One attachment: its name, declared type and size in bytes after decoding."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True)
class Shown:
    """Everything of a message that is put before the person."""

    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    subject: str
    files: tuple[File, ...]
    text: str
    text_is_cut: bool


def read(raw: bytes) -> Shown:
    """What to show of the signed part `raw`. Refuses with `DocumentUnreadable` what has more than one reading."""
    fields = _fields(raw)
    for name in ("from", "to", "subject"):
        if name not in fields:
            raise DocumentUnreadable(f"no {name} field")
    senders = _people(fields["from"])
    if len(senders) != 1:
        raise DocumentUnreadable("not exactly one sender")
    text, files = _contents(raw)
    return Shown(
        sender=senders[0],
        to=_people(fields["to"]),
        cc=_people(fields["cc"]) if "cc" in fields else (),
        subject=_decoded(fields["subject"]),
        files=files,
        text=text[:TEXT_SHOWN],
        text_is_cut=len(text) > TEXT_SHOWN,
    )


def clean(text: str) -> str:
    """`text` itself, or `DocumentUnreadable` where it holds controls, line ends or direction overrides."""
    for letter in text:
        if _is_hidden(letter):
            raise DocumentUnreadable(f"letter U+{ord(letter):04X} in a text to be shown")
    return text


def spelled_out(text: str) -> str:
    """Running text with each hidden letter written as its code point; line ends and tabs stay."""
    return "".join(
        f"⟦U+{ord(letter):04X}⟧" if letter not in "\n\t" and _is_hidden(letter) else letter for letter in text
    )


def _is_hidden(letter: str) -> bool:
    return letter in _BIDI or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def _fields(raw: bytes) -> dict[str, str]:
    """Header fields of the root: lower-case name to unfolded value."""
    head, gap, _ = raw.partition(b"\r\n\r\n")
    if not gap or len(head) > MOST_HEADER_BYTES:
        raise DocumentUnreadable("no header block")
    if re.search(rb"\r(?!\n)|(?<!\r)\n", raw) or b"\0" in raw:
        raise DocumentUnreadable("a lone CR or LF, or a NUL")
    fields: dict[str, str] = {}
    for line in re.split(rb"\r\n(?![ \t])", head):
        cut = _FIELD.fullmatch(line)
        if cut is None or not _is_plain(cut[2]):
            raise DocumentUnreadable("a header line that is none")
        name = cut[1].decode("ascii").lower()
        if name in fields:
            raise DocumentUnreadable("a header field twice")
        fields[name] = re.sub(rb"\r\n(?=[ \t])", b"", cut[2]).decode("ascii").strip()
    return fields


def _is_plain(value: bytes) -> bool:
    return all(32 <= octet < 127 or octet in b"\t\r\n" for octet in value)


def _decoded(value: str) -> str:
    """RFC 2047, strictly: whatever looks like an encoded word must be a whole one that decodes by itself."""
    if "=?" in _ENCODED_WORD.sub("", value):
        raise DocumentUnreadable("half an encoded word")
    try:
        for word in _ENCODED_WORD.finditer(value):
            _plain(word[0])
        return clean(_plain(value))
    except (ValueError, LookupError, email.errors.HeaderParseError) as error:
        raise DocumentUnreadable("an encoded word that does not decode") from error


def _plain(value: str) -> str:
    return "".join(
        piece.decode(charset or "ascii", "strict") if isinstance(piece, bytes) else piece
        for piece, charset in decode_header(value)
    )


def _people(value: str) -> tuple[Person, ...]:
    """An address list in the narrow grammar of V-074: no groups, comments, quotes or routes."""
    people = []
    for item in value.split(","):
        found = _MAILBOX.fullmatch(item.strip())
        if found is None:
            raise DocumentUnreadable("an address list with more than names and addresses")
        people.append(Person(_decoded((found["name"] or "").strip()), found["in_angles"] or found["bare"]))
    return tuple(people)


def _contents(raw: bytes) -> tuple[str, tuple[File, ...]]:
    """The text to read and the files, by stdlib `email` with every defect fatal."""
    try:
        root = email.message_from_bytes(raw, policy=email.policy.SMTP.clone(raise_on_defect=True))
        return _walk(root)
    except (email.errors.MessageError, ValueError, LookupError) as error:
        raise DocumentUnreadable(f"MIME: {type(error).__name__}") from error


def _walk(root: EmailMessage) -> tuple[str, tuple[File, ...]]:
    text = None
    files = []
    for number, part in enumerate(root.walk()):
        if number > MOST_PARTS:
            raise DocumentUnreadable("too many parts")
        _refuse_defects(part)
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            continue
        name = part.get_filename()
        if name is None and text is None and part.get_content_type() == "text/plain":
            text = spelled_out(part.get_content().replace("\r\n", "\n"))
            continue
        size = len(part.as_bytes()) if part.is_multipart() else len(part.get_payload(decode=True) or b"")
        files.append(File(clean(name or "adsız"), part.get_content_type(), size))
    return text or "", tuple(files)


def _refuse_defects(part: EmailMessage) -> None:
    if part.defects:
        raise DocumentUnreadable(f"MIME: {type(part.defects[0]).__name__}")
    names = [name.lower() for name in part]
    if len(names) != len(set(names)):
        raise DocumentUnreadable("a header field of a part twice")
    if str(part.get("content-transfer-encoding", "7bit")).lower() not in _ENCODINGS:
        raise DocumentUnreadable("a transfer encoding that is none")
    for name in ("content-type", "content-disposition", "content-transfer-encoding"):
        value = part[name]
        if value is not None and value.defects:
            raise DocumentUnreadable(f"MIME: {type(value.defects[0]).__name__}")
