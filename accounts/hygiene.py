"""What the sign-in may forget: nothing here is evidence, and what happened stands in the event log.

A code's row must outlive the visit it opened, and a counter the waits it stands for; both are long over here. So is a
visit that was last heard of a month ago. A counter from which somebody still has to wait, or is shut out, stays
whatever its age.
"""

from datetime import datetime, timedelta

from signing import operations

from .models import EImzaProof, KnownDevice, OneTimeCode, OpenVisit, SmsAttempt, WrongTries
from .throttle import DEVICE_COOKIE_LIFE, FREE_TRIES

KEPT = timedelta(days=30)
UNFINISHED_KEPT = timedelta(days=1)
"""How long a request for an e-imza that led to nothing is kept."""


def forget_old(*, now: datetime) -> int:
    """Delete old codes, visits, small old counters, and devices whose cookie has expired; how many. Safe to repeat."""
    old = (
        SmsAttempt.objects.filter(sent_at__lt=now - KEPT),
        OneTimeCode.objects.filter(expires_at__lt=now - KEPT),
        OpenVisit.objects.filter(seen_at__lt=now - KEPT),
        WrongTries.objects.filter(last_at__lt=now - KEPT, count__lt=FREE_TRIES),
        KnownDevice.objects.filter(last_seen_at__lt=now - DEVICE_COOKIE_LIFE),
        EImzaProof.objects.filter(proved_at__lt=now - KEPT),
    )
    requests = operations.forget_requests(before=now - UNFINISHED_KEPT)
    return requests + sum(rows.delete()[0] for rows in old)
