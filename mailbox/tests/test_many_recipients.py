"""How many recipients one message may have: enough for a mailing, not enough to make one request a load (V-097, R-035).

Every recipient's proofs name all recipients, so work and bytes grow with the square of their number; and whoever may
type any number of addresses at once would use the page to find out which of them exist (V-048).
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.cast import sign_in
from mailbox import compose
from mailbox.errors import TooManyRecipients
from mailbox.models import Draft
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


@pytest.fixture
def ayse(road: Road, settings: Any) -> Client:
    settings.KEP_MOST_RECIPIENTS = 5
    client = Client()
    sign_in(client, road.ayse)
    return client


def addresses(count: int) -> str:
    return "\n".join(f"kisi{number}@hs01.kep.tr" for number in range(count))


def test_one_too_many_is_said_and_the_rest_is_kept(ayse: Client) -> None:
    form = {"to": addresses(4), "cc": "a@hs01.kep.tr, b@hs01.kep.tr", "subject": "Konu", "text": "Uzun metin"}
    answer = ayse.post(reverse("mailbox:compose_new"), form | {"action": "save"})
    assert answer.status_code == 422
    assert "ALC-09" in answer.content.decode()
    draft = Draft.objects.get()
    assert (draft.subject, draft.text) == ("Konu", "Uzun metin")
    assert len(compose.lines(draft.to_lines)) == 4
    assert compose.lines(draft.cc_lines) == ("a@hs01.kep.tr",)


def test_as_many_as_allowed_are_taken(ayse: Client) -> None:
    answer = ayse.post(reverse("mailbox:compose_new"), {"to": addresses(5), "action": "save"})
    assert answer.status_code == 302
    assert len(compose.lines(Draft.objects.get().to_lines)) == 5


def test_the_page_that_saves_by_itself_hears_it_too(ayse: Client) -> None:
    ayse.post(reverse("mailbox:compose_new"), {"subject": "Konu", "action": "save"})
    url = reverse("mailbox:draft_save", args=[Draft.objects.get().public_id])
    answer = ayse.post(url, {"to": addresses(6), "text": "yazdım"}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "ALC-09")
    assert Draft.objects.get().text == "yazdım"


def test_no_signature_is_asked_for_more(road: Road, settings: Any) -> None:
    draft = road.draft(to=addresses(6).replace("\n", ","))
    settings.KEP_MOST_RECIPIENTS = 5
    with pytest.raises(TooManyRecipients):
        compose.ask_signature(draft, acting=road.acting(), visit=road.visit(), now=road.clock.now)
