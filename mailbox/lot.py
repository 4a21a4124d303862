"""A lot: rows that were claimed together and go through a sweep together (design.md 1.6, measured.md).

One commit and one fsync for fifty messages instead of fifty of each is most of what makes the road fast, and it
must not make it fragile. So a lot keeps three promises:

- **One row's trouble is its own** (R-016). Whatever a verb raises for one row is handed to `failed`, which puts that
  row back; the others go on. When a common commit is refused because of one of them, each is tried alone.
- **The database's trouble is nobody's** (R-019). A deadlock, a serialisation failure, a lock that did not come free or
  a lost connection says nothing about a row: the whole unit of work is done again, a few times, on a fresh
  connection if need be; after that the sweep ends, its claims are given back, and the loop comes again.
- **A commit whose outcome nobody knows may be repeated.** Every write is guarded by the old state or a unique
  constraint: what had been committed is found as `StaleState` or as a duplicate, and left alone.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from .errors import StaleState

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Item = TypeVar("Item")
Result = TypeVar("Result")

OUTAGE = (OperationalError, InterfaceError)
"""What Django raises for deadlock, serialisation failure, lock time-out, full disk and lost connection."""
PAUSES = (0.02, 0.1, 0.5)
"""Seconds before the second, third and last try of a unit of work."""
PATIENCE = 20.0
"""Seconds after which rows that nobody got round to are left to the next turn: other sweeps wait, and claims end."""


@dataclass
class Lot(Generic[Row]):
    """Rows claimed together. `failed(row, error)` gives one back with its error, `spared(rows)` gives back untouched."""

    rows: Sequence[Row]
    now: datetime
    failed: Callable[[Row, Exception], None]
    spared: Callable[[Sequence[Row]], None]
    begun: float = field(default_factory=lambda: monotonic())  # noqa: PLW0108 - looked up when a lot begins

    def each(
        self, items: Iterable[Item], verb: Callable[[Item], Result | None], *, row_of: Callable[[Item], Row]
    ) -> list[Result]:
        """What `verb` made of each item, without those for which it said None or raised.

        Items that are not reached before the patience ends are given back.
        """
        made: list[Result] = []
        waiting = list(items)
        for position, item in enumerate(waiting):
            if position and monotonic() > self.begun + PATIENCE:
                self.spared([row_of(each) for each in waiting[position:]])
                break
            try:
                result = verb(item)
            except OUTAGE:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary of one row's work, see above
                self._fail(row_of(item), error)
            else:
                if result is not None:
                    made.append(result)
        return made

    def commit(
        self, items: Sequence[Item], write: Callable[[Sequence[Item]], object], *, row_of: Callable[[Item], Row]
    ) -> list[Item]:
        """`write(items)` in one transaction; if that is refused, each item in one of its own. Those that are written.

        `write` must be the whole unit of work: everything it needs was made before, so that it can be done again.
        """
        if not items:
            return []
        try:
            unit_of_work(lambda: write(items))
        except OUTAGE:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            if len(items) == 1:
                self._fail(row_of(items[0]), error)
                return []
            log.info("a common commit was refused (%s); each goes alone", type(error).__name__)
        else:
            return list(items)
        return [done for item in items for done in self.commit([item], write, row_of=row_of)]

    def refuse(self, row: Row, error: Exception) -> None:
        """Hand a failure that was found outside of `each` to whoever puts the row back."""
        self._fail(row, error)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Claims are given back when the block ends in an outage: nobody should wait a minute for a deadlock."""
        try:
            yield
        except OUTAGE:
            fresh_connection()
            with suppress(DatabaseError):  # still away: then the claims run out
                self.spared(self.rows)
            raise

    def _fail(self, row: Row, error: Exception) -> None:
        if isinstance(error, StaleState):
            return  # another worker took the step; its commit is the truth
        self.failed(row, error)


_before: ContextVar[list[tuple[Any, dict[str, Any]]] | None] = ContextVar("kep_unit_of_work", default=None)
"""Rows changed in memory in the running unit of work, each with what it held before."""


def changing(row: Any) -> None:
    """To be called before a row is changed in memory: if the transaction is undone, so is that (see `unit_of_work`)."""
    changed = _before.get()
    if changed is not None:
        changed.append((row, dict(row.__dict__)))


def unit_of_work(write: Callable[[], Result]) -> Result:
    """`write` in one transaction, done again when the database was in the way (R-019); its last error is raised.

    What is undone in the database is undone in memory too: a row that `states.advance` moved stands as before.
    """
    for pause in (*PAUSES, None):
        changed: list[tuple[Any, dict[str, Any]]] = []
        running = _before.set(changed)
        is_done = False
        try:
            with transaction.atomic():
                result = write()
            is_done = True
            return result
        except OUTAGE as error:
            if pause is None or connection.in_atomic_block:
                raise
            log.warning("unit of work done again: %s", type(error).__name__)
            fresh_connection()
            sleep(pause)
        finally:
            _before.reset(running)
            if not is_done:
                for row, held in reversed(changed):
                    row.__dict__.clear()
                    row.__dict__.update(held)
    raise AssertionError("unreachable")


def fresh_connection() -> None:
    """Drop a connection that is broken; the next query opens another one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
