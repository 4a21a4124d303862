"""The clock of deemed reading: a policy per message, valid when it was submitted (design.md 1.1.2, K-122).

`hours:24` counts from the minute the message was placed in the box. `end_of_next_business_day` is the rival
reading of the Regulation; it needs the calendar that comes with e-Tebligat and is refused until then.
"""

from datetime import datetime, timedelta

from .errors import MailboxError


class UnknownPolicy(MailboxError):
    """A deemed-reading policy this version does not count. A fault of configuration."""

    code = "ILT-11"


def term_end(policy: str, *, delivered_at: datetime) -> datetime:
    """The moment from which an unread message counts as read; refuses `UnknownPolicy`."""
    kind, _, amount = policy.partition(":")
    if kind != "hours" or not amount.isascii() or not amount.isdigit():
        raise UnknownPolicy("no such term", policy=policy)
    return delivered_at + timedelta(hours=int(amount))
