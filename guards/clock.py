"""The one clock of the product: aware UTC.

Domain functions take `now` as an argument and never ask; views, tasks and commands ask here, once per request or
row, so that one clock can be moved and everything moves with it. In the product nobody moves it. The simulation
(`script/campaign simulation`) lets it follow a clock of its own, the way `guards.crash_points` is watched.
"""

from collections.abc import Callable
from datetime import UTC, datetime

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC) if _source is None else _source()


def follow(source: Callable[[], datetime] | None) -> None:
    """Let this process tell the time of `source` (aware UTC) or, with None, the time of the machine again."""
    global _source
    _source = source
