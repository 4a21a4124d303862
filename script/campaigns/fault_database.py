"""R-019: one statement in a hundred ends in a deadlock, a serialisation failure or a lost connection.

On PostgreSQL the server raises them itself: a trigger on every table the road writes to counts statements in a
sequence, which no rollback turns back, and by a hash of that number and the seed raises 40P01 or 40001 or ends its own
backend; beside that a neighbour ends random backends whatever they do just then, a COMMIT too. On SQLite a neighbour
process holds the write lock for longer than the busy timeout, which this run's settings make short.

Senders post through the pages and repeat what was refused; two threads work, one as `deliver` and one as `seal`. At
the end every message exists once with each item and proof once, `kepcheck` is clean, every refusal was a clean 503,
what was answered with success exists, and no row was ever blamed: a try that counts would park work that nothing is
wrong with.
"""

import argparse
import json
import multiprocessing
import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import one_road

Answer = TypeVar("Answer")

SIZES = {"postgresql": (2_000, 50), "sqlite": (500, 30)}
"""Messages of the long and of the quick run."""
ONE_IN = 100
WRITTEN = ("signing_", "mailbox_", "evidence_", "accounts_smsnotice", "django_session")
REPEATS = 20
ROUNDS, STEP = 24, timedelta(seconds=65)
"""How often the clock is moved on, past the claims of work that was broken off, when nothing moves by itself any more.
In all it stays below half an hour: a signature whose visit has ended meanwhile would rightly be turned back."""
TURNS = 5_000
WAVE = 250
"""Messages sent before the workers have a turn."""
KILL_AFTER = (20, 60)
"""Statements between two backends that the neighbour ends: by work done, or a slow machine would never get on."""
HOLD_FOR, REST_FOR = (0.3, 0.9), (0.2, 1.5)
FAULTS = """
CREATE SEQUENCE fault_statements; CREATE SEQUENCE fault_deadlocks;
CREATE SEQUENCE fault_serialisations; CREATE SEQUENCE fault_lost;
CREATE FUNCTION fault_now_and_then() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE number bigint := abs(hashint8(nextval('fault_statements') # {seed})) % ({one_in} * 3);
BEGIN
  IF number = 0 THEN
    PERFORM nextval('fault_deadlocks');
    RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
  ELSIF number = 1 THEN
    PERFORM nextval('fault_serialisations');
    RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
  ELSIF number = 2 THEN
    PERFORM nextval('fault_lost');
    PERFORM pg_terminate_backend(pg_backend_pid());
  END IF;
  RETURN NULL;
END $$;
"""
TRIGGER = (
    'CREATE TRIGGER fault_now_and_then BEFORE INSERT OR UPDATE OR DELETE ON "{}" '
    "FOR EACH STATEMENT EXECUTE FUNCTION fault_now_and_then()"
)


class PostgresFaults:
    """The trigger, and a neighbour that ends backends."""

    def __init__(self, seed: int) -> None:
        from django.db import connection

        self._chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
        self._ending = threading.Event()
        self._killed = 0
        with connection.cursor() as cursor:
            cursor.execute(FAULTS.format(seed=seed, one_in=ONE_IN))
            for table in connection.introspection.table_names(cursor):
                if table.startswith(WRITTEN):
                    cursor.execute(TRIGGER.format(table))
        self._parameters = connection.get_connection_params()

    @contextmanager
    def happening(self) -> Iterator[None]:
        """Faults while the block runs, and none after it."""
        killer = threading.Thread(target=self._kill, daemon=True)
        killer.start()
        try:
            yield
        finally:
            self._ending.set()
            killer.join()
            self._stop()

    def counts(self) -> Counter[str]:
        """How often each happened."""
        from django.db import connection

        found = Counter({"backends ended by a neighbour": self._killed})
        with connection.cursor() as cursor:
            for name in ("fault_statements", "fault_deadlocks", "fault_serialisations", "fault_lost"):
                cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")  # noqa: S608
                found[name.removeprefix("fault_")] = cursor.fetchone()[0]
        return found

    def _kill(self) -> None:
        import psycopg

        known = {name: self._parameters[name] for name in ("dbname", "user", "password", "host", "port")}
        with psycopg.connect(**known, autocommit=True) as neighbour:
            due = self._chance.randint(*KILL_AFTER)
            while not self._ending.wait(0.02):
                seen = neighbour.execute("SELECT last_value FROM fault_statements").fetchone()
                if seen is None or seen[0] < due:
                    continue
                due = seen[0] + self._chance.randint(*KILL_AFTER)
                others = neighbour.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
                if others:
                    neighbour.execute("SELECT pg_terminate_backend(%s)", self._chance.choice(others))
                    self._killed += 1

    def _stop(self) -> None:
        from django.db import connection

        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT event_object_table FROM information_schema.triggers WHERE trigger_name = 'fault_now_and_then'"
            )
            for table in {row[0] for row in cursor.fetchall()}:
                cursor.execute(f'DROP TRIGGER fault_now_and_then ON "{table}"')


