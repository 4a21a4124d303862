"""How often somebody may be wrong, and who can never be kept out (V-006, V-007, V-008)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.test import Client

from accounts import throttle
from accounts.backends import _fits_nobody
from accounts.errors import AccountsError, RecoveryNeeded, TooManyTries
from accounts.models import KnownDevice, Person, WrongTries
from accounts.tests.cast import PASSWORD, PIN, make_person, new_tckn, post_code, post_secrets, sign_in, texts
from accounts.tests.conftest import NOON
from evidence.models import Event

WRONG = "not the parola"
Clock = time_machine.Traveller


def wrong_tries(client: Client, tckn: str, times: int) -> list[HttpResponse]:
    return [post_secrets(client, tckn, WRONG) for _ in range(times)]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many tries were looked at: two hashes each. What a locked pair costs is computed against nobody's hash."""
    computed: list[str] = []
    verify = MD5PasswordHasher.verify
    nobody = _fits_nobody(MD5PasswordHasher.algorithm)

    def counted(self: MD5PasswordHasher, password: str, encoded: str) -> bool:
        computed.extend([encoded] if encoded != nobody else [])
        return bool(verify(self, password, encoded))

    monkeypatch.setattr(MD5PasswordHasher, "verify", counted)
    return lambda: len(computed) // 2


# --- the quick lock -------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_fifth_wrong_try_locks_and_says_until_when(clock: Clock, client: Client, person: Person) -> None:
    answers = wrong_tries(client, person.tckn, 5)
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 429]
    page = answers[-1].content.decode()
    assert "5 hatalı deneme oldu. Saat 12:15 olduğunda yeniden deneyebilirsiniz." in page
    assert "GRS-07" in page


@pytest.mark.django_db
def test_the_lock_is_the_same_for_a_number_nobody_holds(clock: Clock, person: Person) -> None:
    def told(tckn: str) -> list[tuple[int, bool, bool]]:
        """Two hours of wrong tries, one every five minutes."""
        seen = []
        for step in range(24):
            clock.move_to(NOON + timedelta(minutes=5 * step))
            answer = post_secrets(Client(), tckn, WRONG)
            seen.append((answer.status_code, "12:15" in answer.content.decode(), "12:50" in answer.content.decode()))
        return seen

    held = told(person.tckn)
    assert held == told(new_tckn())
    assert {status for status, *_ in held} == {422, 429}


@pytest.mark.django_db
def test_right_secrets_wait_as_well_and_trying_does_not_prolong(clock: Clock, client: Client, person: Person) -> None:
    wrong_tries(client, person.tckn, 5)
    clock.shift(timedelta(minutes=14, seconds=59))
    answer = post_secrets(client, person.tckn)
    assert answer.status_code == 429
    assert "12:15" in answer.content.decode()
    clock.shift(timedelta(seconds=2))
    assert post_secrets(client, person.tckn).status_code == 302


@pytest.mark.django_db
def test_a_locked_pair_is_not_looked_at(
    clock: Clock, client: Client, person: Person, looked_at: Callable[[], int]
) -> None:
    wrong_tries(client, person.tckn, 40)
    assert looked_at() == 5
    assert AccessAttempt.objects.get().failures_since_start == 5
    assert Event.objects.filter(kind="sign_in.refused").count() == 5, "a flood at the door is no flood in the log"


@pytest.mark.django_db
def test_a_hundred_addresses_and_fresh_browsers_gain_nothing(
    clock: Clock, person: Person, looked_at: Callable[[], int], settings: Any
) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if not each.endswith("LoopbackOnly")]  # production
    for number in range(100):
        post_secrets(Client(REMOTE_ADDR=f"10.0.{number}.7", HTTP_USER_AGENT=f"browser {number}"), person.tckn, WRONG)
    assert looked_at() == 5


@pytest.mark.django_db
def test_a_finished_sign_in_forgives(clock: Clock, client: Client, person: Person) -> None:
    wrong_tries(client, person.tckn, 4)
    sign_in(client, person)
    assert WrongTries.objects.count() == 0
    assert AccessAttempt.objects.count() == 0
    assert [answer.status_code for answer in wrong_tries(Client(), person.tckn, 4)] == [422] * 4


@pytest.mark.django_db
def test_right_secrets_alone_forgive_nothing(clock: Clock, client: Client, person: Person) -> None:
    wrong_tries(client, person.tckn, 4)
    assert post_secrets(client, person.tckn).status_code == 302
    assert WrongTries.objects.get().count == 4
    assert wrong_tries(client, person.tckn, 1)[0].status_code == 429


# --- the owner's own browser ------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_stranger_cannot_keep_the_owner_out(clock: Clock, person: Person) -> None:
    owner, stranger = Client(), Client()
    sign_in(owner, person)
    owner.post("/cikis/")
    clock.shift(timedelta(minutes=2))
    wrong_tries(stranger, person.tckn, 6)
    WrongTries.objects.update(count=throttle.SHUT_OUT_AT)
    assert post_secrets(stranger, person.tckn).status_code == 429
    assert sign_in(owner, person).status_code == 302


