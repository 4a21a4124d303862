"""The SMS code: once, in time, for one attempt, and not too often (V-020..V-026, N-003, design.md 1.9)."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.test import Client

from accounts import sms_code
from accounts.errors import CodeSpent, CodeTooSoon, TooManyTries, WrongCode
from accounts.models import Person, SmsAttempt
from accounts.tests.cast import make_person, post_code, post_secrets, sign_in, texts
from accounts.tests.conftest import NOON

Clock = time_machine.Traveller


def other_than(code: str) -> str:
    """A wrong code of the right form."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def ask(person: Person, at: timedelta = timedelta()) -> tuple[SmsAttempt, str]:
    """An attempt at NOON plus `at`, and its code."""
    attempt = sms_code.ask(person, now=NOON + at)
    return attempt, texts(person)[-1].code


# --- once, in time, for one attempt ---------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_code_works_once(person: Person) -> None:
    attempt, code = ask(person)
    assert sms_code.verify(attempt, code, now=NOON) is None
    assert isinstance(sms_code.verify(attempt, code, now=NOON), WrongCode)


@pytest.mark.django_db
def test_a_code_lives_three_minutes(person: Person) -> None:
    attempt, code = ask(person)
    assert attempt.expires_at == NOON + timedelta(minutes=3)
    assert isinstance(sms_code.verify(attempt, code, now=NOON + timedelta(minutes=3)), WrongCode)
    assert sms_code.verify(attempt, code, now=NOON + timedelta(minutes=2, seconds=59)) is None


@pytest.mark.django_db
def test_a_code_takes_three_entries_and_then_not_even_the_right_one(person: Person) -> None:
    attempt, code = ask(person)
    refusals = [sms_code.verify(attempt, other_than(code), now=NOON) for _ in range(3)]
    assert [type(refusal) for refusal in refusals] == [WrongCode, WrongCode, CodeSpent]
    assert isinstance(sms_code.verify(attempt, code, now=NOON), CodeSpent)
    attempt.refresh_from_db()
    assert (attempt.tries, attempt.used_at) == (3, None)


@pytest.mark.django_db
def test_the_third_entry_may_be_the_right_one(person: Person) -> None:
    attempt, code = ask(person)
    for _ in range(2):
        sms_code.verify(attempt, other_than(code), now=NOON)
    assert sms_code.verify(attempt, code, now=NOON) is None


@pytest.mark.django_db
def test_a_code_of_one_attempt_never_opens_another(person: Person) -> None:
    """V-023: both attempts alive, each with its own code."""
    first, code = ask(person)
    second, second_code = ask(person, timedelta(seconds=31))
    SmsAttempt.objects.update(replaced_at=None)
    now = NOON + timedelta(seconds=32)
    if code != second_code:
        assert isinstance(sms_code.verify(second, code, now=now), WrongCode)
    assert sms_code.verify(second, second_code, now=now) is None
    assert sms_code.verify(first, code, now=now) is None


@pytest.mark.django_db
def test_the_same_digits_are_another_code_in_another_attempt(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_code, "new_code", lambda: "418204")
    first, _ = ask(person)
    second, _ = ask(person, timedelta(seconds=31))
    assert first.code_hmac != second.code_hmac
    assert "418204" not in first.code_hmac


@pytest.mark.django_db
def test_a_replaced_code_is_dead(person: Person) -> None:
    first, code = ask(person)
    ask(person, timedelta(seconds=31))
    assert isinstance(sms_code.verify(first, code, now=NOON + timedelta(seconds=32)), WrongCode)


@pytest.mark.django_db
def test_a_code_opens_only_the_browser_that_asked(clock: Clock, person: Person) -> None:
    asked, other = Client(), Client()
    post_secrets(asked, person.tckn)
    stranger = make_person("Deniz", "Arslan")
    post_secrets(other, stranger.tckn)
    assert post_code(other, texts(person)[0].code).status_code == 422
    assert post_code(asked, texts(person)[0].code).status_code == 302