class SqliteFaults:
    """A neighbour process that holds the write lock for too long."""

    def __init__(self, seed: int) -> None:
        from django.conf import settings

        self._file, self._seed = str(settings.DATABASES["default"]["NAME"]), seed
        self._held = multiprocessing.get_context("spawn").Value("i", 0)

    @contextmanager
    def happening(self) -> Iterator[None]:
        """The neighbour lives while the block runs."""
        neighbour = multiprocessing.get_context("spawn").Process(
            target=hold_now_and_then, args=(self._file, self._seed, self._held), daemon=True
        )
        neighbour.start()
        try:
            yield
        finally:
            neighbour.kill()
            neighbour.join()

    def counts(self) -> Counter[str]:
        """How often the lock was held."""
        return Counter({"locks held too long": self._held.value})


def hold_now_and_then(file: str, seed: int, held: Any) -> None:
    """The neighbour's life."""
    chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
    other = sqlite3.connect(file, isolation_level=None, timeout=30)
    while True:
        time.sleep(chance.uniform(*REST_FOR))
        other.execute("BEGIN IMMEDIATE")
        held.value += 1
        time.sleep(chance.uniform(*HOLD_FOR))
        other.execute("ROLLBACK")


def send(first: "one_road.Sender", count: int, wrong: list[str]) -> int:
    """`count` messages by a sender who repeats whatever was refused; how many refusals he heard."""
    import one_road

    refusals = 0
    for _ in range(count):
        sender = one_road.Sender(first.client, first.imza)
        is_signed = False
        for _ in range(REPEATS):
            if sender.signature:
                is_signed = sender.post_signature()
            elif sender.draft:
                is_signed = sender.ask() and sender.sign(_patient(partial(one_road.code_of, sender.draft)))
            else:
                sender.write()
            if is_signed:
                break
        if not is_signed:
            wrong.append(f"not signed after {REPEATS} tries: {sender.answers[-3:]}")
        wrong += [f"not a clean answer: {each}" for each in sender.answers if not each.is_clean]
        refusals += sum(each.status >= 400 for each in sender.answers)
    return refusals


def _patient(look: Callable[[], Answer]) -> Answer:
    """What the driver itself asks of the database, however often that takes."""
    from django.db import Error, connection

    while True:
        try:
            return look()
        except Error:
            connection.close()


def work(now: datetime) -> int:
    """One turn of both queues at once, each in a thread and on a connection of its own; how many rows moved."""
    import one_road
    from django.conf import settings
    from django.db import connection

    moved = []

    def turn(queue: str) -> None:
        moved.append(one_road.work(now, queue))
        connection.close()

    threads = [threading.Thread(target=turn, args=(queue,)) for queue in settings.KEP_SWEEPS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(moved)


def main() -> None:
    """One database; one JSON line on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--messages", type=int, default=0)
    given = parser.parse_args()
    import django

    django.setup()
    import one_road
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", interactive=False, verbosity=0)
    count = given.messages or SIZES[connection.vendor][given.quick]
    first, wrong = one_road.found_place(given.pki).sender, list[str]()
    faults = (PostgresFaults if connection.vendor == "postgresql" else SqliteFaults)(given.seed)
    began, now, rounds, turns = time.monotonic(), datetime.now(UTC), 0, 0
    with one_road.listening() as heard:
        with faults.happening():
            refusals = 0
            for sent in range(0, count, WAVE):  # more than a wave at once would be refused, rightly
                refusals += send(first, min(WAVE, count - sent), wrong)
                work(datetime.now(UTC))
            now = datetime.now(UTC)
            while rounds < ROUNDS and turns < TURNS and not _patient(lambda: one_road.is_all_done(count)):
                turns += 1
                if not work(now):
                    rounds, now = rounds + 1, now + STEP
        wrong += [] if one_road.is_all_done(count) else [f"not done after {turns} turns and {rounds} rounds"]
        wrong += one_road.faults_of_place(messages=count)
    blamed = [each for each in heard if "put back" in each or "could not be sealed" in each]
    if blamed:
        wrong.append(f"{len(blamed)} rows were blamed for what the database did: {blamed[0]}")
    counts = dict(faults.counts())
    if not sum(number for name, number in counts.items() if name != "statements"):
        wrong.append("no fault happened")
    figures = {"messages": count, "refusals": refusals, "turns": turns, "rounds": rounds, **counts}
    figures["begun again"] = sum("broken off by the database" in each for each in heard)
    figures["messages per second"] = round(count / (time.monotonic() - began), 1)
    print(json.dumps({"case": f"database:{connection.vendor}", "wrong": wrong, "figures": figures}))


if __name__ == "__main__":
    sys.exit(main())
