"""The workers: the product's own loop over its own sweeps, woken by bells and by the clock, and killed now and then.

There are two of each kind. A worker looks when it is rung for, and otherwise within two seconds of the moment when
something is due, which is what looking every two seconds comes to; a killed one is started again by a supervisor.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from kepweb.work_loop import WorkLoop

from .scheduler import Death, Turn

if TYPE_CHECKING:
    from .world import World

QUEUES = ("deliver", "seal")
IDLE_TURNS = 0.2
"""How many of the turns that can find nothing are played all the same: they cost as much as the others, change nothing,
and would be most of all turns."""
NOT_PLAYED = ("mailbox.tasks.bundles_due",)
"""Sweeps whose rows nobody makes here: bundles are asked for by pages."""


class Ending(threading.Event):
    """Never set; and whoever waits for it, before a broken sweep begins again, lets others go on meanwhile."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def wait(self, timeout: float | None = None) -> bool:
        """Rest as long as the seed says: the loop's own pause is drawn by nobody's seed."""
        self._world.scheduler.rest(self._world.pace.uniform(0.0, 0.4))
        return False


class Worker:
    """One worker process of one queue."""

    def __init__(self, world: "World", queue: str, number: int) -> None:
        self._world, self.queue, self.name = world, queue, f"{queue}-{number}"
        self._sweeps = [
            (path, self._sweep(path))
            for path in settings.KEP_SWEEPS[queue]
            if path.startswith("mailbox.") and path not in NOT_PLAYED
        ]
        self._planned: Turn | None = None
        self._due_at: datetime | None = None
        self._heard = self._is_turning = self._was_rung = False
        self._loop = self._started()

    def due(self, moment: datetime | None) -> None:
        """The next thing is due at `moment`, or nothing is: look within two seconds of it, and not before."""
        if self._is_turning or (self._heard and self._planned is not None):
            return
        if moment != self._due_at:
            self._forget()
        if moment is not None and self._planned is None:
            self._due_at = moment
            late = self._world.pace.uniform(0.0, float(settings.KEP_POLL_SECONDS))
            self._look_at(max(moment, self._world.scheduler.now) + timedelta(seconds=late))

    def ring(self) -> None:
        """The bell was heard."""
        if self._is_turning:
            self._was_rung = True
        elif not self._heard:
            self._forget()
            self._heard = True
            self._look_at(self._world.scheduler.now + timedelta(milliseconds=self._world.pace.uniform(1, 20)))

    def _forget(self) -> None:
        """Whatever was planned is not."""
        if self._planned is not None:
            self._planned.is_off = True
        self._planned, self._heard, self._due_at = None, False, None

    def _look_at(self, moment: datetime) -> None:
        scheduler = self._world.scheduler
        after = (self._world.power_after(moment) - scheduler.now).total_seconds()
        self._planned = scheduler.plan(self.name, self._turn, after=after)

    def _turn(self) -> None:
        world = self._world
        self._planned, self._heard, self._due_at = None, False, None
        if world.is_off():
            return  # what is due is planned again after this step, for when the power is back
        due = world.watch.next_due(self.queue)
        if (due is None or due > world.scheduler.now) and world.pace.random() > IDLE_TURNS:
            return
        self._is_turning = True
        is_killed, moved = True, 0
        try:
            with world.scheduler.exposing() as act:
                moved, is_killed = self._loop.sweep_until_empty(), False
        except Death:
            self._loop = self._started()
        finally:
            self._is_turning = False
        world.scheduler.note(f"{self.name} moved {moved} rows over {act.places} places")
        if is_killed:  # the supervisor starts another one, which looks at once
            self._heard = True
            self._look_at(world.scheduler.now + timedelta(seconds=world.pace.uniform(1, 5)))
        elif self._was_rung:
            self.ring()
        self._was_rung = False

    def _started(self) -> WorkLoop:
        scheduler = self._world.scheduler
        begun = scheduler.now
        return WorkLoop(
            self._sweeps,
            wake=threading.Event(),
            ending=Ending(self._world),
            poll_seconds=float(settings.KEP_POLL_SECONDS),
            after_work=lambda: [self._world.ring(other) for other in QUEUES if other != self.queue] and None,
            monotonic=lambda: (scheduler.now - begun).total_seconds(),
        )

    def _sweep(self, path: str) -> Callable[[], int]:
        return partial(self._sweep_now, import_string(path))

    def _sweep_now(self, sweep: Callable[[datetime], int]) -> int:
        return sweep(self._world.scheduler.now)
