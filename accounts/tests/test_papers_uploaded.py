"""Uploaded papers: looked at by their bytes, limited, encrypted, filed under one subject (K-025, V-054)."""

import threading
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection

from accounts.applying import documents, states
from accounts.applying.documents import MOST_BYTES, MOST_PAPERS, PaperKind
from accounts.applying.errors import (
    PaperEmpty,
    PaperKindRefused,
    PaperNotTaken,
    PaperTooLarge,
    TooManyPapers,
    UnknownPaper,
)
from accounts.applying.paper_bytes import content_type_of
from accounts.applying.states import Event, State
from accounts.models import Application, Document
from accounts.tests.papers import jpeg, pdf, png
from accounts.tests.test_applying_states import make_draft, put
from evidence.models import Event as LogEvent

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def keep(application: Application, raw: bytes, kind: PaperKind = PaperKind.IDENTITY, name: str = "k.pdf", **more: str):  # type: ignore[no-untyped-def]
    """File one paper of the applicant's."""
    subject = documents.application_subject(application)
    return documents.keep(subject, kind, raw, file_name=name, uploaded_by="applicant", now=NOW, **more)


# --- what a paper is ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (pdf(), "application/pdf"),
        (png(), "image/png"),
        (jpeg(), "image/jpeg"),
        (jpeg(before=b"\xff\xe0\x00\x06JFIF"), "image/jpeg"),
        (jpeg(before=b"\xff\xff\xff\xe1\x00\x04ab"), "image/jpeg"),
        (jpeg() + b"\0\0\0", "image/jpeg"),
    ],
)
def test_the_bytes_say_what_a_paper_is(raw: bytes, found: str) -> None:
    assert content_type_of(raw) == found


