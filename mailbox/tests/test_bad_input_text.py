"""Text that is no text, names that are no names: nothing signed says more than was shown (V-071, design.md 6).

By the form, by a request that no browser would send, and by the verbs themselves: what cannot be shown is refused
before anybody signs, with a code, and the draft is kept. Nothing that passes here may be refused after the PIN.
"""

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from evidence import vault
from guards.mime import Address
from mailbox import compose
from mailbox.compose import FileGiven
from mailbox.errors import NoSubject
from mailbox.models import Draft, DraftAttachment, Message
from mailbox.original import AttachmentContent, DraftContent, OriginalRefused, OriginalTooMuch, build_signed_part
from mailbox.original import read_original as read
from mailbox.state_names import MessageState
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]

FORM = {"to": "mehmet.kaya@hs01.kep.tr", "subject": "Konu", "text": "Metin", "action": "sign"}
CONTROLS = ["\x00", "\x1b[31m", "\x7f", "\u202e", "\u2066", "\ufffe"]
LINE_ENDS = ["\r\nBcc: x@hs01.kep.tr", "\n", "\x0b", "\x85", "\u2028"]
HALVES = b"%ED%A0%80"
"""Half a surrogate pair, spelled in octets."""


@pytest.fixture
def ayse(road: Road) -> Client:
    client = Client()
    sign_in(client, road.ayse)
    return client


def posted(client: Client, **changed: Any) -> Any:
    return client.post(reverse("mailbox:compose_new"), FORM | changed)


def posted_raw(client: Client, body: bytes, kind: str = "application/x-www-form-urlencoded") -> Any:
    return client.generic("POST", reverse("mailbox:compose_new"), body, content_type=kind)


def with_file(disposition: bytes) -> tuple[bytes, str]:
    """A multipart body with one file whose Content-Disposition parameter is spelled by the caller."""
    fields = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode())
        for name, value in FORM.items()
    )
    file = b'--B\r\nContent-Disposition: form-data; name="files"; ' + disposition + b"\r\n\r\nx\r\n--B--\r\n"
    return fields + file, "multipart/form-data; boundary=B"


def signed_and_sent(road: Road) -> Message:
    """The one open operation signed and taken all the way: what was asked for must not be refused afterwards."""
    road.answer(SigningOperation.objects.get().code_shown or "", road.ayses_imza)
    road.turn()
    message = Message.objects.get()
    assert message.state == MessageState.ACCEPTED
    return message


def original_of(message: Message) -> Any:
    return read(vault.get(bytes(message.original_digest)))


@pytest.mark.parametrize("poison", CONTROLS)
def test_a_subject_that_cannot_be_shown_is_refused_where_it_stands_and_the_draft_is_kept(
    ayse: Client, poison: str
) -> None:
    answer = posted(ayse, subject=f"Konu{poison}Sonu")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "ILT-22" in page
    assert 'href="#id_subject"' in page
    assert Draft.objects.get().subject == f"Konu{poison}Sonu"
    assert not SigningOperation.objects.exists()


@pytest.mark.parametrize("poison", LINE_ENDS)
def test_a_line_end_in_a_subject_is_a_blank_before_anybody_sees_it(road: Road, ayse: Client, poison: str) -> None:
    assert posted(ayse, subject=f"Konu{poison}Sonu").status_code == 302
    message = signed_and_sent(road)
    assert message.subject == " ".join(f"Konu{poison}Sonu".split())
    head = vault.get(bytes(message.original_digest)).partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head


@pytest.mark.parametrize("blank", ["", " ", "\u3000", "\u200b", "\u2060\u00ad", "\ufeff"])
def test_a_subject_nobody_can_see_is_no_subject(ayse: Client, blank: str) -> None:
    answer = posted(ayse, subject=blank)
    assert answer.status_code == 400
    assert "ILT-05" in answer.content.decode()


@pytest.mark.parametrize("poison", [*CONTROLS, *LINE_ENDS])
def test_an_address_that_cannot_be_shown_is_outside_the_circuit(ayse: Client, poison: str) -> None:
    answer = posted(ayse, to=f"mehmet{poison}.kaya@hs01.kep.tr")
    assert answer.status_code == 400
    assert "ALC-05" in answer.content.decode()
    assert not SigningOperation.objects.exists()


def test_half_letters_in_a_form_are_replaced_before_anybody_sees_or_signs_them(road: Road, ayse: Client) -> None:
    body = urlencode({"to": FORM["to"], "action": "sign"}).encode()
    assert posted_raw(ayse, body + b"&subject=a" + HALVES + b"b&text=c" + HALVES).status_code == 302
    draft = Draft.objects.get()
    assert draft.subject == "a\ufffd\ufffd\ufffdb"
    message = signed_and_sent(road)
    assert message.subject == draft.subject
    assert original_of(message).text.rstrip() == draft.text