@pytest.mark.django_db
def test_a_device_known_to_another_person_is_unknown_to_this_one(clock: Clock, person: Person) -> None:
    stranger, browser = make_person("Deniz", "Arslan"), Client()
    sign_in(browser, stranger)
    assert [answer.status_code for answer in wrong_tries(browser, person.tckn, 5)][-1] == 429
    assert post_secrets(Client(), person.tckn).status_code == 429, "they share the bucket of unknown devices"


@pytest.mark.django_db
def test_one_browser_can_be_known_to_two_persons(clock: Clock, person: Person) -> None:
    colleague, browser = make_person("Elif", "Şahin"), Client()
    sign_in(browser, person)
    sign_in(browser, colleague)
    assert KnownDevice.objects.count() == 2
    assert len(set(KnownDevice.objects.values_list("device_index", flat=True))) == 1


@pytest.mark.django_db
def test_the_device_cookie_is_signed_and_out_of_reach_of_scripts(clock: Clock, client: Client, person: Person) -> None:
    cookie = sign_in(client, person).cookies[settings.KEP_DEVICE_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert int(cookie["max-age"]) == 365 * 86_400
    assert cookie.value not in repr(list(KnownDevice.objects.values()))
    forger = Client()
    forger.cookies[settings.KEP_DEVICE_COOKIE_NAME] = cookie.value[:-1] + ("A" if cookie.value[-1] != "A" else "B")
    wrong_tries(Client(), person.tckn, 5)
    assert post_secrets(forger, person.tckn).status_code == 429
    assert post_secrets(client, person.tckn).status_code == 302


@pytest.mark.django_db
def test_nobody_gets_a_device_cookie_before_all_factors_were_right(
    clock: Clock, client: Client, person: Person
) -> None:
    client.get("/giris/")
    post_secrets(client, person.tckn, WRONG)
    post_secrets(client, person.tckn)
    post_code(client, "0" * 6)
    assert settings.KEP_DEVICE_COOKIE_NAME not in client.cookies


@pytest.mark.django_db
def test_after_ten_wrong_tries_in_a_row_a_known_device_is_a_strangers(
    clock: Clock, client: Client, person: Person
) -> None:
    sign_in(client, person)
    for _ in range(2):
        assert wrong_tries(client, person.tckn, 5)[-1].status_code == 429
        clock.shift(timedelta(minutes=16))
    wrong_tries(Client(), person.tckn, 5)
    assert post_secrets(client, person.tckn).status_code == 429


@pytest.mark.django_db
def test_wrong_tries_on_a_known_device_do_not_lock_the_others(clock: Clock, client: Client, person: Person) -> None:
    sign_in(client, person)
    wrong_tries(client, person.tckn, 5)
    clock.shift(timedelta(minutes=1))
    assert post_secrets(Client(), person.tckn).status_code == 302


# --- the slow counter -------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_no_more_than_a_hundred_tries_in_a_row_are_ever_looked_at(person: Person) -> None:
    """A patient attacker who comes back the very second he may."""
    now, looked = NOON, 0
    refusal: AccountsError | None = None
    while not isinstance(refusal, RecoveryNeeded):
        try:
            throttle.take_try(person.tckn_index, None, now=now)
            looked += 1
        except TooManyTries as too_many:
            refusal, now = too_many, too_many.until  # type: ignore[attr-defined]
        except RecoveryNeeded as shut_out:
            refusal = shut_out
    assert looked == 100
    assert now - NOON > timedelta(days=80)
    with pytest.raises(RecoveryNeeded):
        throttle.take_try(person.tckn_index, None, now=now + timedelta(days=3650))


def test_waits_double_from_a_quarter_of_an_hour_to_a_day() -> None:
    minutes = [throttle.wait_after(count) // timedelta(minutes=1) for count in (0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99)]
    assert minutes == [0, 0, 15, 30, 60, 120, 240, 480, 960, 1440, 1440]


@pytest.mark.django_db
def test_wrong_sms_codes_count_as_well(clock: Clock, client: Client, person: Person) -> None:
    post_secrets(client, person.tckn)
    right = texts(person)[-1].code
    for _ in range(2):
        post_code(client, "000000" if right != "000000" else "111111")
    assert WrongTries.objects.get().count == 2


@pytest.mark.django_db
def test_the_page_of_somebody_shut_out_says_what_to_do(clock: Clock, client: Client, person: Person) -> None:
    WrongTries.objects.create(tckn_index=person.tckn_index, count=throttle.SHUT_OUT_AT, last_at=NOON)
    clock.shift(timedelta(days=400))
    answer = post_secrets(client, person.tckn, PASSWORD, PIN)
    assert answer.status_code == 429
    assert "GRS-08" in answer.content.decode()
    assert "şubeye başvurun" in answer.content.decode()


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_tries_five_are_looked_at() -> None:
    index = "f" * 64

    def take(_: int) -> str:
        close_old_connections()
        try:
            throttle.take_try(index, None, now=NOON)
        except TooManyTries:
            return "waits"
        finally:
            connection.close()
        return "looked at"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(take, range(20)))
    assert outcomes.count("looked at") == 5
    assert WrongTries.objects.get().count == 5
