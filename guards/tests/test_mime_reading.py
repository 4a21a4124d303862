"""The one MIME parser: what it decodes, what it refuses, and that it always ends (V-066, V-067)."""

import resource
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guards.mime import (
    MimeLimits,
    MimeRefused,
    attachments,
    cut_signed,
    decode_text,
    decoded_body,
    parse,
    parse_signed,
    text_body,
)
from guards.mime_fields import decode_base64, parameters, unshowable
from guards.mime_write import header, leaf, multipart, parameter, text_value
from guards.tests.originals import FOREIGN, SIGNED_PART, SOUND

SHOWABLE = st.text(max_size=300).filter(lambda text: unshowable(text) is None)


def test_parts_are_offsets_into_the_received_bytes() -> None:
    tree = parse(SIGNED_PART)
    assert [child.content_type for child in tree.children] == ["text/plain", "application/pdf"]
    assert tree.octets == SIGNED_PART
    for child in tree.children:
        assert SIGNED_PART[child.start : child.end] == child.octets
        assert child.octets == SIGNED_PART[slice(*child.head)] + child.body
    assert text_body(tree) == "Sayın ilgili,\nbilginize.\n"
    (pdf,) = attachments(tree)
    assert (pdf.filename, pdf.content_type, pdf.size) == ("ĞÜŞİÖÇ ığüşöç.pdf", "application/pdf", 209)


@pytest.mark.parametrize("raw", [SOUND, FOREIGN])
def test_the_tree_of_a_cut_message_is_the_tree_of_its_signed_part(raw: bytes) -> None:
    cut = cut_signed(raw)
    assert parse_signed(cut) == parse(cut.signed_part)
    assert parse_signed(cut).raw == cut.signed_part


def test_what_may_not_be_shown_is_what_unicode_says_of_each_character() -> None:
    faults = {"Cc": "control character", "Zl": "control character", "Zp": "control character"}
    faults["Cs"] = "character that XML cannot hold"
    bidi = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        expected = faults.get(unicodedata.category(character))
        if character in "\ufffe\uffff":
            expected = "character that XML cannot hold"
        if character in bidi:
            expected = "bidirectional control"
        assert unshowable("ş" + character) == expected, hex(number)


def test_nobody_can_change_what_a_part_was_read_as() -> None:
    """Parameters are remembered between messages."""
    with pytest.raises(TypeError):
        parse(SIGNED_PART).parameters["boundary"] = "b"  # type: ignore[index]


def _entity(*lines: str, body: bytes = b"") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def test_preamble_epilogue_and_blanks_after_a_delimiter_are_tolerated_inside() -> None:
    tree = parse(
        _entity(
            'Content-Type: multipart/mixed; boundary="b b"',
            body=b"This is a multi-part message.\r\n--b b \t\r\n\r\nbir\r\n--b b\r\n\r\niki\r\n--b b-- \r\nson\r\n",
        )
    )
    assert [child.body for child in tree.children] == [b"bir", b"iki"]


