"""Kill everything, again and again, while messages are on their way; then count what was lost or done twice
(R-001..R-003).

Messages are posted to the signer's completing door over HTTP; recipients sign in and open some. A plan made from the
seed says after which acknowledgement which kind of process dies, and which one of its kind: the web's master and its
workers, deliver, seal, beat, the broker, the demo PKI as the outside service; the broker is flushed; in production
PostgreSQL is stopped at once. Each blow waits until work is unfinished, by a query just before it, and until somebody
is there to be struck. What dies comes back by the supervisor alone, and how long that takes is measured (R-031).

At the end everything owed is awaited, all processes end, and `campaigns.history` and `kepcheck` look at what is
there. The figure is what they find, and must be nothing. The relay does not exist yet and is not among the victims.
"""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from campaigns import reading, run
from campaigns.deployment import Blow, Deployment, Kind

FULL_KILLS, FULL_MESSAGES, OF_EACH = 500, 20_000, 40
QUICK_KILLS, QUICK_MESSAGES = 16, 160
OCTETS, SHARE_OPENED, LOOK_EVERY = 1_500, 0.3, 0.5
LONGEST_RECOVERY = 60.0
WAIT_FOR_VICTIM, STUCK = 120.0, 180.0
GAP = (0.1, 1.5)
"""Seconds between two blows, drawn for each."""
WEIGHTS = {Kind.DELIVER: 3, Kind.SEAL: 3, Kind.WEB_WORKER: 2, Kind.WEB_MASTER: 2}
"""How much oftener a kind is struck than the others, beyond what each must get."""


@dataclass(frozen=True)
class Planned:
    """One blow to come: after so many acknowledgements and a pause, at the `choice`-th of its kind."""

    number: int
    after: int
    pause: float
    kind: Kind
    choice: int


@dataclass
class Landed:
    """One blow that came: what was unfinished just before, and after how long what it struck worked again.

    `again` is the blow that struck the same before that, from which the time to come back is then counted.
    """

    planned: Planned
    victim: str
    at: float
    acked: int
    unfinished: dict[str, int]
    recovered: float | None = None
    again: int | None = None


@dataclass
class Storm:
    """The blows of a run, and the watch over what they struck."""

    deployment: Deployment
    began: float = field(default_factory=time.time)
    landed: list[Landed] = field(default_factory=list)
    missed: list[Planned] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open: list[tuple[Landed, Blow]] = []
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._watch = threading.Thread(target=self._watching, daemon=True)
        self._watch.start()

    def strike(self, planned: Planned, acked: int, more_work: Callable[[], None]) -> None:
        """Let one blow fall as soon as there is work in hand and somebody to strike; `more_work` brings some."""
        from campaigns import unfinished

        until = time.monotonic() + WAIT_FOR_VICTIM
        while time.monotonic() < until:
            more_work()
            owed = unfinished.patiently(unfinished.due)
            blow = self.deployment.strike(planned.kind, planned.choice) if any(owed.values()) else None
            if blow is not None:
                landed = Landed(planned, blow.victim, round(blow.at - self.began, 3), acked, owed)
                self.landed.append(landed)
                with self._lock:
                    for earlier, one in [each for each in self._open if each[1].place == blow.place]:
                        earlier.again = planned.number
                        self._open.remove((earlier, one))
                    self._open.append((landed, blow))
                return
            time.sleep(0.05)
        self.missed.append(planned)

    def _watching(self) -> None:
        while not self._ending.wait(0.1):
            with self._lock:
                waiting = list(self._open)
            for landed, blow in waiting:
                if self.deployment.is_back(blow):
                    with self._lock:
                        if (landed, blow) in self._open:
                            landed.recovered = round(time.time() - blow.at, 2)
                            self._open.remove((landed, blow))

    def end(self) -> None:
        """Wait until everything struck works again, a minute at most, and end the watch."""
        until = time.monotonic() + LONGEST_RECOVERY
        while time.monotonic() < until and self._open:
            time.sleep(0.1)
        self._ending.set()
        self._watch.join()


