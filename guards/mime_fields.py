"""Header fields, cut by bytes and decoded strictly.

Mail readers disagree about everything that is slightly wrong: a second Subject, a blank before the colon, an
encoded word that holds a line end, a character cut in two by an encoded word. A person who signs one reading
and a court that sees another is the attack this file exists against. So nothing here guesses: a field either
has the one form every reader understands in one way, or the message is refused (V-060, V-066, V-067, V-071).
The bytes themselves are never changed; decoded text is a second thing beside them.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from guards.errors import KepError

MAX_HEADER_BYTES = 262_144
MAX_FIELDS = 500
MAX_PARAMETERS = 100
_SHORT = 200

_FIELD = re.compile(rb"([!-9;-~]+):([\t\x20-\x7e]*(?:\r\n[ \t][\t\x20-\x7e]*)*)\r\n")
_EMPTY_FOLD = re.compile(rb"\r\n[ \t]*+(?=\r\n|\Z)")
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9-]+)\?([BbQq])\?([!->@-~]*)\?=")
_Q_ESCAPE = re.compile(r"=([0-9A-Fa-f]{2})")
_ATOM = r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"
_MAIN_VALUE = re.compile(rf"\s*({_ATOM}(?:/{_ATOM})?)\s*(?=;|\Z)")
_PARAMETER = re.compile(rf";\s*({_ATOM})\s*=\s*(?:({_ATOM})|\"((?:[^\"\\]|\\[\x20-\x7e])*+)\")\s*(?=;|\Z)")
_SECTION = re.compile(r"([^*]+)(?:\*(0|[1-9][0-9]?))?(\*)?")

_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-9": "iso-8859-9",
    "iso-8859-1": "iso-8859-1",
    "windows-1254": "cp1254",
}

_UNSHOWABLE = re.compile(
    "([\u202a-\u202e\u2066-\u2069])|([\0-\x1f\x7f-\x9f\u2028\u2029])|[\ud800-\udfff\ufffe\uffff]"  # Cc Zl Zp, Cs
)
_FAULTS = {1: "bidirectional control", 2: "control character", None: "character that XML cannot hold"}


class MimeRefused(KepError):
    """The bytes are not one unambiguous message. `reason` is a short English word for the log."""

    code = "ILT-20"
    user_message = (
        "İletinin biçimi bozuk ya da birden çok biçimde okunabiliyor; bu yüzden kabul edilmedi. "
        "Hiçbir şey gönderilmedi. İletiyi yeniden oluşturup imzalayın."
    )


class HeadersDiffer(MimeRefused):
    """A header outside the signature does not equal the signed one. Fact: `name`, the lower-case field name."""

    code = "ILT-21"
    user_message = (
        "İletinin imza dışındaki başlığı ({name}) imzalanan başlıkla aynı değil; ileti imzalandıktan sonra "
        "değiştirilmiş. Kabul edilmedi, hiçbir şey gönderilmedi. İletiyi yeniden imzalayın."
    )

    def __init__(self, name: str) -> None:
        super().__init__("protected header differs", name=name)
        self.name = name


class Field(NamedTuple):
    """One header field. `name` lower-case, `raw_name` as written, `raw` the value with folds, no final CRLF."""

    name: str
    raw_name: bytes
    raw: bytes

    @property
    def line(self) -> bytes:
        """The field as it stands in the message, with its final CRLF."""
        return self.raw_name + b":" + self.raw + b"\r\n"


def refuse_line_ends(raw: bytes) -> None:
    """Refuse a NUL and any CR or LF that is not part of a CRLF pair (V-070)."""
    pairs = raw.count(b"\r\n")
    if raw.count(b"\r") != pairs:
        raise MimeRefused("bare carriage return")
    if raw.count(b"\n") != pairs:
        raise MimeRefused("bare line feed")
    if b"\0" in raw:
        raise MimeRefused("NUL byte")


def head_end(raw: bytes, start: int, end: int) -> int:
    """The offset of the first body byte of the entity at `start`. Refuses an entity without the blank line."""
    if raw.startswith(b"\r\n", start, end):
        return start + 2
    blank = raw.find(b"\r\n\r\n", start, min(end, start + MAX_HEADER_BYTES))
    if blank < 0:
        raise MimeRefused("header block without end or too large", at=start)
    return blank + 4


def cut_fields(raw: bytes, start: int, body_start: int) -> tuple[Field, ...]:
    """The fields of the header block `raw[start:body_start]`, in order.

    `body_start` is what `head_end` answered. Refuses (MimeRefused) a blank before the colon, a control or
    8-bit byte, a fold that holds only blanks, and more than MAX_FIELDS fields. Repeated names are kept here;
    see `refuse_repeated`.
    """
    fields: list[Field] = []
    at, last = start, body_start - 2
    while at < last:
        found = _FIELD.match(raw, at, last)
        if found is None:
            raise MimeRefused("malformed header field", at=at)
        value = found[2]
        if b"\r\n" in value and _EMPTY_FOLD.search(value):
            raise MimeRefused("blank fold in header field", at=at)
        fields.append(Field(found[1].decode("ascii").lower(), found[1], value))
        if len(fields) > MAX_FIELDS:
            raise MimeRefused("too many header fields")
        at = found.end()
    return tuple(fields)


def refuse_repeated(fields: Iterable[Field]) -> None:
    """Refuse any field name that stands twice, without regard to case."""
    seen: set[str] = set()
    for field in fields:
        if field.name in seen:
            raise MimeRefused("repeated header field", name=field.name)
        seen.add(field.name)


def one(fields: Iterable[Field], name: str) -> Field | None:
    """The only field called `name` (lower-case), or None. Refuses two."""
    found = [field for field in fields if field.name == name]
    if len(found) > 1:
        raise MimeRefused("repeated header field", name=name)
    return found[0] if found else None


def unfold(raw: bytes) -> str:
    """The value as one line: folds removed, tabs read as blanks, outer blanks dropped. ASCII only."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise MimeRefused("8-bit byte in header field") from None
    text = text.replace("\r\n", "").replace("\t", " ")
    if not text.isprintable():
        raise MimeRefused("control character in header field")
    return text.strip(" ")