MIXED = 'Content-Type: multipart/mixed; boundary="b"'
REFUSED = {
    "no blank line": b"Content-Type: text/plain\r\n",
    "no close delimiter": _entity(MIXED, body=b"--b\r\n\r\nx\r\n"),
    "no delimiter at all": _entity(MIXED, body=b"x\r\n"),
    "close before any part": _entity(MIXED, body=b"--b--\r\n"),
    "delimiter that is a prefix of a line": _entity(MIXED, body=b"--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--\r\n"),
    "delimiter after the close delimiter": _entity(MIXED, body=b"--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--\r\n"),
    "part without header block": _entity(MIXED, body=b"--b\r\n--b--\r\n"),
    "no boundary": _entity("Content-Type: multipart/mixed", body=b"--b\r\n\r\nx\r\n--b--\r\n"),
    "boundary ending in a blank": _entity(
        'Content-Type: multipart/mixed; boundary="b "', body=b"--b \r\n\r\nx\r\n--b --\r\n"
    ),
    "an empty boundary": _entity('Content-Type: multipart/mixed; boundary=""', body=b"--\r\n\r\nx\r\n----\r\n"),
    "two boundaries": _entity(MIXED + "; boundary=c", body=b"--b\r\n\r\nx\r\n--b--\r\n"),
    "two content types": _entity(MIXED, "content-type: text/plain", body=b"--b\r\n\r\nx\r\n--b--\r\n"),
    "a comment in a content type": _entity("Content-Type: text/plain (yorum)"),
    "no subtype": _entity("Content-Type: text"),
    "binary": _entity("Content-Transfer-Encoding: binary"),
    "uuencode": _entity("Content-Transfer-Encoding: x-uuencode"),
    "an encoded multipart": _entity(MIXED, "Content-Transfer-Encoding: base64", body=b"--b\r\n\r\nx\r\n--b--\r\n"),
    "an encoded message": _entity("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64"),
    "a file name that reads backwards": _entity("Content-Disposition: attachment; filename*=utf-8''a%E2%80%AEfdp.exe"),
    "a file name with a line end": _entity("Content-Disposition: attachment; filename*=utf-8''a%0D%0ABcc:%20x"),
    "a file name with NUL": _entity("Content-Disposition: attachment; filename*=utf-8''a%00.pdf"),
    "a gap in a continued name": _entity("Content-Disposition: attachment; filename*0=a; filename*2=b"),
    "a continued name twice": _entity("Content-Disposition: attachment; filename*0=a; filename*0=b"),
    "half an escape": _entity("Content-Disposition: attachment; filename*=utf-8''a%2"),
    "bytes that are no UTF-8": _entity("Content-Disposition: attachment; filename*=utf-8''a%ff"),
    "an unknown character set": _entity("Content-Disposition: attachment; filename*=utf-7''a"),
    "an extended name without a character set": _entity("Content-Disposition: attachment; filename*=abc"),
    "a parameter twice": _entity("Content-Disposition: attachment; filename=a; FILENAME=a"),
    "a parameter name nobody defined": _entity("Content-Disposition: attachment; filename*a*=utf-8''a"),
    "more fields than anybody needs": _entity(*["X-A: b"] * 501),
    "more parameters than anybody needs": _entity(
        "Content-Type: text/plain" + "".join(f"; a{n}=b" for n in range(101))
    ),
    "a header block without end": b"X-A: " + b"a" * 262_144 + b"\r\n\r\n",
    "a quote that does not end": _entity('Content-Disposition: attachment; filename="abc'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name: str) -> None:
    with pytest.raises(MimeRefused):
        parse(REFUSED[name])


def test_what_stands_at_the_limit_still_passes() -> None:
    assert len(parse(_entity(*["X-A: b"] * 500)).headers) == 500
    many = "Content-Type: text/plain" + "".join(f"; a{n}=b" for n in range(100))
    assert len(parse(_entity(many)).parameters) == 100
    assert parse(b"X-A: " + b"a" * 262_000 + b"\r\n\r\n").headers


def test_limits_on_size_parts_and_depth() -> None:
    with pytest.raises(MimeRefused):
        parse(b"\r\n12345", limits=MimeLimits(max_bytes=6))
    flat = _entity(MIXED, body=b"--b\r\n\r\n\r\n" * 5 + b"--b--\r\n")
    assert len(parse(flat).children) == 5
    with pytest.raises(MimeRefused):
        parse(flat, limits=MimeLimits(max_parts=5))
    nested = leaf("text/plain", b"x")
    for _ in range(13):
        nested = multipart("mixed", [nested])
    with pytest.raises(MimeRefused):
        parse(nested)
    assert parse(nested, limits=MimeLimits(max_depth=13)).children


def test_quoted_printable_is_read_strictly() -> None:
    def body(text: bytes) -> bytes:
        return decoded_body(parse(_entity("Content-Transfer-Encoding: quoted-printable", body=text)))

    assert body(b"a=C4=9F=\r\nb \t\r\nc=20\r\n") == "ağb\r\nc \r\n".encode()
    assert body(b"a= \r\nb") == b"ab"
    for spoiled in (b"a=", b"a=4", b"a=GG", b"==", b"a=\r", b"\xc4", b"a\x07"):
        with pytest.raises(MimeRefused):
            body(spoiled)


def test_base64_is_read_strictly() -> None:
    assert decode_base64(b"QUJD\r\nRA==\r\n") == b"ABCD"
    assert decode_base64(b"") == b""
    for spoiled in (
        b"QUJ",
        b"QUJ DRA==",
        b"RA==QUJD",
        b"QU=JD",
        b"QUJD=",
        b"QUJD====",
        b"RB==",
        b"QUF=",
        b"QUJD\n",
        b"=",
        b"Q*JD",
    ):
        with pytest.raises(MimeRefused):
            decode_base64(spoiled)


def test_eight_bits_in_a_seven_bit_part_are_refused_when_read() -> None:
    with pytest.raises(MimeRefused):
        decoded_body(parse(b"\r\n\xc4\x9f"))
    text = _entity(
        "Content-Type: text/plain; charset=iso-8859-9", "Content-Transfer-Encoding: 8bit", body=b"\xfe\r\n\xdd"
    )
    assert text_body(parse(text)) == "ş\nİ"


def test_text_in_an_unknown_character_set_is_refused() -> None:
    with pytest.raises(MimeRefused):
        text_body(parse(_entity("Content-Type: text/plain; charset=utf-16")))


def test_the_text_is_the_first_plain_part_that_is_no_attachment_and_all_else_stays_in_reach() -> None:
    tree = parse(
        multipart(
            "mixed",
            [
                leaf("text/plain", b"ek", filename="../once.txt"),
                multipart("alternative", [leaf("text/plain", b"metin"), leaf("text/html", b"<p>metin</p>")]),
                _entity("Content-Type: message/rfc822", body=SOUND),
            ],
        )
    )
    assert text_body(tree) == "metin"
    found = attachments(tree)
    assert [item.filename for item in found] == [".._once.txt", "ek-2", "ek-3"]
    assert found[2].part.body == SOUND
    assert not found[2].part.children


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b" Konu", "Konu"),
        (b"", ""),
        (b" iki  bosluk", "iki  bosluk"),
        (b" kat\r\n lama", "kat lama"),
        (b" kat\r\n\tlama", "kat lama"),
        (b" =?utf-8?b?xLBo?=\r\n =?UTF-8?Q?tar_name?=", "İhtar name"),
        (b" =?iso-8859-9?q?=DDhtar?= adi", "İhtar adi"),
        (b" a =?utf-8?q?=20b=20?= c", "a  b  c"),
    ],
)
def test_subjects_are_decoded(raw: bytes, text: str) -> None:
    assert decode_text(raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        b" =?utf-8?b?xA==?= =?utf-8?b?sA==?=",  # one character in two words
        b" =?utf-8?b?QQ0KQmNjOiB4?=",  # CR LF inside
        b" =?utf-8?q?a=0Db?=",
        b" =?utf-8?q?a=00b?=",
        b" =?utf-8?q?a=09b?=",
        b" =?utf-8?q?=E2=80=AEabc?=",  # U+202E
        b" =?utf-8?q?=E2=81=A7abc?=",  # U+2067
        b" =?utf-8?q?=E2=80=A8?=",  # U+2028
        b" =?utf-8?q?=C2=85?=",  # U+0085
        b" =?utf-8?q?=EF=BF=BF?=",  # U+FFFF
        b" =?utf-8?q?a b?=",
        b" =?utf-8?q?a?=b",
        b" a=?utf-8?q?a?=",
        b" =?utf-8?x?a?=",
        b" =?utf-7?q?a?=",
        b" =?utf-8?q?=4?=",
        b" =?utf-8?b?QQ?=",
        b" =?utf-8?b?QR==?=",
        b" =?utf-8?q?" + b"a" * 70 + b"?=",
        b" =? ",
        "ğ".encode(),
        b"\x7f",
        b" \x07",
    ],
)
def test_subjects_of_two_readings_are_refused(raw: bytes) -> None:
    with pytest.raises(MimeRefused):
        decode_text(raw)


