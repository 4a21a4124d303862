"""Each page asks the database a constant number of questions, whatever lies in the box (design.md 5)."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.cast import make_account, make_person, sign_in
from mailbox import reading, submit
from mailbox.models import BoxItem, Message, Recipient
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


@pytest.fixture
def visits(road: Road) -> dict[str, Client]:
    clients = {"ayse": Client(), "mehmet": Client()}
    sign_in(clients["ayse"], road.ayse)
    sign_in(clients["mehmet"], road.mehmet)
    return clients


def asked(client: Client, url: str) -> int:
    client.get(url)  # whatever a first visit keeps for the process is kept now
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def fill(road: Road, like: Message, count: int) -> None:
    """Copies of a delivered message in both boxes, as rows."""
    recipient = like.recipients.get()
    for number in range(count):
        copy = Message.objects.get(pk=like.pk)
        copy.pk = None
        copy.kep_id, copy.original_message_id = f"k{number}@hs01.kep.tr", f"m{number}@hs01.kep.tr"
        copy.operation = make_uuid(number)
        copy.draft = None
        copy.save(force_insert=True)
        row = Recipient.objects.get(pk=recipient.pk)
        row.pk, row.message = None, copy
        row.save(force_insert=True)
        for folder, account, own in (("inbox", road.mehmets, row), ("sent", road.ayses, None)):
            BoxItem.objects.create(
                account=account, message=copy, recipient=own, folder=folder, placed_at=road.clock.move(seconds=1)
            )


def make_uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def test_lists_ask_the_same_with_one_and_with_sixty(road: Road, visits: dict[str, Client]) -> None:
    message = road.send()
    inbox, sent = reverse("mailbox:inbox"), reverse("mailbox:sent")
    one = asked(visits["mehmet"], inbox), asked(visits["ayse"], sent)
    fill(road, message, 60)
    sixty = asked(visits["mehmet"], inbox), asked(visits["ayse"], sent)
    assert one == sixty
    assert sixty == (EXPECTED["inbox"], EXPECTED["sent"])


def test_sent_items_without_recipient_rows_yet_ask_the_same(road: Road, visits: dict[str, Client]) -> None:
    for waiting in (1, 3):
        for _ in range(waiting):
            submit.submit(road.sign(road.draft()), now=road.clock.now)
        assert asked(visits["ayse"], reverse("mailbox:sent")) == EXPECTED["sent"]


def test_a_message_asks_the_same_with_one_and_with_ten_recipients(road: Road, visits: dict[str, Client]) -> None:
    addresses = [road.mehmets.address]
    for number in range(9):
        person = make_person(f"Kişi{number}", "Alıcı")
        addresses.append(make_account(f"kisi.alici.{number}@hs01.kep.tr", holder=person).address)
    counts = []
    for to in (addresses[:1], addresses):
        message = road.send(to=",".join(to))
        item = BoxItem.objects.get(message=message, folder="sent")
        counts.append(asked(visits["ayse"], reverse("mailbox:message", args=[item.public_id])))
    assert counts[0] == counts[1] == EXPECTED["message"]


def test_an_opened_message_asks_a_constant_number(road: Road, visits: dict[str, Client]) -> None:
    message = road.send()
    item = road.arrived(message)
    reading.open_message(item, reader=road.reader(), now=road.clock.now)
    road.turn()
    assert asked(visits["mehmet"], reverse("mailbox:message", args=[item.public_id])) == EXPECTED["message"]


def test_drafts_compose_and_signing_ask_a_constant_number(road: Road, visits: dict[str, Client]) -> None:
    first = road.draft()
    names = ("drafts", "awaiting", "compose_new")
    few = {name: asked(visits["ayse"], reverse(f"mailbox:{name}")) for name in names}
    for _ in range(5):
        road.draft(to="mehmet.kaya@hs01.kep.tr,ayse.yildiz@hs01.kep.tr")
    road.sign(first)
    many = {name: asked(visits["ayse"], reverse(f"mailbox:{name}")) for name in names}
    assert few["drafts"] == many["drafts"] == EXPECTED["drafts"]
    assert many["compose_new"] == EXPECTED["compose_new"]
    own = [first.public_id]
    assert asked(visits["ayse"], reverse("mailbox:compose", args=own)) == EXPECTED["compose"]
    assert asked(visits["ayse"], reverse("mailbox:sign", args=own)) == EXPECTED["sign"]
    assert asked(visits["ayse"], reverse("mailbox:sign_state", args=own)) == EXPECTED["sign_state"]


EXPECTED = {
    "inbox": 9,
    "sent": 11,
    "message": 13,
    "drafts": 9,
    "compose_new": 7,
    "compose": 10,
    "sign": 12,
    "sign_state": 8,
}
"""Session, person, device and account 4, whether there are other accounts 1, folder counts 2, and the page's own."""
