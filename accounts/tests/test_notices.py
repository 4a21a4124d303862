"""Notices by SMS: once, in time, and without content (N-005, V-028)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, InterfaceError, close_old_connections, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import notices
from accounts.models import KepAccount, Person, SmsNotice
from accounts.notices import CLAIM, queue_notices, send_due_notices
from accounts.operators import notice_numbers
from accounts.sms import SmsKind, SmsResult
from accounts.tests.cast import make_account, make_operator, make_person
from accounts.tests.conftest import NOON
from evidence.tests.interrupted import break_off

TAKEN = SmsResult(is_accepted=True, provider_id="17")
LATER = SmsResult(is_accepted=False, is_retryable=True, error="80")
NEVER = SmsResult(is_accepted=False, is_retryable=False, error="40")

pytestmark = pytest.mark.django_db


@dataclass
class Script:
    """A gateway that answers as it is told, the last answer for ever; remembers what was asked of it."""

    answers: Sequence[SmsResult]
    asked: list[tuple[SmsKind, str, str, str]] = field(default_factory=list)

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
        self.asked.append((kind, msisdn, text, ref))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


class Slow(Script):
    """A gateway that takes `seconds` for each text, by the clock that the sending goes by."""

    def __init__(self, answers: list[SmsResult], seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(answers)
        self._seconds, self._spent = seconds, 0.0
        monkeypatch.setattr("accounts.notices.monotonic", lambda: self._spent)

    def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
        self._spent += self._seconds
        return super().send(kind, msisdn, text, ref)


def queue(*references: str, number: str = "+905551234567") -> None:
    with transaction.atomic():
        queue_notices([(number, f"text of {reference}", reference) for reference in references], now=NOON)


def test_a_notice_is_sent_once() -> None:
    queue("arrived:1")
    gateway = Script([TAKEN])
    assert send_due_notices(now=NOON, limit=10, gateway=gateway) == 1
    assert send_due_notices(now=NOON + timedelta(days=1), limit=10, gateway=gateway) == 0
    assert gateway.asked == [(SmsKind.NOTICE, "+905551234567", "text of arrived:1", "arrived:1")]
    assert SmsNotice.objects.get().sent_at == NOON


def test_a_notice_the_gateway_stumbles_over_lets_the_others_go_out() -> None:
    class Stumbling(Script):
        def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
            if ref == "arrived:1":
                raise ValueError("nobody foresaw this")
            return super().send(kind, msisdn, text, ref)

    queue("arrived:1", "arrived:2", "arrived:3")
    assert send_due_notices(now=NOON, limit=10, gateway=Stumbling([TAKEN])) == 2
    left = SmsNotice.objects.get(sent_at=None)
    assert (left.reference, left.last_error, left.claimed_until) == ("arrived:1", "ValueError", None)
    assert left.due_at > NOON
    send_due_notices(now=NOON + timedelta(days=1), limit=10, gateway=Stumbling([TAKEN]))
    assert SmsNotice.objects.get(sent_at=None).given_up_at is not None


@pytest.mark.database
@pytest.mark.parametrize("said", ["\ud800", "8\x000", "9" * 200], ids=["surrogate", "nul", "long"])
def test_what_a_gateway_says_costs_no_other_notice_its_outcome(said: str) -> None:
    """One that cannot be written would undo the common commit, and every text would go out again."""
    queue("arrived:1", "arrived:2", "arrived:3")
    strange = SmsResult(is_accepted=False, is_retryable=True, error=said)
    gateway = Script([TAKEN, strange, TAKEN])
    assert send_due_notices(now=NOON, limit=10, gateway=gateway) == 2
    assert SmsNotice.objects.filter(sent_at=NOON).count() == 2
    assert SmsNotice.objects.get(sent_at=None).last_error in ("", "80", "9" * 80)


def test_one_occasion_is_queued_once() -> None:
    queue("arrived:1")
    queue("arrived:1", "arrived:2", number="+905559999999")
    numbers = {notice.reference: notice.number for notice in SmsNotice.objects.all()}
    assert numbers == {"arrived:1": "+905551234567", "arrived:2": "+905559999999"}


def test_what_may_work_later_is_tried_with_growing_delays() -> None:
    queue("arrived:1")
    gateway = Script([LATER, LATER, LATER, LATER, LATER, TAKEN])
    tried_at = []
    for minute in range(5 * 60):
        now = NOON + timedelta(minutes=minute)
        before = len(gateway.asked)
        send_due_notices(now=now, limit=10, gateway=gateway)
        tried_at += [minute] * (len(gateway.asked) - before)
    assert tried_at == [0, 1, 6, 21, 81, 141]
    notice = SmsNotice.objects.get()
    assert (notice.sent_at, notice.tries, notice.last_error) == (NOON + timedelta(minutes=141), 6, "")


def test_after_a_day_a_notice_is_given_up() -> None:
    queue("arrived:1")
    gateway = Script([LATER])
    for hour in range(48 * 2):
        send_due_notices(now=NOON + timedelta(minutes=30 * hour), limit=10, gateway=gateway)
    notice = SmsNotice.objects.get()
    assert notice.sent_at is None
    assert notice.given_up_at is not None
    assert NOON + timedelta(hours=22) < notice.given_up_at <= NOON + timedelta(hours=24)
    assert notice.last_error == "80"


def test_what_never_works_is_given_up_at_once() -> None:
    queue("arrived:1")
    gateway = Script([NEVER])
    assert send_due_notices(now=NOON, limit=10, gateway=gateway) == 0
    assert send_due_notices(now=NOON + timedelta(hours=1), limit=10, gateway=gateway) == 0
    assert len(gateway.asked) == 1
    assert SmsNotice.objects.get().given_up_at == NOON


def test_one_bad_number_does_not_hold_up_the_others() -> None:
    queue("arrived:1", "arrived:2", "arrived:3")
    assert send_due_notices(now=NOON, limit=10, gateway=Script([NEVER, TAKEN])) == 2


def test_a_claimed_notice_is_left_alone_until_the_claim_runs_out() -> None:
    queue("arrived:1")
    SmsNotice.objects.update(claimed_until=NOON + timedelta(minutes=5))
    gateway = Script([TAKEN])
    assert send_due_notices(now=NOON + timedelta(minutes=4), limit=10, gateway=gateway) == 0
    assert send_due_notices(now=NOON + timedelta(minutes=5), limit=10, gateway=gateway) == 1


def test_a_gateway_that_takes_its_time_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker that sends notices also delivers: fifty calls of five seconds are longer than it may be silent."""
    queue(*(f"arrived:{number}" for number in range(10)))
    gateway = Slow([LATER], 5, monkeypatch)
    assert send_due_notices(now=NOON, limit=50, gateway=gateway) == 0
    assert len(gateway.asked) == 5
    rest = SmsNotice.objects.filter(tries=0)
    assert [(each.claimed_until, each.due_at) for each in rest] == [(None, NOON)] * 5


