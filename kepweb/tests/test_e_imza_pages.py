"""The pages of e-imza in the frame of the house: what they say and ask, and what a GET leaves alone."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Person
from accounts.tests.cast import make_account, make_person, sign_in
from accounts.tests.e_imza_card import begin, card_of, claim, finish, newest, sign, sign_in_by_card
from conftest import DemoPki
from guards import clock as product_clock
from signing import operations
from signing.models import SigningOperation

pytestmark = [pytest.mark.loopback, pytest.mark.django_db]
DOOR, WAITING, STATE = (reverse(f"accounts:{name}") for name in ("e_imza", "e_imza_waiting", "e_imza_state"))


@pytest.fixture(autouse=True)
def neighbours(provider: DemoPki) -> DemoPki:
    """OCSP and CRL answer."""
    return provider


@pytest.fixture
def person(db: None) -> Person:
    someone = make_person()
    make_account("ayse.yildiz@hs01.kep.tr", holder=someone)
    return someone


def questions(client: Client, method: str, address: str, **form: str) -> int:
    """How many the last request asked of the tables."""
    with CaptureQueriesContext(connection) as asked:
        answer = getattr(client, method)(address, form)
    assert answer.status_code in (200, 302), answer.content.decode()
    return len(asked)


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_sign_in_offers_the_card_and_the_way_for_the_forgetful(client: Client) -> None:
    page = text_of(client, reverse("accounts:sign_in") + "?next=/giden/")
    assert f'href="{DOOR}?next=/giden/"' in page
    assert reverse("accounts:forgotten") in page
    assert f"{DOOR}?next={reverse('accounts:new_secrets')}" in text_of(client, reverse("accounts:forgotten"))


def test_the_door_needs_no_session_and_has_no_field_for_a_token(client: Client) -> None:
    answer = client.get(DOOR)
    page = answer.content.decode()
    assert not Session.objects.exists()
    assert '<input type="hidden" name="isaret"' in page
    assert 'type="text" name="isaret"' not in page
    assert "Girişi bitir" in page
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "no-store" in answer.headers["Cache-Control"]


def test_waiting_signed_refused_over_and_done_each_say_so(client: Client, person: Person, provider: DemoPki) -> None:
    assert "Açık istek yok" in text_of(client, WAITING)
    assert client.get(STATE).json()["state"] == "gone"
    begin(client, person.tckn)
    operation = newest()
    page = text_of(client, WAITING)
    assert "Bu bir giriş isteğidir" in page
    assert operation.comparison[:4] in page
    assert client.get(STATE).json()["state"] == "waiting"

    token = claim()
    assert client.get(STATE).json()["claimed"] is True
    assert "İmza programı isteği aldı" in text_of(client, WAITING)
    assert "localhost:8040" not in text_of(client, WAITING)
    operations.cancel_by_token(token, "pin_locked", now=product_clock.now())
    assert client.get(STATE).json()["state"] == "refused"
    assert "IMZ-03" in text_of(client, WAITING)
    assert "taslak" not in text_of(client, WAITING).casefold()

    begin(client, person.tckn)
    with time_machine.travel(product_clock.now() + timedelta(minutes=2, seconds=1)):
        assert "süresi doldu" in text_of(client, WAITING)

    begin(client, person.tckn)
    returned = sign(card_of(provider.directory, person.tckn))
    assert "İmzanız geldi" in text_of(client, WAITING)
    finish(client, returned)
    assert client.get(STATE).json()["state"] == "done"
    assert "İşlem tamamlandı" in text_of(client, WAITING)


def test_no_page_says_whose_number_it_was(client: Client, person: Person) -> None:
    begin(client, person.tckn)
    page = text_of(client, WAITING)
    assert not [each for each in (person.tckn, person.phone, person.first_name, person.last_name) if each in page]


def test_the_refusal_of_another_persons_card_speaks_of_this_request(
    client: Client, person: Person, provider: DemoPki
) -> None:
    begin(client, person.tckn)
    with pytest.raises(Exception, match="does not fit"):
        sign(card_of(provider.directory, "12345678950"))
    page = text_of(client, WAITING)
    assert "NES-12" in page
    assert "taslak" not in page.casefold()


@pytest.mark.parametrize("reason", sorted(set(operations.END_OF_REASON) - {"user"}))
def test_whatever_ends_it_at_the_signer_is_told_without_a_draft(client: Client, person: Person, reason: str) -> None:
    begin(client, person.tckn)
    operations.cancel_by_token(claim(), reason, now=product_clock.now())
    page = text_of(client, WAITING)
    assert operations.END_OF_REASON[reason] in page
    assert "taslak" not in page.casefold()


def test_giving_up_ends_it_at_the_signer_too(client: Client, person: Person, provider: DemoPki) -> None:
    begin(client, person.tckn, next="/giden/")
    assert client.get(reverse("accounts:e_imza_give_up")).status_code == 405
    assert newest().state == SigningOperation.State.ASKED
    answer = client.post(reverse("accounts:e_imza_give_up"))
    assert answer["Location"] == f"{DOOR}?next=%2Fgiden%2F"
    assert newest().state == SigningOperation.State.CANCELLED
    assert "Açık istek yok" in text_of(client, WAITING)
    assert client.get(STATE).json()["state"] == "gone"


def test_get_and_head_change_no_row(client: Client, person: Person) -> None:
    begin(client, person.tckn)
    before = list(SigningOperation.objects.values())
    for address in (DOOR, WAITING, STATE, reverse("accounts:forgotten"), reverse("accounts:new_secrets")):
        for method in ("get", "head"):
            getattr(client, method)(address)
    assert list(SigningOperation.objects.values()) == before


def test_a_refused_finish_shows_the_door_with_the_reason(client: Client) -> None:
    answer = finish(client, "0" * 64)
    assert (answer.status_code, "GRS-21" in answer.content.decode()) == (403, True)
    assert "İşlem tamamlanmadı" in answer.content.decode()


def test_the_pages_ask_a_constant_number_of_questions(person: Person, provider: DemoPki) -> None:
    """Whoever comes: with one account or with four, in a browser that is known or not."""

    def asked(someone: Person) -> dict[str, int]:
        card, browser = card_of(provider.directory, someone.tckn), Client()
        counts = {"door": questions(browser, "get", DOOR)}
        counts["begin"] = questions(browser, "post", DOOR, tckn=someone.tckn)
        counts["waiting"] = questions(browser, "get", WAITING)
        counts["state"] = questions(browser, "get", STATE)
        counts["finish"] = questions(browser, "post", reverse("accounts:e_imza_finish"), isaret=sign(card))
        counts["new secrets"] = questions(browser, "get", reverse("accounts:new_secrets"))
        return counts

    asked(person)  # whatever a first visit keeps for the process is kept now
    one, four = make_person(), make_person()
    for number in range(5):
        make_account(f"ali{number}@hs01.kep.tr", holder=four if number else one)
    assert asked(one) == asked(four) == EXPECTED


def test_the_proof_inside_a_visit_is_offered_and_leads_back(client: Client, person: Person, provider: DemoPki) -> None:
    sign_in(client, person)
    with time_machine.travel(product_clock.now() + timedelta(minutes=11)):
        page = text_of(client, reverse("accounts:step_up") + "?next=/hesap/")
        assert reverse("accounts:step_up_e_imza") in page
        answer: Any = client.post(reverse("accounts:step_up_e_imza"), {"next": "/hesap/"})
        assert "kimliğin" in text_of(client, answer["Location"]).casefold() or "kişinin" in text_of(client, WAITING)
        assert finish(client, sign(card_of(provider.directory, person.tckn)))["Location"] == "/hesap/"


def test_new_secrets_stand_on_a_page_of_their_own(client: Client, person: Person, provider: DemoPki) -> None:
    card = card_of(provider.directory, person.tckn)
    address = reverse("accounts:new_secrets")
    assert sign_in_by_card(client, person, card, next=address)["Location"] == address
    page = text_of(client, address)
    assert page.index('name="parola"') < page.index('name="sifre"')


EXPECTED = {"door": 0, "begin": 13, "waiting": 2, "state": 2, "finish": 40, "new secrets": 3}
"""Savepoints count as questions here."""
