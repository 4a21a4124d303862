"""A lot: rows that were claimed together and go through a sweep together (design.md 1.6, measured.md).

One commit and one fsync for fifty messages instead of fifty of each is most of what makes the road fast, and it
must not make it fragile. So a lot keeps three promises:

- **One row's trouble is its own** (R-016). Whatever a verb raises for one row is handed to `failed`, which puts that
  row back; the others go on. When a common question or a common commit fails because of one of them, each is tried
  alone.
- **The database's trouble is nobody's** (R-019). A deadlock, a lock that did not come free or a lost connection says
  nothing about a row: the claims are given back and the work loop begins the whole sweep again.
- **A commit whose outcome nobody knows may be repeated.** Every write is guarded by the old state or a unique
  constraint: what had been committed is found as `StaleState` or as a duplicate, and left alone.

What a transaction undid in the database is undone in memory as well, so that a row that was moved in a commit that
did not hold stands as before when it is tried alone.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any, Generic, TypeVar

from django.db import transaction

from evidence.interruptions import giving_back, is_interruption
from guards.sign_of_life import heard

from .errors import StaleState

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 20.0
"""Seconds after which rows that nobody got round to are left to the next turn: other sweeps wait, and claims end."""


@dataclass
class Lot(Generic[Row]):
    """Rows claimed together. `failed(row, error)` gives one back with its error, `spared(rows)` gives back untried."""

    rows: Sequence[Row]
    now: datetime
    failed: Callable[[Row, Exception], None]
    spared: Callable[[Sequence[Row]], None]
    begun: float = field(default_factory=lambda: monotonic())

    def each(
        self, items: Iterable[Item], verb: Callable[[Item], Result | None], *, row_of: Callable[[Item], Row]
    ) -> list[Result]:
        """What `verb` made of each item, without those for which it said None or raised.

        Items that are not reached before the patience ends are given back.
        """
        made: list[Result] = []
        waiting = list(items)
        for position, item in enumerate(waiting):
            heard()
            if position and monotonic() > self.begun + PATIENCE:
                self.spared([row_of(each) for each in waiting[position:]])
                break
            try:
                result = verb(item)
            except Exception as error:  # noqa: BLE001 - the boundary of one row's work, see above
                self.refuse(row_of(item), error)
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
        except Exception as error:  # noqa: BLE001 - as above
            if len(items) == 1 or is_interruption(error):
                self.refuse(row_of(items[0]), error)
                return []
            log.info("a common commit was refused (%s); each goes alone", type(error).__name__)
        else:
            return list(items)
        return [done for item in items for done in self.commit([item], write, row_of=row_of)]

    def refuse(self, row: Row, error: Exception) -> None:
        """Hand a row's failure to whoever puts the row back; what is not the row's is raised."""
        if is_interruption(error):
            raise error
        if not isinstance(error, StaleState):  # otherwise another worker took the step; its commit is the truth
            self.failed(row, error)

    def through(self, verb: Callable[["Lot[Row]"], int]) -> int:
        """The whole lot through `verb`, which says how many rows moved; each row alone where a common question failed.

        A row that does not open makes a query for all of them fail (R-016); nobody can tell from there which one it is.
        When the database breaks the work off, the claims are free at once: nobody waits a minute for a deadlock.
        """
        if not self.rows:
            return 0
        with giving_back(lambda: self.spared(self.rows)):
            return self._through(verb)

    def _through(self, verb: Callable[["Lot[Row]"], int]) -> int:
        try:
            return verb(self)
        except Exception as error:  # noqa: BLE001 - as above
            if len(self.rows) == 1 or is_interruption(error):
                self.refuse(self.rows[0], error)
                return 0
            log.warning("a lot failed as a whole (%s); each goes alone", type(error).__name__)
        return sum(replace(self, rows=[row])._through(verb) for row in self.rows)


_before: ContextVar[list[tuple[Any, dict[str, Any]]] | None] = ContextVar("kep_unit_of_work", default=None)
"""Rows changed in memory in the running unit of work, each with what it held before."""


def changing(row: Any) -> None:
    """To be called before a row is changed in memory: if the transaction is undone, so is that (see `unit_of_work`)."""
    changed = _before.get()
    if changed is not None:
        changed.append((row, dict(row.__dict__)))


def unit_of_work(write: Callable[[], Result]) -> Result:
    """`write` in one transaction; if that is undone, every row it was `changing` is put back in memory as well."""
    heard()
    changed: list[tuple[Any, dict[str, Any]]] = []
    running = _before.set(changed)
    try:
        with transaction.atomic():
            return write()
    except BaseException:
        for row, held in reversed(changed):
            row.__dict__.clear()
            row.__dict__.update(held)
        raise
    finally:
        _before.reset(running)
