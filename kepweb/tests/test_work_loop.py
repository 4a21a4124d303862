"""The loop works without bells, survives failing sweeps and dies of what is no ordinary failure (design.md 1.6)."""

import gc
import logging
import threading
import weakref
from itertools import pairwise

import pytest

from kepweb import long_life
from kepweb.celery import QUEUES
from kepweb.work_loop import EXIT_STATUS, WorkLoop, sweeps_of

pytestmark = [pytest.mark.django_db, pytest.mark.queue]


class Hands:
    """The outside of a loop under test: its events, a clock that is moved by hand, and what it was told."""

    def __init__(self):
        self.wake, self.ending = threading.Event(), threading.Event()
        self.clock = 100.0
        self.ended_with = []
        self.rung = 0

    def loop(self, *sweeps, poll_seconds=0.001):
        return WorkLoop(
            [(f"sweep-{number}", sweep) for number, sweep in enumerate(sweeps)],
            wake=self.wake,
            ending=self.ending,
            poll_seconds=poll_seconds,
            after_work=self._ring,
            monotonic=lambda: self.clock,
            end_process=self.ended_with.append,
        )

    def _ring(self):
        self.rung += 1


@pytest.fixture
def hands():
    return Hands()


def batches(*sizes):
    """A sweep that does so many rows at each call, and then nothing."""
    left = list(sizes)
    return lambda: left.pop(0) if left else 0


def failing(error):
    def sweep():
        raise error

    return sweep


def test_it_sweeps_until_every_sweep_says_nothing(hands):
    assert hands.loop(batches(50, 50, 3), batches(0, 1)).sweep_until_empty() == 104


def test_it_rings_the_others_once_for_each_pass_that_moved_rows(hands):
    hands.loop(batches(50, 50, 3), batches(0, 1)).sweep_until_empty()
    assert hands.rung == 3


def test_a_pass_without_work_rings_nobody(hands):
    hands.loop(batches()).sweep_until_empty()
    assert hands.rung == 0


def test_a_failing_sweep_does_not_stop_its_neighbours(hands, caplog):
    assert hands.loop(failing(OSError("disk")), batches(5, 5)).sweep_until_empty() == 10
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "sweep-0 failed (OSError)" in caplog.text


def test_what_a_sweep_left_in_a_ring_is_gone_before_the_next_one(hands):
    """An error that somebody kept holds the frames it came through, and with them a lot of 32 MB."""

    class Octets:
        pass

    def kept_errors():
        kept = []
        try:
            raise ConnectionRefusedError
        except ConnectionRefusedError as error:
            kept.append(error)
        return bool(kept)

    def sweep():
        octets = Octets()
        seen.append(weakref.ref(octets))
        kept_errors()
        return 0

    seen, left = [], []
    thresholds = gc.get_threshold()
    try:
        long_life.settle()
        hands.loop(sweep, lambda: left.append(seen[0]()) or 0).sweep_until_empty()
        hands.loop(sweep).sweep_until_empty()
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    assert left == [None]
    assert [each() for each in seen] == [None, None]


def test_a_failing_sweep_rests_longer_each_time_and_at_most_a_minute(hands, caplog):
    tries = []

    def sweep():
        tries.append(hands.clock)
        raise OSError

    loop = hands.loop(sweep)
    for second in range(400):
        hands.clock = 100.0 + second
        loop.sweep_until_empty()
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


def test_a_sweep_that_works_again_is_forgiven(hands, caplog):
    outcomes = [OSError, OSError, 1, OSError, 1]
    tries = []

    def sweep():
        tries.append(hands.clock)
        outcome = outcomes.pop(0) if outcomes else 0
        if outcome is OSError:
            raise OSError
        return outcome

    loop = hands.loop(sweep)
    for second in range(30):
        hands.clock = 100.0 + second
        loop.sweep_until_empty()
    assert tries[:3] == [100, 102, 106]
    failed_again = tries.index(106) + 1
    assert tries[failed_again + 1] - tries[failed_again] == 2


def test_what_is_no_ordinary_exception_ends_the_process(hands, caplog):
    hands.loop(failing(SystemExit(1))).run()
    assert hands.ended_with == [EXIT_STATUS]
    assert "met its end" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_it_looks_by_itself_when_nobody_rings(hands):
    """No bell, no broker: the third look comes from the clock alone."""
    looks = []

    def sweep():
        looks.append(1)
        if len(looks) == 3:
            hands.ending.set()
        return 0

    runner = threading.Thread(target=hands.loop(sweep).run)
    runner.start()
    runner.join(10)
    assert not runner.is_alive()
    assert len(looks) == 3


@pytest.mark.django_db(transaction=True)
def test_a_bell_cuts_the_sleep_short(hands):
    looked = threading.Semaphore(0)
    runner = threading.Thread(target=hands.loop(lambda: looked.release() or 0, poll_seconds=3600).run)
    runner.start()
    assert looked.acquire(timeout=10)
    hands.wake.set()
    assert looked.acquire(timeout=10)
    hands.ending.set()
    hands.wake.set()
    runner.join(10)
    assert not runner.is_alive()


def test_an_ending_loop_begins_no_further_sweep(hands):
    begun = []

    def first():
        begun.append("first")
        hands.ending.set()
        return 1

    hands.loop(first, lambda: begun.append("second") or 0).sweep_until_empty()
    assert begun == ["first"]


@pytest.mark.parametrize("queue", QUEUES)
def test_every_sweep_that_settings_name_exists(queue):
    assert [name for name, sweep in sweeps_of(queue) if not callable(sweep)] == []
    assert len(sweeps_of(queue)) >= 3
