"""One seed: a provider with four workers, a handful of people, authorities of changing mood, and everything that fails.

First there is trouble, as the seed has it; then all is well again and the clock runs on until nothing is due any more.
What must hold is looked at after every step (`watch`), and once more at the end.
"""

import hashlib
import random
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import process_time

from django.db import connection, connections

from guards import clock, crash_points

from . import present
from .ending import check_end
from .outside import Network, weather
from .people import People
from .scheduler import Endless, Fate, Scheduler
from .stage import START, Stage
from .watch import Violation, Watch
from .workers import QUEUES, Worker

TROUBLES = ("kills", "waits", "weather", "power", "bells", "deeds", "offices", "database")
"""Kinds of trouble a seed may have: processes killed; put aside for longer than a claim; authorities in a mood; power
cuts; bells lost or doubled; people who change their mind; accounts, rights and certificates that end; statements that
the database breaks off."""
MOST_STEPS = 20_000
_LONG = timedelta(minutes=15)


@dataclass(frozen=True)
class Outcome:
    """What became of one seed. `digest` is of its whole trace: the same seed gives the same one."""

    seed: int
    troubles: tuple[str, ...]
    digest: str
    steps: int
    messages: int
    proofs: int
    kills: int
    seconds: float
    violation: str = ""
    trace: tuple[str, ...] = ()


