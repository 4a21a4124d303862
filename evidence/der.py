"""Distinguished Encoding Rules, the small part of them that signatures need, written and read strictly.

Everything we sign or check in CMS, time-stamps and certificates is one tree of tag, length and content. Libraries
that turn each node into an object cost milliseconds per signature (measured: 5 to 70 ms against 0.26 ms), so here a
value is written as bytes joined to bytes, and read as a window over the bytes it stands in. Nothing is copied until
somebody asks for it and no tree is built.

The reader knows one spelling for each value. A length in a longer form than needed, an indefinite length, a tag of
more than one byte, an integer with a spare leading byte, trailing bytes: all are `DerRefused`, because a second
spelling of the same value is a place where a byte can be changed without anybody noticing (V-062). Two rules stay with
the caller, who alone knows where they hold: the order inside a SET OF (`is_sorted`) and which DEFAULT is left out.
"""

from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

from guards.errors import KepError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, PRINTABLE_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x13, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
MAX_BYTES = 64 * 1024 * 1024
"""No structure of ours or of a peer comes near; a longer one is refused before it is walked (V-062)."""
MAX_DEPTH = 40
MAX_OID_BYTES = 256
"""Far beyond the longest that anybody uses. A number costs time with the square of its length, and is remembered."""
_OCTETS = tuple(bytes((number,)) for number in range(256))


class DerRefused(KepError):
    """Bytes that are not the one DER spelling of a value. Facts: `at`, the offset in the bytes handed in."""

    code = "DER-01"
    user_message = (
        "İmza ya da sertifika verisi bozuk olduğu için okunamadı. Hiçbir şey değişmedi. "
        "Dosyayı kaynağından yeniden alıp tekrar deneyin."
    )


# --- writing ---------------------------------------------------------------------------------------------------


def length(count: int) -> bytes:
    """The shortest length octets for `count` content octets."""
    if count < 0x80:
        return _OCTETS[count]
    digits = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return _OCTETS[0x80 | len(digits)] + digits


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value: `tag`, its length, and the parts joined as its content."""
    content = parts[0] if len(parts) == 1 else b"".join(parts)
    size = len(content)
    return b"".join((_OCTETS[tag], _OCTETS[size] if size < 0x80 else length(size), content))


def seq(*parts: bytes) -> bytes:
    """A SEQUENCE of the encoded parts, in the order given."""
    return tlv(SEQUENCE, *parts)


def set_of_sorted(*parts: bytes) -> bytes:
    """A SET OF the encoded parts, in the order DER asks for: by their own bytes."""
    return tlv(SET, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """A constructed context tag `[number]` around the parts. Also serves an IMPLICIT tag over a constructed value."""
    return tlv(0xA0 | number, *parts)


def implicit(number: int, content: bytes) -> bytes:
    """A primitive context tag `[number]` in place of the value's own tag; `content` is the bare content."""
    return tlv(0x80 | number, content)


