"""One clock, one order: acts run one at a time, and only a seed decides who goes next and who dies where.

An act is a thread that holds the baton. It gives it up where the code could be interrupted in life: before a statement
outside of a transaction, before a transaction begins, at a named crash point, while the outside is asked. There an act
may also end, as a process does that is killed: whatever transaction is open is rolled back, what was committed stays.
Inside a transaction nobody else runs, as on SQLite, whose writers wait for one another; dying is possible there too.

Nothing here depends on time, hashing, or the order of threads: the same seed gives the same acts in the same order.
"""

import heapq
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

MOST_PLACES = 50_000
"""Places one act may pass; more means that it turns for ever."""


class Death(BaseException):
    """The process of this act is killed here."""


class Endless(BaseException):
    """An act that does not come to an end. Like `Death`, nothing of the product survives it."""


@dataclass(frozen=True)
class Fate:
    """How often, for one place passed, an act is killed, or put aside while others go on; and how often, for one
    statement, the database breaks it off."""

    dies_at_point: float = 0.0
    dies_at_statement: float = 0.0
    waits: float = 0.0
    waits_long: float = 0.0
    breaks: float = 0.0


def _busy() -> sqlite3.OperationalError:
    """What the driver raises when another writer did not get ready in time."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


@dataclass(order=True)
class Turn:
    """An act's place in the queue; `is_off` takes it out again."""

    moment: datetime
    number: int
    act: "Act" = field(compare=False)
    is_off: bool = field(default=False, compare=False)


class Act:
    """Something that is done, step by step. `exposed` while it runs code of the product."""

    def __init__(self, name: str, body: Callable[[], None], *, at_once: bool = False) -> None:
        self.name, self.body, self.at_once = name, body, at_once
        self.exposed = self.dying = self.doomed = self.ended = False
        self.places = 0
        self.error: BaseException | None = None
        self.go = threading.Lock()
        self.go.acquire()
        self.thread: threading.Thread | None = None


