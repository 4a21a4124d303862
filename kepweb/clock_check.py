"""Keeps the knowledge of the clock fresh: a sweep that usually only writes down what time-stamps have shown (R-040).

Where nobody has asked for a time-stamp for ten minutes, or while the clock is off, one is asked for over nothing: that
is how an idle provider finds a wrong clock, and how one that stopped sealing finds that the clock is right again.
"""

import secrets
import time
from datetime import datetime, timedelta

from evidence import clock_drift, outside
from evidence.models import ClockReading
from evidence.refusals import TimestampRefused, TimestampUnavailable
from guards.clock import now as clock

FRESH = timedelta(minutes=10)
LOOKED_EVERY = 20.0
"""Seconds between two looks, and so between two time-stamps of nothing at least."""

_looked_at: float | None = None


def look(now: datetime | None = None) -> int:
    """Write down, and measure if need be. Always 0: no row is moved."""
    global _looked_at
    moment = now or clock()
    clock_drift.note_down(moment)
    if _looked_at is None or time.monotonic() - _looked_at >= LOOKED_EVERY:
        _looked_at = time.monotonic()
        if _is_wanted(moment):
            _measure()
            clock_drift.note_down(moment)
    return 0


def _is_wanted(now: datetime) -> bool:
    drift = clock_drift.certain_drift()
    if drift is None:
        row = ClockReading.objects.filter(host=clock_drift.this_host(), measured_at__gt=now - FRESH)
        known = row.values_list("drift_ms", flat=True).first()
        if known is None:
            return True
        drift = timedelta(milliseconds=known)
    return clock_drift.level(drift) > 0


def _measure() -> None:
    try:
        outside.stamper().stamp(secrets.token_bytes(32))
    except (TimestampUnavailable, TimestampRefused):
        return  # one that is refused for its time was observed; one that does not answer is asked again
