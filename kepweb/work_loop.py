"""The loop in which a worker works: sweep until nothing is due, sleep, be woken or wake by itself.

Rows are the truth and bells are only bells (design.md 1.6). A worker process has exactly one of these loops, in
one thread, so that one database connection and one key handle are never shared. It looks at all due rows every
`KEP_POLL_SECONDS`, whether or not anybody rang, hence neither beat nor broker is needed for progress.

What a sweep is: a callable without arguments that does one batch of due work and says how many rows it moved. The
loop calls all sweeps of its queue in turn until each of them says 0.

What happens when the database breaks a sweep off (deadlock, lost connection: R-019). The sweep is the unit of work, and
begins again at once on a new connection, a few times, with a growing random pause: two that met in a deadlock must not
meet again. Nothing is written on any row. Only when that does not help is it a failure like others.

What happens to failures. An exception of one sweep never stops the others: it is logged with its traceback, and
that sweep rests for 2, 4, 8, ... 60 seconds before it is tried again. Whatever is not an `Exception` (a worker told
to exit, memory gone) ends the process at once, without clean-up: every step is made so that this is harmless, and
the supervisor starts a new one.

Where any exception at all is caught, so that one failure costs no more than its own piece of work, and nowhere else:

- `mailbox/lot.py`: one row of a lot, or its one commit; what the database raises about itself is passed on.
- `evidence/issue.py`: one proof of a batch, signed or checked; the database is not asked in between.
- `evidence/sealed_papers.py`: one paper, described, printed and sealed; the database's own errors are passed on.
- `accounts/notices.py`: one text and whatever the gateway does with it; the database is not asked either.
- `evidence/periodic.py`: one run of a job, written down and passed on.
- `kepweb/work_loop.py`: one sweep, survived here; and the loop itself, which ends the process.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import close_old_connections
from django.utils.module_loading import import_string

from evidence.interruptions import is_interruption, let_go

from .long_life import look_again

log = logging.getLogger(__name__)

Sweep = Callable[[], int]

LONGEST_REST = 60.0
"""Seconds a failing sweep rests at most."""
BEGIN_AGAIN = 4
"""How often a sweep that the database broke off begins again before it counts as failed."""
FIRST_PAUSE = 0.05
"""Seconds before it first begins again, at most; doubled each time."""
LOT = 50
"""Rows moved by one pass from which on there is no need to wait for more."""
EXIT_STATUS = 70
"""What a process ends with when its loop met something that is no ordinary exception (EX_SOFTWARE)."""


@dataclass
class _Turn:
    """One sweep of the loop with its name and, after a failure, when it may be tried again."""

    name: str
    sweep: Sweep
    failures: int = 0
    rests_until: float = 0.0


class WorkLoop:
    """Runs `sweeps` until `ending` is set; `wake` cuts a sleep short.

    After a pass that moved few rows the next one waits `gather_seconds` for company: one commit for many is most of
    what makes the road fast, and whoever comes to a loop at rest is served at once.
    `after_work` is called once after each pass that moved rows: work done here is often work due elsewhere.
    `heard` is called before each sweep, as a sign of life. `monotonic` is the clock, `end_process` ends the process.
    """

    def __init__(
        self,
        sweeps: Sequence[tuple[str, Sweep]],
        *,
        wake: threading.Event,
        ending: threading.Event,
        poll_seconds: float,
        gather_seconds: float = 0.0,
        after_work: Callable[[], None] = lambda: None,
        heard: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        end_process: Callable[[int], object] = os._exit,
    ) -> None:
        self._turns = [_Turn(name, sweep) for name, sweep in sweeps]
        self._wake, self._ending = wake, ending
        self._poll_seconds, self._gather_seconds = poll_seconds, gather_seconds
        self._after_work = after_work
        self._heard, self._monotonic = heard, monotonic
        self._end_process = end_process

    def run(self) -> None:
        """Work and wait until `ending` is set. Never raises."""
        try:
            while not self._ending.is_set():
                self.sweep_until_empty()
                is_rung = self._wake.wait(self._poll_seconds)
                self._wake.clear()
                if is_rung and self._gather_seconds:  # bells that came just after this one were not rung
                    self.sweep_until_empty()
                    self._ending.wait(self._gather_seconds)
        except BaseException:
            log.critical("ALM-09 the work loop met its end; the process ends with it", exc_info=True)
            logging.shutdown()
            self._end_process(EXIT_STATUS)

    def sweep_until_empty(self) -> int:
        """Call every sweep that may run until all of them say 0; returns how many rows were moved."""
        moved = 0
        while not self._ending.is_set():
            this_pass = sum(self._take(turn) for turn in self._turns)
            close_old_connections()
            look_again()
            if not this_pass:
                break
            moved += this_pass
            self._after_work()
            if this_pass < LOT:
                self._ending.wait(self._gather_seconds)
        return moved

    def _take(self, turn: _Turn) -> int:
        self._heard()
        if self._ending.is_set() or self._monotonic() < turn.rests_until:
            return 0
        look_again()
        try:
            moved = self._whole(turn)
        except Exception as error:  # the boundary of one sweep: the others go on, see above
            turn.failures += 1
            rest = min(2.0**turn.failures, LONGEST_REST)
            turn.rests_until = self._monotonic() + rest
            log.error("sweep %s failed (%s), rests %.0f s", turn.name, type(error).__name__, rest, exc_info=True)
            close_old_connections()
            return 0
        turn.failures = 0
        return moved

    def _whole(self, turn: _Turn) -> int:
        """The sweep from its beginning to its end, begun again where the database broke it off."""
        again = 0
        while True:
            try:
                return turn.sweep()
            except AnyDatabaseError as error:
                let_go(error)
                if again == BEGIN_AGAIN or not is_interruption(error):
                    raise
                log.warning("sweep %s broken off by the database (%s): again", turn.name, type(error).__name__)
            pause = random.uniform(0, FIRST_PAUSE * 2**again)  # noqa: S311 - not a secret: two must not meet again
            if self._ending.wait(pause):
                return 0
            again += 1
            self._heard()


def sweeps_of(queue: str) -> list[tuple[str, Sweep]]:
    """The sweeps that settings name for `queue`, in order; ImportError where a name leads nowhere."""
    return [(path, import_string(path)) for path in settings.KEP_SWEEPS[queue]]