def test_no_more_than_asked_for_are_taken_oldest_first() -> None:
    queue("late")
    SmsNotice.objects.update(due_at=NOON - timedelta(hours=1))
    queue("b", "c")
    gateway = Script([TAKEN])
    assert send_due_notices(now=NOON, limit=1, gateway=gateway) == 1
    assert gateway.asked[0][3] == "late"


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_lost_after", [False, True], ids=["before its commit", "after its commit"])
def test_what_became_of_a_notice_is_written_although_the_database_broke_that_off(
    monkeypatch: pytest.MonkeyPatch, is_lost_after: bool
) -> None:
    """A text that went out goes out once; a write whose commit nobody heard of counts one try, not two."""
    queue("arrived:1", "arrived:2", "arrived:3")
    whole = notices._write_all

    def lost_after(*given: Any, **more: Any) -> None:
        whole(*given, **more)
        if len(written) < 1:
            written.append(1)
            raise InterfaceError("the connection is closed")

    written: list[int] = []
    if is_lost_after:
        monkeypatch.setattr(notices, "_write_all", lost_after)
    else:
        break_off(monkeypatch, notices, "_write_all")
    gateway = Script([TAKEN, LATER, TAKEN])
    assert send_due_notices(now=NOON, limit=10, gateway=gateway) == 2
    said = SmsNotice.objects.order_by("reference").values_list("sent_at", "tries", "last_error", "claimed_until")
    assert list(said) == [(NOON, 1, "", None), (None, 1, "80", None), (NOON, 1, "", None)]
    assert send_due_notices(now=NOON + CLAIM, limit=10, gateway=gateway) == 1
    assert [reference for *_, reference in gateway.asked] == ["arrived:1", "arrived:2", "arrived:3", "arrived:2"]
    connection.close()


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_leaves_the_notices_that_nobody_sent_free(monkeypatch: pytest.MonkeyPatch) -> None:
    queue(*(f"arrived:{number}" for number in range(4)))
    gateway = Slow([TAKEN], 1, monkeypatch)
    with monkeypatch.context() as patch:
        break_off(patch, notices, "_write_all", times=2)
        with pytest.raises(Error):
            send_due_notices(now=NOON, limit=10, gateway=gateway)
    assert len(gateway.asked) == 2, "one, and one more before anybody saw that the first was not written"
    claims = SmsNotice.objects.order_by("reference").values_list("claimed_until", flat=True)
    assert list(claims) == [NOON + CLAIM, NOON + CLAIM, None, None]
    connection.close()


