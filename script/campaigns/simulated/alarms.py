"""What the product logs as an error while a world runs: its own word that something happened that nobody foresaw."""

import logging

from evidence.interruptions import is_interruption
from evidence.outside import RevocationUnknown
from evidence.refusals import KeyUnavailable, TimestampRefused, TimestampUnavailable

from . import present

FORESEEN = (TimestampUnavailable, TimestampRefused, RevocationUnknown, KeyUnavailable)
"""Authorities and the key away: the seed made it so."""


def listen() -> None:
    """Hear the errors of this process from now on."""
    logging.getLogger().addHandler(Alarms(logging.ERROR))


class Alarms(logging.Handler):
    """Hands every error of the log to the world, but those that say the outside, the key or the database is away."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record; a refusal with a code of ours is what the product foresaw."""
        named = record.args if isinstance(record.args, tuple) else ()
        errors = [each for each in named if isinstance(each, BaseException)]
        error = record.exc_info[1] if record.exc_info else next(iter(errors), None)
        if error is not None and (isinstance(error, FORESEEN) or is_interruption(error)):
            return
        what = f"{type(error).__name__}: {error}" if error else ""
        present.world().alarm(f"{record.name}: {record.getMessage()} {what}".strip())
