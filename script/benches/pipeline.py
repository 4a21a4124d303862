"""The pipeline against the floor, in short turns: `python -m benches.pipeline`, one kind of keys per process.

One turn: signatures are prepared while everybody else stands still; the floor runs; the workers are let go, the clock
runs until every message of the turn has its proofs 10, 40 and 60 sealed; the workers are stopped, the floor runs again.
The ratio of the turn is the pipeline's rate over the mean of the two floors. Whatever the machine is doing besides hits
both, and the median over the turns is what counts (measured.md).

Workers are the ones of script/start.py with their broker and their bells; the reader opens each message by the verb of
the page as soon as it lies in the box. Processor time is read from /proc before and after, by kind of process.
"""

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import place
from .floor import Floor, Keys

PATIENCE = 60.0
"""Seconds without one more sealed proof after which a turn has failed."""
POLL = 0.02


@dataclass(frozen=True)
class Turn:
    """One turn: messages per second of the pipeline and of the floor, and milliseconds of processor per message."""

    messages: int
    seconds: float
    rate: float
    floor: float
    cpu_ms: dict[str, float]

    @property
    def ratio(self) -> float:
        """Pipeline over floor."""
        return self.rate / self.floor


def main() -> None:
    """Run the turns and write one line of JSON to stdout; everything else goes to stderr."""
    parser = argparse.ArgumentParser(prog="benches.pipeline")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--provider", default="rsa2048")
    parser.add_argument("--authority", default="rsa2048")
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=("embedded", "production"), default="embedded")
    given = parser.parse_args()
    keys = Keys(given.provider, given.authority)
    with provider(given.profile, given.data, keys, workers=given.workers) as here:
        place.use(here.environment)
        turns = run(here, keys, messages=given.messages, turns=given.turns, seed=given.seed)
    ratios = sorted(turn.ratio for turn in turns)
    record = {
        "keys": keys.name,
        "profile": given.profile,
        "workers": given.workers,
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "rate": statistics.median(turn.rate for turn in turns),
        "floor": statistics.median(turn.floor for turn in turns),
        "cpu_ms": {kind: statistics.median(turn.cpu_ms[kind] for turn in turns) for kind in sorted(turns[0].cpu_ms)},
        "turns": [asdict(turn) for turn in turns],
    }
    print(json.dumps(record))


KINDS = ("valkey", "demo-pki", "deliver", "seal")


def provider(profile: str, data: Path, keys: Keys, *, workers: int) -> AbstractContextManager[place.Place]:
    """The running provider of a profile."""
    if profile == "production":
        from . import production

        return production.running(data, keys, workers=workers)
    return place.running(place.plan_of(data, workers=workers), keys, KINDS)


def run(here: place.Place, keys: Keys, *, messages: int, turns: int, seed: int) -> list[Turn]:
    """All turns of one kind of keys, after one short one that nobody counts."""
    from .count import count

    cores = os.cpu_count() or 1
    here.add(place.reader(here))
    here.signal(signal.SIGSTOP)
    with Writing(here, cores) as writing:
        writing.make(cores * 4, seed=seed)
        one_turn(here, cores * 4, floor=None)
        size = _size_of_an_original()
        done = []
        with Floor(keys, count(), size=size, cores=cores) as floor:
            for number in range(turns):
                writing.make(messages, seed=seed * 1000 + number)
                turn = one_turn(here, messages, floor=floor)
                done.append(turn)
                print(
                    f"  {keys.name} turn {number + 1}: {turn.rate:.1f}/s, floor {turn.floor:.0f}/s, "
                    f"ratio {turn.ratio:.3f}",
                    file=sys.stderr,
                    flush=True,
                )
    return done


class Writing:
    """Processes that prepare signatures, one per core."""

    def __init__(self, here: place.Place, cores: int) -> None:
        self._cores = cores
        self._pool = multiprocessing.get_context("spawn").Pool(cores, place.use, (dict(here.environment),))

    def __enter__(self) -> "Writing":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.terminate()

    def make(self, messages: int, *, seed: int) -> None:
        """So many operations at SIGNED."""
        shares = [messages // self._cores + (number < messages % self._cores) for number in range(self._cores)]
        self._pool.starmap(prepare, [(share, seed * self._cores + number) for number, share in enumerate(shares)], 1)


def prepare(messages: int, seed: int) -> None:
    """One process's share."""
    from .writers import make_signed

    make_signed(messages, seed=seed)


def one_turn(here: place.Place, messages: int, *, floor: Floor | None) -> Turn:
    """Floor, pipeline, floor. RuntimeError when the pipeline stands still."""
    from .count import proofs_of_the_road

    before = floor.rate(messages) if floor else 1.0
    wanted = messages * len(proofs_of_the_road())
    base, spent = _last_seal(), here.cpu()
    began = time.perf_counter()
    here.signal(signal.SIGCONT)
    _wait_for_seals(base, wanted)
    seconds = time.perf_counter() - began
    cpu = {kind: (now - spent[kind]) / messages * 1000 for kind, now in here.cpu().items()}
    time.sleep(0.2)  # what is left of the turn, notices and event log, belongs to it and not to the floor
    here.signal(signal.SIGSTOP)
    after = floor.rate(messages) if floor else 1.0
    return Turn(messages, seconds, messages / seconds, (before + after) / 2, cpu)


def _last_seal() -> int:
    from evidence.models import SealedEvidence

    return SealedEvidence.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _wait_for_seals(base: int, wanted: int) -> None:
    """Counting takes the processor that is being measured: before keys say that it is worth while nobody counts."""
    from evidence.models import SealedEvidence

    last, moved_at = base, time.monotonic()
    while last - base < wanted or SealedEvidence.objects.filter(pk__gt=base).count() < wanted:
        time.sleep(POLL)
        now = _last_seal()
        if now > last:
            last, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE:
            raise RuntimeError(f"the pipeline stands still at about {last - base} of {wanted} proofs")


def _size_of_an_original() -> int:
    from mailbox.models import Message

    size = Message.objects.order_by("-pk").values_list("size", flat=True).first()
    if size is None:
        raise RuntimeError("no message has come through")
    return int(size)


if __name__ == "__main__":
    main()
