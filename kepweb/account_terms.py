"""Once an hour: accounts whose paid term and grace are over are closed (K-036); whose hour it is says `periodic`."""

from datetime import datetime, timedelta

from accounts import lifecycle
from evidence import periodic
from guards.clock import now as clock

EVERY = timedelta(hours=1)


def close_expired(now: datetime | None = None) -> int:
    """Close what is over, if nobody has looked in this hour. Always 0: a lot is worked off to its end at once."""
    moment = now or clock()

    def look(_hours: object) -> None:
        while lifecycle.close_expired(now=moment):
            pass

    periodic.run_due("close_expired_accounts", look, every=EVERY, now=moment)
    return 0