@given(SHOWABLE)
def test_any_showable_subject_is_read_back_as_written(subject: str) -> None:
    line = header("Subject", text_value(subject))
    assert decode_text(line[8:-2]) == subject
    assert line.isascii()
    assert max(len(text) for text in line.split(b"\r\n")) <= 76


@given(SHOWABLE)
def test_any_showable_file_name_is_read_back_as_written(name: str) -> None:
    line = header("Content-Disposition", "attachment" + parameter("filename", name))
    assert parameters(line[20:-2]) == ("attachment", {"filename": name})
    assert max(len(text) for text in line.split(b"\r\n")) <= 78


@pytest.mark.parametrize("text", ["a\r\nBcc: x", "a\nb", "a\rb", "a\0", "a\u202eb", "a\u2028b", "\ud800", "\x1b"])
def test_text_that_could_end_its_line_is_never_written(text: str) -> None:
    for write in (text_value, lambda value: parameter("filename", value), lambda value: header("X-Ad", value)):
        with pytest.raises(MimeRefused):
            write(text)


@settings(max_examples=300)
@given(st.binary(max_size=600))
def test_any_bytes_give_a_tree_or_a_refusal(raw: bytes) -> None:
    for text in (raw, b"\r\n" + raw, _entity(MIXED, body=b"--b\r\n" + raw + b"\r\n--b--\r\n")):
        try:
            tree = parse(text)
            text_body(tree)
            attachments(tree)
        except MimeRefused:
            continue


