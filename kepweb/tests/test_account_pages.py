"""`/hesap/` in the frame of the house: what a person sees of his sign-in, and how he changes it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import authenticators
from accounts.models import KnownDevice, OpenVisit, Person, SmsNotice
from accounts.tests.cast import PASSWORD, PIN, make_account, make_person, post_code, post_secrets, sign_in, texts

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
Clock = time_machine.Traveller
NEW_PASSWORD, NEW_PIN = "deniz-feneri-uzak", "730825"
PAGES = (
    "/hesap/",
    "/hesap/parola/",
    "/hesap/sifre/",
    "/hesap/dogrulayici/",
    "/hesap/kurtarma-kodlari/",
    "/hesap/oturumlar/",
    "/hesap/hareketler/",
)


@pytest.fixture
def clock() -> object:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def person(db: None) -> Person:
    someone = make_person()
    make_account("ayse.yildiz@hs01.kep.tr", holder=someone)
    return someone


@pytest.fixture
def client(clock: Clock, person: Person) -> Client:
    browser = Client()
    sign_in(browser, person)
    return browser


def prove(client: Client, person: Person, *, to: str = "/hesap/") -> HttpResponse:
    """Both steps of a step-up."""
    answer = client.post("/hesap/dogrula/", {"parola": PASSWORD, "sifre": PIN, "next": to})
    assert answer.status_code == 302, answer.content.decode()
    return client.post("/hesap/dogrula/kod/", {"sms": texts(person)[-1].code})


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_a_person_with_one_account_none_and_two(clock: Clock, person: Person, path: str) -> None:
    nobodys, twice = make_person(), make_person()
    for number in (1, 2):
        make_account(f"iki.{number}@hs01.kep.tr", holder=twice)
    for each in (person, nobodys, twice):
        browser = Client()
        sign_in(browser, each)
        assert browser.get(path).status_code == 200, each.full_name


def test_the_overview_shows_no_whole_number_and_says_what_happened(client: Client, person: Person) -> None:
    page = client.get("/hesap/").content.decode()
    assert person.tckn not in page
    assert person.phone not in page
    assert "Giriş yapıldı" in page
    assert "127.0.0.1" in page


@pytest.mark.parametrize("path", PAGES)
def test_pages_ask_a_constant_number_of_questions(client: Client, person: Person, path: str) -> None:
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(4):
        KnownDevice.objects.create(person=person, device_index=f"{number}" * 64, first_seen_at=NOON, last_seen_at=NOON)
        OpenVisit.objects.create(person=person, session_key=f"{number}" * 32, method="x", opened_at=NOON, seen_at=NOON)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(few) == len(many) == QUERIES[path]


QUERIES = dict(zip(PAGES, (13, 7, 7, 10, 9, 11, 8), strict=True))


# --- step-up --------------------------------------------------------------------------------------------------------
def test_a_proof_holds_ten_minutes_and_leads_back(clock: Clock, client: Client, person: Person) -> None:
    assert client.get("/hesap/parola/").status_code == 200
    clock.shift(timedelta(minutes=10))
    answer = client.get("/hesap/parola/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hesap/dogrula/?next=%2Fhesap%2Fparola%2F")
    before = client.session.session_key
    assert prove(client, person, to="/hesap/parola/").headers["Location"] == "/hesap/parola/"
    assert client.session.session_key != before, "a proof gives the visit a new key (V-030)"
    assert client.get("/hesap/parola/").status_code == 200
    clock.shift(timedelta(minutes=10))
    assert client.get("/hesap/parola/").status_code == 302


def test_the_code_is_no_way_around_the_secrets(clock: Clock, client: Client, person: Person) -> None:
    clock.shift(timedelta(minutes=11))
    before = len(texts(person))
    for answer in (
        client.get("/hesap/dogrula/kod/"),
        client.post("/hesap/dogrula/kod/", {"sms": "000000"}),
        client.post("/hesap/dogrula/yeniden/"),
    ):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/hesap/dogrula/?")
    wrong = client.post("/hesap/dogrula/", {"parola": PASSWORD, "sifre": "000000"})
    assert (wrong.status_code, "HES-02" in wrong.content.decode()) == (422, True)
    assert len(texts(person)) == before


def test_a_code_of_one_visit_proves_no_other(clock: Clock, client: Client, person: Person) -> None:
    clock.shift(timedelta(minutes=1))
    other = Client()
    sign_in(other, person)
    clock.shift(timedelta(minutes=11))
    for browser in (client, other):
        browser.post("/hesap/dogrula/", {"parola": PASSWORD, "sifre": PIN})
        code = texts(person)[-1].code
        clock.shift(timedelta(seconds=31))
    assert client.post("/hesap/dogrula/kod/", {"sms": code}).status_code == 422
    assert client.get("/hesap/parola/").status_code == 302
    assert other.post("/hesap/dogrula/kod/", {"sms": code}).status_code == 302
    assert other.get("/hesap/parola/").status_code == 200


def test_fifty_wrong_codes_prove_nothing(clock: Clock, client: Client, person: Person) -> None:
    clock.shift(timedelta(minutes=11))
    client.post("/hesap/dogrula/", {"parola": PASSWORD, "sifre": PIN})
    code = texts(person)[-1].code
    for _ in range(50):
        assert client.post("/hesap/dogrula/kod/", {"sms": f"{(int(code) + 1) % 10**6:06d}"}).status_code in (422, 429)
    assert client.post("/hesap/dogrula/kod/", {"sms": code}).status_code in (422, 429)
    assert client.get("/hesap/parola/").status_code == 302


def test_a_proof_leads_to_no_other_site(clock: Clock, client: Client, person: Person) -> None:
    clock.shift(timedelta(minutes=11))
    assert prove(client, person, to="https://kotu.example/").headers["Location"] == "/hesap/"
    assert client.get("/hesap/dogrula/?next=//kotu.example/").headers["Location"] == "/hesap/"


# --- secrets --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "field", "new"), [("/hesap/parola/", "parola", NEW_PASSWORD), ("/hesap/sifre/", "sifre", NEW_PIN)]
)
def test_a_renewed_secret_ends_the_other_visits_and_keeps_this_one(
    clock: Clock, client: Client, person: Person, path: str, field: str, new: str
) -> None:
    clock.shift(timedelta(minutes=1))
    other = Client()
    sign_in(other, person)
    before = client.session.session_key
    answer = client.post(path, {field: new, f"{field}_yeniden": new})
    assert answer.status_code == 302, answer.content.decode()
    assert client.get("/hesap/").status_code == 200
    assert client.session.session_key != before
    assert other.get("/hesap/").status_code == 302
    assert OpenVisit.objects.get(ended_at=None).session_key == client.session.session_key
    assert SmsNotice.objects.filter(text__contains="degistirildi").count() == 1
    clock.shift(timedelta(minutes=1))
    old = {"password": PASSWORD, "pin": PIN}
    assert post_secrets(Client(), person.tckn, **old).status_code == 422
    given = {**old, ("password" if field == "parola" else "pin"): new}
    assert post_secrets(Client(), person.tckn, **given).status_code == 302


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"parola": NEW_PASSWORD, "parola_yeniden": NEW_PASSWORD + " "}, "aynı değil"),
        ({"parola": PASSWORD, "parola_yeniden": PASSWORD}, "HES-07"),
        ({"parola": "yildizayse", "parola_yeniden": "yildizayse"}, "GRS-11"),
        ({"parola": NEW_PASSWORD, "parola_yeniden": NEW_PASSWORD, "pin_hash": "x"}, "HES-08"),
        ({"parola": NEW_PASSWORD, "parola_yeniden": NEW_PASSWORD, "is_active": "0"}, "HES-08"),
        ({}, "Yeni parolanızı yazın"),
    ],
)
def test_what_may_not_be_chosen_changes_nothing(
    client: Client, person: Person, form: dict[str, str], word: str
) -> None:
    before = person.password
    answer = client.post("/hesap/parola/", form)
    assert answer.status_code == 422
    assert word in answer.content.decode()
    person.refresh_from_db()
    assert person.password == before
    assert NEW_PASSWORD not in answer.content.decode()


# --- second steps ---------------------------------------------------------------------------------------------------
def add_authenticator(client: Client, person: Person) -> TOTP:
    client.post("/hesap/dogrulayici/basla/")
    page = client.get("/hesap/dogrulayici/").content.decode()
    assert "<svg" in page
    device = TOTPDevice.objects.get(user=person)
    totp = TOTP(authenticators._key(device))
    totp.time = NOON.timestamp()
    answer = client.post("/hesap/dogrulayici/", {"kod": f"{totp.token():06d}"})
    assert answer.status_code == 302, answer.content.decode()
    return totp


def test_an_authenticator_signs_in_when_no_sms_comes(clock: Clock, client: Client, person: Person) -> None:
    totp = add_authenticator(client, person)
    clock.shift(timedelta(minutes=1))
    other = Client()
    assert other.get("/giris/uygulama/").status_code == 302, "the first step is not skipped"
    post_secrets(other, person.tckn)
    assert "/giris/uygulama/" in other.get("/giris/sms/").content.decode()
    totp.time = (NOON + timedelta(minutes=1)).timestamp()
    code = f"{totp.token():06d}"
    assert other.post("/giris/uygulama/", {"kod": code}).status_code == 302
    assert other.get("/hesap/").status_code == 200
    assert "doğrulama uygulaması" in other.get("/hesap/oturumlar/").content.decode()
    clock.shift(timedelta(seconds=31))
    third = Client()
    post_secrets(third, person.tckn)
    assert third.post("/giris/uygulama/", {"kod": code}).status_code == 422, "a code is good once"
    client.post("/hesap/dogrulayici/kaldir/")
    assert other.get("/hesap/").status_code == 302, "visits that it opened end with it"
    assert client.get("/hesap/").status_code == 200


def test_recovery_codes_are_shown_once_and_sign_in_once(clock: Clock, client: Client, person: Person) -> None:
    page = client.post("/hesap/kurtarma-kodlari/").content.decode()
    codes = re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</li>", page)
    assert len(codes) == 10
    assert codes[0] not in client.get("/hesap/kurtarma-kodlari/").content.decode()
    for expected in (302, 422):
        clock.shift(timedelta(minutes=1))
        other = Client()
        post_secrets(other, person.tckn)
        assert other.post("/giris/uygulama/", {"kod": codes[0]}).status_code == expected


def test_a_get_makes_no_key_and_no_codes(client: Client, person: Person) -> None:
    for path in ("/hesap/dogrulayici/", "/hesap/kurtarma-kodlari/"):
        client.get(path)
        client.head(path)
    assert not TOTPDevice.objects.exists()
    for path in ("/hesap/dogrulayici/basla/", "/hesap/dogrulayici/kaldir/", "/hesap/oturumlar/kapat/"):
        assert client.get(path).status_code == 405


# --- visits ---------------------------------------------------------------------------------------------------------
def test_another_visit_is_ended_from_here(clock: Clock, client: Client, person: Person) -> None:
    clock.shift(timedelta(minutes=1))
    other = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"})
    sign_in(other, person)
    page = client.get("/hesap/oturumlar/").content.decode()
    assert "Firefox, Linux" in page
    row = OpenVisit.objects.latest("pk")
    assert client.post(f"/hesap/oturumlar/{row.public_id}/kapat/").status_code == 302
    assert other.get("/hesap/").status_code == 302
    assert client.post(f"/hesap/oturumlar/{row.public_id}/kapat/").status_code == 404


def test_nobody_ends_or_forgets_what_is_anothers(clock: Clock, client: Client, person: Person) -> None:
    stranger = make_person()
    theirs = Client()
    sign_in(theirs, stranger)
    row, device = OpenVisit.objects.get(person=stranger), KnownDevice.objects.get(person=stranger)
    for path in (
        f"/hesap/oturumlar/{row.public_id}/kapat/",
        "/hesap/oturumlar/aaaaaaaaaaaaaaaaaaaaaaaaaa/kapat/",
        f"/hesap/cihazlar/{device.device_index}/unut/",
        "/hesap/cihazlar/%00/unut/",
    ):
        assert client.post(path).status_code == 404, path
    assert theirs.get("/hesap/").status_code == 200
    assert KnownDevice.objects.filter(person=stranger).exists()


def test_a_lock_shows_its_end_and_leaves_the_owner_in(clock: Clock, client: Client, person: Person) -> None:
    for _ in range(6):
        post_secrets(Client(), person.tckn, "yanlış-parola")
    page = client.get("/hesap/").content.decode()
    assert "12:15" in page
    assert "Hatalı giriş denemesi" in page
    client.post("/cikis/")
    clock.shift(timedelta(minutes=1))
    post_secrets(client, person.tckn)
    assert post_code(client, texts(person)[-1].code).status_code == 302
