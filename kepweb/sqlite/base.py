"""SQLite as Django speaks it, but a writer that waits for its turn looks again after a millisecond.

One SQLite file has one writer at a time. SQLite itself waits for the lock in steps that grow to a tenth of a second,
while the transactions of this house last a few milliseconds: measured, the three writers of the road slept for a
quarter of their time beside a lock that was long free. So `BEGIN IMMEDIATE` is asked for again and again at short
steps, until the configured timeout, and ends with the same error as before. Statements outside of a transaction wait
as SQLite does. PRAGMAs, errors and everything else stay Django's.
"""

import sqlite3
import time

from django.db import OperationalError
from django.db.backends.sqlite3 import base

FIRST_STEP = 0.0005
LONGEST_STEP = 0.002
"""Seconds between two looks: less than a short transaction lasts, and still nothing to a processor."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection to SQLite with its own patience for `BEGIN IMMEDIATE`."""

    def _start_transaction_under_autocommit(self) -> None:
        """Begin, or raise the `OperationalError` of a database that stayed locked for the whole timeout."""
        patience = float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        until, step = time.monotonic() + patience, FIRST_STEP
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    super()._start_transaction_under_autocommit()
                except OperationalError as error:
                    if not _is_busy(error) or time.monotonic() > until:
                        raise
                else:
                    return
                time.sleep(step)
                step = min(step * 2, LONGEST_STEP)
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")


def _is_busy(error: OperationalError) -> bool:
    number = getattr(error.__cause__, "sqlite_errorcode", None)
    return number is not None and number & 0xFF == sqlite3.SQLITE_BUSY