@pytest.mark.parametrize("field", ["subject", "text"])
def test_half_letters_given_to_the_verb_are_refused_before_they_are_signed(field: str, road: Road) -> None:
    content = {"subject": "Konu", "text": "Metin"} | {field: "yarım \ud800 harf"}
    with pytest.raises(OriginalRefused):
        build_signed_part(written(road, **content))


def written(road: Road, **changed: Any) -> DraftContent:
    content = {
        "from_": Address("Ayşe", "ayse.yildiz@hs01.kep.tr"), "to": (Address("", "mehmet.kaya@hs01.kep.tr"),), "cc": (),
        "subject": "Konu", "text": "Metin", "attachments": (), "date": road.clock.now,
        "message_id": "<0123456789abcdef@hs01.kep.tr>",
    }  # fmt: skip
    return DraftContent(**(content | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [f"a{poison}.pdf" for poison in (*CONTROLS, *LINE_ENDS, "\ud800", "/")])
def test_a_file_name_that_cannot_be_shown_is_refused_by_the_verb(road: Road, name: str) -> None:
    with pytest.raises(OriginalRefused) as refused:
        build_signed_part(written(road, attachments=(AttachmentContent(name, "application/pdf", b"x"),)))
    assert "file name" in refused.value.reason


@pytest.mark.parametrize(
    ("disposition", "kept"),
    [
        (b"filename*=utf-8''a%0D%0AX-Evil%3A%201.pdf", "aX-Evil: 1.pdf"),
        (b"filename*=utf-8''a%00.pdf", "a.pdf"),
        (b"filename*=utf-8''a%E2%80%AEfdp.exe", "afdp.exe"),
        (b"filename*=utf-8''a" + HALVES + b".pdf", "a\ufffd\ufffd\ufffd.pdf"),
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="C:\\\\evrak\\\\kira.pdf"', "kira.pdf"),
        (b'filename="a&#x2f;b.pdf"', "b.pdf"),
    ],
)
def test_a_file_name_of_a_direct_request_is_made_harmless_or_refused(
    road: Road, ayse: Client, disposition: bytes, kept: str
) -> None:
    assert posted_raw(ayse, *with_file(disposition)).status_code == 302
    message = signed_and_sent(road)
    assert [each.filename for each in original_of(message).attachments] == [kept]
    assert b"\nX-Evil" not in vault.get(bytes(message.original_digest))


def test_a_blank_file_name_is_refused_where_the_files_stand(ayse: Client) -> None:
    answer = posted_raw(ayse, *with_file(b'filename="   "'))
    assert answer.status_code == 400
    assert 'href="#id_files"' in answer.content.decode()


@pytest.mark.parametrize(
    "name", ["data:text/html,x.pdf", "data:image/svg+xml;,x.pdf", f"data:{'a' * 300}/b,x.pdf", "https://a/b.pdf"]
)
def test_a_file_name_that_looks_like_an_address_says_no_type(road: Road, name: str) -> None:
    assert compose.content_type_of(name) == "application/pdf"
    assert compose.content_type_of(name.removesuffix(".pdf")) == "application/octet-stream"


def test_a_subject_longer_than_any_header_is_refused_before_the_pin(road: Road, ayse: Client) -> None:
    """Our own reader would refuse it at submission, after somebody has signed it."""
    answer = posted(ayse, subject="ş" * 100_000)
    assert answer.status_code == 400
    assert "ILT-23" in answer.content.decode()
    assert not SigningOperation.objects.exists()
    Draft.objects.all().delete()
    assert posted(ayse, subject="ş" * 50_000).status_code == 302
    assert signed_and_sent(road).subject == "ş" * 50_000


def test_more_files_than_a_reader_takes_are_refused_before_the_pin(road: Road) -> None:
    draft = road.draft(files=(FileGiven("a.txt", b"a"),))
    one = draft.attachments.get()
    DraftAttachment.objects.bulk_create(
        DraftAttachment(
            draft=draft, position=number, filename=f"{number}.txt", content_type="text/plain", size=1, digest=one.digest
        )
        for number in range(2, 1_001)
    )
    with pytest.raises(OriginalTooMuch):
        compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    assert not SigningOperation.objects.exists()


def test_an_invisible_subject_is_refused_by_the_verb_too(road: Road) -> None:
    with pytest.raises(NoSubject):
        compose.ask_signature(
            road.draft(subject="\u200b"), acting=road.acting(), visit=road.visit(), now=road.clock.now
        )


def test_markup_in_subject_text_and_file_name_is_shown_as_it_was_written(road: Road, ayse: Client) -> None:
    poison = "<script>alert(1)</script>"
    file = io.BytesIO(b"x")
    file.name = '"><img src=x>.pdf'
    posted(ayse, subject=poison, text=poison, files=file)
    message = signed_and_sent(road)
    page = ayse.get(reverse("mailbox:message", args=[message.items.get(folder="sent").public_id])).content.decode()
    assert poison not in page
    assert "<img src=x>" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2
