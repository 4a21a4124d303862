"""The one clock of the product: aware UTC.

Domain functions take `now` as an argument and never ask; views, tasks and commands ask here, once per request or
row, so that tests can move one clock and everything moves with it.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)
