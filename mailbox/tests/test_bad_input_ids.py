"""Ids of other people, ids of nobody, numbers that count nothing: one answer, and nothing happens (V-040..V-043).

The routes are read from the address table, so that a new one cannot be forgotten here.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils.http import urlencode

from accounts.models import KepAccount, Operator
from accounts.tests.cast import make_account, make_operator, make_person, sign_in
from mailbox import compose, reading, urls
from mailbox.compose import FileGiven
from mailbox.models import BoxItem, Draft, Message
from mailbox.tests.road import Road
from mailbox.tests.test_pages_refuse import everything
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.database]

NUMBERS = {"code": 10, "recipient_no": 0, "number": 1, "attachment_id": "b" * 26}
OF_VISITS = {"django_session"}
HOST = {"host": "icerik.localhost:8000"}


def signed_in(person: Any, account: KepAccount | None = None) -> Client:
    client = Client()
    sign_in(client, person, account=account)
    return client


@pytest.fixture
def stranger(road: Road) -> Client:
    person = make_person("Yabancı", "Kişi")
    make_account("yabanci.kisi@hs01.kep.tr", holder=person)
    return signed_in(person)


def routes(public_id: str) -> Iterator[tuple[str, str]]:
    """Name and address of each route about one draft or item of the account one acts for, for this id.

    Those below a closed account name that account, and are tried in test_closed_account_pages.
    """
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        names = re.findall(r"<(?:\w+:)?(\w+)>", str(pattern.pattern))
        if "public_id" in names and "account" not in names:
            values = {name: NUMBERS[name] for name in names if name != "public_id"}
            yield str(pattern.name), reverse(f"mailbox:{pattern.name}", kwargs=values | {"public_id": public_id})


def bare(answer: Any, public_id: str) -> str:
    """An answer without what differs between any two: the id asked for, the CSRF token, the nonce."""
    text = answer.content.decode().replace(public_id, "")
    return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", text)


@pytest.mark.parametrize("method", ["get", "post", "head", "put", "delete"])
def test_no_route_tells_a_foreign_id_from_an_unknown_one_or_does_anything(
    road: Road, stranger: Client, method: str
) -> None:
    message = road.send(files=(FileGiven("a.txt", b"a"),))
    asked, signed = road.draft(subject="Sorulan"), road.draft(subject="İmzalanan")
    compose.ask_signature(asked, acting=road.acting(), visit=road.visit(), now=road.clock.now)
    road.sign(signed)
    ids = [
        asked.public_id,
        signed.public_id,
        *BoxItem.objects.filter(message=message).values_list("public_id", flat=True),
    ]
    before = everything()
    for public_id in ids:
        for (name, foreign), (_, unknown) in zip(routes(public_id), routes("a" * 26), strict=True):
            given, nobody = getattr(stranger, method)(foreign), getattr(stranger, method)(unknown)
            assert given.status_code == nobody.status_code, (name, given.status_code)
            assert given.status_code in (404, 405), (name, given.status_code)
            assert bare(given, public_id) == bare(nobody, "a" * 26), name
    assert {name for name, digest in everything().items() if digest != before[name]} <= OF_VISITS


def test_nobody_who_is_not_signed_in_is_answered_by_any_route(road: Road, client: Client) -> None:
    item = BoxItem.objects.filter(message=road.send())[0]
    for name, url in routes(item.public_id):
        for method in ("get", "post"):
            answer = getattr(client, method)(url)
            assert answer.status_code == 302, name
            assert answer.headers["Location"].startswith("/giris/"), name


def test_a_route_of_drafts_knows_no_items_and_the_other_way_round(road: Road) -> None:
    ayse, draft = signed_in(road.ayse), road.draft()
    item = BoxItem.objects.get(message=road.send(), folder="sent")
    for name, url in routes(draft.public_id):
        if url.startswith("/ileti/"):
            assert ayse.get(url).status_code in (404, 405), name
    for name, url in routes(item.public_id):
        if url.startswith("/yaz/"):
            assert ayse.get(url).status_code in (404, 405), name


@pytest.mark.parametrize("public_id", ["A" * 26, "a" * 27, "%2e%2e", "1", "ş" * 26, "a' OR 1=1--", "a%00"])
def test_an_id_of_no_form_is_an_unknown_one(road: Road, public_id: str) -> None:
    ayse = signed_in(road.ayse)
    for address in ("/ileti/{}/", "/yaz/{}/", "/yaz/{}/imza/durum/", "/ileti/{}/orijinal.eml"):
        assert ayse.get(address.format(public_id)).status_code == 404


@pytest.mark.parametrize(
    "place", ["10-1", "40-0", "40-2", "99-0", "0-0", "60-1", "11-0", "40-" + "9" * 40, "1" * 5000 + "-1"]
)
def test_a_proof_number_that_is_none_is_not_found(road: Road, place: str) -> None:
    ayse, item = signed_in(road.ayse), BoxItem.objects.get(message=road.send(), folder="sent")
    assert ayse.get(f"/ileti/{item.public_id}/delil/40-1.xml").status_code == 200
    assert ayse.get(f"/ileti/{item.public_id}/delil/{place}.xml").status_code == 404


@pytest.mark.parametrize("number", ["0", "2", "9" * 40, "1" * 5000])
def test_an_attachment_number_that_counts_nothing_opens_nothing(road: Road, number: str) -> None:
    ayse = signed_in(road.ayse)
    item = BoxItem.objects.get(message=road.send(files=(FileGiven("a.txt", b"a"),)), folder="sent")

    def fetched(which: str) -> Any:
        answer = ayse.get(f"/ileti/{item.public_id}/ek/{which}/")
        return Client().get(answer.headers["Location"], headers=HOST) if answer.status_code == 302 else answer

    assert fetched("1").content == b"a"
    assert fetched(number).status_code == 404


def test_a_file_of_another_draft_is_not_taken_out_of_it(road: Road, stranger: Client) -> None:
    theirs = road.draft(files=(FileGiven("a.txt", b"a"),)).attachments.get()
    stranger.post(reverse("mailbox:compose_new"), {"subject": "Benim"})
    own = Draft.objects.order_by("-pk")[0]
    stranger.post(reverse("mailbox:attachment_remove", args=[own.public_id, theirs.public_id]))
    stranger.post(reverse("mailbox:compose", args=[own.public_id]), {"remove_attachment": theirs.public_id})
    theirs.refresh_from_db()
    assert theirs.draft.account == road.ayses


def test_a_recipients_page_names_no_proof_of_another_recipient(road: Road) -> None:
    hatice = make_person("Hatice", "Koç")
    make_account("hatice.koc@hs01.kep.tr", holder=hatice)
    message = road.send(to="mehmet.kaya@hs01.kep.tr,hatice.koc@hs01.kep.tr")
    reading.open_message(road.arrived(message), reader=road.reader(), now=road.clock.now)
    road.turn()
    mehmet, hatices = signed_in(road.mehmet), signed_in(hatice)
    own = road.arrived(message)
    page = mehmet.get(reverse("mailbox:message", args=[own.public_id])).content.decode()
    assert sorted(re.findall(r"/delil/([0-9-]+)\.xml", page)) == ["10-0", "40-1", "60-1"]
    other = BoxItem.objects.get(account__address="hatice.koc@hs01.kep.tr")
    page = hatices.get(reverse("mailbox:message", args=[other.public_id])).content.decode()
    assert sorted(set(re.findall(r"/delil/([0-9-]+)\.xml", page)) - {"10-0", "40-2"}) == []
    assert "okudu" not in page
    sender = signed_in(road.ayse).get(
        reverse("mailbox:message", args=[BoxItem.objects.get(message=message, folder="sent").public_id])
    )
    assert set(re.findall(r"/delil/([0-9-]+)\.xml", sender.content.decode())) == {"10-0", "40-1", "40-2", "60-1"}


def test_an_operator_without_the_right_to_read_gets_403_from_every_reading_route(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    clerk = make_person("Elif", "Şahin")
    make_operator(company, clerk, may_read=False)
    client, item = signed_in(clerk, company), road.arrived(road.send(to=company.address), company)
    for name, url in routes(item.public_id):
        if url.startswith("/ileti/"):
            method = "post" if name in ("open", "withdraw") else "get"
            answer = getattr(client, method)(url)
            assert answer.status_code == 403, name
            assert "YTK-02" in answer.content.decode(), name
    assert BoxItem.objects.get(pk=item.pk).opened_at is None


def test_a_removed_operator_is_out_at_once_and_his_link_to_a_file_is_dead(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    clerk = make_person("Elif", "Şahin")
    right = make_operator(company, clerk)
    item = road.arrived(road.send(to=company.address, files=(FileGiven("a.txt", b"GIZLI"),)), company)
    client = signed_in(clerk, company)
    client.post(reverse("mailbox:open", args=[item.public_id]))
    link = client.get(reverse("mailbox:attachment", args=[item.public_id, 1])).headers["Location"]
    assert Client().get(link, headers=HOST).content == b"GIZLI"
    Operator.objects.filter(pk=right.pk).update(ends_at=road.clock.now.replace(year=2025))
    assert b"GIZLI" not in Client().get(link, headers=HOST).content
    for name, url in routes(item.public_id):
        for method in ("get", "post"):
            answer = getattr(client, method)(url)
            assert answer.status_code != 200, name
            assert b"Kira" not in answer.content, name


def test_an_operator_who_may_write_but_not_send_asks_no_signature_by_any_route(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    clerk = make_person("Elif", "Şahin")
    make_operator(company, clerk, may_sign_and_send=False)
    client = signed_in(clerk, company)
    form = {"to": road.mehmets.address, "subject": "Konu", "text": "Metin"}
    client.post(reverse("mailbox:compose_new"), form)
    draft = Draft.objects.get()
    own = [draft.public_id]
    assert client.post(reverse("mailbox:compose", args=own), form | {"action": "sign"}).status_code == 403
    assert client.post(reverse("mailbox:sign", args=own)).status_code == 403
    client.post(reverse("mailbox:sign_extend", args=own))
    assert not SigningOperation.objects.exists()
    assert Draft.objects.get().subject == "Konu"


def test_one_operator_neither_ends_nor_prolongs_the_signature_of_another(road: Road) -> None:
    company = make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")
    clerk = make_person("Elif", "Şahin")
    for person in (road.ayse, clerk):
        make_operator(company, person)
    acting = road.acting(road.ayse, company)
    draft = compose.new_draft(acting, now=road.clock.now)
    compose.save_draft(draft, to=[road.mehmets.address], cc=[], subject="Konu", text="x", now=road.clock.now)
    asked = compose.ask_signature(draft, acting=acting, visit=road.visit(), now=road.clock.now)
    client, own = signed_in(clerk, company), [draft.public_id]
    for name in ("sign_cancel", "sign_extend"):
        client.post(reverse(f"mailbox:{name}", args=own))
    page = client.get(reverse("mailbox:sign", args=own), follow=True).content.decode()
    assert asked.code not in page
    road.answer(asked.code, road.ayses_imza)
    road.turn()
    assert Message.objects.get().submitted_by == road.ayse


@pytest.mark.parametrize("page", ["", "x", "aXxx", "i" * 4000, "aTIwMjYtMTEtMjR8MQ", "%00", "ş"])
def test_a_place_in_a_list_that_is_none_shows_the_top(road: Road, page: str) -> None:
    road.send(subject="En yeni")
    mehmet = signed_in(road.mehmet)
    answer = mehmet.get(f"{reverse('mailbox:inbox')}?{urlencode({'sayfa': page})}")
    assert answer.status_code == 200
    assert "En yeni" in answer.content.decode()