def plan(kinds: Sequence[Kind], *, seed: int, kills: int, messages: int, quick: bool = False) -> list[Planned]:
    """Every blow of a run; the same seed, sizes and kinds give the same list.

    Each kind gets its share first, at most forty, the rest falls by weight; the order is drawn. In the quick size the
    workers die first, so that the minute for which their claims still count passes while the others die.
    """
    chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
    share = min(OF_EACH, kills // len(kinds))
    struck = [kind for kind in kinds for _ in range(share)]
    struck += chance.choices(kinds, [WEIGHTS.get(kind, 1) for kind in kinds], k=kills - len(struck))
    chance.shuffle(struck)
    if quick:
        struck.sort(key=lambda kind: kind not in (Kind.DELIVER, Kind.SEAL))
    step = messages * 0.95 / kills
    return [
        Planned(
            number,
            int(step * (number - chance.random())),
            round(chance.uniform(*GAP), 2),
            kind,
            chance.randrange(1 << 16),
        )
        for number, kind in enumerate(struck, start=1)
    ]


def storm(deployment: Deployment, blows: Sequence[Planned], posting: "Gate", progress: run.Progress) -> Storm:
    """Carry the plan out while the client posts, never so far ahead that a later blow would find nothing to do."""
    going = Storm(deployment)
    for planned, following in zip(blows, [*blows[1:], None], strict=True):
        ahead = following.after if following else planned.after
        while (acked := progress.acked()) < planned.after and posting.goes_on():
            posting.open(acked, most=ahead)
            time.sleep(0.1)
        time.sleep(planned.pause)
        going.strike(planned, acked, more_work=lambda most=ahead: posting.one_more(progress.acked(), most=most))
    while posting.goes_on():
        posting.open(progress.acked())
        time.sleep(0.1)
    going.end()
    return going


class Gate:
    """Lets the client post only as much as keeps the work in hand within bounds: storm and load end together."""

    def __init__(self, process: "subprocess.Popen[str]", *, most: int) -> None:
        self._process, self._most, self._allowed = process, most, 0
        self._seen, self._seen_at = 0, time.monotonic()

    def goes_on(self) -> bool:
        """Whether the client still runs."""
        return self._process.poll() is None

    def one_more(self, acked: int, *, most: int) -> None:
        """Allow a message more than were acknowledged, or as many as are owed anyway up to `most`."""
        self.open(acked, most=max(most, acked + 1), least=acked + 1)

    def open(self, acked: int, *, most: int | None = None, least: int = 0) -> None:
        """Allow so much more that no more rows are owed than are to be, `most` messages in all and `least` anyway."""
        from campaigns import unfinished

        owed = sum(unfinished.patiently(unfinished.due).values())
        if acked != self._seen:
            self._seen, self._seen_at = acked, time.monotonic()
        is_stuck = time.monotonic() - self._seen_at > STUCK  # the run must end, and say at its end what was left
        room = self._most if is_stuck else max(0, self._most - owed)
        wanted = acked + room if most is None or is_stuck else min(acked + room, most)
        allowed = max(self._allowed, wanted, least)
        if allowed > self._allowed and self._process.stdin is not None and self.goes_on():
            self._allowed = allowed
            try:
                self._process.stdin.write(f"{allowed}\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                return  # it has just ended: everything is posted


def main() -> int:
    """Run, print, write the record; 0 when it passed."""
    parser = run.arguments("kill", __doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=None)
    given = parser.parse_args()
    size = run.size_of(given)
    kills = given.kills or (QUICK_KILLS if given.quick else FULL_KILLS)
    messages = given.messages or (QUICK_MESSAGES if given.quick else FULL_MESSAGES)
    began, commit = time.monotonic(), run.commit()
    print(
        f"kill: seed {size.seed}, commit {commit}, profile {size.profile}, {kills} kills, {messages} messages",
        flush=True,
    )
    with run.deployed("kill", size, given.data) as deployment:
        stock = run.prepare(deployment, size, messages=messages, octets=OCTETS)
        readers = reading.started(deployment, share=SHARE_OPENED, pause=LOOK_EVERY)
        prepared = time.monotonic() - began
        posting = Gate(run.client(deployment, stock, "--gated"), most=max(60, min(600, messages // 8)))
        blows = plan(deployment.kinds, seed=size.seed, kills=kills, messages=messages, quick=size.is_quick)
        going = storm(deployment, blows, posting, run.Progress(deployment.data.parent))
        stormed = time.monotonic() - began - prepared
        for reader in readers:
            reader.stop()
        settled = run.settle()
        end = run.ended(deployment, stock, readers)
        record = {
            "name": "kill",
            "profile": size.profile,
            "seed": size.seed,
            "commit": commit,
            "quick": size.is_quick,
            "kills": len(going.landed),
            "kills_planned": kills,
            "kills_by_kind": dict(Counter(each.planned.kind.value for each in going.landed)),
            "left_out": ["relay: it comes with a later issue"],
            "messages": messages,
            **end.figures,
            "accepted": end.found.messages,
            "openings_acknowledged": len(end.said.opened),
            "repeated_posts": sum(each.tries - 1 for each in end.said.acked.values()),
            "recovery_seconds": recovery(going.landed),
            "settled_seconds": settled and round(settled, 1),
            "prepared_seconds": round(prepared, 1),
            "storm_seconds": round(stormed, 1),
            "seconds": round(time.monotonic() - began, 1),
            "blows": [asdict(each) for each in going.landed],
            "missed": [asdict(each) for each in going.missed],
        }
        run.conclude(record, faults_of(record, kinds=deployment.kinds), end, given.data, tell=tell)
    return run.verdict(record, deployment, given)


def recovery(landed: Sequence[Landed]) -> dict[str, dict[str, float]]:
    """Per kind: the median and the longest time until what was struck worked again."""
    times: dict[str, list[float]] = {}
    for each in landed:
        if each.recovered is not None:
            times.setdefault(each.planned.kind.value, []).append(each.recovered)
    return {
        kind: {"median": sorted(found)[len(found) // 2], "longest": max(found)} for kind, found in sorted(times.items())
    }


def faults_of(record: dict[str, Any], *, kinds: Sequence[Kind]) -> list[str]:
    """Why a run did not pass; empty when it did."""
    faults = run.faults_of_end(record)
    if record["acknowledged"] != record["messages"]:
        faults.append(f"{record['acknowledged']} of {record['messages']} messages were acknowledged")
    if record["errors"]:
        faults.append(f"{len(record['errors'])} requests were refused")
    if record["kills"] != record["kills_planned"]:
        faults.append(f"{record['kills']} of {record['kills_planned']} blows fell")
    share = min(OF_EACH, record["kills_planned"] // len(kinds))
    few = [kind.value for kind in kinds if record["kills_by_kind"].get(kind.value, 0) < share]
    if few:
        faults.append(f"struck less than {share} times: {', '.join(few)}")
    if any(not any(blow["unfinished"].values()) for blow in record["blows"]):
        faults.append("a blow fell while nothing was unfinished")
    times = [blow["recovered"] for blow in record["blows"] if blow["again"] is None]
    slow = [each for each in times if each is None or each > LONGEST_RECOVERY]
    if slow:
        faults.append(f"{len(slow)} times it took longer than {LONGEST_RECOVERY:.0f} s to come back")
    if record["settled_seconds"] is None:
        faults.append("the work that was left did not come to an end")
    return faults


def tell(record: dict[str, Any]) -> None:
    """The run for a person."""
    print(f"  kills: {record['kills']} " + " ".join(f"{k}={n}" for k, n in sorted(record["kills_by_kind"].items())))
    print("  left out: " + "; ".join(record["left_out"]))
    print(
        f"  acknowledged {record['acknowledged']}, accepted {record['accepted']}, deliveries {record['deliveries']}, "
        f"openings acknowledged {record['openings_acknowledged']}, proofs verified {record['proofs']}, "
        f"posts repeated {record['repeated_posts']}"
    )
    for kind, times in record["recovery_seconds"].items():
        print(f"  back after {kind:<14} median {times['median']:.1f} s, longest {times['longest']:.1f} s")
    print(
        f"  prepared in {record['prepared_seconds']} s, storm {record['storm_seconds']} s, "
        f"settled {record['settled_seconds']} s after it, all {record['seconds']} s"
    )
    found = record["findings"]
    print(
        f"figure: lost {found['LOST']}, doubled {found['DOUBLED']}, missing proofs {found['MISSING']}, "
        f"other findings {sum(found.values()) - found['LOST'] - found['DOUBLED'] - found['MISSING']}, "
        f"kepcheck {record['kepcheck']}"
    )


if __name__ == "__main__":
    sys.exit(main())