class Scheduler:
    """Runs acts over one shared connection, in the order of their moments."""

    def __init__(self, start: datetime, connection: BaseDatabaseWrapper, chance: random.Random, fate: Fate) -> None:
        self.now, self.fate = start, fate
        self.trace: list[str] = []
        self._start, self._connection, self._chance = start, connection, chance
        self._queue: list[Turn] = []
        self._numbers = 0
        self._back = threading.Lock()
        self._back.acquire()
        self.current: Act | None = None
        self._alive: list[Act] = []
        connection.inc_thread_sharing()  # one thread at a time holds the baton, and with it the connection

    # --- from outside -------------------------------------------------------------------------------------------------
    def plan(self, name: str, body: Callable[[], None], *, after: float, at_once: bool = False) -> Turn:
        """Do `body` in `after` seconds, as an act of its own or `at_once`, between two acts. It may be set `is_off`."""
        return self._put(Act(name, body, at_once=at_once), self.now + timedelta(seconds=after))

    def run(self, until: datetime, each_step: Callable[[], None]) -> None:
        """Let acts run up to the moment `until`; `each_step` is called whenever one has given up the baton."""
        while self._queue and self._queue[0].moment <= until:
            turn = heapq.heappop(self._queue)
            if turn.is_off:
                continue
            self.now = max(self.now, turn.moment)
            if turn.act.at_once:
                turn.act.body()
            else:
                self._let(turn.act)
            each_step()
        self.now = max(self.now, until)

    def kill_all(self) -> None:
        """Everything that runs code of the product now dies where it stands. Only between two acts."""
        for turn in sorted(turn for turn in self._queue if not turn.is_off and turn.act.thread is not None):
            if turn.act.exposed:
                turn.is_off = True
                turn.act.doomed = True
                self._let(turn.act)

    def end(self) -> None:
        """Let go of every act that still waits; the trace is over."""
        told = self.trace
        self.trace = []
        self._queue.clear()
        for act in list(self._alive):
            act.doomed = True
            while not act.ended:
                self._let(act, quiet=True)
        self.trace = told

    def note(self, text: str) -> None:
        """One line of the trace, with the time since the beginning."""
        self.trace.append(f"{(self.now - self._start).total_seconds():13.6f}  {text}")

    @contextmanager
    def exposing(self) -> Iterator[Act]:
        """The running act executes code of the product: it may be put aside and killed. `Death` goes through."""
        act = self.current
        if act is None:
            raise RuntimeError("only an act can be exposed")
        act.exposed, act.places = True, 0
        try:
            yield act
        finally:
            act.exposed = act.dying = act.doomed = False

    # --- from inside an act -------------------------------------------------------------------------------------------
    def rest(self, seconds: float) -> None:
        """Give up the baton for so many seconds."""
        act = self.current
        if act is None:
            raise RuntimeError("only an act can rest")
        self._put(act, self.now + timedelta(seconds=seconds))
        self._give_back(act)

    def name_of_act(self) -> str:
        """Who runs now."""
        return self.current.name if self.current is not None else "nobody"

    def passes(self, place: str, *, is_named: bool = False) -> None:
        """The act passes a place where it may be killed or put aside."""
        act = self.current
        if act is None or not act.exposed or act.dying:
            return
        act.places += 1
        if act.places > MOST_PLACES:
            raise Endless(f"{act.name} passes {place} and does not end")
        fate, roll = self.fate, self._chance.random()
        death = fate.dies_at_point if is_named else fate.dies_at_statement
        if roll < death:
            self._die(act, place)
        if roll > 1.0 - fate.waits - fate.waits_long and not self._connection.in_atomic_block:
            is_long = roll > 1.0 - fate.waits_long
            seconds = self._chance.uniform(61.0, 240.0) if is_long else self._chance.expovariate(2.0)
            self.note(f"{act.name} is put aside for {seconds:.3f} s before {place}")
            self.rest(seconds)

    def statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """The wrapper of every statement (`connection.execute_wrappers`)."""
        words = sql.split(maxsplit=2)
        place = words[0] if words[0] in ("SAVEPOINT", "RELEASE", "ROLLBACK") else " ".join(words[:2])
        self.passes(place)
        act = self.current
        if act is not None and act.exposed and not act.dying and self._chance.random() < self.fate.breaks:
            self.note(f"{act.name}: the database breaks off {place}")
            raise OperationalError("database is locked") from _busy()
        return execute(sql, params, many, context)

    def point(self, name: str) -> None:
        """The watcher of `guards.crash_points`."""
        self.passes(name, is_named=True)

    # --- the baton ----------------------------------------------------------------------------------------------------
    def _die(self, act: Act, place: str) -> None:
        act.dying = True
        self.note(f"{act.name} is killed at {place}")
        raise Death(place)

    def _put(self, act: Act, moment: datetime) -> Turn:
        self._numbers += 1
        # acts planned for one moment do not share its microsecond: rows made by them would have no order of their own
        turn = Turn(moment + timedelta(microseconds=self._numbers % 97), self._numbers, act)
        heapq.heappush(self._queue, turn)
        return turn

    def _let(self, act: Act, *, quiet: bool = False) -> None:
        self.current = act
        if act.thread is None:
            self._alive.append(act)
            act.thread = threading.Thread(target=self._body, args=(act,), name=act.name, daemon=True)
            act.thread.start()
        else:
            act.go.release()
        self._back.acquire()
        self.current = None
        if act.ended:
            act.thread.join()
            self._alive.remove(act)
            if act.error is not None and not quiet:
                raise act.error

    def _give_back(self, act: Act) -> None:
        self._back.release()
        act.go.acquire()
        if act.doomed and not act.dying:
            self._die(act, "where it waits")

    def _body(self, act: Act) -> None:
        connections["default"] = self._connection
        try:
            if not act.doomed:
                act.body()
        except Death:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the scheduler, which raises it in its own thread
            act.error = error
        finally:
            act.ended = True
            self._back.release()
