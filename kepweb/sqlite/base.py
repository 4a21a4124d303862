"""SQLite as Django speaks it, but a writer that waits for its turn looks again after a millisecond.

One SQLite file has one writer at a time. SQLite itself waits for the lock in steps that grow to a tenth of a second,
while the transactions of this house last a few milliseconds: measured, the three writers of the road slept for a
quarter of their time beside a lock that was long free. So a statement that finds the database busy, `BEGIN IMMEDIATE`
above all, is asked again at short steps, until the configured timeout, and then fails with the same error as before.
Inside a transaction nothing is asked again: what is busy there will not come free by waiting. `executemany` is not
asked again either, because outside of a transaction its first rows would be in twice: it belongs inside of one.
"""

import sqlite3
import time
from typing import Any

from django.db.backends.sqlite3 import base

FIRST_STEP = 0.0005
LONGEST_STEP = 0.002
"""Seconds between two looks: less than a short transaction lasts, and still nothing to a processor."""
_COMES_FREE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)


class PatientCursor(base.SQLiteCursorWrapper):
    """Django's cursor, which asks a busy database again."""

    patience = 0.0
    """Seconds after which the database's answer is final."""

    def execute(self, query: str, params: Any = None) -> Any:
        """As Django's; `sqlite3.OperationalError` when the database is busy for the whole timeout."""
        until, step = 0.0, FIRST_STEP
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in _COMES_FREE or self.connection.in_transaction:
                    raise
                now = time.monotonic()
                until = until or now + self.patience
                if now >= until:
                    raise
                time.sleep(step)
                step = min(step * 2, LONGEST_STEP)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection to SQLite; the timeout of its options is kept by the cursor."""

    def get_new_connection(self, conn_params: Any) -> Any:
        """Open the file with SQLite's own patience, then take it over."""
        connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> PatientCursor:
        """A cursor that waits as long as the options say."""
        cursor: PatientCursor = self.connection.cursor(factory=PatientCursor)
        cursor.patience = float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        return cursor
