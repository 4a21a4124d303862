"""What the product logs as an error while a world runs: its own word that something happened that nobody foresaw."""

import logging

from guards.errors import KepError
from mailbox.errors import StaleState

from . import present


class Alarms(logging.Handler):
    """Hands every error of the log to the world, but those that say the outside did not answer."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record; a refusal with a code of ours is what the product foresaw."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, KepError) and not isinstance(error, StaleState):
            return
        what = f"{type(error).__name__}: {error}" if error else ""
        present.world().alarm(f"{record.name}: {record.getMessage()} {what}".strip())