def unshowable(text: str) -> str | None:
    """Why `text` may not stand in a header, a file name or an evidence, or None when it may.

    Refused are controls, line and paragraph separators, surrogates, the two non-characters XML cannot hold, and
    the bidirectional embeddings, overrides and isolates that make a name read backwards.
    """
    if text.isascii():
        return None if text.isprintable() else "control character"
    found = _UNSHOWABLE.search(text)
    return _FAULTS[found.lastindex] if found else None


def decode_charset(raw: bytes, charset: str) -> str:
    """`raw` as text in one of the few character sets we read; MimeRefused for any other or for bad bytes."""
    codec = _CHARSETS.get(charset.lower())
    if codec is None:
        raise MimeRefused("character set not accepted", charset=charset[:40])
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        raise MimeRefused("bytes do not fit the character set", charset=codec) from None


def decode_base64(raw: bytes) -> bytes:
    """Strict base64: alphabet and CRLF only, padding at the end only, no stray bits in the last group."""
    packed = raw.replace(b"\r\n", b"")
    try:
        decoded = binascii.a2b_base64(packed, strict_mode=True)
    except binascii.Error:
        raise MimeRefused("malformed base64") from None
    tail = len(decoded) % 3
    if len(packed) != (len(decoded) + 2) // 3 * 4 or (tail and base64.b64encode(decoded[-tail:]) != packed[-4:]):
        raise MimeRefused("base64 with stray bits or padding")
    return decoded


def decode_word(word: str) -> str:
    """One RFC 2047 encoded word, whole and nothing else. Refuses one that does not decode by itself."""
    found = _ENCODED_WORD.fullmatch(word)
    if found is None or len(word) > 75:
        raise MimeRefused("malformed encoded word")
    charset, encoding, text = found.groups()
    if encoding in "Bb":
        raw = decode_base64(text.encode("ascii"))
    else:
        if text.count("=") != len(_Q_ESCAPE.findall(text)):
            raise MimeRefused("malformed encoded word")
        raw = _Q_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text.replace("_", " ")).encode("latin-1")
    return decode_charset(raw, charset)


