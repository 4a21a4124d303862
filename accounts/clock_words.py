"""Moments inside a sentence of a refusal."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime


def clock_words(moment: datetime, *, now: datetime) -> str:
    """`14:45`, and the day after it when it is another day than `now`'s, both in Istanbul."""
    local, today = localtime(moment), localtime(now).date()
    clock = local.strftime("%H:%M")
    return clock if local.date() == today else f"{clock} ({date_format(local, 'j F Y')})"