def test_what_became_of_a_notice_stands_in_memory_for_a_tenth_of_a_second_and_one_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("accounts.notices.monotonic", lambda: seconds[0])
    unwritten: list[int] = []

    class Slow(Script):
        def send(self, kind: SmsKind, msisdn: str, text: str, ref: str) -> SmsResult:
            unwritten.append(len(self.asked) - SmsNotice.objects.filter(sent_at__isnull=False).count())
            seconds[0] += (0.01, 0.01, 5, 0.01, 0.3)[len(self.asked)]
            return super().send(kind, msisdn, text, ref)

    queue(*(f"arrived:{number}" for number in range(5)))
    assert send_due_notices(now=NOON, limit=50, gateway=Slow([TAKEN])) == 5
    assert unwritten == [0, 1, 2, 0, 1]


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_one_sends_each_notice() -> None:
    queue(*(f"arrived:{number}" for number in range(20)))
    gateway = Script([TAKEN])

    def work(_: int) -> int:
        close_old_connections()
        try:
            return send_due_notices(now=NOON, limit=20, gateway=gateway)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 20
    assert len({reference for *_, reference in gateway.asked}) == len(gateway.asked) == 20


def test_the_number_is_encrypted_at_rest() -> None:
    queue("arrived:1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM accounts_smsnotice", None)
        assert b"5551234567" not in bytes(cursor.fetchone()[0])


# --- whom to tell ---------------------------------------------------------------------------------------------------
@pytest.fixture
def company(db: None) -> KepAccount:
    """A company's account."""
    return make_account("anadolu.makina@hs01.kep.tr", holder="Anadolu Makina Ltd. Şti.")


def test_holders_and_reading_operators_who_want_it_hear_of_arrivals(person: Person, company: KepAccount) -> None:
    wants, silent, writer, former = (make_person(name, "Kaya") for name in ("Mehmet", "Elif", "Kemal", "Derya"))
    make_operator(company, wants, wants_sms=True)
    make_operator(company, silent, wants_sms=False)
    make_operator(company, writer, wants_sms=True, may_read=False)
    make_operator(company, former, wants_sms=True, ends_at=NOON)
    own = KepAccount.objects.get(holder__person=person)
    numbers = notice_numbers([own.pk, company.pk], now=NOON)
    assert numbers == {own.pk: [person.phone], company.pk: [wants.phone]}


def test_a_number_hears_once_per_account(person: Person) -> None:
    own = KepAccount.objects.get(holder__person=person)
    make_operator(own, make_person("Veli", "Yıldız", phone=person.phone), wants_sms=True)
    assert notice_numbers([own.pk], now=NOON) == {own.pk: [person.phone]}


def test_whom_to_tell_costs_two_queries_for_any_number_of_accounts(person: Person, company: KepAccount) -> None:
    with CaptureQueriesContext(connection) as queries:
        notice_numbers(list(KepAccount.objects.values_list("pk", flat=True)), now=NOON)
    assert len(queries) == 3, "the list itself, holders, operators"