@lru_cache(maxsize=512)
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form, such as `1.2.840.113549.1.7.2`. ValueError for anything else."""
    arcs = [int(arc) for arc in dotted.split(".")]
    if len(arcs) < 2 or min(arcs) < 0 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        raise ValueError(f"not an object identifier: {dotted}")
    content = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        content.extend(reversed(groups))
    return tlv(OID, bytes(content))


def integer(number: int) -> bytes:
    """An INTEGER, two's complement, shortest form."""
    magnitude = number if number >= 0 else -number - 1
    return tlv(INTEGER, number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:
    """A BOOLEAN. DER leaves a DEFAULT FALSE out: that is the caller's decision."""
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def null() -> bytes:
    """The NULL value, as some algorithm identifiers carry it."""
    return b"\x05\x00"


def octets(content: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(OCTET_STRING, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    """A BIT STRING whose last octet has `unused` bits that do not count (they must be zero)."""
    return tlv(BIT_STRING, bytes((unused,)), content)


def utf8(text: str) -> bytes:
    """A UTF8String."""
    return tlv(UTF8_STRING, text.encode())


def printable(text: str) -> bytes:
    """A PrintableString; the caller vouches for its small alphabet."""
    return tlv(PRINTABLE_STRING, text.encode("ascii"))


def utc_time(moment: datetime) -> bytes:
    """A UTCTime of second precision. ValueError outside 1950 to 2049 or without a time zone."""
    utc = _as_utc(moment)
    if not 1950 <= utc.year <= 2049:
        raise ValueError(f"UTCTime cannot hold the year {utc.year}")
    return tlv(UTC_TIME, utc.strftime("%y%m%d%H%M%SZ").encode("ascii"))


def generalized_time(moment: datetime) -> bytes:
    """A GeneralizedTime; a fraction of a second is written only when there is one, without trailing zeros."""
    utc = _as_utc(moment)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return tlv(GENERALIZED_TIME, f"{utc:%Y%m%d%H%M%S}{fraction}Z".encode("ascii"))


@lru_cache(maxsize=64)
def time(moment: datetime) -> bytes:
    """The Time of X.509 and CMS: UTCTime through 2049, GeneralizedTime after (RFC 5652, 11.3). Whole seconds only."""
    whole = _as_utc(moment).replace(microsecond=0)
    return utc_time(whole) if whole.year <= 2049 else generalized_time(whole)


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written")
    return moment.astimezone(UTC)


# --- reading ---------------------------------------------------------------------------------------------------


def header(source: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the value that begins at `at` and must end by `end`.

    The one place that reads a length. Refuses (`DerRefused`): cut off bytes, long tags, indefinite and long-winded
    lengths, a content that reaches beyond `end`.
    """
    if at + 2 > end:
        raise DerRefused("cut off", at=at)
    tag, first = source[at], source[at + 1]
    if tag & 0x1F == 0x1F:
        raise DerRefused("tag of several bytes", at=at)
    body = at + 2
    if first >= 0x80:
        count = first & 0x7F
        if not 1 <= count <= 4 or body + count > end:
            raise DerRefused("length out of bounds", at=at)
        first = int.from_bytes(source[body : body + count], "big")
        if first < 0x80 or first >> (8 * (count - 1)) == 0:
            raise DerRefused("length not in its shortest form", at=at)
        body += count
    if body + first > end:
        raise DerRefused("content reaches beyond its container", at=at)
    return tag, body, body + first


class Node:
    """A window over one value: `tag`, `content` (inside), `raw` (with tag and length) and `children`.

    Children are found when asked for, so a certificate inside a signature is stepped over, not walked.
    """

    __slots__ = ("body", "end", "source", "start", "tag")

    def __init__(self, source: bytes, start: int, tag: int, body: int, end: int) -> None:
        self.source = source
        self.start = start
        self.tag = tag
        self.body = body
        self.end = end

    @property
    def content(self) -> bytes:
        """The content octets."""
        return self.source[self.body : self.end]

    @property
    def raw(self) -> bytes:
        """The whole value with tag and length."""
        return self.source[self.start : self.end]

    @property
    def children(self) -> tuple["Node", ...]:
        """The values inside a constructed value, covering its content without a gap. `DerRefused` otherwise."""
        if not self.tag & 0x20:
            raise DerRefused("a primitive value has no children", at=self.start)
        source, at, end = self.source, self.body, self.end
        found = []
        while at < end:
            body = at + 2
            if body <= end and (tag := source[at]) & 0x1F != 0x1F and (size := source[at + 1]) < 0x80:
                after = body + size  # the one-byte length of nearly every value, without a call
                if after > end:
                    raise DerRefused("content reaches beyond its container", at=at)
            else:
                tag, body, after = header(source, at, end)
            found.append(Node(source, at, tag, body, after))
            at = after
        return tuple(found)

    def expect(self, tag: int) -> "Node":
        """This node, if it has `tag`; `DerRefused` otherwise."""
        if self.tag != tag:
            raise DerRefused(f"tag {self.tag:02x} where {tag:02x} must stand", at=self.start)
        return self

    def parts(self, tag: int, count: int) -> tuple["Node", ...]:
        """Exactly `count` children of a value with `tag`; `DerRefused` otherwise."""
        children = self.expect(tag).children
        if len(children) != count:
            raise DerRefused(f"{len(children)} parts where {count} must stand", at=self.start)
        return children

    def as_integer(self) -> int:
        """The number of an INTEGER in its shortest form."""
        content = self.expect(INTEGER).content
        if not content or (len(content) > 1 and content[0] in (0x00, 0xFF) and (content[0] ^ content[1]) < 0x80):
            raise DerRefused("integer not in its shortest form", at=self.start)
        return int.from_bytes(content, "big", signed=True)

    def as_boolean(self) -> bool:
        """The truth of a BOOLEAN: 00 or FF and nothing else."""
        content = self.expect(BOOLEAN).content
        if content not in (b"\x00", b"\xff"):
            raise DerRefused("boolean is neither 00 nor FF", at=self.start)
        return content == b"\xff"

    def as_oid(self) -> str:
        """The dotted form of an OBJECT IDENTIFIER."""
        content = self.expect(OID).content
        dotted = _dotted(content) if len(content) <= MAX_OID_BYTES else ""
        if not dotted:
            raise DerRefused("object identifier badly formed", at=self.start)
        return dotted

    def as_octets(self) -> bytes:
        """The content of an OCTET STRING (primitive form, the only one DER has)."""
        return self.expect(OCTET_STRING).content

    def as_bits(self) -> bytes:
        """The octets of a BIT STRING that uses every bit of them."""
        content = self.expect(BIT_STRING).content
        if not content or content[0] != 0:
            raise DerRefused("bit string with unused bits", at=self.start)
        return content[1:]

    def as_null(self) -> None:
        """Nothing, if this is NULL; `DerRefused` otherwise."""
        if self.expect(NULL).content:
            raise DerRefused("NULL with content", at=self.start)

    def as_time(self) -> datetime:
        """The moment of a UTCTime (1950 to 2049) or GeneralizedTime, in UTC; only the spelling with seconds and Z."""
        try:
            moment = _read_time(self.raw)
        except ValueError as error:
            raise DerRefused("not a time", at=self.start) from error
        if moment is None:
            raise DerRefused("time not in its only form", at=self.start)
        return moment


def read(source: bytes, *, max_bytes: int = MAX_BYTES) -> Node:
    """The one value that `source` is. `DerRefused` for trailing bytes, a bad head, or more than `max_bytes`.

    Inner values are checked when they are reached; `check_all` walks a part nobody else looks into.
    """
    if len(source) > max_bytes:
        raise DerRefused("more bytes than allowed", at=max_bytes)
    node = Node(source, 0, *header(source, 0, len(source)))
    if node.end != len(source):
        raise DerRefused("bytes after the value", at=node.end)
    return node


def check_all(node: Node, *, max_depth: int = MAX_DEPTH) -> None:
    """Walk every value inside `node` and check heads and simple types. `DerRefused` where one is not DER."""
    if max_depth < 0:
        raise DerRefused("nested too deep", at=node.start)
    if node.tag & 0x20:
        for child in node.children:
            check_all(child, max_depth=max_depth - 1)
    elif node.tag == INTEGER:
        node.as_integer()
    elif node.tag == BOOLEAN:
        node.as_boolean()
    elif node.tag == OID:
        node.as_oid()
    elif node.tag == NULL:
        node.as_null()


def is_sorted(nodes: tuple[Node, ...]) -> bool:
    """Whether the members of a SET OF stand in DER order, without doubles."""
    raws = [node.raw for node in nodes]
    return all(one < other for one, other in pairwise(raws))


@lru_cache(maxsize=1024)
def _dotted(content: bytes) -> str:
    """Dotted form of OID content octets, empty if they are no OID in shortest form."""
    if not content or content[-1] & 0x80:
        return ""
    arcs: list[int] = []
    arc, fresh = 0, True
    for octet in content:
        if fresh and octet == 0x80:
            return ""
        arc = arc << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(part) for part in (first, arcs[0] - 40 * first, *arcs[1:]))


@lru_cache(maxsize=256)
def _read_time(raw: bytes) -> datetime | None:
    """The moment of an encoded time, None where it has another spelling than ours. ValueError if it is no time.

    Remembered: all signatures and tokens of one second say the same one.
    """
    tag, body, end = header(raw, 0, len(raw))
    text = raw[body:end]
    if tag == UTC_TIME and len(text) == 13:
        moment = _moment(int(text[:2]) + (1900 if text[:2] >= b"50" else 2000), text[2:])
        return moment if utc_time(moment) == raw else None
    if tag == GENERALIZED_TIME and len(text) >= 15:
        moment = _moment(int(text[:4]), text[4:])
        return moment if generalized_time(moment) == raw else None
    raise ValueError("not a time")


def _moment(year: int, rest: bytes) -> datetime:
    """`MMDDHHMMSS`, an optional fraction and Z, as a moment in UTC. ValueError for anything that is no such moment."""
    digits, fraction = rest[:10], rest[10:-1]
    fraction_is_fine = not fraction or (fraction[:1] == b"." and fraction[1:].isdigit())
    if not digits.isdigit() or rest[-1:] != b"Z" or not fraction_is_fine:
        raise ValueError("not a time")
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 10, 2))
    micro = int(fraction[1:7].ljust(6, b"0")) if fraction else 0
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
