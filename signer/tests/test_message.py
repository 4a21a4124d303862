"""What is shown comes from the bytes to be signed, and what has two readings is refused (S-019, V-060)."""

import email.message
from pathlib import Path

import pytest

from signer.errors import DocumentUnreadable
from signer.message import TEXT_SHOWN, Person, read
from signer.tests.workshop import SENDER, encoded, message

FROM, TO, SUBJECT = f"From: {SENDER}", "To: ali@hs02.kep.tr", "Subject: Konu"


def test_everything_that_is_signed_for_is_read_from_the_bytes() -> None:
    shown = read(message())

    assert shown.sender == Person("Ayşe Yıldız", SENDER)
    assert shown.to == (Person("Güneş Lojistik A.Ş.", "gunes@hs01.kep.tr"), Person("Ali Veli", "ali.veli@hs02.kep.tr"))
    assert shown.cc == (Person("", "bilgi@hs01.kep.tr"),)
    assert shown.subject == "Depo teslim tutanağı ve teminat iadesi"
    assert [(file.name, file.content_type, file.size) for file in shown.files] == [
        ("Teslim tutanağı ĞÜŞİÖÇ.pdf", "application/pdf", 15)
    ]
    assert shown.text == "Sayın yetkili,\n\nEkte sunulmuştur.\n"
    assert not shown.text_is_cut


def test_a_subject_split_over_two_encoded_words_reads_as_one() -> None:
    split = f"Subject: {encoded('Depo tes')}\r\n {encoded('lim tutanağı')}"

    assert read(message(fields=(FROM, TO, split))).subject == "Depo teslim tutanağı"


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = read(message(text="a" * (TEXT_SHOWN + 1)))

    assert len(shown.text) == TEXT_SHOWN
    assert shown.text_is_cut


def test_hidden_letters_of_the_running_text_are_spelled_out() -> None:
    assert read(message(text="bir\u202eiki\u0007")).text == "bir⟦U+202E⟧iki⟦U+0007⟧"


def test_empty_and_large_attachments_are_shown_with_their_size() -> None:
    shown = read(message(files=(("boş.txt", b""), ("büyük.bin", bytes(3_000_000)))))

    assert [(file.name, file.size) for file in shown.files] == [("boş.txt", 0), ("büyük.bin", 3_000_000)]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((FROM, FROM, TO, SUBJECT), id="second From"),
        pytest.param((FROM, TO, SUBJECT, "SUBJECT: Baska"), id="second Subject in other letters"),
        pytest.param((FROM, TO, "Subject : Konu"), id="blank before the colon"),
        pytest.param((TO, SUBJECT), id="no From"),
        pytest.param((FROM, SUBJECT), id="no To"),
        pytest.param((FROM, TO), id="no Subject"),
        pytest.param((f"{FROM}, ali@hs02.kep.tr", TO, SUBJECT), id="two senders"),
        pytest.param((FROM, "To: dostlar: ali@hs02.kep.tr;", SUBJECT), id="group"),
        pytest.param((FROM, "To: ali@hs02.kep.tr (veli@hs02.kep.tr)", SUBJECT), id="comment"),
        pytest.param((FROM, 'To: "ali@hs02.kep.tr" <veli@hs02.kep.tr>', SUBJECT), id="quoted name"),
        pytest.param((FROM, 'To: "a b"@hs02.kep.tr', SUBJECT), id="quoted local part"),
        pytest.param((FROM, f"To: {encoded('ali@hs02.kep.tr')}", SUBJECT), id="encoded address"),
        pytest.param((FROM, "To: ,ali@hs02.kep.tr", SUBJECT), id="empty place in the list"),
        pytest.param((FROM, f"To: {encoded('ali')} veli@hs02.kep.tr", SUBJECT), id="name without angles"),
        pytest.param((FROM, TO, f"Subject: {encoded(chr(10) + 'Bcc: x@y.z')}"), id="line end in an encoded word"),
        pytest.param((FROM, TO, f"Subject: {encoded('fatura' + chr(0x202E) + 'fdp.exe')}"), id="direction override"),
        pytest.param((FROM, TO, f"Subject: {encoded(chr(0))}"), id="NUL in an encoded word"),
        pytest.param((FROM, TO, "Subject: =?utf-8?b?xJ8?= =?utf-8?q?x"), id="half an encoded word"),
        pytest.param((FROM, TO, "Subject: =?utf-8?b?xA==?= =?utf-8?b?nw==?="), id="letter split over two words"),
        pytest.param((FROM, TO, "Subject: =?utf-7?q?x?="), id="unknown charset"),
        pytest.param((FROM, TO, "Subject: Konu\x07"), id="control"),
        pytest.param((FROM, TO, "Subject: Konu ğ"), id="raw eight bit"),
        pytest.param((FROM, TO, "Subject: Konu\rBcc: x@y.z"), id="lone CR"),
        pytest.param((FROM, TO, "Subject: Konu\nBcc: x@y.z"), id="lone LF"),
    ],
)
def test_a_header_with_two_readings_is_refused(fields: tuple[str, ...]) -> None:
    with pytest.raises(DocumentUnreadable):
        read(message(fields=fields))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"\r\n", b"\n", id="LF everywhere"),
        pytest.param(b"--abc123--", b"--abc123", id="no close delimiter"),
        pytest.param(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: base65", id="unknown encoding"),
        pytest.param(
            b"Content-Transfer-Encoding: base64",
            b"Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 8bit",
            id="encoding twice",
        ),
        pytest.param(b'; hp="clear"', b'; boundary="xyz"', id="boundary twice"),
        pytest.param(b"JVBERi0", b"JVBE*i0", id="junk in base64"),
        pytest.param(b'charset="utf-8"', b'charset="ebcdic-x"', id="unknown charset of the text"),
        pytest.param(b"\r\n\r\n", b"\r\n", id="no blank line"),
    ],
)
def test_a_body_with_two_readings_is_refused(old: bytes, new: bytes) -> None:
    raw = message()
    assert old in raw
    with pytest.raises(DocumentUnreadable):
        read(raw.replace(old, new))


@pytest.mark.parametrize("name", ["fatura\u202efdp.exe", "a\r\nb.txt", "a\0.txt"])
def test_a_file_name_that_hides_something_is_refused(name: str) -> None:
    with pytest.raises(DocumentUnreadable):
        read(message(files=((name, b"x"),)))


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"x" * 70_000, b"\xff\xfe\x00", bytes(range(256)) * 4])
def test_junk_is_refused_and_never_crashes(raw: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        read(raw)


def test_nothing_of_the_program_imports_the_project_or_django() -> None:
    forbidden = ("django", "guards", "evidence", "signing", "accounts", "mailbox", "kepweb", "demo", "asn1crypto")
    for path in Path(__file__).parent.parent.glob("*.py"):
        imported = [
            line.split()[1] for line in path.read_text("utf-8").splitlines() if line.startswith(("import ", "from "))
        ]
        assert not [name for name in imported if name.split(".")[0] in forbidden], path.name
    assert email.message  # the standard library is allowed