HOSTILE = {
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    "zip": b"PK\x03\x04" + bytes(60),
    "exe": b"MZ" + bytes(300),
    "gif": b"GIF89a" + bytes(60),
    "webp": b"RIFF\x20\0\0\0WEBPVP8 " + bytes(30),
    "office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "text": b"kimlik no 12345678950",
    "html before a pdf": b"<html>" + pdf(),
    "blank before a pdf": b"\n" + pdf(),
    "half a pdf": pdf()[:-8],
    "pdf without an end": b"%PDF-1.7\n" + bytes(5000),
    "pdf of no version": b"%PDF-9.9\n" + pdf()[9:],
    "half a png": png()[:-1],
    "png and more": png() + b"<script>",
    "png of no size": png(0, 2),
    "png bomb": png(60_000, 60_000),
    "png without its head": png()[:8] + png()[16:],
    "half a jpeg": jpeg()[:-2],
    "jpeg and html": jpeg() + b"<script>alert(1)</script>",
    "jpeg bomb": jpeg(65_000, 65_000),
    "jpeg of no size": jpeg(0, 0),
    "jpeg without a frame": b"\xff\xd8\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff\xd9",
    "jpeg whose segment lies": b"\xff\xd8\xff\xe0\xff\xff" + bytes(20) + b"\xff\xd9",
    "jpeg whose segment is too short": b"\xff\xd8\xff\xe0\x00\x01" + bytes(20) + b"\xff\xd9",
    "three bytes": b"\xff\xd8\xff",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_what_is_no_whole_paper_is_refused_and_no_byte_of_it_is_kept(name: str, db: None) -> None:
    application = make_draft()
    with pytest.raises(PaperKindRefused):
        keep(application, HOSTILE[name], name="kimlik.pdf")
    assert not Document.objects.exists()
    assert not settings.KEP_VAULT_DIR.exists()


def test_empty_and_too_large_are_refused_before_the_vault(db: None) -> None:
    application = make_draft()
    with pytest.raises(PaperEmpty):
        keep(application, b"")
    with pytest.raises(PaperTooLarge):
        keep(application, b"%PDF-1.7\n" + bytes(MOST_BYTES))
    assert not settings.KEP_VAULT_DIR.exists()


# --- how it is kept -------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_paper_lies_encrypted_and_comes_back_byte_for_byte() -> None:
    application = make_draft()
    document = keep(application, pdf(b"gizli-kimlik"), name="Kimliğim.pdf")
    stored = b"".join(path.read_bytes() for path in settings.KEP_VAULT_DIR.rglob("*") if path.is_file())
    assert b"gizli-kimlik" not in stored
    assert documents.content(document) == pdf(b"gizli-kimlik")
    answer = documents.download(document)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT file_name FROM accounts_document")
        assert b"Kimli" not in bytes(cursor.fetchone()[0])
    assert not [event for event in LogEvent.objects.all() if b"Kimli" in bytes(event.body)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("kimlik.pdf", "kimlik.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Belgelerim\\kimlik.pdf", "kimlik.pdf"),
        ("kimlik\u202efdp.exe", "kimlikfdp.exe"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("\u200b\u0000", "belge"),
        ("...", "belge"),
        ("I\u0307mza.pdf", "İmza.pdf"),
    ],
)
def test_a_stranger_s_file_name_does_no_harm(given: str, kept: str) -> None:
    assert documents.clean_name(given) == kept


def test_a_long_name_keeps_its_end() -> None:
    assert documents.clean_name("a" * 400 + ".pdf") == "a" * 146 + ".pdf"


@pytest.mark.django_db
def test_the_same_paper_twice_is_one_and_of_another_kind_another() -> None:
    application = make_draft()
    first = keep(application, png())
    assert keep(application, png()).pk == first.pk
    assert keep(application, png(), PaperKind.FORM).pk != first.pk
    assert LogEvent.objects.filter(kind="document.kept").count() == 2


@pytest.mark.django_db
def test_a_paper_is_found_under_its_own_subject_only() -> None:
    mine, other = make_draft(), make_draft()
    document = keep(mine, pdf())
    subject = documents.application_subject(other)
    for public_id in (document.public_id, "yok", "", "a\0b", "ı" * 26):
        with pytest.raises(UnknownPaper):
            documents.find(subject, public_id)
    assert documents.find(documents.application_subject(mine), document.public_id) == document
    with pytest.raises(UnknownPaper):
        documents.keep("application:yok", PaperKind.FORM, pdf(), file_name="x", uploaded_by="applicant", now=NOW)
    with pytest.raises(ValueError, match="belong"):
        documents.keep("person:x", PaperKind.FORM, pdf(), file_name="x", uploaded_by="applicant", now=NOW)


@pytest.mark.django_db
def test_a_paper_taken_back_is_shown_no_more_and_its_row_stays() -> None:
    application = make_draft()
    document, subject = keep(application, pdf()), documents.application_subject(application)
    documents.withdraw(document, by="applicant", now=NOW)
    assert documents.of(subject) == ()
    assert Document.objects.get().withdrawn_at == NOW
    with pytest.raises(UnknownPaper):
        documents.withdraw(document, by="applicant", now=NOW)
    with pytest.raises(UnknownPaper):
        documents.find(subject, document.public_id)


@pytest.mark.django_db
def test_taking_papers_back_makes_no_room_for_more() -> None:
    application = make_draft()
    for number in range(MOST_PAPERS):
        documents.withdraw(keep(application, pdf(str(number).encode())), by="applicant", now=NOW)
    with pytest.raises(TooManyPapers):
        keep(application, pdf(b"bir daha"))


@pytest.mark.django_db
@pytest.mark.parametrize("state", State.values)
def test_papers_are_taken_until_somebody_decides_and_at_the_desk_until_the_account_is_open(state: str) -> None:
    application = put(make_draft(), state)
    by_applicant = state in ("DRAFT", "DOCUMENTS_AWAITED", "UNDER_REVIEW")
    by_desk = by_applicant or state in ("APPROVED", "ADDRESS_ALLOTTED", "AWAITING_ACTIVATION")
    for is_taken, branch in ((by_applicant, ""), (by_desk, "B1")):
        if is_taken:
            keep(application, pdf(branch.encode()), PaperKind.CONTRACT, branch=branch)
        else:
            with pytest.raises(PaperNotTaken):
                keep(application, pdf(branch.encode()), PaperKind.CONTRACT, branch=branch)


@pytest.mark.django_db
def test_a_decided_application_keeps_its_papers() -> None:
    application = put(make_draft(), State.UNDER_REVIEW)
    document = keep(application, pdf())
    states.advance(application, Event.REJECTED, now=NOW, actor="system", why="gerekçe")
    with pytest.raises(PaperNotTaken):
        documents.withdraw(document, by="applicant", now=NOW)
    assert documents.of(documents.application_subject(application)) == (document,)


@pytest.mark.django_db(transaction=True)
def test_fifty_uploads_at_once_do_not_pass_the_limit() -> None:
    application = make_draft()
    refused = []

    def upload(number: int) -> None:
        try:
            keep(application, pdf(str(number).encode()))
        except TooManyPapers:
            refused.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Document.objects.count() == MOST_PAPERS
    assert len(refused) == 50 - MOST_PAPERS