def decode_text(raw: bytes) -> str:
    """The text of an unstructured field (Subject), RFC 2047 read strictly.

    Any blank-separated piece that contains `=?` must be one whole encoded word; blanks between two encoded
    words vanish. Refuses (MimeRefused) controls, line ends and bidi controls also after decoding.
    """
    pieces: list[str] = []
    after_word = False
    blanks = ""
    for piece in re.split("( +)", unfold(raw)):
        if not piece:
            continue
        if piece[0] == " ":
            blanks = piece
            continue
        is_word = "=?" in piece
        pieces.append("" if is_word and after_word else blanks)
        pieces.append(decode_word(piece) if is_word else piece)
        after_word, blanks = is_word, ""
    text = "".join(pieces)
    if fault := unshowable(text):
        raise MimeRefused("unshowable header text", fault=fault)
    return text


def parameters(raw: bytes) -> tuple[str, Mapping[str, str]]:
    """The value and parameters of Content-Type or Content-Disposition; value and names in lower case.

    Reads RFC 2231 continuations and character sets. An extended form (`filename*`) wins over the plain one.
    Refuses comments, repeated names, gaps in continuations and unshowable values.
    """
    return _known_parameters(raw) if len(raw) <= _SHORT else _parameters(raw)


@lru_cache(maxsize=64)
def _known_parameters(raw: bytes) -> tuple[str, Mapping[str, str]]:
    """Remembered: most parts of most messages have one of the same few types."""
    return _parameters(raw)


def _parameters(raw: bytes) -> tuple[str, Mapping[str, str]]:
    text = unfold(raw)
    main = _MAIN_VALUE.match(text)
    if main is None:
        raise MimeRefused("malformed structured field")
    at = main.end()
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    count = 0
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            if text[at:].strip(" ") == ";":
                break
            raise MimeRefused("malformed parameter")
        at, count = found.end(), count + 1
        if count > MAX_PARAMETERS:
            raise MimeRefused("too many parameters")
        value = found[2] if found[2] is not None else re.sub(r"\\(.)", r"\1", found[3])
        _file_parameter(found[1].lower(), value, plain, sections)
    for name, numbered in sections.items():
        plain[name] = _join_sections(numbered)
    for name, value in plain.items():
        if fault := unshowable(value):
            raise MimeRefused("unshowable parameter", name=name, fault=fault)
    return main[1].lower(), MappingProxyType(plain)


def _file_parameter(
    full_name: str, value: str, plain: dict[str, str], sections: dict[str, dict[int, tuple[str, bool]]]
) -> None:
    split = _SECTION.fullmatch(full_name)
    if split is None:
        raise MimeRefused("malformed parameter name")
    name, number, extended = split[1], split[2], split[3] is not None
    if number is None and not extended:
        if name in plain:
            raise MimeRefused("repeated parameter", name=name)
        plain[name] = decode_text(value.encode("ascii")) if "=?" in value else value
        return
    numbered = sections.setdefault(name, {})
    position = int(number or 0)
    if position in numbered:
        raise MimeRefused("repeated parameter", name=name)
    numbered[position] = (value, extended)


def _join_sections(numbered: dict[int, tuple[str, bool]]) -> str:
    if sorted(numbered) != list(range(len(numbered))):
        raise MimeRefused("gap in continued parameter")
    charset = "us-ascii"
    raw = bytearray()
    for position in range(len(numbered)):
        value, extended = numbered[position]
        if not extended:
            raw += value.encode("ascii")
            continue
        if position == 0:
            pieces = value.split("'", 2)
            if len(pieces) != 3:
                raise MimeRefused("malformed extended parameter")
            charset, value = pieces[0] or "us-ascii", pieces[2]
        if value.count("%") != len(re.findall("%[0-9A-Fa-f]{2}", value)):
            raise MimeRefused("malformed extended parameter")
        raw += re.sub("%(..)", lambda escape: chr(int(escape[1], 16)), value).encode("latin-1")
    return decode_charset(bytes(raw), charset)
