"""What was done at a branch on one day, by whom: the clerk's own list, read from histories and never written.

Days are counted in Istanbul. A line names the application and the act; it shows no more than the queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.utils.timezone import localtime

from ..models import Application, ApplicationChange, CheckedStep, Person
from ..posts import Serving

MOST: Final = 300


@dataclass(frozen=True)
class Act:
    """One line. `step` is the word of a checked step, `state` the state a change led to; one of them is empty."""

    at: datetime
    application: Application
    clerk: str
    step: str = ""
    state: str = ""


def acts_of(by: Serving, *, now: datetime) -> Sequence[Act]:
    """Today's acts at this branch, newest first, 300 at most. Three queries."""
    local = localtime(now)
    begin = datetime.combine(local.date(), time.min, tzinfo=local.tzinfo)
    within = {"branch": by.branch_code, "at__gte": begin, "at__lt": begin + timedelta(days=1)}
    steps = CheckedStep.objects.filter(**within).select_related("application").order_by("-at", "-pk")[:MOST]
    changes = ApplicationChange.objects.filter(**within).select_related("application").order_by("-at", "-pk")[:MOST]
    found = [
        *((row.at, row.application, row.actor, row.step, "") for row in steps),
        *((row.at, row.application, row.actor, "", row.to_state) for row in changes),
    ]
    names = _names({actor for _, _, actor, _, _ in found})
    acts = [Act(at, application, names.get(actor, ""), step, state) for at, application, actor, step, state in found]
    return sorted(acts, key=lambda act: act.at, reverse=True)[:MOST]


def _names(actors: set[str]) -> dict[str, str]:
    """Names of the persons among the actors. One query."""
    keys = [UUID(actor.removeprefix("person:")) for actor in actors if actor.startswith("person:")]
    return {f"person:{person.pk}": person.full_name for person in Person.objects.filter(pk__in=keys)}
