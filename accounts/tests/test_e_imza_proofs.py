"""E-imza beside the sign-in: the proof inside a visit, new secrets without the old ones, the signed application."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse

from accounts import e_imza, step_up
from accounts.e_imza_errors import ApplicationMoved, NotOfThisBrowser
from accounts.models import Application, KnownDevice, OpenVisit, Person, SmsNotice, WrongTries
from accounts.persons import tckn_index
from accounts.tests.cast import PASSWORD, PIN, make_person, new_tckn, post_secrets, sign_in
from accounts.tests.e_imza_card import Card, card_of, finish, newest, sign, sign_in_by_card
from conftest import DemoPki
from evidence import cades, vault
from evidence.models import Event
from guards import clock as product_clock
from signing import operations
from signing.errors import CertificateUnfit
from signing.requests import APPLICATION, LONGEST_TEXT, STEP_UP

pytestmark = [pytest.mark.loopback, pytest.mark.django_db]
NEW_PASSWORD, NEW_PIN = "kestane-rüzgar-kule", "905274"
TEXT = "KEP BAŞVURU FORMU\nAd soyad: Ayşe Yıldız\nAdres: ayse.yildiz@hs01.kep.tr\n"


@pytest.fixture(autouse=True)
def neighbours(provider: DemoPki) -> DemoPki:
    """OCSP and CRL answer."""
    return provider


@pytest.fixture
def card(person: Person, provider: DemoPki) -> Card:
    return card_of(provider.directory, person.tckn)


# --- the proof inside a visit ---------------------------------------------------------------------------------------
def begin_proof(client: Client, **more: str) -> Any:
    return client.post(reverse("accounts:step_up_e_imza"), more)


def is_proved(client: Client, person: Person) -> bool:
    """As the decorator asks."""
    request = type("Request", (), {"session": client.session, "user": person, "__dict__": {}})()
    return step_up.is_proved(request, now=product_clock.now())


def test_a_card_proves_the_person_again_and_leads_back(client: Client, person: Person, card: Card) -> None:
    sign_in(client, person)
    with time_machine.travel(product_clock.now() + timedelta(minutes=11)):
        assert not is_proved(client, person)
        before = client.session.session_key
        assert begin_proof(client, next="/kapali/")["Location"] == reverse("accounts:e_imza_waiting")
        operation = newest()
        assert (operation.purpose, operation.person) == (STEP_UP, person.pk)
        assert operation.content_type == "application/vnd.kep.dogrulama+json"
        answer = finish(client, sign(card))
        assert (answer.status_code, answer["Location"]) == (302, "/kapali/")
        assert is_proved(client, person)
        assert client.session.session_key != before, "a proof gives the session a new key (V-030)"
        assert client.get("/kapali/").status_code == 200
    assert Event.objects.filter(kind="step_up.completed").count() == 1


def test_nobody_begins_a_proof_signed_out(client: Client, person: Person) -> None:
    assert begin_proof(client)["Location"].startswith(reverse("accounts:sign_in"))
    assert client.get(reverse("accounts:step_up_e_imza")).status_code == 302


def test_a_sign_in_request_is_no_proof_and_a_proof_no_sign_in(client: Client, person: Person, card: Card) -> None:
    """Dressed as one another in the session, they open nothing."""
    sign_in(client, person)
    begin_proof(client)
    returned = sign(card)
    session = client.session
    session["kep_e_imza"] = {**session["kep_e_imza"], "purpose": "sign_in"}
    session.save()
    assert finish(client, returned).status_code == 403


def test_a_proof_begun_by_somebody_else_in_this_browser_proves_nobody(
    client: Client, person: Person, card: Card, provider: DemoPki
) -> None:
    sign_in(client, person)
    begin_proof(client)
    returned = sign(card)
    kept = client.session["kep_e_imza"]
    other, browser = make_person("Ali", "Veli"), Client()
    sign_in_by_card(browser, other, card_of(provider.directory, other.tckn))
    session = browser.session
    session["kep_e_imza"] = kept
    session.save()
    assert finish(browser, returned).status_code == 403
    assert Event.objects.filter(kind="step_up.completed").count() == 0


# --- forgotten secrets ----------------------------------------------------------------------------------------------
def renew(client: Client, **changes: str) -> Any:
    fields = {"parola": NEW_PASSWORD, "parola_yeniden": NEW_PASSWORD, "sifre": NEW_PIN, "sifre_yeniden": NEW_PIN}
    return client.post(reverse("accounts:new_secrets"), fields | changes)


def test_forgotten_secrets_are_set_anew_by_the_card_and_every_visit_ends(
    client: Client, person: Person, card: Card
) -> None:
    elsewhere = Client()
    sign_in(elsewhere, person)
    WrongTries.objects.create(tckn_index=person.tckn_index, count=100, last_at=product_clock.now())
    assert client.get(reverse("accounts:forgotten")).status_code == 200
    answer = sign_in_by_card(client, person, card, next=reverse("accounts:new_secrets"))
    assert answer["Location"] == reverse("accounts:new_secrets")
    assert client.get(answer["Location"]).status_code == 200

    assert renew(client)["Location"] == reverse("accounts:sign_in")

    assert elsewhere.get("/kapali/").status_code == 302
    assert client.get("/kapali/").status_code == 302
    assert not OpenVisit.objects.filter(ended_at=None).exists()
    assert not KnownDevice.objects.exists(), "what a thief may have added is gone"
    assert post_secrets(Client(), person.tckn, PASSWORD, PIN).status_code == 422
    with time_machine.travel(product_clock.now() + timedelta(minutes=2)):
        assert post_secrets(Client(), person.tckn, NEW_PASSWORD, NEW_PIN).status_code == 302
    assert SmsNotice.objects.filter(text__contains="yenilendi").count() == 1
    assert Event.objects.filter(kind="secrets.recovered").count() == 1


def test_an_sms_sign_in_opens_no_way_around_the_old_secrets(client: Client, person: Person) -> None:
    sign_in(client, person)
    assert client.get(reverse("accounts:new_secrets")).status_code == 403
    assert renew(client).status_code == 403
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_ten_minutes_after_the_card_it_is_over(client: Client, person: Person, card: Card) -> None:
    sign_in_by_card(client, person, card)
    with time_machine.travel(product_clock.now() + timedelta(minutes=10, seconds=1)):
        assert renew(client).status_code == 403
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


@pytest.mark.parametrize(
    "changes",
    [
        {"sifre": "123456", "sifre_yeniden": "123456"},
        {"parola": "ayseyildiz", "parola_yeniden": "ayseyildiz"},
        {"parola_yeniden": "başka-bir-parola"},
        {"sifre_yeniden": ""},
        {"is_active": "1"},
    ],
)
def test_bad_new_secrets_change_nothing(client: Client, person: Person, card: Card, changes: dict[str, str]) -> None:
    sign_in_by_card(client, person, card)
    assert renew(client, **changes).status_code == 422
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert client.get("/kapali/").status_code == 200


# --- applications ---------------------------------------------------------------------------------------------------
@pytest.fixture
def application(db: None) -> Application:
    tckn = new_tckn()
    return Application.objects.create(
        number="B-2026-7K3M9Q",
        kind=Application.Kind.NATURAL,
        tckn=tckn,
        tckn_index=tckn_index(tckn),
        first_name="Ayşe",
        last_name="Yıldız",
        phone="+905551112233",
        mode="send_and_receive",
        created_at=product_clock.now(),
    )


class Browser:
    """A request with a session, as a view of the application has it."""

    def __init__(self, rf: Any) -> None:
        self.session = SessionStore()
        self._rf, self._user = rf, AnonymousUser()

    def request(self) -> Any:
        request = self._rf.post("/")
        request.session, request.user = self.session, self._user
        return request


def test_an_application_is_signed_kept_and_read_again(rf: Any, application: Application, provider: DemoPki) -> None:
    browser, now = Browser(rf), product_clock.now()
    operation = e_imza.ask_application(browser.request(), application, TEXT, now, next_url="/basvuru/gonder/")
    assert (operation.purpose, operation.content_type) == (APPLICATION, "application/vnd.kep.basvuru+json")
    assert operation.expires_at - operation.asked_at > timedelta(minutes=9), "an application wants to be read"
    card = card_of(provider.directory, application.tckn)
    returned = sign(card)
    with pytest.raises(NotOfThisBrowser):
        e_imza.finish(Browser(rf).request(), returned, now=product_clock.now())

    finished = e_imza.finish(browser.request(), returned, now=product_clock.now())

    assert finished.next_url == "/basvuru/gonder/"
    application.refresh_from_db()
    assert application.state == Application.State.DRAFT, "submitting is the application's own step"
    assert application.signed_by_e_imza_at is not None
    assert e_imza.signed_text(application) == TEXT
    signature = vault.get(bytes(application.signature_digest or b""))
    facts = cades.read(signature)
    assert facts.certificate == card.certificate
    cades.verify_over(signature, vault.get(facts.message_digest))
    with pytest.raises(NotOfThisBrowser):
        e_imza.finish(browser.request(), returned, now=product_clock.now())


def test_another_persons_card_signs_no_application(rf: Any, application: Application, provider: DemoPki) -> None:
    e_imza.ask_application(Browser(rf).request(), application, TEXT, product_clock.now())
    with pytest.raises(CertificateUnfit):
        sign(card_of(provider.directory, new_tckn()))


@pytest.mark.parametrize("moved", ["state", "tckn"])
def test_an_application_that_moved_on_takes_no_signature(
    rf: Any, application: Application, provider: DemoPki, moved: str
) -> None:
    browser = Browser(rf)
    e_imza.ask_application(browser.request(), application, TEXT, product_clock.now())
    returned = sign(card_of(provider.directory, application.tckn))
    if moved == "state":
        Application.objects.update(state=Application.State.UNDER_REVIEW)
    else:
        Application.objects.update(tckn_index=tckn_index(new_tckn()))
    with pytest.raises(ApplicationMoved):
        e_imza.finish(browser.request(), returned, now=product_clock.now())
    application.refresh_from_db()
    assert application.signed_by_e_imza_at is None


@pytest.mark.parametrize("text", ["", "x" * (LONGEST_TEXT + 1)])
def test_a_text_that_cannot_be_shown_whole_is_not_asked_for(rf: Any, application: Application, text: str) -> None:
    with pytest.raises(ValueError, match="shown whole"):
        e_imza.ask_application(Browser(rf).request(), application, text, product_clock.now())
    assert operations.SigningOperation.objects.count() == 0
