"""The switch at the foot of every page: whoever chooses a language keeps it, signed in or not (screens 10, rule 4)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.tests.cast import sign_in
from kepweb.tests.english import Texts, assert_english
from mailbox.tests.road import Clock, Road

pytestmark = [pytest.mark.loopback, pytest.mark.django_db]


@pytest.fixture
def road(provider: Any) -> Road:
    return Road(provider.directory, Clock())


@pytest.fixture(autouse=True)
def turkish_thread() -> Iterator[None]:
    """The thread remembers Turkish from the request before; afterwards it forgets what a test left behind."""
    translation.activate("tr")
    yield
    translation.deactivate()


def choose(client: Client, language: str, back_to: str) -> HttpResponse:
    return client.post("/dil/", {"language": language, "next": back_to})


def language_of(client: Client, address: str) -> str:
    return Texts(client.get(address).content.decode()).language


def test_a_visitor_chooses_a_language_and_keeps_it(db):
    client = Client(headers={"accept-language": "tr-TR,tr;q=0.9"})
    assert language_of(client, "/giris/") == "tr"
    assert choose(client, "en", "/giris/").headers["Location"] == "/giris/"
    assert_english(client.get("/giris/"))
    assert language_of(client, "/yardim/") == "en"
    choose(client, "tr", "/yardim/")
    assert language_of(client, "/giris/") == "tr"


def test_somebody_who_is_signed_in_chooses_a_language_and_keeps_it_when_he_leaves(road):
    client = Client()
    sign_in(client, road.ayse)
    assert language_of(client, "/gelen/") == "tr"
    assert choose(client, "en", "/gelen/").headers["Location"] == "/gelen/"
    assert_english(client.get("/gelen/"))
    assert 'value="tr" lang="tr"' in client.get("/gelen/").content.decode()
    client.post(reverse("accounts:sign_out"))
    assert language_of(client, "/giris/") == "en"


def test_each_switch_leads_back_to_its_own_page_and_nowhere_else(db):
    client = Client()
    page = client.get("/yardim/").content.decode()
    assert '<input type="hidden" name="next" value="/yardim/">' in page
    assert choose(client, "en", "https://example.com/").headers["Location"] == "/"


def test_a_language_nobody_speaks_here_changes_nothing(db):
    client = Client()
    choose(client, "de", "/giris/")
    assert language_of(client, "/giris/") == "tr"
    assert language_of(Client(headers={"accept-language": "de-DE"}), "/giris/") == "tr"


def test_the_cookie_of_the_choice_bears_the_providers_name(db):
    client = Client()
    assert list(choose(client, "en", "/giris/").cookies) == [f"kep_dil_{settings.KEP_PROVIDER_CODE}"]
