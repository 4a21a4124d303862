"""Each period of a job is run once, whoever looks and however late (R-015)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import Error, connection
from django.db.models import F

from evidence import periodic
from evidence.interruptions import is_interruption
from evidence.models import PeriodicRun
from evidence.tests.interrupted import out_of_reach

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = [pytest.mark.database]


@pytest.fixture(autouse=True)
def fresh() -> None:
    periodic.forget()


class Diary:
    """What one job did."""

    def __init__(self) -> None:
        self.ran: list[datetime] = []

    def act(self, periods) -> None:
        self.ran += periods

    def look(self, now: datetime) -> int:
        return periodic.run_due("test", self.act, every=HOUR, now=now)


@pytest.mark.django_db
def test_a_period_is_run_once_however_often_somebody_looks():
    diary = Diary()
    for minutes in range(60):
        periodic.forget()
        diary.look(NOON + timedelta(minutes=minutes))
    assert diary.ran == [NOON]
    diary.look(NOON + HOUR)
    assert diary.ran == [NOON, NOON + HOUR]


@pytest.mark.django_db
def test_periods_that_nobody_looked_in_are_run_late_and_in_order():
    diary = Diary()
    diary.look(NOON)
    diary.look(NOON + timedelta(hours=3, minutes=59))
    assert diary.ran == [NOON + HOUR * hours for hours in range(4)]


@pytest.mark.django_db
def test_a_long_absence_is_made_up_for_in_pieces():
    diary = Diary()
    diary.look(NOON)
    while diary.look(NOON + HOUR * 250):
        pass
    assert diary.ran == [NOON + HOUR * hours for hours in range(251)]


@pytest.mark.django_db
def test_looking_again_in_the_same_period_asks_nothing(django_assert_num_queries):
    diary = Diary()
    diary.look(NOON)
    with django_assert_num_queries(0):
        diary.look(NOON + timedelta(minutes=59))


@pytest.mark.django_db
def test_a_run_that_failed_is_run_again_and_a_clock_set_back_runs_nothing():
    def fail(_):
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        periodic.run_due("test", fail, every=HOUR, now=NOON)
    diary = Diary()
    assert diary.look(NOON + timedelta(seconds=59)) == 0
    assert diary.look(NOON + timedelta(seconds=61)) == 1
    assert diary.ran == [NOON]
    periodic.forget()
    assert diary.look(NOON - HOUR) == 0
    assert PeriodicRun.objects.get().tries == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_that_the_database_broke_off_did_not_fail_and_is_begun_again_at_once():
    def meets_an_interruption(_):
        with out_of_reach():
            PeriodicRun.objects.update(tries=F("tries") + 7)

    with pytest.raises(Error) as raised:
        periodic.run_due("test", meets_an_interruption, every=HOUR, now=NOON)
    assert is_interruption(raised.value)
    run = PeriodicRun.objects.get()
    assert (run.tries, run.last_error, run.finished_at) == (0, "", None)
    diary = Diary()
    assert diary.look(NOON + timedelta(milliseconds=1)) == 1
    connection.close()


@pytest.mark.django_db
def test_the_run_of_a_worker_that_died_is_run_by_another():
    PeriodicRun.objects.create(job="test", period=NOON, claimed_by="dead", claimed_until=NOON + periodic.CLAIM)
    diary = Diary()
    diary.look(NOON + timedelta(minutes=4))
    assert diary.ran == []
    diary.look(NOON + timedelta(minutes=6))
    assert diary.ran == [NOON]


@pytest.mark.django_db(transaction=True)
def test_eight_that_look_at_once_make_one_run_of_each_period():
    diary, barrier = Diary(), threading.Barrier(8)
    diary.look(NOON)
    periodic.forget()
    errors = []

    def look():
        try:
            connection.ensure_connection()
            barrier.wait(30)
            diary.look(NOON + HOUR * 3)
        except Exception as error:  # noqa: BLE001 - shown by the test
            errors.append(error)
        finally:
            connection.close()

    lookers = [threading.Thread(target=look) for _ in range(8)]
    for each in lookers:
        each.start()
    for each in lookers:
        each.join(60)
    assert errors == []
    assert sorted(diary.ran) == [NOON + HOUR * hours for hours in range(4)]
