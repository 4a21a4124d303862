"""The original: built once, read alike by everybody, and every change after signing found (design.md 1.3)."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guards.mime import Address, HeadersDiffer, MimeRefused, decoded_body
from guards.mime_fields import unshowable
from mailbox.original import (
    MAX_ORIGINAL_BYTES,
    AttachmentContent,
    DraftContent,
    OriginalRefused,
    OriginalTooLarge,
    build_signed_part,
    read_original,
    wrap_signed,
)

SIGNATURE = b"\x30\x82\x01\x00" + bytes(256)
AYSE = Address("Ayşe Yılmaz", "ayse.yilmaz@hs01.kep.tr")
ALI = Address("Veli, Ali", "ali.celik@hs01.kep.tr")
PTT = Address("", "ptt.hukuk@ptt.hs02.kep.tr")
TURKISH_NAME = "ĞÜŞİÖÇ ığüşöç.pdf"


def a_draft(
    *,
    from_: Address = AYSE,
    to: tuple[Address, ...] = (ALI,),
    cc: tuple[Address, ...] = (PTT,),
    subject: str = "İhtarname",
    text: str = "Sayın ilgili,\nbilginize.\n",
    attachments: tuple[AttachmentContent, ...] = (AttachmentContent(TURKISH_NAME, "application/pdf", b"%PDF-1.7"),),
    date: datetime = datetime(2026, 11, 24, 8, 0, 1, tzinfo=UTC),
    message_id: str = "<01933f2ab7c07a30b3d8@hs01.kep.tr>",
    kind: str = "standart",
    kind_id: str | None = None,
) -> DraftContent:
    return DraftContent(from_, to, cc, subject, text, attachments, date, message_id, kind, kind_id)


def finished(draft: DraftContent) -> bytes:
    return wrap_signed(build_signed_part(draft), SIGNATURE)


def stdlib(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_what_was_written_is_read_back() -> None:
    draft = a_draft(kind="eYazisma", kind_id="E-2026/1")
    original = read_original(finished(draft))
    assert original.protected
    assert (original.from_, original.to, original.cc) == (AYSE, (ALI,), (PTT,))
    assert original.recipients == (ALI, PTT)
    assert (original.subject, original.text) == ("İhtarname", "Sayın ilgili,\nbilginize.\n")
    assert (original.kind, original.kind_id) == ("eYazisma", "E-2026/1")
    assert (original.message_id, original.date) == (draft.message_id, draft.date)
    assert original.signed_part == build_signed_part(draft)
    assert (original.signature_der, original.digest_name) == (SIGNATURE, "sha256")
    assert [item.filename for item in original.attachments] == [TURKISH_NAME]


def test_the_same_content_gives_the_same_bytes() -> None:
    assert finished(a_draft()) == finished(a_draft())
    assert build_signed_part(a_draft(text="a")) != build_signed_part(a_draft(text="b"))


def test_it_is_seven_bit_and_its_lines_are_short() -> None:
    raw = finished(a_draft(subject="ş" * 500, text="ğ" * 5_000))
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")


def test_the_header_block_stands_outside_and_inside_byte_for_byte() -> None:
    signed_part = build_signed_part(a_draft())
    block = signed_part[: signed_part.index(b"Content-Type")]
    assert wrap_signed(signed_part, SIGNATURE).startswith(block + b"MIME-Version: 1.0\r\n")
    assert b'hp="clear"' in signed_part
    with pytest.raises(OriginalRefused):
        wrap_signed(signed_part[len(block) :], SIGNATURE)


SHOWABLE = st.text(max_size=80).filter(lambda text: unshowable(text) is None)
FILE_NAMES = SHOWABLE.filter(lambda name: name.strip() and "/" not in name and name not in (".", ".."))
PEOPLE = st.builds(Address, SHOWABLE, st.sampled_from([AYSE.address, ALI.address, PTT.address]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=400)


@settings(max_examples=150)
@given(
    st.builds(
        a_draft,
        from_=PEOPLE,
        to=st.lists(PEOPLE, min_size=1, max_size=4).map(tuple),
        cc=st.lists(PEOPLE, max_size=3).map(tuple),
        subject=SHOWABLE,
        text=TEXTS,
        attachments=st.lists(
            st.builds(
                AttachmentContent,
                FILE_NAMES,
                st.sampled_from(["application/pdf", "text/plain"]),
                st.binary(max_size=300),
            ),
            max_size=3,
        ).map(tuple),
    )
)
def test_any_printable_content_comes_back_as_it_went_in(draft: DraftContent) -> None:
    original = read_original(finished(draft))
    assert (original.from_, original.to, original.cc) == (draft.from_, draft.to, draft.cc)
    assert (original.subject, original.text) == (draft.subject, draft.text)
    assert [item.filename for item in original.attachments] == [item.filename for item in draft.attachments]
    assert [decoded_body(item.part) for item in original.attachments] == [item.raw for item in draft.attachments]


@settings(max_examples=100)
@given(*[texts.filter(lambda text: text == text.strip()) for texts in (SHOWABLE, FILE_NAMES)])
def test_the_standard_library_reads_the_same_subject_and_file_name(subject: str, name: str) -> None:
    raw = finished(a_draft(subject=subject, attachments=(AttachmentContent(name, "application/pdf", b"x"),)))
    message = stdlib(raw)
    assert message["subject"] == subject
    signed, signature = message.iter_parts()
    assert isinstance(signed, EmailMessage)
    assert [part.get_filename() for part in signed.iter_parts()] == [None, name]
    assert signature.get_filename() == "smime.p7s"


@pytest.mark.parametrize(
    "name",
    [TURKISH_NAME, 'a"b.pdf', "a;b.pdf", "a%41.pdf", "a=b'c.pdf", "a\\b.pdf", "uzun " * 40 + "ş.pdf", "=?utf-8?q?a?="],
)
def test_hard_file_names_survive_here_and_in_the_standard_library(name: str) -> None:
    raw = finished(a_draft(attachments=(AttachmentContent(name, "application/pdf", b"x"),)))
    assert [item.filename for item in read_original(raw).attachments] == [name]
    assert name in [part.get_filename() for part in stdlib(raw).walk()]


def test_the_standard_library_reads_every_name_and_recipient() -> None:
    message = stdlib(finished(a_draft()))
    assert [str(one) for one in message["to"].addresses] == [f'"{ALI.name}" <{ALI.address}>']
    assert message["from"].addresses[0].display_name == AYSE.name
    assert message["cc"].addresses[0].addr_spec == PTT.address


def test_an_attachment_may_be_empty() -> None:
    raw = finished(a_draft(attachments=(AttachmentContent("bos.bin", "application/octet-stream", b""),)))
    (item,) = read_original(raw).attachments
    assert (item.filename, item.size, decoded_body(item.part)) == ("bos.bin", 0, b"")


def test_twenty_megabytes_need_more_room_than_the_limit_gives_and_are_refused_before_signing() -> None:
    # 26,214,400 bytes of the finished original hold 19.1 million bytes of files: base64 takes 78 for 57.
    with pytest.raises(OriginalTooLarge) as caught:
        build_signed_part(a_draft(attachments=(AttachmentContent("b.bin", "application/pdf", bytes(20_000_000)),)))
    assert caught.value.facts["limit"] == MAX_ORIGINAL_BYTES
    assert "26214400" in caught.value.for_person()


def test_nineteen_million_bytes_of_files_pass_and_are_read_back() -> None:
    content = bytes(range(256)) * 74_200
    raw = finished(a_draft(attachments=(AttachmentContent("b.bin", "application/pdf", content),)))
    assert MAX_ORIGINAL_BYTES - 300_000 < len(raw) <= MAX_ORIGINAL_BYTES
    (item,) = read_original(raw).attachments
    assert decoded_body(item.part) == content


def test_the_limit_counts_the_finished_original_to_the_byte() -> None:
    signed_part = build_signed_part(a_draft())
    frame = len(wrap_signed(signed_part, b"")) - len(signed_part)
    lines, rest = divmod(MAX_ORIGINAL_BYTES - len(signed_part) - frame, 78)
    fitting = bytes(lines * 57 + (rest - 2) // 4 * 3)
    assert MAX_ORIGINAL_BYTES - 8 < len(wrap_signed(signed_part, fitting)) <= MAX_ORIGINAL_BYTES
    with pytest.raises(OriginalTooLarge):
        wrap_signed(signed_part, fitting + bytes(6))
    with pytest.raises(OriginalTooLarge):
        read_original(bytes(MAX_ORIGINAL_BYTES + 1))


@pytest.mark.parametrize(
    "draft",
    [
        {"subject": "Konu\r\nBcc: baska@hs01.kep.tr"},
        {"subject": "Konu\nX: y"},
        {"subject": "Konu\0"},
        {"subject": "a\u202eb"},
        {"subject": "\ud800"},
        {"from_": Address("Ayşe\r\nBcc: x", AYSE.address)},
        {"from_": Address("Ayşe", "ayse@example.com")},
        {"to": ()},
        {"to": (Address("", "ali.celik@hs01.kep.tr\r\nBcc: x@hs01.kep.tr"),)},
        {"cc": (Address("", "ali@example.com"),)},
        {"text": "\ud800"},
        {"date": datetime(2026, 11, 24)},  # noqa: DTZ001
        {"message_id": "<1@hs01.kep.tr>\r\nBcc: x"},
        {"message_id": "1"},
        {"kind": "reklam"},
        {"kind_id": "a\r\nBcc: x"},
        {"kind_id": ""},
    ],
)
def test_content_that_could_break_a_header_is_refused(draft: dict[str, object]) -> None:
    with pytest.raises(OriginalRefused) as caught:
        build_signed_part(a_draft(**draft))  # type: ignore[arg-type]
    assert "Taslağınız duruyor" in caught.value.for_person()


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a\r\nContent-Type: text/html.pdf", "application/pdf"),
        ("a\0.pdf", "application/pdf"),
        ("fdp\u202eexe.pdf", "application/pdf"),
        ("../../etc/passwd", "application/pdf"),
        ("", "application/pdf"),
        ("  ", "application/pdf"),
        ("..", "application/pdf"),
        ("a" * 256, "application/pdf"),
        ("a.pdf", "application/pdf; x=y"),
        ("a.pdf", "application"),
        ("a.pdf", "text/plain\r\nBcc: x"),
    ],
)
def test_file_names_and_types_that_could_break_a_header_are_refused(name: str, content_type: str) -> None:
    with pytest.raises(OriginalRefused):
        build_signed_part(a_draft(attachments=(AttachmentContent(name, content_type, b""),)))


def test_a_forwarded_message_travels_as_plain_bytes() -> None:
    raw = finished(a_draft(attachments=(AttachmentContent("ileti.eml", "message/rfc822", b"a: b\n\nx"),)))
    (item,) = read_original(raw).attachments
    assert (item.content_type, decoded_body(item.part)) == ("application/octet-stream", b"a: b\n\nx")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("from", b"ayse.yilmaz@", b"ayse.yilmas@"),
        ("to", b"ali.celik@", b"veli.celik@"),
        ("cc", b"ptt.hukuk@", b"ptt.mali@"),
        ("subject", b"Subject: =?utf-8?b?xLBodGFybmFtZQ==?=", b"Subject: Davet"),
        ("date", b"08:00:01", b"08:00:02"),
        ("message-id", b"<01933f2ab7c07a30b3d8@", b"<01933f2ab7c07a30b3d9@"),
        ("x-tr-rem-iletitip", b"iletiTip: standart", b"iletiTip: eTebligat"),
    ],
)
def test_each_protected_header_changed_after_signing_is_named(name: str, old: bytes, new: bytes) -> None:
    raw = finished(a_draft())
    assert old in raw
    with pytest.raises(HeadersDiffer) as caught:
        read_original(raw.replace(old, new, 1))
    assert caught.value.name == name


@settings(max_examples=200)
@given(st.data())
def test_no_changed_byte_leaves_an_original_that_says_something_else(data: st.DataObject) -> None:
    raw = finished(a_draft())
    sound = read_original(raw)
    flipped = bytearray(raw)
    flipped[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = read_original(bytes(flipped))
    except MimeRefused:
        return
    assert read.signed_part != sound.signed_part or read.signature_der != sound.signature_der


def test_an_upload_without_protected_headers_is_accepted_and_marked() -> None:
    raw = finished(a_draft())
    signed_part = build_signed_part(a_draft())
    block = signed_part[: signed_part.index(b"Content-Type")]
    upload = raw.replace(signed_part, signed_part[len(block) :].replace(b';\r\n hp="clear"', b""))
    original = read_original(upload)
    assert not original.protected
    assert original.subject == "İhtarname"


def test_bcc_is_refused_in_an_upload() -> None:
    upload = finished(a_draft())
    signed_part = build_signed_part(a_draft())
    block = signed_part[: signed_part.index(b"Content-Type")]
    upload = upload.replace(signed_part, signed_part[len(block) :].replace(b';\r\n hp="clear"', b""))
    with pytest.raises(OriginalRefused):
        read_original(b"Bcc: baska.biri@hs01.kep.tr\r\n" + upload)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(MimeRefused):
        read_original(raw)
