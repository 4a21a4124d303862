"""Is this machine's clock right? Measured against the clock of the time-stamp authority, at no cost (R-040, A-006).

Every token says when it was made, and we know between which two moments of our own clock that was. The authority's
clock shows whole seconds, cut off or rounded, so one token gives bounds for the difference, not a figure:

    token says g, asked at a, read at b:   g - 0.5 s - b  <=  authority - us  <=  g + 1 s - a

All tokens of the last two minutes must fit together, which narrows the bounds to about a second and a half. What is
*certain* is the least difference that fits: nought while zero lies within. So neither rounding nor a slow answer ever
raises a false alarm, and a clock that is two seconds off is found by a few tokens at most.

More than `KEP_CLOCK_ALARM` is an alarm. More than `KEP_CLOCK_STOP` stops sealing: event times come from our clock and
would contradict the time-stamps beside them for ever. Rows stay due, and all goes on when the clock is right; to see
that, `kepweb.clock_check` asks for a time-stamp of nothing now and then.

Bounds are kept in memory by whoever asks for tokens; `note_down` writes what is certain into one row per machine, for
processes that ask for none.
"""

import logging
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from .errors import ClockAdrift
from .models import ClockReading

log = logging.getLogger(__name__)

FITS_FOR = 120.0
"""Seconds for which a token says something about the clock as it is now: no clock drifts much in two minutes."""
WRITTEN_EVERY = 30.0
"""Seconds between two writings, while nothing changes that anybody should know."""
_ROUNDED, _CUT_OFF = timedelta(seconds=0.5), timedelta(seconds=1)
_NOTHING = timedelta(0)


@dataclass(frozen=True)
class Bounds:
    """Between what the authority's clock minus ours lies."""

    low: timedelta
    high: timedelta

    @property
    def certain(self) -> timedelta:
        """The least difference that fits, with its sign: positive where our clock is behind."""
        return max(self.low, _NOTHING) + min(self.high, _NOTHING)

    def narrowed(self, other: "Bounds") -> "Bounds | None":
        """What fits both; None when the clock must have been set in between."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Bounds(low, high) if low <= high else None


_lock = threading.Lock()
_seen: deque[tuple[float, Bounds]] = deque(maxlen=64)
_written: tuple[float, timedelta] | None = None


def observe(generated_at: datetime, asked_at: datetime, read_at: datetime) -> None:
    """A token that says `generated_at` was asked for and read at these moments of our clock. Touches no table."""
    bounds = Bounds(generated_at - _ROUNDED - read_at, generated_at + _CUT_OFF - asked_at)
    with _lock:
        _seen.append((time.monotonic(), bounds))


def certain_drift() -> timedelta | None:
    """What this process's own tokens of the last two minutes prove; None when there was none."""
    with _lock:
        fitting = _fitting()
    return fitting.certain if fitting is not None else None


def known_drift() -> timedelta | None:
    """The same, or else what any process of this machine wrote down last; None when nobody ever measured."""
    own = certain_drift()
    if own is not None:
        return own
    row = ClockReading.objects.filter(host=this_host()).values_list("drift_ms", flat=True).first()
    return timedelta(milliseconds=row) if row is not None else None


def refuse_when_adrift() -> None:
    """Raise `ClockAdrift` while the clock of this machine is certainly further off than evidence allows."""
    drift = known_drift()
    if drift is not None and abs(drift) > settings.KEP_CLOCK_STOP:
        raise ClockAdrift("clock adrift", seconds=round(drift.total_seconds(), 1))


def note_down(now: datetime) -> None:
    """Write what is certain into this machine's row, if there is news or the row is old; ring at a limit."""
    global _written
    drift, moment = certain_drift(), time.monotonic()
    if drift is None:
        return
    if _written and moment - _written[0] < WRITTEN_EVERY and level(drift) == level(_written[1]):
        return
    before = ClockReading.objects.filter(host=this_host()).values_list("drift_ms", flat=True).first()
    ClockReading.objects.update_or_create(
        host=this_host(), defaults={"drift_ms": round(drift / timedelta(milliseconds=1)), "measured_at": now}
    )
    _written = (moment, drift)
    was, now_is = level(timedelta(milliseconds=before or 0)), level(drift)
    if now_is != was:
        _tell(now_is, drift)


def level(drift: timedelta) -> int:
    """0 right, 1 an alarm, 2 nothing is sealed."""
    return (abs(drift) > settings.KEP_CLOCK_ALARM) + (abs(drift) > settings.KEP_CLOCK_STOP)


def this_host() -> str:
    """The machine this process runs on: each has a clock of its own."""
    return socket.gethostname()[:64]


def forget() -> None:
    """Nothing was measured: for a process or test that begins anew."""
    global _written
    with _lock:
        _seen.clear()
    _written = None


def _fitting() -> Bounds | None:
    """What all tokens say together; where they contradict each other the clock was set, and the later ones count."""
    fitting: Bounds | None = None
    for at, bounds in _seen:
        if time.monotonic() - at <= FITS_FOR:
            fitting = bounds if fitting is None else (fitting.narrowed(bounds) or bounds)
    return fitting


def _tell(now_is: int, drift: timedelta) -> None:
    seconds = drift.total_seconds()
    if now_is == 2:
        log.critical("ALM-07 the clock is off by at least %.1f s: nothing is sealed until it is right", seconds)
    elif now_is == 1:
        log.critical("ALM-06 the clock is off by at least %.1f s", seconds)
    else:
        log.warning("the clock is right again")
