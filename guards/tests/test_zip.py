"""The one spelling of a container, and everything else refused (V-065)."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.zip import ZipLimits, ZipRefused, read_stored, write_stored

MEMBERS = [("mimetype", b"application/vnd.etsi.asic-e+zip"), ("META-INF/a.xml", b"<a></a>"), ("bos", b"")]
SOUND = write_stored(MEMBERS)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}(/[a-z0-9][a-z0-9._-]{0,20}){0,2}", fullmatch=True)


def test_the_mimetype_stands_where_asic_wants_it() -> None:
    assert SOUND[30:38] == b"mimetype"
    assert SOUND[38:].startswith(b"application/vnd.etsi.asic-e+zip")


def test_the_standard_library_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(SOUND)) as archive:
        assert archive.testzip() is None
        assert [(entry.filename, archive.read(entry)) for entry in archive.infolist()] == MEMBERS
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=8))
def test_what_was_written_is_read_back_in_order(members: dict[str, bytes]) -> None:
    raw = write_stored(list(members.items()))
    assert list(read_stored(raw).items()) == list(members.items())


def test_every_changed_byte_is_found() -> None:
    for at in range(len(SOUND)):
        for mask in (1, 0x20, 0xFF):
            flipped = bytearray(SOUND)
            flipped[at] ^= mask
            with pytest.raises(ZipRefused):
                read_stored(bytes(flipped))


def test_a_changed_member_is_named() -> None:
    with pytest.raises(ZipRefused) as caught:
        read_stored(SOUND.replace(b"<a></a>", b"<b></b>"))
    assert caught.value.facts["member"] == "META-INF/a.xml"


def _by_zipfile(write: Callable[[zipfile.ZipFile], None], **options: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **options) as archive:  # type: ignore[call-overload]
        write(archive)
    return made.getvalue()


def _patched(at: int, form: str, value: int) -> bytes:
    raw = bytearray(SOUND)
    struct.pack_into(form, raw, at, value)
    return bytes(raw)


END = len(SOUND) - 22
DIRECTORY = struct.unpack_from("<I", SOUND, END + 16)[0]
HOSTILE = {
    "nothing": b"",
    "not a zip": b"x" * 500,
    "an end record only, counting one": _patched(END + 10, "<H", 1)[END:],
    "deflated": _by_zipfile(lambda made: made.writestr("a", b"x" * 100), compression=zipfile.ZIP_DEFLATED),
    "a bomb": _by_zipfile(lambda made: made.writestr("a", bytes(10_000_000)), compression=zipfile.ZIP_DEFLATED),
    "another date": _by_zipfile(lambda made: made.writestr(zipfile.ZipInfo("a", (2026, 1, 1, 0, 0, 0)), b"x")),
    "text before": b"MZ" + SOUND,
    "text after": SOUND + b"x",
    "a comment": SOUND[:-2] + b"\1\0x",
    "cut short": SOUND[:-1],
    "a gap before the directory": SOUND[:DIRECTORY] + b"x" + SOUND[DIRECTORY:],
    "a gap after the directory": SOUND[:END] + b"x" + SOUND[END:],
    "one member less in the count": _patched(END + 10, "<H", 2),
    "one more in the count of this disk": _patched(END + 8, "<H", 4),
    "another disk": _patched(END + 4, "<H", 1),
    "directory elsewhere": _patched(END + 16, "<I", 0),
    "directory beyond the end": _patched(END + 16, "<I", 0xFFFFFFF0),
    "directory size": _patched(END + 12, "<I", 1),
    "a wrong size": _patched(18, "<I", 5),
    "a huge size": _patched(18, "<I", 0xFFFFFFFF),
    "a wrong unpacked size": _patched(22, "<I", 5),
    "a wrong CRC": _patched(14, "<I", 0),
    "encrypted": _patched(6, "<H", 1),
    "a data descriptor": _patched(6, "<H", 8),
    "the utf-8 flag": _patched(6, "<H", 0x800),
    "another method": _patched(8, "<H", 8),
    "an extra field": _patched(28, "<H", 4),
    "a name of no length": _patched(26, "<H", 0),
    "a long name": _patched(26, "<H", 0xFFFF),
    "another name in the directory": SOUND[:DIRECTORY] + SOUND[DIRECTORY:].replace(b"mimetype", b"mimetypf"),
    "another attribute in the directory": _patched(DIRECTORY + 38, "<I", 0xA1FF0000),
    "another offset in the directory": _patched(DIRECTORY + 42, "<I", 38),
    "two directories": SOUND + SOUND,
    "directory in another order": b"".join(
        [
            SOUND[:DIRECTORY],
            SOUND[DIRECTORY + 54 : END],
            SOUND[DIRECTORY : DIRECTORY + 54],
            SOUND[END:],
        ]
    ),
}
BAD_NAMES = [
    "",
    "/etc/passwd",
    "../a",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    "a\\b",
    "C:a",
    ".gizli",
    "a/.gizli",
    "a b",
    "ş",
    "a\0b",
    "a\nb",
    "-rf",
    "a" * 201,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_it_refuses(name: str) -> None:
    with pytest.raises(ZipRefused):
        read_stored(HOSTILE[name])


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_neither_written_nor_read(name: str) -> None:
    with pytest.raises(ZipRefused):
        write_stored([(name, b"x")])
    stored = _by_zipfile(lambda made: made.writestr(zipfile.ZipInfo("Q" * max(1, len(name.encode()))), b"x"))
    with pytest.raises(ZipRefused):
        read_stored(stored.replace(b"Q" * max(1, len(name.encode())), name.encode() or b"?"))


@pytest.mark.parametrize("pair", [("a", "a"), ("a", "A"), ("x/a", "X/a")])
def test_two_names_that_a_file_system_may_take_for_one_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(ZipRefused):
        write_stored([(pair[0], b"1"), (pair[1], b"2")])


def test_a_member_twice_is_refused_also_when_it_was_written_by_somebody_else() -> None:
    raw = write_stored([("aa", b"1"), ("bb", b"2")]).replace(b"bb", b"aa")
    with pytest.raises(ZipRefused) as caught:
        read_stored(raw)
    assert caught.value.facts["member"] == "aa"
    with pytest.raises(ZipRefused):
        read_stored(write_stored([("aa", b"1"), ("bb", b"2")]).replace(b"bb", b"AA"))


def test_size_and_number_are_bounded() -> None:
    with pytest.raises(ZipRefused):
        read_stored(SOUND, limits=ZipLimits(max_bytes=len(SOUND) - 1))
    with pytest.raises(ZipRefused):
        read_stored(SOUND, limits=ZipLimits(max_members=2))
    with pytest.raises(ZipRefused):
        write_stored([(f"a{number}", b"") for number in range(1_001)])
    with pytest.raises(ZipRefused):
        write_stored([("a", bytes(2_000))], limits=ZipLimits(max_bytes=2_000))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for text in (raw, raw + SOUND[END:], SOUND[:DIRECTORY] + raw + SOUND[END:]):
        try:
            read_stored(text)
        except ZipRefused:
            continue
