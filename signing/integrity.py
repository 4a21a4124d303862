"""What kepcheck asks of this floor: signatures that have come and that nobody is going to use (R-009, R-016)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from guards.findings import Finding

from . import requests
from .models import SigningOperation

_STUCK = timedelta(minutes=30)


def findings(now: datetime) -> Iterable[Finding]:
    """SIGNED operations that are parked, that nobody will look at, or that are long due. Named by their key."""
    signed = SigningOperation.objects.filter(state=SigningOperation.State.SIGNED).order_by("signed_at")
    signed = signed.exclude(purpose__in=requests.PURPOSES)  # the asking browser fetches those, or they expire
    for key, due_at, parked_at, error in signed.values_list("pk", "due_at", "parked_at", "last_error").iterator():
        if parked_at is not None:
            yield Finding("SG-01", str(key), f"a signature has come and its work is parked: {error}")
        elif due_at is None:
            yield Finding("SG-02", str(key), "a signature has come and nobody will look at it")
        elif due_at < now - _STUCK:
            yield Finding("SG-03", str(key), f"a signature has come and is long due: {error or 'untouched'}")