class World:
    """Everything of one seed. Made, run once, and thrown away."""

    def __init__(self, stage: Stage, seed: int, *, without: Collection[str] = ()) -> None:
        self.stage, self.seed = stage, seed
        drawn = self._chance("troubles")
        wanted = [each for each in TROUBLES if drawn.random() < 0.55]  # drawn first: `without` changes nothing else
        self.troubles = tuple(each for each in wanted if each not in without)
        self.pace, self._ears = self._chance("pace"), self._chance("ears")
        self._storm_ends = START + timedelta(seconds=drawn.choice((120, 600, 3600, 95_000)))
        self._cuts: list[tuple[datetime, datetime]] = []
        self.scheduler = Scheduler(START, connections["default"], self._chance("order"), self._fate(drawn))
        spells = weather(self._chance("weather"), START, hours=25) if self.has("weather") else []
        self.network = Network(stage.authorities, spells, self._chance("network"))
        self._cut_power(drawn)
        self.watch = Watch(self.scheduler)
        self.people = People(self, self._chance("people"))
        self.workers = {queue: [Worker(self, queue, number) for number in (1, 2)] for queue in QUEUES}
        self._steps = 0
        self._seen_changes = -1

    # --- the run ------------------------------------------------------------------------------------------------------
    def run(self, *, keep_trace: bool = False) -> Outcome:
        """Play the seed out. Never raises for what the product does: that is the outcome's `violation`."""
        began = process_time()
        self.stage.restore()
        present.enter(self)
        clock.follow(lambda: self.scheduler.now)
        crash_points.watch(self.scheduler.point)
        violation = ""
        try:
            with connection.execute_wrapper(self._statement):
                self._play()
        except Violation as error:
            violation = str(error)
        except Endless as error:
            violation = f"comes to rest: {error}"
        except Exception as error:  # noqa: BLE001 - whatever comes out of the product here is what is looked for
            violation = f"only typed refusals: {type(error).__name__}: {error}"
        finally:
            crash_points.watch(None)
            if violation:
                self.scheduler.note(f"VIOLATION {violation}")
            self.scheduler.end()
            clock.follow(None)
            present.enter(None)
        return self._outcome(violation, process_time() - began, keep_trace=keep_trace)

    def _play(self) -> None:
        self.people.begin()
        for begins, ends in self._cuts:
            after = (begins - START).total_seconds()
            self.scheduler.plan("power cut", lambda until=ends: self._power_cut(until), after=after, at_once=True)
        self.scheduler.run(self._storm_ends, self._each_step)
        self.scheduler.note("all is well again")
        self.scheduler.fate = Fate()
        self.network.clear()
        self.scheduler.run(self.scheduler.now + timedelta(days=9), self._each_step)
        self.watch.look()
        check_end(self)

    def _each_step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Endless(f"{MOST_STEPS} steps")
        if connection.in_atomic_block:
            raise Violation("transactions end", "an act gave up the baton inside a transaction")
        changes = connection.connection.total_changes
        if changes != self._seen_changes:
            self._seen_changes = changes
            self.watch.look()
            self.people.look()
        for queue, workers in self.workers.items():
            moment = self.watch.next_due(queue)
            for worker in workers:
                worker.due(moment)

    def _statement(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        answer = self.scheduler.statement(execute, sql, params, many, context)
        if "claimed_by" in sql and sql.startswith("UPDATE"):
            self.watch.look_at_claims()
        return answer

    # --- what the parts ask -------------------------------------------------------------------------------------------
    def ring(self, queue: str) -> None:
        """A bell rings for `queue`: one of its workers hears it, or nobody, or both."""
        hears = self._ears.random()
        one, other = self._ears.sample(self.workers[queue], 2)
        if not self.has("bells") or hears > 0.4:
            one.ring()
        elif hears < 0.1:
            one.ring()
            other.ring()

    def enter_network(self, service: str) -> Scheduler:
        """Somebody asks the outside: a place to be put aside or killed, and never inside a transaction."""
        if connection.in_atomic_block:
            raise Violation("no network in a transaction", service)
        self.scheduler.passes(f"asking {service}", is_named=True)
        return self.scheduler

    def alarm(self, text: str) -> None:
        """The product logged an error."""
        self.watch.alarms.append(text)

    def is_off(self) -> bool:
        """Whether there is no power now."""
        return self.power_after(self.scheduler.now) > self.scheduler.now

    def power_after(self, moment: datetime) -> datetime:
        """`moment`, or when the power comes back if there is none then."""
        for begins, ends in self._cuts:
            if begins <= moment < ends:
                return ends
        return moment

    def has(self, trouble: str) -> bool:
        """Whether the seed has this kind of trouble."""
        return trouble in self.troubles

    # --- inside -------------------------------------------------------------------------------------------------------
    def _chance(self, stream: str) -> random.Random:
        return random.Random(f"{self.seed}:{stream}")  # noqa: S311 - not a secret: a run must be repeatable

    def _fate(self, drawn: random.Random) -> Fate:
        often = drawn.choice((0.3, 1.0, 3.0))
        kills, waits = self.has("kills") * often, self.has("waits") * often
        return Fate(0.02 * kills, 0.0008 * kills, 0.02 * waits, 0.002 * waits, 0.002 * often * self.has("database"))

    def _cut_power(self, drawn: random.Random) -> None:
        if self.has("power"):
            for _ in range(drawn.choice((1, 2))):
                begins = START + timedelta(seconds=drawn.uniform(1, 400))
                self._cuts.append((begins, begins + timedelta(seconds=drawn.choice((5, 90, 1200)))))
        for spell in self.network.spells:  # nobody waits a day in front of a dead service: the house is dark as well
            if spell.ends - spell.begins > _LONG:
                begins, ends = spell.begins + timedelta(minutes=3), spell.ends - timedelta(minutes=2)
                self._cuts.append((begins, ends))
        self._cuts.sort()

    def _power_cut(self, until: datetime) -> None:
        self.scheduler.note(f"power cut for {(until - self.scheduler.now).total_seconds():.0f} s")
        self.scheduler.kill_all()

    def _outcome(self, violation: str, seconds: float, *, keep_trace: bool) -> Outcome:
        trace = self.scheduler.trace
        counted = connection.connection.execute(
            "SELECT (SELECT count(*) FROM mailbox_message), (SELECT count(*) FROM evidence_sealedevidence)"
        ).fetchone()
        return Outcome(
            seed=self.seed,
            troubles=self.troubles,
            digest=hashlib.sha256("\n".join(trace).encode()).hexdigest(),
            steps=self._steps,
            messages=counted[0],
            proofs=counted[1],
            kills=sum(" is killed at " in line for line in trace),
            seconds=seconds,
            violation=violation,
            trace=tuple(trace) if keep_trace or violation else (),
        )


def with_violation(outcome: Outcome, violation: str) -> Outcome:
    """The same outcome, of a seed that failed elsewhere."""
    return replace(outcome, violation=violation)
