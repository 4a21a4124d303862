"""The gate refuses by default, and a visit has an end (V-017, V-031, V-032, V-038, V-056)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Person, SmsAttempt
from accounts.persons import set_secrets
from accounts.tests.cast import sign_in
from accounts.tests.conftest import NOON
from evidence.models import Event

Clock = time_machine.Traveller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def signed_in(client: Client, person: Person) -> Client:
    """A browser with a visit."""
    sign_in(client, person)
    return client


# --- who comes in ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/gelen/", "/kapali/", "/hesap/sec/", "/yok/", "/favicon.ico", "/yardim"])
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "delete", "options"])
def test_everything_is_closed_unless_it_says_otherwise(client: Client, path: str, method: str) -> None:
    answer = getattr(client, method)(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/giris/")
    assert "next" not in answer.headers["Location"] or method in ("get", "head")


@pytest.mark.parametrize("path", ["/giris/", "/brosur/", "/yardim/", "/yardim/ana/"])
def test_open_doors_stand_open(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_machine_addresses_are_passed_on_without_looking_at_cookies(signed_in: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = signed_in.get("/imza/v1/claim")
    assert answer.content == b"cookies: False"
    assert len(queries) == 0


def test_an_address_that_only_begins_like_an_open_one_is_closed(client: Client, settings: Any) -> None:
    settings.KEP_OPEN_PATHS = ("/kapali",)
    assert client.get("/kapali/").status_code == 302
    settings.KEP_OPEN_PATHS = ("/kapali/",)
    assert client.get("/kapali/").status_code == 200


def test_a_user_without_the_second_step_is_nobody(client: Client, person: Person) -> None:
    client.force_login(person, backend="accounts.backends.TwoSecretsBackend")
    assert client.get("/gelen/").status_code == 302
    assert Session.objects.count() == 0


def test_a_disk_that_takes_nothing_stops_no_reading(
    signed_in: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit notes once a minute that somebody was here; where that cannot be written, the page is shown (R-005)."""

    def full(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(Session, "save", full)
        for _ in range(3):
            clock.shift(timedelta(minutes=2))
            assert signed_in.get("/gelen/").status_code == 200
    clock.shift(timedelta(minutes=2))
    assert signed_in.get("/gelen/").status_code == 200
    clock.shift(timedelta(minutes=29))
    assert signed_in.get("/gelen/").status_code == 200, "what could be written counts again"


def test_deleting_the_attempt_ends_the_visit(signed_in: Client) -> None:
    SmsAttempt.objects.all().delete()
    assert signed_in.get("/gelen/").status_code == 302


def test_a_script_gets_a_status_and_a_sentence(client: Client) -> None:
    answer = client.get("/gelen/", headers={"accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "GRS-06"
    assert "Oturumunuz kapalı" in answer.json()["message"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_pages_of_a_visit_are_never_kept(signed_in: Client) -> None:
    assert signed_in.get("/gelen/").headers["Cache-Control"] == "no-store"
    assert signed_in.get("/brosur/").headers["Cache-Control"] == "no-store"
    assert "no-store" in signed_in.post("/cikis/").headers["Cache-Control"]
    assert "no-store" in signed_in.get("/giris/").headers["Cache-Control"]


def test_a_page_of_a_visit_costs_three_queries_before_its_own(signed_in: Client) -> None:
    signed_in.get("/kapali/")
    with CaptureQueriesContext(connection) as queries:
        signed_in.get("/kapali/")
    assert [query["sql"].split('"')[1] for query in queries if query["sql"].startswith("SELECT")] == [
        "django_session",
        "accounts_person",
        "accounts_smsattempt",
    ]


# --- how long -------------------------------------------------------------------------------------------------------
def test_a_visit_ends_after_half_an_hour_without_a_request(clock: Clock, signed_in: Client) -> None:
    clock.shift(timedelta(minutes=29, seconds=59))
    assert signed_in.get("/gelen/").status_code == 200
    clock.shift(timedelta(minutes=30))
    answer = signed_in.get("/gelen/")
    assert answer.headers["Location"] == "/giris/?bitti=1&next=%2Fgelen%2F"
    assert Session.objects.count() == 0, "ended on the server, not only for this browser"
    assert "Oturumunuz kapalı" in signed_in.get(answer.headers["Location"]).content.decode()
    assert Event.objects.filter(kind="visit.over").count() == 1


def test_a_busy_visit_ends_after_twelve_hours(clock: Clock, signed_in: Client) -> None:
    for _ in range(71):
        clock.shift(timedelta(minutes=10))
        assert signed_in.get("/gelen/").status_code == 200
    clock.move_to(NOON + timedelta(hours=11, minutes=59, seconds=59))
    assert signed_in.get("/gelen/").status_code == 200
    clock.move_to(NOON + timedelta(hours=12))
    assert signed_in.get("/gelen/").status_code == 302


def test_an_ended_visit_shows_on_no_open_page_either(clock: Clock, signed_in: Client) -> None:
    assert b"signed in: True" in signed_in.get("/brosur/").content
    clock.shift(timedelta(minutes=31))
    assert b"signed in: False" in signed_in.get("/brosur/").content


def test_what_a_page_asks_by_itself_keeps_no_visit_open(clock: Clock, signed_in: Client) -> None:
    for _ in range(29):
        clock.shift(timedelta(minutes=1))
        assert signed_in.get("/bekle/").status_code == 200
    clock.shift(timedelta(minutes=1))
    assert signed_in.get("/bekle/", headers={"accept": "application/json"}).status_code == 401


def test_the_last_moment_is_written_at_most_once_a_minute(clock: Clock, signed_in: Client) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert signed_in.get("/kapali/").status_code == 200
        return sum(query["sql"].startswith("UPDATE") for query in queries)

    clock.shift(timedelta(seconds=59))
    assert writes() == 0
    clock.shift(timedelta(seconds=1))
    assert writes() == 2  # the session, and the row by which its person knows it
    clock.shift(timedelta(seconds=59))
    assert writes() == 0


# --- what ends it elsewhere -------------------------------------------------------------------------------------------
def test_closing_the_persons_access_ends_every_visit_at_once(signed_in: Client, person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(is_active=False)
    assert signed_in.get("/gelen/").status_code == 302


@pytest.mark.parametrize("changed", ["password", "pin_hash"])
def test_a_new_parola_or_sifre_ends_every_visit(signed_in: Client, person: Person, changed: str) -> None:
    set_secrets(person, password="yesil-liman-kavak", pin="735914")
    person.save(update_fields=[changed])
    assert signed_in.get("/gelen/").status_code == 302