@settings(max_examples=500)
@given(st.data())
def test_mutated_messages_give_a_tree_or_a_refusal(data: st.DataObject) -> None:
    raw = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.sampled_from([b"", b"\r\n", b"--", b'"', b";", b"=?", b"?=", b"\xff", b":", b"\r\n\r\n"]))
        raw[at : at + data.draw(st.integers(0, 40))] = piece
        if not raw:
            return
    try:
        tree = parse(bytes(raw))
        text_body(tree)
        attachments(tree)
    except MimeRefused:
        return


HEAVY = {
    "line ends": "b'\\r\\n' * (N // 2)",
    "carriage returns": "b'\\r\\n' + b'\\r' * N",
    "delimiters": "HEAD + b'--b\\r\\n\\r\\n' * (N // 8)",
    "near delimiters": "HEAD + b'\\r\\n--bX' * (N // 6)",
    "half delimiters": "HEAD + b'\\r\\n--' * (N // 4)",
    "nested": "HEAD + (b'--b\\r\\n' + HEAD) * (N // 60)",
    "one header": "b'A:' + b'x' * N",
    "folds": "b'A:' + b'\\r\\n ' * (N // 3)",
    "parameters": "b'Content-Type: text/plain' + b'; a=b' * 40000 + b'\\r\\n\\r\\n'",
    "quotes": "b'Content-Type: text/plain; a=' + b'\"' * 200000 + b'\\r\\n\\r\\n'",
    "blanks in quoted-printable": "QP + b' ' * N",
    "soft breaks": "QP + b'=' * N",
    "base64": "B64 + b'QUJD' * (N // 4)",
    "base64 lines": "B64 + b'QUJD\\r\\n' * (N // 6)",
}
PROGRAM = """
import sys
from guards.mime import MimeRefused, attachments, parse, text_body, open_signed
N = 26_000_000
HEAD = b'Content-Type: multipart/mixed; boundary=b\\r\\n\\r\\n'
QP = b'Content-Transfer-Encoding: quoted-printable\\r\\n\\r\\n'
B64 = b'Content-Type: a/b\\r\\nContent-Transfer-Encoding: base64\\r\\n\\r\\n'
raw = eval(sys.argv[1])
for read in (lambda: attachments(parse(raw)), lambda: text_body(parse(raw)), lambda: open_signed(raw)):
    try:
        read()
    except MimeRefused:
        pass
"""


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_messages_end_within_the_memory_the_kernel_allows(name: str) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM, HEAVY[name]],
        check=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=_bounded,
        timeout=60,
    )