@pytest.mark.django_db
def test_a_new_code_kills_every_older_one_of_the_person(clock: Clock, person: Person) -> None:
    one, two = Client(), Client()
    post_secrets(one, person.tckn)
    clock.shift(timedelta(seconds=31))
    post_secrets(two, person.tckn)
    first, second = (text.code for text in texts(person))
    assert post_code(one, first).status_code == 403
    assert post_code(two, second).status_code == 302


@pytest.mark.django_db
def test_used_codes_cannot_be_replayed_in_another_visit(clock: Clock, person: Person) -> None:
    owner, thief = Client(), Client()
    sign_in(owner, person)
    code = texts(person)[0].code
    post_secrets(thief, person.tckn)
    assert post_code(thief, code).status_code == 422
    assert thief.get("/gelen/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("entry", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34", "' OR 1=1"])
def test_what_is_no_code_costs_no_try(clock: Clock, client: Client, person: Person, entry: str) -> None:
    post_secrets(client, person.tckn)
    assert post_code(client, entry).status_code == 422
    assert SmsAttempt.objects.get().tries == 0


def test_codes_are_six_digits_and_evenly_spread() -> None:
    """V-020: chi-square of each digit over 100,000 codes, 9 degrees of freedom, p > 0.0001."""
    drawn = [sms_code.new_code() for _ in range(100_000)]
    assert {len(code) for code in drawn} == {6}
    for place in range(6):
        seen = Counter(code[place] for code in drawn)
        assert sum((seen[digit] - 10_000) ** 2 / 10_000 for digit in "0123456789") < 33.7


# --- how often ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_new_code_may_be_asked_for_after_a_minute(clock: Clock, client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    clock.shift(timedelta(seconds=59))
    refused = client.post("/giris/sms/yeniden/")
    assert refused.status_code == 429
    assert "Saat 12:01" in refused.content.decode()
    clock.shift(timedelta(seconds=1))
    assert client.post("/giris/sms/yeniden/").headers["Location"] == "/giris/sms/"
    first, second = (text.code for text in texts(person))
    if first != second:
        assert post_code(client, first).status_code == 422
    assert post_code(client, second).status_code == 302


