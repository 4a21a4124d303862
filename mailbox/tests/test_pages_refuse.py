"""The pages under hostile hands: strangers, injections, sizes, prefetching (V-039..V-042, V-054, V-071)."""

import hashlib
import io
import re
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import KepAccount, Operator
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from evidence import vault
from evidence.models import SealRequest
from mailbox import reading
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, Draft, Message
from mailbox.original import read_original
from mailbox.tests.road import Road
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]


@pytest.fixture
def ayse(road: Road) -> Client:
    client = Client()
    sign_in(client, road.ayse)
    return client


@pytest.fixture
def stranger(road: Road) -> Client:
    person = make_person("Yabancı", "Kişi")
    make_account("yabanci.kisi@hs01.kep.tr", holder=person)
    client = Client()
    sign_in(client, person)
    return client


def bare(page: bytes, public_id: str) -> str:
    """The page without what differs between any two answers: the id asked for, the CSRF token, the nonce."""
    text = page.decode().replace(public_id, "")
    return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", text)


def compose_form(**changed: Any) -> dict[str, Any]:
    return {"to": "mehmet.kaya@hs01.kep.tr", "subject": "Konu", "text": "Metin", "action": "sign", **changed}


def item_urls(item: BoxItem) -> list[str]:
    own = [item.public_id]
    return [
        reverse("mailbox:message", args=own),
        reverse("mailbox:download_message", args=own),
        reverse("mailbox:download_original", args=own),
        reverse("mailbox:download_proof", args=[*own, 10, 0]),
        reverse("mailbox:download_bundle", args=own),
        reverse("mailbox:attachment", args=[*own, 1]),
    ]


def draft_urls(draft: Draft) -> list[str]:
    names = ("compose", "draft_discard", "sign", "sign_state")
    return [reverse(f"mailbox:{name}", args=[draft.public_id]) for name in names]


def test_a_strangers_id_and_an_unknown_id_get_the_same_answer(road: Road, stranger: Client) -> None:
    message = road.send(files=(FileGiven("a.txt", b"a"),))
    draft = road.draft()
    for item in BoxItem.objects.filter(message=message):
        for url in item_urls(item):
            foreign = stranger.get(url)
            unknown = stranger.get(url.replace(item.public_id, "a" * 26))
            assert foreign.status_code == unknown.status_code == 404, url
            assert bare(foreign.content, item.public_id) == bare(unknown.content, "a" * 26)
    for url in draft_urls(draft):
        assert stranger.get(url).status_code == 404, url
    for name in ("open", "withdraw"):
        item = BoxItem.objects.filter(message=message)[0]
        assert stranger.post(reverse(f"mailbox:{name}", args=[item.public_id])).status_code == 404


def test_a_recipient_gets_no_proof_of_another_recipient(road: Road) -> None:
    other = make_account("hatice.koc@hs01.kep.tr", holder=make_person("Hatice", "Koç"))
    message = road.send(to="mehmet.kaya@hs01.kep.tr,hatice.koc@hs01.kep.tr")
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    client = Client()
    sign_in(client, road.mehmet)
    item = road.arrived(message)
    for code, number, status in ((10, 0, 200), (40, 1, 200), (60, 1, 200), (40, 2, 404), (60, 2, 404)):
        url = reverse("mailbox:download_proof", args=[item.public_id, code, number])
        assert client.get(url).status_code == status, (code, number)
    assert other.address.encode() in client.get(reverse("mailbox:message", args=[item.public_id])).content


