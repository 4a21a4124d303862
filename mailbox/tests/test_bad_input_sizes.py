"""Nothing, almost too much, and too much: what arrives is exact, what cannot is refused before it is stored (K-090)."""

import hashlib
import io
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from mailbox import compose, original
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, Draft, Message
from mailbox.original import SIGNATURE_ROOM, OriginalTooLarge
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]

FORM = {"to": "mehmet.kaya@hs01.kep.tr", "subject": "Konu", "text": "Metin", "action": "sign"}
HOST = {"host": "icerik.localhost:8000"}


@pytest.fixture
def ayse(road: Road) -> Client:
    client = Client()
    sign_in(client, road.ayse)
    return client


def file(name: str, raw: bytes) -> io.BytesIO:
    given = io.BytesIO(raw)
    given.name = name
    return given


def stored_files() -> list[Any]:
    return [each for each in settings.KEP_VAULT_DIR.rglob("*") if each.is_file()]


def test_nineteen_megabytes_and_nothing_at_all_go_by_the_pages_and_arrive_to_the_byte(road: Road, ayse: Client) -> None:
    """base64 makes 19 MB into 26 MB: about the largest file one original can carry (design.md 1.1.3)."""
    large = hashlib.sha256(b"seed").digest() * (19_000_000 // 32)
    answer = ayse.post(
        reverse("mailbox:compose_new"), FORM | {"files": [file("büyük.bin", large), file("boş.txt", b"")]}
    )
    assert answer.status_code == 302, answer.content.decode()
    road.answer(SigningOperation.objects.get().code_shown or "", road.ayses_imza)
    road.turn()
    mehmet, item = Client(), road.arrived(Message.objects.get())
    sign_in(mehmet, road.mehmet)
    page = mehmet.post(reverse("mailbox:open", args=[item.public_id]), follow=True).content.decode()
    assert "büyük.bin" in page
    got = []
    for number in (1, 2):
        link = mehmet.get(reverse("mailbox:attachment", args=[item.public_id, number])).headers["Location"]
        got.append(Client().get(link, headers=HOST).content)
    assert [len(each) for each in got] == [len(large), 0]
    assert hashlib.sha256(got[0]).digest() == hashlib.sha256(large).digest()


def test_twenty_megabytes_are_more_than_an_original_carries_and_nothing_of_them_is_stored(ayse: Client) -> None:
    answer = ayse.post(reverse("mailbox:compose_new"), FORM | {"files": file("yirmi.bin", bytes(20_000_000))})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "ILT-02" in page
    assert "Taslağınız duruyor" in page
    assert 'href="#id_files"' in page
    draft = Draft.objects.get()
    assert (draft.subject, draft.text, draft.attachments.count()) == ("Konu", "Metin", 0)
    assert stored_files() == []
    assert not SigningOperation.objects.exists()


def test_files_that_fit_one_by_one_and_not_together_are_refused_with_the_last_one(road: Road, ayse: Client) -> None:
    draft = road.draft(files=(FileGiven("bir.bin", bytes(10_000_000)),))
    before = stored_files()
    url = reverse("mailbox:compose", args=[draft.public_id])
    answer = ayse.post(url, FORM | {"files": file("iki.bin", bytes(10_000_000))})
    assert answer.status_code == 400
    assert "ILT-02" in answer.content.decode()
    assert [each.filename for each in draft.attachments.all()] == ["bir.bin"]
    assert stored_files() == before


def test_the_verb_refuses_from_the_first_byte_that_cannot_fit(road: Road, settings: Any) -> None:
    settings.KEP_ORIGINAL_LIMIT = SIGNATURE_ROOM + 78 * 1_000
    draft = road.draft()
    with pytest.raises(OriginalTooLarge) as refused:
        compose.attach(draft, [FileGiven("a.bin", bytes(57_001))], now=road.clock.now)
    assert str(settings.KEP_ORIGINAL_LIMIT) in refused.value.for_person()
    assert stored_files() == []
    compose.attach(draft, [FileGiven("a.bin", bytes(57_000))], now=road.clock.now)
    with pytest.raises(OriginalTooLarge):
        compose.attach(draft, [FileGiven("b.bin", bytes(57))], now=road.clock.now)
    assert draft.attachments.count() == 1


def test_just_under_the_limit_is_accepted_and_just_over_it_is_refused_before_the_pin(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the estimate lets pass is weighed exactly when the signature is asked; the limit is that of the whole."""
    draft = road.draft(files=(FileGiven("a.bin", bytes(60_000)),))
    sizes: list[int] = []
    monkeypatch.setattr(original, "_refuse_large", sizes.append)
    compose.content_to_sign(draft, acting=road.acting(), now=road.clock.now)
    monkeypatch.undo()
    monkeypatch.setattr(original, "MAX_ORIGINAL_BYTES", sizes[0] - 1)
    with pytest.raises(OriginalTooLarge):
        road.sign(draft)
    assert not SigningOperation.objects.exists()
    assert Draft.objects.get().attachments.count() == 1
    monkeypatch.setattr(original, "MAX_ORIGINAL_BYTES", sizes[0])
    operation = road.sign(draft)
    road.turn()
    message = Message.objects.get(operation=operation.pk)
    assert BoxItem.objects.filter(message=message, folder="inbox").exists()
    assert message.size <= sizes[0]


@pytest.fixture
def browser(road: Road) -> Client:
    """Ayşe's browser as it is: every form carries its token, and the body is read to find it."""
    client = Client(enforce_csrf_checks=False)
    sign_in(client, road.ayse)
    client.get(reverse("mailbox:compose_new"))
    client.handler.enforce_csrf_checks = True
    return client


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ({"files": [file(f"{number}.txt", b"x") for number in range(61)]}, "SYF-401", "en çok 60 dosya"),
        ({"text": "a" * 2_700_000}, "SYF-402", "forma sığmıyor"),
        ({f"field{number}": "x" for number in range(401)}, "SYF-402", "forma sığmıyor"),
    ],
)
def test_more_than_one_form_may_hold_is_said_and_changes_nothing(
    road: Road, browser: Client, form: dict[str, Any], code: str, words: str
) -> None:
    draft = road.draft(subject="Duruyor")
    token = browser.cookies[settings.CSRF_COOKIE_NAME].value
    answer = browser.post(
        reverse("mailbox:compose", args=[draft.public_id]), FORM | form | {"csrfmiddlewaretoken": token}
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert code in page
    assert words in page
    assert [(each.subject, each.attachments.count()) for each in Draft.objects.all()] == [("Duruyor", 0)]
    fine = browser.post(
        reverse("mailbox:compose", args=[draft.public_id]), FORM | {"csrfmiddlewaretoken": token, "action": "save"}
    )
    assert fine.status_code == 302
