"""R-018 and R-015: more work than may wait, and periodic jobs with two schedulers and with none.

**Too much work.** With a limit of a few pieces and no worker turning, a sender goes on until the door closes. Then
every further request is refused at once, with 503 and a code, never by a time-out; whoever holds a signature already is
still taken; reading goes on. When the workers have turned, the next request is taken, and everything that was taken
arrives, once.

**Two schedulers, or none.** Two processes with one moved clock look for periodic work at the same instants, many times
in each hour; then nobody looks for some hours; then both look again. Each hour has exactly one run, late if need be.
"""

import argparse
import json
import logging
import multiprocessing
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import one_road

AT_ONCE = 2.0
REFUSALS = (200, 20)
HOURS, LOOKS, ABSENT = (48, 6), 8, 5
MOST = 100


def pressure(first: "one_road.Sender", limit: int, *, quick: bool) -> tuple[list[str], dict[str, Any]]:
    """The door closes and opens; what is wrong, and the figures."""
    import one_road

    wrong: list[str] = []
    held = one_road.Sender(first.client, first.imza)
    if not (held.write() and held.ask() and held.offer(one_road.code_of(held.draft))):
        raise SystemExit(f"nothing was taken at all: {held.answers}")
    taken, sender = 0, one_road.Sender(first.client, first.imza)
    while taken < MOST and sender.write() and sender.ask() and sender.sign(one_road.code_of(sender.draft)):
        taken, sender = taken + 1, one_road.Sender(first.client, first.imza)
    if not limit <= taken <= limit + 2:
        wrong.append(f"{taken} were taken with a limit of {limit}")
    if not held.post_signature():
        wrong.append(f"a signature that was ready is refused: {held.answers[-1]}")
    slowest = 0.0
    for _ in range(REFUSALS[quick]):
        began = time.monotonic()
        is_taken = sender.ask()
        slowest = max(slowest, time.monotonic() - began)
        last = sender.answers[-1]
        if is_taken or (last.status, last.code) != (503, "ILT-13"):
            wrong.append(f"not refused as it should be: {last}")
            break
    if slowest > AT_ONCE:
        wrong.append(f"a refusal took {slowest:.1f} s")
    if first.client.get("/giden/").status_code != 200:
        wrong.append("reading does not go on")
    one_road.finish(datetime.now(UTC))
    if not (sender.ask() and sender.sign(one_road.code_of(sender.draft))):
        wrong.append(f"the door stays closed: {sender.answers[-2:]}")
    one_road.finish(datetime.now(UTC))
    wrong += one_road.faults_of_place(messages=taken + 2)
    return wrong, {"taken": taken, "limit": limit, "refused": REFUSALS[quick], "slowest refusal": round(slowest, 2)}


class Tidied(logging.Handler):
    """Counts the hours that a process says it has tidied up for."""

    def __init__(self, total: Any) -> None:
        super().__init__(logging.INFO)
        self._total = total

    def emit(self, record: logging.LogRecord) -> None:
        """`tidied: N dead writes, N hours`."""
        if record.msg.startswith("tidied") and isinstance(record.args, tuple):
            with self._total.get_lock():
                self._total.value += int(str(record.args[1]))


def look(hours: list[datetime], barrier: Any, total: Any) -> None:
    """One scheduler: at each of these hours it looks several times, at the same instant as the other one."""
    import django

    django.setup()
    from evidence import periodic
    from kepweb import hygiene

    hygiene.log.addHandler(Tidied(total))
    for hour in hours:
        barrier.wait()
        for number in range(LOOKS):
            periodic.forget()  # else it would not even ask again in this hour
            hygiene.tidy(hour + timedelta(seconds=number))


def schedulers(*, quick: bool) -> tuple[list[str], dict[str, Any]]:
    """Two of them, a silence, two of them again; what is wrong, and the figures."""
    from django.db import connections

    from evidence.models import PeriodicRun

    connections.close_all()
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    count = HOURS[quick]
    watched = [
        begin + timedelta(hours=number) for number in range(count) if not count // 3 <= number < count // 3 + ABSENT
    ]
    watched.append(begin + timedelta(hours=count + ABSENT))
    context = multiprocessing.get_context("spawn")
    barrier, total = context.Barrier(2), context.Value("i", 0)
    both = [context.Process(target=look, args=(watched, barrier, total)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(300)
    wrong = [f"a scheduler ended with {each.exitcode}" for each in both if each.exitcode]
    runs = Counter(PeriodicRun.objects.filter(job="tidy", finished_at__isnull=False).values_list("period", flat=True))
    hours = [begin + timedelta(hours=number) for number in range(count + ABSENT + 1)]
    wrong += [f"{hour:%H:%M} has {runs[hour]} runs" for hour in hours if runs[hour] != 1]
    wrong += [f"not an hour: {each}" for each in runs if each not in hours]
    if total.value != len(hours):
        wrong.append(f"{total.value} hours were tidied up for instead of {len(hours)}")
    return wrong, {"hours": len(hours), "runs": sum(runs.values()), "looks": 2 * LOOKS * len(watched)}


def main() -> None:
    """Both; one JSON line each on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    import django

    django.setup()
    import one_road
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    with one_road.listening():
        first = one_road.found_place(given.pki).sender
        parts = {"pressure": pressure(first, settings.KEP_QUEUE_MOST_WORK, quick=given.quick)}
        parts["schedulers"] = schedulers(quick=given.quick)
    for name, (wrong, figures) in parts.items():
        print(json.dumps({"case": name, "wrong": wrong, "figures": figures}))


if __name__ == "__main__":
    sys.exit(main())