def test_an_operator_without_the_right_reads_nothing_and_a_removed_one_is_out_at_once(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    message = road.send(to=company.address)
    item = road.arrived(message, company)
    clerk = make_person("Elif", "Şahin")
    right = make_operator(company, clerk, may_read=False, may_sign_and_send=False)
    client = Client()
    sign_in(client, clerk, account=company)
    assert client.get(reverse("mailbox:inbox")).status_code == 403
    assert client.post(reverse("mailbox:open", args=[item.public_id])).status_code == 403
    right.may_read = True
    right.save()
    assert client.get(reverse("mailbox:message", args=[item.public_id])).status_code == 200
    Operator.objects.filter(pk=right.pk).update(ends_at=road.clock.now.replace(year=2025))
    assert client.get(reverse("mailbox:message", args=[item.public_id])).status_code != 200
    assert BoxItem.objects.get(pk=item.pk).opened_at is None


def test_an_operator_without_the_right_to_send_asks_no_signature(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    clerk = make_person("Elif", "Şahin")
    make_operator(company, clerk, may_sign_and_send=False)
    client = Client()
    sign_in(client, clerk, account=company)
    answer = client.post(reverse("mailbox:compose_new"), compose_form())
    assert answer.status_code == 403
    assert "YTK-01" in answer.content.decode()
    assert not SigningOperation.objects.exists()
    assert Draft.objects.count() == 1, "what was typed is kept"


def test_a_receive_only_account_composes_by_no_road(road: Road) -> None:
    client = Client()
    sign_in(client, road.mehmet)
    for url in (reverse("mailbox:compose_new"), reverse("mailbox:drafts"), reverse("mailbox:awaiting")):
        assert client.get(url).status_code == 403
    assert client.post(reverse("mailbox:compose_new"), compose_form()).status_code == 403
    assert not Draft.objects.exists()


ALIKE = {
    "unknown": None,
    "closed": KepAccount.State.CLOSED,
    "not yet activated": KepAccount.State.PENDING_ACTIVATION,
}


def test_unknown_closed_and_not_activated_recipients_get_one_text(road: Road, ayse: Client) -> None:
    said = set()
    for state in ALIKE.values():
        KepAccount.objects.filter(address="alici.kisi@hs01.kep.tr").delete()
        if state is not None:
            make_account("alici.kisi@hs01.kep.tr", holder=make_person("Alıcı", "Kişi"), state=state)
        answer = ayse.post(reverse("mailbox:compose_new"), compose_form(to="alici.kisi@hs01.kep.tr"))
        draft = Draft.objects.order_by("-pk")[0]
        assert answer.status_code == 400
        said.add(answer.content.decode().split("<main")[1].replace(draft.public_id, ""))
    assert len({text.split("ALC-04")[0][-400:] for text in said}) == 1
    assert all("ALC-04" in text for text in said)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("kisi@gmail.com", "ALC-05"),
        ("kisi@hs01.kep.tr.example.com", "ALC-05"),
        ("Ali <ali.veli@hs01.kep.tr>", "ALC-05"),
        ("", "ALC-01"),
    ],
)
def test_recipients_outside_the_circuit_are_refused_and_the_draft_is_kept(ayse: Client, to: str, code: str) -> None:
    answer = ayse.post(reverse("mailbox:compose_new"), compose_form(to=to))
    assert answer.status_code == 400
    assert code in answer.content.decode()
    assert "Hata:" in answer.content.decode()
    assert Draft.objects.count() == 1
    assert not SigningOperation.objects.exists()


def test_another_providers_address_is_refused_with_a_text_of_its_own(ayse: Client) -> None:
    answer = ayse.post(reverse("mailbox:compose_new"), compose_form(to="ali.veli@hs02.kep.tr"))
    assert answer.status_code == 400
    assert "ALC-04" not in answer.content.decode()
    assert not SigningOperation.objects.exists()


@pytest.mark.parametrize("poison", ["\r\nBcc: x@hs01.kep.tr", "\n\nbody", "\x0b", "\u202e", "\u2028"])
def test_a_subject_cannot_become_a_header(road: Road, ayse: Client, poison: str) -> None:
    """Line ends are folded into blanks; what cannot be shown is refused. Never a second header (V-071)."""
    answer = ayse.post(reverse("mailbox:compose_new"), compose_form(subject=f"Konu{poison}Sonu"))
    operation = SigningOperation.objects.first()
    if operation is None:
        assert answer.status_code == 400
        return
    head = vault.get(bytes(operation.content_digest)).partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head
    assert sum(line.lower().startswith(b"subject:") for line in head.split(b"\r\n")) == 1


@pytest.mark.parametrize(
    "name", ["a\r\nX-Evil: 1.pdf", "a\x00.pdf", "a\u202efdp.exe", "../../etc/passwd", 'a"; x="b.pdf']
)
def test_a_file_name_cannot_become_a_header_or_a_path(road: Road, ayse: Client, name: str) -> None:
    file = io.BytesIO(b"x")
    file.name = name
    answer = ayse.post(reverse("mailbox:compose_new"), compose_form(files=file))
    operation = SigningOperation.objects.first()
    if operation is None:
        assert answer.status_code == 400
        return
    part = vault.get(bytes(operation.content_digest))
    assert b"\nX-Evil" not in part
    road.answer(operation.code_shown, road.ayses_imza)
    road.turn()
    shown = read_original(vault.get(bytes(Message.objects.get().original_digest))).attachments[0].filename
    assert "/" not in shown
    assert "\n" not in shown


