"""A wrong clock is found by the time-stamps, stops sealing, and lets it go on when it is right again (R-040).

The authority is a real process whose clock is ahead or behind by so many seconds: by its tokens, ours is wrong.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import answers_on, free_port, started
from evidence import clock_drift, outside
from evidence.errors import ClockAdrift
from evidence.models import ClockReading, SealedEvidence, SealWork
from kepweb import clock_check
from mailbox import tasks
from mailbox.tests.road import Road

pytestmark = [pytest.mark.loopback, pytest.mark.database]
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
Swap = Callable[[float], None]


@pytest.fixture
def authority(provider: Any, settings: Any) -> Iterator[Swap]:
    """Puts a time-stamp authority in place of the running one, with a clock ahead of ours by so many seconds."""
    with ExitStack() as running:

        @contextmanager
        def at(port: int, offset: float) -> Iterator[None]:
            command = [sys.executable, "-m", "demo.pki_server", "--data", str(provider.directory)]
            with started([*command, "--port", str(port), f"--clock-offset={offset}"], lambda: answers_on(port)):
                yield

        def swap(offset: float) -> None:
            running.close()
            port = free_port()
            running.enter_context(at(port, offset))
            settings.KEP_OUTBOUND_ALLOW = [*settings.KEP_OUTBOUND_ALLOW, f"http://127.0.0.1:{port}"]
            outside.close()
            settings.KEP_TSA_URL = f"http://127.0.0.1:{port}/tsa"
            clock_check._looked_at = None
            clock_drift.forget()  # no token of a minute ago speaks for the clock as it is now

        yield swap
        outside.close()


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message[:6] for record in caplog.records if record.levelno == logging.CRITICAL]


@pytest.mark.parametrize("offset", [-8.0, 8.0])
def test_a_clock_far_off_stops_sealing_until_it_is_right_again(
    road: Road, authority: Swap, caplog: pytest.LogCaptureFixture, offset: float
) -> None:
    road.sign(road.draft())
    road.turn("deliver")
    authority(offset)
    clock_check.look(road.clock.now)
    assert alarms(caplog) == ["ALM-07"]
    clock_drift.forget()  # another process, which has measured nothing itself
    with pytest.raises(ClockAdrift):
        tasks.seal_due(road.clock.now)
    with pytest.raises(ClockAdrift):
        tasks.release_due(road.clock.now)
    assert (SealedEvidence.objects.count(), SealWork.objects.get().tries) == (0, 0)
    authority(0.0)
    clock_check.look(road.clock.now)
    assert ClockReading.objects.get().drift_ms == 0
    road.clock.move(minutes=1)
    road.turn()
    assert SealedEvidence.objects.count() == 2
    assert alarms(caplog) == ["ALM-07"]


@pytest.mark.parametrize("offset", [-3.0, 3.0])
def test_a_clock_a_little_off_is_an_alarm_and_sealing_goes_on(
    road: Road, authority: Swap, caplog: pytest.LogCaptureFixture, offset: float
) -> None:
    authority(offset)
    clock_check.look(road.clock.now)
    assert alarms(caplog) == ["ALM-06"]
    assert abs(ClockReading.objects.get().drift_ms) > 1_000
    road.send()
    assert SealedEvidence.objects.count() == 2


def test_an_idle_provider_measures_once_in_ten_minutes(road: Road, authority: Swap) -> None:
    authority(0.0)
    clock_check.look(road.clock.now)
    first = ClockReading.objects.get().measured_at
    clock_drift.forget()
    clock_check._looked_at = None
    clock_check.look(road.clock.move(minutes=9))
    assert ClockReading.objects.get().measured_at == first
    clock_check._looked_at = None
    clock_check.look(road.clock.move(minutes=2))
    assert ClockReading.objects.get().measured_at == road.clock.now


@pytest.mark.parametrize("rounding", ["cut off", "rounded"])
def test_whole_seconds_and_slow_answers_are_no_drift(rounding: str) -> None:
    """A right clock, every hundredth of a second, answers that take up to two seconds: never anything certain."""
    clock_drift.forget()
    for hundredths in range(0, 300, 7):
        made = AT + timedelta(milliseconds=10 * hundredths)
        shown = (made + timedelta(seconds=0.5 if rounding == "rounded" else 0)).replace(microsecond=0)
        for before, after in ((0.01, 0.01), (1.9, 0.1), (0.1, 1.9)):
            clock_drift.observe(shown, made - timedelta(seconds=before), made + timedelta(seconds=after))
            assert clock_drift.certain_drift() == timedelta(0)
    clock_drift.forget()


@pytest.mark.parametrize("off", [-2.6, 2.6])
def test_a_clock_more_than_two_seconds_off_is_certain_after_a_few_tokens(off: float) -> None:
    clock_drift.forget()
    for tenths in range(10):
        ours = AT + timedelta(milliseconds=100 * tenths)
        shown = (ours + timedelta(seconds=off)).replace(microsecond=0)
        clock_drift.observe(shown, ours - timedelta(milliseconds=10), ours + timedelta(milliseconds=10))
    certain = clock_drift.certain_drift()
    assert certain is not None
    assert timedelta(seconds=1) < abs(certain) <= timedelta(seconds=2.6)
    assert (certain > timedelta(0)) == (off > 0)
    clock_drift.forget()


def test_a_clock_that_was_set_is_judged_by_what_came_after() -> None:
    clock_drift.forget()
    for off in (7.0, 0.0):
        shown = (AT + timedelta(seconds=off)).replace(microsecond=0)
        clock_drift.observe(shown, AT - timedelta(milliseconds=10), AT + timedelta(milliseconds=10))
    assert clock_drift.certain_drift() == timedelta(0)
    clock_drift.forget()
