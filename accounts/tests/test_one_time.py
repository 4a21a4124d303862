"""Codes of other occasions than a sign-in: one use, few tries, few texts, and no way from one occasion to another."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction

from accounts import one_time
from accounts.errors import CodeTooSoon, TooManyTries
from accounts.life_errors import CodeNotRight, CodeNotSent, CodeUsedUp
from accounts.models import OneTimeCode
from accounts.one_time import KINDS, Purpose
from accounts.sms import SmsResult
from accounts.tests.cast import texts
from accounts.tests.conftest import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.database]
PHONE = "+905551112233"
OTHER = "+905551112244"
SUBJECT = "application:aaaaaaaaaaaaaaaaaaaaaaaaaa"
MINUTE = timedelta(minutes=1)


class Refusing:
    """A gateway that takes nothing."""

    def send(self, *args: object) -> SmsResult:
        return SmsResult(is_accepted=False, is_retryable=True, error="30")


def sent(purpose: str = Purpose.PHONE, subject: str = SUBJECT, *, phone: str = PHONE, now: datetime = NOON) -> str:
    """Send one, and read it off the phone."""
    one_time.send(purpose, subject, phone=phone, now=now)
    found = re.search(r"#([0-9]+)$", texts()[-1].text)
    assert found is not None
    return found[1]


def wrong(code: str) -> str:
    """Another code of the same length."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_purpose_has_its_length_life_and_text_of_one_part(purpose: str) -> None:
    kind, code = KINDS[purpose], sent(purpose)
    text = texts()[-1].text
    row = OneTimeCode.objects.get()
    assert len(code) == kind.digits >= 6
    assert row.expires_at - row.sent_at == kind.life
    assert kind.words in text
    assert text.isascii()
    assert len(text) <= 160
    assert code not in row.code_hmac
    assert one_time.spend(purpose, SUBJECT, code, now=NOON + kind.life - MINUTE).pk == row.pk


@pytest.mark.parametrize("purpose", list(Purpose))
def test_what_waits_longer_than_minutes_is_longer_than_twenty_bits(purpose: str) -> None:
    kind = KINDS[purpose]
    assert kind.life <= timedelta(minutes=3) or 10**kind.digits > 2**20


def test_a_code_is_taken_once() -> None:
    code = sent()
    one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)
    with pytest.raises(CodeNotRight):
        one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)


def test_a_code_of_one_occasion_opens_no_other() -> None:
    code = sent()
    for purpose, subject in ((Purpose.STATUS, SUBJECT), (Purpose.PHONE, "application:b"), (Purpose.RECOVERY, SUBJECT)):
        with pytest.raises(CodeNotRight):
            one_time.spend(purpose, subject, code, now=NOON)
    assert one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)


def test_a_code_is_not_taken_when_its_life_is_over() -> None:
    code = sent()
    with pytest.raises(CodeNotRight):
        one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON + KINDS[Purpose.PHONE].life)


def test_a_new_code_kills_the_older_one() -> None:
    first, second = sent(), sent(now=NOON + MINUTE)
    with pytest.raises(CodeNotRight):
        one_time.spend(Purpose.PHONE, SUBJECT, first, now=NOON + MINUTE)
    assert one_time.spend(Purpose.PHONE, SUBJECT, second, now=NOON + MINUTE)
    with pytest.raises(CodeNotRight):  # nor does it come back when the newer one is used up
        one_time.spend(Purpose.PHONE, SUBJECT, first, now=NOON + MINUTE)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_so_many_wrong_entries_kill_the_code(purpose: str) -> None:
    code = sent(purpose)
    for _ in range(KINDS[purpose].tries - 1):
        with pytest.raises(CodeNotRight):
            one_time.spend(purpose, SUBJECT, wrong(code), now=NOON)
    for _ in range(2):
        with pytest.raises(CodeUsedUp):
            one_time.spend(purpose, SUBJECT, wrong(code), now=NOON)
    with pytest.raises(CodeUsedUp):
        one_time.spend(purpose, SUBJECT, code, now=NOON)
    assert OneTimeCode.objects.get().tries == KINDS[purpose].tries


@pytest.mark.parametrize("typed", ["", " ", "１２３４５６", "12345", "x" * 500, "\0", "İ"])
def test_what_could_be_no_code_is_wrong(typed: str) -> None:
    sent()
    with pytest.raises(CodeNotRight):
        one_time.spend(Purpose.PHONE, SUBJECT, typed, now=NOON)