def test_too_much_is_refused_before_anything_is_stored(ayse: Client) -> None:
    half = settings.KEP_ORIGINAL_LIMIT // 2 + 1024
    files = [io.BytesIO(bytes(half)), io.BytesIO(bytes(half))]
    for number, file in enumerate(files):
        file.name = f"{number}.bin"
    answer = ayse.post(reverse("mailbox:compose_new"), compose_form(files=files))
    assert answer.status_code == 400
    assert "ILT-02" in answer.content.decode()
    assert Draft.objects.get().attachments.count() == 0
    assert not [each for each in settings.KEP_VAULT_DIR.rglob("*") if each.is_file()]


def test_no_get_changes_anything_but_the_visit(road: Road) -> None:
    """Prefetch, preview and crawler make no proof and no change (V-039)."""
    message = road.send(files=(FileGiven("a.txt", b"a"),))
    draft = road.draft()
    road.sign(draft)
    client = Client()
    sign_in(client, road.mehmet)
    writer = Client()
    sign_in(writer, road.ayse)
    inbox, sent = road.arrived(message), BoxItem.objects.get(message=message, folder="sent")
    before = everything()
    for method in ("get", "head"):
        for url in (reverse("mailbox:inbox"), reverse("mailbox:sent"), *item_urls(inbox)):
            getattr(client, method)(url)
        lists = [reverse(f"mailbox:{name}") for name in ("drafts", "awaiting", "compose_new")]
        for url in (*lists, *draft_urls(draft), *item_urls(sent)):
            getattr(writer, method)(url)
    assert {name for name, digest in everything().items() if digest != before[name]} <= {"django_session"}


def everything() -> dict[str, str]:
    """A digest of each table's rows."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY 1", None)  # noqa: S608
            found[model._meta.db_table] = hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
    return found


def test_unread_content_leaves_by_no_other_door(road: Road) -> None:
    message = road.send(text="GIZLI-METIN", files=(FileGiven("gizli.txt", b"GIZLI-EK"),))
    client = Client()
    sign_in(client, road.mehmet)
    item = road.arrived(message)
    page = client.get(reverse("mailbox:message", args=[item.public_id]))
    assert page.status_code == 200
    assert b"GIZLI" not in page.content
    assert b"gizli.txt" not in page.content
    for url in item_urls(item)[1:3] + item_urls(item)[4:]:
        answer = client.get(url)
        assert answer.status_code == 409, url
        assert b"ILT-08" in answer.content
    assert BoxItem.objects.get(pk=item.pk).opened_at is None
    opened = client.post(reverse("mailbox:open", args=[item.public_id]), follow=True)
    assert b"GIZLI-METIN" in opened.content


def test_a_second_press_on_send_asks_once_more_and_sends_once(road: Road, ayse: Client) -> None:
    ayse.post(reverse("mailbox:compose_new"), compose_form())
    draft = Draft.objects.get()
    ayse.post(reverse("mailbox:compose", args=[draft.public_id]), compose_form())
    first, second = SigningOperation.objects.order_by("asked_at", "state")
    states = sorted([first.state, second.state])
    assert states == ["ASKED", "CANCELLED"]
    open_one = SigningOperation.objects.get(state="ASKED")
    road.answer(open_one.code_shown, road.ayses_imza)
    road.turn()
    assert Message.objects.count() == 1
    assert ayse.post(reverse("mailbox:compose", args=[draft.public_id]), compose_form()).status_code == 404


def test_a_bundle_is_asked_by_post_and_only_fetched_by_get(road: Road, ayse: Client) -> None:
    """Whoever looks changes nothing; whoever asks is answered by the sealing worker (V-039, design.md 1.5)."""
    message = road.send()
    url = reverse("mailbox:download_bundle", args=[BoxItem.objects.get(message=message, folder="sent").public_id])
    assert ayse.get(url).status_code == 404
    assert not SealRequest.objects.exists()
    assert ayse.post(url).status_code == 302
    assert ayse.get(url).status_code == 202
    road.clock.move(minutes=1)  # pages live by the real clock
    road.turn()
    answer = ayse.get(url)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith('.kepdelil"')
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    assert ayse.get(url).status_code == 404, "another proof exists now: the old bundle is not the whole story"
