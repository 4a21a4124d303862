"""The visits of a person: seen by himself, ended from outside within a request, five at most (V-032..V-035)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import open_visits
from accounts.errors import VisitEnded
from accounts.models import OpenVisit, Person, SmsNotice
from accounts.open_visits import browser_words
from accounts.tests.cast import make_person, sign_in
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.database]
Clock = time_machine.Traveller
MINUTE = timedelta(minutes=1)


def visiting(person: Person, **headers: str) -> Client:
    """A browser with an open visit."""
    client = Client(headers=headers)
    sign_in(client, person)
    return client


def is_in(client: Client) -> bool:
    """Whether the next request of this browser is still the person's."""
    return client.get("/kapali/").status_code == 200


def test_a_sign_in_is_a_row_and_a_sign_out_ends_it(clock: Clock, person: Person) -> None:
    client = visiting(person, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
    row = OpenVisit.objects.get()
    assert row.session_key == client.session.session_key
    assert (row.person, row.browser, row.from_address) == (person, "Firefox, Linux", "127.0.0.1")
    client.post("/cikis/")
    row.refresh_from_db()
    assert (row.ended_at, row.end_reason) == (NOON, "sign_out")


def test_ending_one_ends_it_at_the_next_request_and_no_other(clock: Clock, person: Person) -> None:
    first, second = visiting(person), None
    clock.shift(MINUTE)
    second = visiting(person)
    row = OpenVisit.objects.order_by("pk")[0]
    assert open_visits.end(row, reason="test", now=NOON)
    assert not open_visits.end(row, reason="test", now=NOON)
    assert (is_in(first), is_in(second)) == (False, True)
    assert Event.objects.filter(kind="visit.ended").count() == 1


def test_ending_all_spares_the_one_that_asks_and_other_people(clock: Clock, person: Person) -> None:
    other = visiting(make_person())
    mine = [visiting(person)]
    clock.shift(MINUTE)
    mine.append(visiting(person))
    kept = mine[1].session.session_key
    assert open_visits.end_all(person, reason="test", now=NOON, besides_session=kept or "") == 1
    assert [is_in(each) for each in (*mine, other)] == [False, True, True]
    assert open_visits.end_all(person, reason="test", now=NOON) == 1
    assert [is_in(each) for each in (*mine, other)] == [False, False, True]


def test_a_request_under_way_does_not_write_an_ended_visit_back(clock: Clock, person: Person) -> None:
    client = visiting(person)
    session = client.session
    session["kep_account"] = "x"  # read, as every page of the gate has read it
    open_visits.end_all(person, reason="test", now=NOON)
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists()


def test_a_sixth_visit_ends_the_one_heard_of_longest_ago(clock: Clock, person: Person, settings: Any) -> None:
    settings.KEP_SMS_PER_HOUR = 10
    visits = []
    for _ in range(6):
        visits.append(visiting(person))
        clock.shift(4 * MINUTE)
        if len(visits) == 5:  # the first is used again: the second is now the quietest
            assert is_in(visits[0])
            clock.shift(6 * MINUTE)
    assert [is_in(each) for each in visits] == [True, False, True, True, True, True]
    assert OpenVisit.objects.get(end_reason="most_at_once").session_key


def test_a_new_key_keeps_the_row_and_a_visit_that_was_ended_gets_none(clock: Clock, person: Person) -> None:
    client = visiting(person)
    session, row = client.session, OpenVisit.objects.get()
    open_visits.renew_key(session)
    row.refresh_from_db()
    assert row.session_key == session.session_key
    open_visits.end(row, reason="test", now=NOON)
    with pytest.raises(VisitEnded):
        open_visits.renew_key(session)
    assert not Session.objects.exists()


def test_a_sign_in_on_an_unknown_browser_is_told_but_not_the_first_one(clock: Clock, person: Person) -> None:
    first = visiting(person)
    assert not SmsNotice.objects.exists()
    first.post("/cikis/")
    clock.shift(MINUTE)
    sign_in(first, person)
    assert not SmsNotice.objects.exists()
    clock.shift(MINUTE)
    visiting(person)
    notice = SmsNotice.objects.get()
    assert (notice.number, "taninmayan" in notice.text) == (person.phone, True)
    assert notice.text.isascii()
    assert len(notice.text) <= 160


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", ""),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131 Safari/537.36 Edg/131",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18 Safari/604.1",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/131 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.5 <script>" + "x" * 5000, ""),
    ],
)
def test_a_browser_is_family_and_system_and_never_the_header(header: str, words: str) -> None:
    assert browser_words(header) == words