def test_ten_wrong_entries_in_an_hour_are_enough_for_one_subject() -> None:
    for step in range(4):
        now = NOON + step * 2 * MINUTE
        code = sent(now=now)
        for _ in range(3):
            with pytest.raises((CodeNotRight, CodeUsedUp, TooManyTries)):
                one_time.spend(Purpose.PHONE, SUBJECT, wrong(code), now=now)
    assert sum(OneTimeCode.objects.values_list("tries", flat=True)) == 10
    with pytest.raises(TooManyTries):
        one_time.spend(Purpose.PHONE, SUBJECT, code, now=now)


def test_a_number_gets_one_in_half_a_minute_five_an_hour_ten_a_day() -> None:
    taken, refused, now = [], 0, NOON
    while now < NOON + timedelta(hours=23):
        try:
            one_time.send(Purpose.PHONE, f"application:{len(taken)}", phone=PHONE, now=now)
            taken.append(now)
        except CodeTooSoon:
            refused += 1
        now += timedelta(seconds=29) if len(taken) < 5 else 3 * MINUTE
    assert refused > 50
    assert min(later - earlier for earlier, later in pairwise(taken)) >= timedelta(seconds=30)
    assert all(sum(each <= other < each + timedelta(hours=1) for other in taken) <= 5 for each in taken)
    assert all(sum(each <= other < each + timedelta(days=1) for other in taken) <= 10 for each in taken)
    assert len(taken) == 10


def test_a_stranger_who_types_a_number_keeps_no_code_from_its_owner() -> None:
    for step in range(5):
        sent(subject=f"application:{step}", now=NOON + step * MINUTE)
    now = NOON + 4 * MINUTE
    with pytest.raises(CodeTooSoon):
        sent(now=now + MINUTE)
    code = sent(Purpose.RECOVERY, "person:1", now=now)
    assert one_time.spend(Purpose.RECOVERY, "person:1", code, now=now)


def test_a_code_the_gateway_does_not_take_is_dead_and_the_older_one_lives(settings: Any) -> None:
    code = sent()
    settings.KEP_SMS = "accounts.tests.test_one_time.Refusing"
    with pytest.raises(CodeNotSent):
        one_time.send(Purpose.PHONE, SUBJECT, phone=PHONE, now=NOON + MINUTE)
    assert one_time.living(Purpose.PHONE, SUBJECT, now=NOON + MINUTE) is not None
    assert one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON + MINUTE)


def test_a_revoked_code_is_dead() -> None:
    code = sent()
    assert one_time.revoke(Purpose.PHONE, SUBJECT, now=NOON) == 1
    with pytest.raises(CodeNotRight):
        one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)


def test_an_act_that_is_refused_gives_the_code_back() -> None:
    code = sent()
    with pytest.raises(LookupError), one_time.spending(Purpose.PHONE, SUBJECT, code, now=NOON):
        raise LookupError
    assert OneTimeCode.objects.get().tries == 0
    assert one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_no_entry_is_taken_inside_a_transaction_that_could_undo_its_count() -> None:
    code = sent()
    with transaction.atomic(), pytest.raises(RuntimeError):
        one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)


@pytest.fixture
def many() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(10, initializer=close_old_connections) as pool:
        yield pool


def in_a_thread(code: str) -> str:
    try:
        one_time.spend(Purpose.PHONE, SUBJECT, code, now=NOON)
    except (CodeNotRight, CodeUsedUp) as refusal:
        return type(refusal).__name__
    finally:
        connection.close()
    return "taken"


@pytest.mark.django_db(transaction=True)
def test_of_fifty_right_answers_at_once_one_wins(many: ThreadPoolExecutor) -> None:
    code = sent()
    assert list(many.map(in_a_thread, [code] * 50)).count("taken") == 1


@pytest.mark.django_db(transaction=True)
def test_of_fifty_wrong_answers_at_once_three_are_looked_at(many: ThreadPoolExecutor) -> None:
    code = sent()
    assert "taken" not in many.map(in_a_thread, [wrong(code)] * 50)
    assert OneTimeCode.objects.get().tries == 3
    assert in_a_thread(code) != "taken"
