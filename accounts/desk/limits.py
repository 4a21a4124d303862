"""How much one person on duty may look at and send in an hour: stricter than for anybody else (V-026, V-049).

A counter serves one applicant after the other. Whoever looks up more people than that harvests, and whoever sends more
codes pumps. Each hour has its own count, raised by one conditional UPDATE, so that fifty parallel looks are fifty.
"""

import enum
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from ..clock_words import clock_words
from ..models import DeskTally
from ..posts import Serving
from .errors import DeskBusy


class Counted(enum.Enum):
    """What is counted, and how often it may be done in an hour."""

    SEARCH = "search"
    LOOK = "look"
    CODE = "code"
    INTAKE = "intake"

    @property
    def per_hour(self) -> int:
        """The most in one hour."""
        return {"search": 60, "look": 240, "code": 40, "intake": 30}[self.value]


def count(what: Counted, by: Serving, *, now: datetime) -> None:
    """Count one, or refuse it with `DeskBusy`; a refused one is not counted. Two queries."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        row, _ = DeskTally.objects.get_or_create(person=by.person, what=what.value, hour=hour)
        still_free = DeskTally.objects.filter(pk=row.pk, count__lt=what.per_hour)
        if not still_free.update(count=F("count") + 1):
            until = hour + timedelta(hours=1)
            raise DeskBusy(f"too many of {what.value}", until=until, at=clock_words(until, now=now))
