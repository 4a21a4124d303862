"""Where the time goes: one process takes all sweeps in their order, one after the other, and is timed at each.

    python -m benches.steps --data DIR [--messages N] [--profile STEP]

Nothing runs beside it but the demo PKI (and a broker that nobody listens to), so that the time of a step is its own.
Wall time includes waiting for the authority and for the disk; processor time is this process's; the authority's stands
beside it. With `--profile` that one step runs under cProfile and its functions are listed: a profile distorts, so the
table is never printed from such a run.
"""

import argparse
import cProfile
import io
import json
import pstats
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from . import place
from .floor import Keys

LINES = 45
COUNTED = 10
RAW_CALL = re.compile(r"<method '(sign|verify)' of 'cryptography\.[a-z_.]+\.(?:RSA|EC)(?:Private|Public)Key' objects>")


@dataclass(frozen=True)
class Cost:
    """What one step costs per message, in microseconds."""

    step: str
    wall_us: float
    cpu_us: float
    authority_us: float
    moved: int


def main() -> None:
    """Time every step and write one line of JSON to stdout, or profile one of them."""
    parser = argparse.ArgumentParser(prog="benches.steps")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--provider", default="rsa2048")
    parser.add_argument("--authority", default="rsa2048")
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="", metavar="STEP")
    parser.add_argument("--sort", default="tottime")
    given = parser.parse_args()
    keys = Keys(given.provider, given.authority)
    with place.running(place.plan_of(given.data, workers=1), keys, ("valkey", "demo-pki")) as here:
        place.use(here.environment, role="seal")
        costs, profile = run(here, messages=given.messages, seed=given.seed, profiled=given.profile)
        counted = {} if given.profile else operations_of_one(seed=given.seed)
    if given.profile:
        print(top_of(profile, given.sort))
        return
    steps_table = [asdict(each) for each in costs]
    print(json.dumps({"keys": keys.name, "messages": given.messages, "steps": steps_table, "counted": counted}))


def run(here: place.Place, *, messages: int, seed: int, profiled: str = "") -> tuple[list[Cost], cProfile.Profile]:
    """All steps for a few messages that nobody counts, then for `messages`. KeyError for a step nobody knows."""
    profile = cProfile.Profile()
    _write(5, seed=seed)
    for _name, verb in steps():
        until_empty(verb)
    _write(messages, seed=seed + 1)
    if profiled and profiled not in dict(steps()):
        raise KeyError(f"no such step: {profiled}; there are {', '.join(name for name, _ in steps())}")
    costs = []
    for name, verb in steps():
        with _timed(here, name, messages) as cost, profile if name == profiled else nullcontext():
            moved = until_empty(verb)
        costs.append(cost(moved))
    return costs, profile


def operations_of_one(*, seed: int) -> dict[str, float]:
    """Raw signatures and verifications that this process really makes per message, seen by the profiler: what the
    floor counts (see count.py) must not be more. The authority's own signatures are made elsewhere."""
    profile = cProfile.Profile()
    _write(COUNTED, seed=seed + 2)
    with profile:
        for _name, verb in steps():
            until_empty(verb)
    calls = Counter[str]()
    for (_file, _line, name), (_primitive, number, *_rest) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        found = RAW_CALL.match(name)
        if found:
            calls[found[1]] += number
    return {verb: calls[verb] / COUNTED for verb in ("sign", "verify")}


def steps() -> list[tuple[str, Callable[[], int]]]:
    """The road of a message, sweep by sweep. Opening is the reader's."""
    from mailbox import tasks

    return [
        ("submit", tasks.submit_signed),
        ("check", tasks.check_due),
        ("seal 10", tasks.seal_due),
        ("release", tasks.release_due),
        ("deliver", tasks.deliver_due),
        ("seal 40", tasks.seal_due),
        ("notices", tasks.send_notices_due),
        ("open", _open_unread),
        ("seal 60", tasks.seal_due),
    ]


def until_empty(verb: Callable[[], int]) -> int:
    """Take a sweep until it finds nothing more; how many rows it moved."""
    moved = 0
    while now := verb():
        moved += now
    return moved


def _open_unread() -> int:
    from guards.clock import now as clock
    from mailbox.models import BoxItem
    from mailbox.reading import open_message

    from .writers import reader_of

    unread = BoxItem.objects.filter(folder=BoxItem.Folder.INBOX, opened_at__isnull=True)
    items = list(
        unread.select_related("message", "message__submitted_by", "recipient", "account").prefetch_related(
            "message__recipients"
        )
    )
    now = clock()
    readers = {account: reader_of(account, now=now) for account in {item.account for item in items}}
    for item in items:
        open_message(item, reader=readers[item.account], now=clock())
    return len(items)


@contextmanager
def _timed(here: place.Place, name: str, messages: int) -> Iterator[Callable[[int], Cost]]:
    authority = here.cpu()["demo-pki"]
    wall, cpu = time.perf_counter(), time.process_time()
    ends: list[tuple[float, float, float]] = []

    def cost(moved: int) -> Cost:
        now_wall, now_cpu, now_authority = ends[0]
        each = 1_000_000 / messages
        return Cost(name, (now_wall - wall) * each, (now_cpu - cpu) * each, (now_authority - authority) * each, moved)

    yield cost
    ends.append((time.perf_counter(), time.process_time(), here.cpu()["demo-pki"]))


def _write(messages: int, *, seed: int) -> None:
    from .writers import make_signed

    make_signed(messages, seed=seed)


def top_of(profile: cProfile.Profile, sort: str) -> str:
    """The functions that take most, as text."""
    words = io.StringIO()
    pstats.Stats(profile, stream=words).strip_dirs().sort_stats(sort).print_stats(LINES)
    return words.getvalue()


if __name__ == "__main__":
    main()
