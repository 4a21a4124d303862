"""What may be forgotten, and what never is by itself."""

from datetime import timedelta

import pytest

from accounts import sms_code, throttle
from accounts.hygiene import forget_old
from accounts.models import KnownDevice, OneTimeCode, OpenVisit, Person, SmsAttempt, WrongTries
from accounts.tests.conftest import NOON

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_old_codes_small_counters_and_expired_devices_go(person: Person) -> None:
    sms_code.ask(person, now=NOON - 31 * DAY)
    kept = sms_code.ask(person, now=NOON - 29 * DAY)
    WrongTries.objects.create(tckn_index="a" * 64, count=4, last_at=NOON - 31 * DAY)
    for age in (364, 366):
        KnownDevice.objects.create(
            person=person, device_index=f"{age}", first_seen_at=NOON - 400 * DAY, last_seen_at=NOON - age * DAY
        )
    assert forget_old(now=NOON) == 3
    assert list(SmsAttempt.objects.all()) == [kept]
    assert [device.device_index for device in KnownDevice.objects.all()] == ["364"]
    assert forget_old(now=NOON) == 0


def test_codes_that_died_and_visits_that_ended_a_month_ago_go(person: Person) -> None:
    for age in (29, 31, 32):
        sent_at = NOON - age * DAY
        OneTimeCode.objects.create(
            purpose="activation", subject="account:a", code_hmac="", sent_at=sent_at, expires_at=sent_at + DAY
        )
        OpenVisit.objects.create(person=person, session_key=f"{age}", opened_at=sent_at, seen_at=sent_at)
    assert forget_old(now=NOON) == 3
    assert [row.session_key for row in OpenVisit.objects.all()] == ["29"]
    assert {(NOON - row.sent_at) // DAY for row in OneTimeCode.objects.all()} == {29, 31}
    assert forget_old(now=NOON) == 0


@pytest.mark.parametrize("count", [throttle.FREE_TRIES, throttle.SHUT_OUT_AT])
def test_whoever_is_shut_out_stays_so_however_long_it_is_ago(count: int) -> None:
    WrongTries.objects.create(tckn_index="a" * 64, count=count, last_at=NOON - 3650 * DAY)
    assert forget_old(now=NOON) == 0
    assert WrongTries.objects.count() == 1
