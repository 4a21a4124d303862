"""Authenticators and recovery codes: sealed, one success each, one counter with the SMS code."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import close_old_connections, connection
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import authenticators
from accounts.authenticators import BY_AUTHENTICATOR, BY_RECOVERY_CODE, Taken
from accounts.errors import AccountsError, CodeSpent, TooManyTries
from accounts.life_errors import AppCodeNotRight, AuthenticatorThere
from accounts.models import Person, SmsAttempt, SmsNotice
from accounts.tests.cast import make_person, post_secrets
from accounts.tests.conftest import NOON
from evidence.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.database]
STEP = timedelta(seconds=30)


def shown(person: Person, now: datetime = NOON) -> str:
    """What the application of this person shows."""
    device = TOTPDevice.objects.get(user=person)
    totp = TOTP(authenticators._key(device))
    totp.time = now.timestamp()
    return f"{totp.token():06d}"


def with_authenticator(person: Person) -> Person:
    authenticators.offer(person)
    authenticators.confirm(person, shown(person), now=NOON)
    return person


def attempt_of(person: Person, clock: object = None) -> SmsAttempt:
    post_secrets(Client(), person.tckn)
    return SmsAttempt.objects.filter(user=person).latest("pk")


def told(attempt: SmsAttempt, code: str, now: datetime = NOON) -> type:
    return type(authenticators.verify(attempt, code, now=now))


def test_an_authenticator_is_one_when_it_has_shown_its_code(clock: object, person: Person) -> None:
    device = authenticators.offer(person)
    assert authenticators.offer(person) == device
    assert not authenticators.held_by(person).any
    for wrong in ("", "abcdef", "１２３４５６", "0" * 50, f"{(int(shown(person)) + 1) % 10**6:06d}"):
        with pytest.raises(AppCodeNotRight):
            authenticators.confirm(person, wrong, now=NOON)
    authenticators.confirm(person, shown(person), now=NOON)
    assert authenticators.held_by(person).has_authenticator
    with pytest.raises(AuthenticatorThere):
        authenticators.offer(person)
    with pytest.raises(ValueError, match="nobody"):
        authenticators.secret_words(TOTPDevice.objects.get())
    assert "eklendi" in SmsNotice.objects.get().text


def test_the_square_names_the_provider_and_no_person(person: Person) -> None:
    device = authenticators.offer(person)
    url = authenticators.config_url(device)
    assert url.startswith("otpauth://totp/KEP%20hs01?secret=")
    assert person.tckn not in url
    assert "Ay" not in url


def test_nothing_lies_in_the_clear(person: Person) -> None:
    device = authenticators.offer(person)
    words = authenticators.secret_words(device).replace(" ", "")
    assert authenticators._key(device).hex() not in device.key
    assert words not in device.key
    codes = authenticators.new_recovery_codes(person, now=NOON)
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == len(set(codes)) == 10
    assert not kept & set(codes)
    said = b"".join(bytes(body) for body in Event.objects.values_list("body", flat=True)).decode()
    assert not [code for code in codes if code in said]


def test_its_code_stands_in_for_the_sms_once(clock: object, person: Person) -> None:
    with_authenticator(person)
    attempt = attempt_of(person)
    assert told(attempt, shown(person)) is AppCodeNotRight, "the code that confirmed it is used"
    later = NOON + STEP
    taken = authenticators.verify(attempt, shown(person, later), now=later)
    assert isinstance(taken, Taken)
    assert taken.method == BY_AUTHENTICATOR
    attempt.refresh_from_db()
    assert attempt.used_at == later
    clock.shift(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert told(attempt_of(person), shown(person, later), NOON + timedelta(minutes=1)) is AppCodeNotRight


@pytest.mark.parametrize(
    ("off", "answer"), [(-2, AppCodeNotRight), (-1, Taken), (0, Taken), (1, Taken), (2, AppCodeNotRight)]
)
def test_a_clock_may_be_half_a_minute_off(clock: object, person: Person, off: int, answer: type) -> None:
    with_authenticator(person)
    attempt, now = attempt_of(person), NOON + timedelta(minutes=2)
    assert told(attempt, shown(person, now + off * STEP), now) is answer


def test_a_recovery_code_is_good_once_and_told(clock: object, person: Person) -> None:
    first = authenticators.new_recovery_codes(person, now=NOON)
    codes = authenticators.new_recovery_codes(person, now=NOON)
    attempt = attempt_of(person)
    assert told(attempt, first[0]) is AppCodeNotRight
    taken = authenticators.verify(attempt, f" {codes[0][:4].upper()}-{codes[0][4:8]} {codes[0][8:]} ", now=NOON)
    assert isinstance(taken, Taken)
    assert taken.method == BY_RECOVERY_CODE
    assert authenticators.held_by(person).recovery_codes_left == 9
    assert SmsNotice.objects.filter(text__contains="kurtarma koduyla").exists()
    clock.shift(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert told(attempt_of(person), codes[0], NOON + timedelta(minutes=1)) is AppCodeNotRight


def test_one_persons_codes_are_nobody_elses(clock: object, person: Person) -> None:
    with_authenticator(person)
    codes, thief = authenticators.new_recovery_codes(person, now=NOON), make_person()
    attempt, later = attempt_of(thief), NOON + STEP
    assert told(attempt, codes[0], later) is AppCodeNotRight
    assert told(attempt, shown(person, later), later) is AppCodeNotRight


def test_three_wrong_entries_of_any_kind_end_the_attempt(clock: object, person: Person) -> None:
    with_authenticator(person)
    attempt, later = attempt_of(person), NOON + STEP
    assert [told(attempt, each, later) for each in ("000000", "", "abcdefgh")] == [
        AppCodeNotRight,
        AppCodeNotRight,
        CodeSpent,
    ]
    assert told(attempt, shown(person, later), later) is CodeSpent


def test_an_attempt_that_is_over_takes_nothing(clock: object, person: Person) -> None:
    with_authenticator(person)
    attempt, later = attempt_of(person), NOON + timedelta(minutes=15)
    assert told(attempt, shown(person, later), later) is AppCodeNotRight


def test_ten_wrong_entries_in_an_hour_shut_this_way_too(clock: object, person: Person) -> None:
    with_authenticator(person)
    seen: list[type] = []
    for minute in range(4):
        clock.move_to(NOON + timedelta(minutes=2 * minute))  # type: ignore[attr-defined]
        attempt = attempt_of(person)
        seen += [told(attempt, "000000", NOON + timedelta(minutes=2 * minute)) for _ in range(3)]
    assert seen.count(TooManyTries) == 2
    assert issubclass(TooManyTries, AccountsError)


def test_a_removed_authenticator_takes_nothing(clock: object, person: Person) -> None:
    with_authenticator(person)
    later = NOON + STEP
    code, attempt = shown(person, later), attempt_of(person)
    assert authenticators.remove(person, now=NOON)
    assert not authenticators.remove(person, now=NOON)
    assert told(attempt, code, later) is AppCodeNotRight


@pytest.mark.django_db(transaction=True)
def test_of_fifty_uses_of_one_recovery_code_one_wins() -> None:
    person = make_person()
    code = authenticators.new_recovery_codes(person, now=NOON)[0]
    attempts = [
        SmsAttempt.objects.create(
            user=person, name="sms", asked_at=NOON, sent_at=NOON, expires_at=NOON, code_hmac=str(number)
        )
        for number in range(50)
    ]

    def use(attempt: SmsAttempt) -> bool:
        try:
            return isinstance(authenticators.verify(attempt, code, now=NOON), Taken)
        finally:
            connection.close()

    with ThreadPoolExecutor(10, initializer=close_old_connections) as pool:
        assert sum(pool.map(use, attempts)) == 1