@pytest.mark.django_db
def test_asking_again_does_not_prolong_the_half_finished_sign_in(clock: Clock, client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    for _ in range(4):
        clock.shift(timedelta(minutes=3))
        assert client.post("/giris/sms/yeniden/").status_code == 302
    clock.shift(timedelta(minutes=3))
    assert post_code(client, texts(person)[-1].code).status_code == 403


@pytest.mark.django_db
def test_five_codes_an_hour_go_to_one_number(person: Person) -> None:
    colleague = make_person("Elif", "Şahin", phone=person.phone)
    for number in range(5):
        ask((person, colleague)[number % 2], timedelta(minutes=10 * number))
    with pytest.raises(CodeTooSoon) as refusal:
        sms_code.ask(person, now=NOON + timedelta(minutes=59))
    assert refusal.value.until == NOON + timedelta(hours=1)  # type: ignore[attr-defined]
    assert len(texts(person)) == 5
    ask(person, timedelta(hours=1, seconds=1))


@pytest.mark.django_db
def test_ten_unanswered_codes_a_day_go_to_one_number(person: Person) -> None:
    for number in range(10):
        ask(person, timedelta(hours=2 * number))
    with pytest.raises(CodeTooSoon):
        sms_code.ask(person, now=NOON + timedelta(hours=23))
    ask(person, timedelta(hours=24, seconds=1))


@pytest.mark.django_db
def test_somebody_who_signs_in_all_day_is_not_stopped(person: Person) -> None:
    for number in range(24):
        attempt, code = ask(person, timedelta(minutes=15 * number))
        assert sms_code.verify(attempt, code, now=NOON + timedelta(minutes=15 * number)) is None


@pytest.mark.django_db
def test_two_attempts_need_half_a_minute_between_them_while_the_code_is_unanswered(
    clock: Clock, person: Person
) -> None:
    post_secrets(Client(), person.tckn)
    assert post_secrets(Client(), person.tckn).status_code == 429
    assert len(texts(person)) == 1
    clock.shift(timedelta(seconds=30))
    assert post_secrets(Client(), person.tckn).status_code == 302


@pytest.mark.django_db
def test_the_same_window_keeps_the_code_it_has(clock: Clock, client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    assert post_secrets(client, person.tckn).status_code == 302
    assert len(texts(person)) == 1
    assert post_code(client, texts(person)[0].code).status_code == 302


@pytest.mark.django_db
def test_a_second_sign_in_right_after_the_first_is_fine(clock: Clock, person: Person) -> None:
    sign_in(Client(), person)
    sign_in(Client(), person)
    assert len(texts(person)) == 2


@pytest.mark.django_db
def test_ten_wrong_entries_an_hour_and_no_more(person: Person) -> None:
    looked_at = 0
    for number in range(5):
        at = timedelta(minutes=3 * number)
        attempt, code = ask(person, at)
        for _ in range(3):
            refusal = sms_code.verify(attempt, other_than(code), now=NOON + at)
            looked_at += not isinstance(refusal, TooManyTries)
        if looked_at == 10:
            assert isinstance(sms_code.verify(attempt, code, now=NOON + at), TooManyTries)
    assert looked_at == 10
    later = timedelta(hours=1, minutes=4)
    attempt, code = ask(person, later)
    assert sms_code.verify(attempt, code, now=NOON + later) is None


# --- the gateway ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_when_the_gateway_takes_no_new_code_the_old_one_still_works(
    clock: Clock, client: Client, person: Person, settings: Any
) -> None:
    post_secrets(client, person.tckn)
    clock.shift(timedelta(seconds=61))
    working = settings.KEP_SMS
    settings.KEP_SMS = "accounts.tests.test_sign_in.NoGateway"
    answer = client.post("/giris/sms/yeniden/")
    assert answer.status_code == 503
    assert "GRS-12" in answer.content.decode()
    settings.KEP_SMS = working
    assert post_code(client, texts(person)[0].code).status_code == 302


# --- in parallel ----------------------------------------------------------------------------------------------------
def at_once(times: int, act: Any) -> list[Any]:
    """The outcomes of `times` threads that start together, each with its own connection."""
    start, outcomes = threading.Barrier(times), []

    def run(number: int) -> None:
        close_old_connections()
        start.wait()
        try:
            outcomes.append(act(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_twenty_right_codes_at_once_one_wins(person: Person) -> None:
    attempt, code = ask(person)
    outcomes = at_once(20, lambda _: sms_code.verify(SmsAttempt.objects.get(pk=attempt.pk), code, now=NOON))
    assert len(outcomes) == 20
    assert outcomes.count(None) == 1


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_twenty_posts_of_the_right_code_one_browser_is_let_in(clock: Clock, person: Person) -> None:
    client = Client()
    post_secrets(client, person.tckn)
    code = texts(person)[0].code
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}

    def post(_: int) -> HttpResponse:
        browser = Client()
        browser.cookies.load(cookies)
        return post_code(browser, code)

    answers = at_once(20, post)
    let_in = [answer for answer in answers if answer.status_code == 302 and answer.headers["Location"] == "/gelen/"]
    assert len(answers) == 20
    assert len(let_in) == 1
    assert all(answer.status_code in (302, 403, 422) for answer in answers)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_twenty_wrong_codes_at_once_three_are_looked_at(person: Person) -> None:
    attempt, code = ask(person)
    at_once(20, lambda _: sms_code.verify(SmsAttempt.objects.get(pk=attempt.pk), other_than(code), now=NOON))
    attempt.refresh_from_db()
    assert attempt.tries == 3


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_ten_attempts_at_once_one_code_leaves(person: Person) -> None:
    def begin(_: int) -> str:
        try:
            sms_code.ask(person, now=NOON)
        except CodeTooSoon:
            return "later"
        return "sent"

    assert sorted(at_once(10, begin)) == ["later"] * 9 + ["sent"]
    assert len(texts(person)) == 1
