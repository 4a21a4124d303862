"""A NUL, which PostgreSQL takes in no text, is an unknown id and not a fault of ours (V-041)."""

import pytest
from django.test import Client

from accounts.tests.cast import sign_in
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]


@pytest.mark.parametrize("path", ["/ileti/a%00/", "/yaz/a%00/", "/ileti/a%00/orijinal.eml"])
def test_an_address_with_a_nul_leads_nowhere(road: Road, client: Client, path: str) -> None:
    sign_in(client, road.ayse)
    assert client.get(path).status_code == 404


def test_a_page_with_a_nul_for_its_place_is_the_first_page(road: Road, client: Client) -> None:
    sign_in(client, road.ayse)
    assert client.get("/gelen/?sayfa=a%00").status_code == 200


def test_a_choice_with_a_nul_is_refused_like_an_unknown_one(road: Road, client: Client) -> None:
    sign_in(client, road.ayse)
    unknown = client.post("/hesap/sec/", {"account": "a"})
    assert client.post("/hesap/sec/", {"account": "a\0"}).status_code == unknown.status_code


def test_an_attachment_with_a_nul_is_taken_out_of_nothing(road: Road, client: Client) -> None:
    sign_in(client, road.ayse)
    draft = road.draft()
    answer = client.post(f"/yaz/{draft.public_id}/", {"subject": "Konu", "remove_attachment": "a\0"})
    assert answer.status_code == 302
    assert client.post(f"/yaz/{draft.public_id}/ek/a%00/cikar/").status_code == 302
