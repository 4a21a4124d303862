"""R-017 and R-014: processes are told to end, one after another, while messages come; the broker is cut off.

A whole provider under its supervisor. A client posts signatures at a steady rate and keeps every acknowledgement. Each
rolling restart sends TERM to the web, to one deliver and to one seal worker in turn; each must be gone by itself within
thirty seconds, and another must work in its place within a minute, before the next is asked. Then every connection to
the broker is cut three times within three seconds, and the broker stands still for a moment; a message posted after
that is the canary and must have its proof 40 sealed within a minute. In the long run a worker of each queue is stopped
in its tracks (SIGSTOP: alive and deaf) and must be replaced within a minute. At the end nothing that was acknowledged
may be missing or double: `history` and `kepcheck`, as in the storm of kills.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

for name in [each for each in os.environ if each.startswith(("KEP_", "DJANGO_"))]:
    del os.environ[name]  # the deployment says what its processes need

from campaigns import processes, run  # noqa: E402
from campaigns.deployment import Deployment, Kind  # noqa: E402

ROLLS = (20, 1)
"""Rolling restarts of the long and of the quick run."""
ROLLED = (Kind.WEB_MASTER, Kind.DELIVER, Kind.SEAL)
MESSAGES = (6_000, 110)
RATE = 5.0
"""Messages a second; together they must outlast the stops."""
OCTETS = 1_500
LONGEST_STOP, LONGEST_RETURN = 30.0, 60.0
CUTS, WITHIN = 3, 3.0
STILL = 0.5
"""Seconds the broker stands still."""


@dataclass
class Seen:
    """What was measured, and what is wrong."""

    stops: dict[str, list[float]] = field(default_factory=dict)
    returns: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def longest(self, times: dict[str, list[float]]) -> str:
        """For the table."""
        return " ".join(f"{name} {max(each):.1f}" for name, each in sorted(times.items()))


def restart(deployment: Deployment, kind: Kind, choice: int, seen: Seen) -> None:
    """TERM to one process of this kind; until it is gone, and until another one works in its place."""
    standing = deployment.standing(kind)
    if not standing:
        seen.wrong.append(f"no {kind} to stop")
        return
    victim = standing[choice % len(standing)]
    os.kill(victim.pid, signal.SIGTERM)
    gone = until(lambda: not processes.is_alive(victim), LONGEST_STOP)
    blow = deployment.blow(kind, victim)
    back = until(lambda: deployment.is_back(blow), LONGEST_RETURN)
    note(seen, kind, gone, back)


def note(seen: Seen, kind: Kind, gone: float | None, back: float | None) -> None:
    """Keep two times; None is too late."""
    if gone is None:
        seen.wrong.append(f"{kind} did not end within {LONGEST_STOP:.0f} s of TERM")
    else:
        seen.stops.setdefault(kind.value, []).append(gone)
    if back is None:
        seen.wrong.append(f"{kind} was not back within {LONGEST_RETURN:.0f} s")
    else:
        seen.returns.setdefault(kind.value, []).append((gone or 0.0) + back)


def until(is_so: Callable[[], bool], seconds: float) -> float | None:
    """How long it took; None when it did not come."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.05)
    return time.monotonic() - began


def cut(deployment: Deployment) -> int:
    """Cut every connection to the broker, several times in a row, and let it stand still once; how many were cut."""
    cuts = 0
    for number in range(CUTS):
        with deployment.broker() as broker:
            cuts += int(broker.client_kill_filter(_type="normal", skipme=True))
        if number == 0:
            for process in deployment.standing(Kind.BROKER):
                os.kill(process.pid, signal.SIGSTOP)
                time.sleep(STILL)
                os.kill(process.pid, signal.SIGCONT)
        time.sleep((WITHIN - STILL) / CUTS - 0.1)
    return cuts


def is_sealed(operation: str) -> bool:
    """Whether the message of this operation was delivered to all and every proof 40 of it is sealed."""
    from evidence.models import SealedEvidence
    from mailbox.models import Message, Recipient

    message = Message.objects.filter(operation=operation).first()
    if message is None:
        return False
    wanted = Recipient.objects.filter(message=message).count()
    sealed = SealedEvidence.objects.filter(intent__kep_id=message.kep_id, intent__code=40).count()
    return bool(wanted) and sealed == wanted


def newest(folder: Path, *, after: float) -> str:
    """The first operation acknowledged after this moment (seconds since the epoch); empty when none was yet."""
    found = [
        (line["answered"], line["acked"])
        for path in folder.glob("acks-*.jsonl")
        for line in map(json.loads, path.read_text().split("\n")[:-1])
        if "acked" in line and line["sent"] > after
    ]
    return min(found)[1] if found else ""


def deafen(deployment: Deployment, kind: Kind, seen: Seen) -> None:
    """Stop one worker in its tracks: it lives and hears nothing. It must be replaced."""
    victim = deployment.standing(kind)[0]
    blow = deployment.blow(kind, victim)
    os.kill(victim.pid, signal.SIGSTOP)
    back = until(lambda: deployment.is_back(blow), LONGEST_RETURN)
    if back is None:
        seen.wrong.append(f"a deaf {kind} was not replaced within {LONGEST_RETURN:.0f} s")
    else:
        seen.returns.setdefault(f"deaf {kind.value}", []).append(back)


def main() -> None:
    """One run; one JSON line on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--place", type=Path, required=True)
    given = parser.parse_args()
    rolls, seen = ROLLS[given.quick], Seen()
    size = run.Size("embedded", given.seed, 1, given.quick)
    messages = MESSAGES[given.quick]
    with run.deployed("stops", size, given.place) as deployment:
        folder = deployment.data.parent
        stock = run.prepare(deployment, size, messages=messages, octets=OCTETS)
        posting = run.client(deployment, stock, "--rate", str(RATE))
        for number in range(rolls):
            for kind in ROLLED:
                restart(deployment, kind, number, seen)
        cuts = cut(deployment)
        after = time.time()
        canary = ""
        waited = until(lambda: bool(newest(folder, after=after)), LONGEST_RETURN)
        if waited is not None:
            canary = newest(folder, after=after)
            waited = until(lambda: is_sealed(canary), LONGEST_RETURN)
        if waited is None:
            seen.wrong.append(f"the canary {canary or 'was not taken'} within {LONGEST_RETURN:.0f} s of the cuts")
        if not given.quick:
            for kind in (Kind.DELIVER, Kind.SEAL):
                deafen(deployment, kind, seen)
        is_over = posting.poll() is not None
        posting.wait(600)
        settled = run.settle()
        errors = (folder / "data.err").read_text(errors="replace")
        end = run.ended(deployment, stock)
        seen.wrong += end.findings
        seen.wrong += [f"kepcheck {each}" for each in end.damage]
        seen.wrong += [f"refused: {each}" for each in end.refused]
        if settled is None:
            seen.wrong.append("the work did not come to an end")
        if len(end.said.acked) != messages:
            seen.wrong.append(f"{len(end.said.acked)} of {messages} were acknowledged")
        if is_over:
            seen.wrong.append("the load ended before the last stop: make it longer")
        seen.wrong += [line for line in errors.splitlines() if "beklenen sürede kapanmadı" in line]
    figures = {
        "rolling restarts": rolls, "messages": messages, "longest stop": seen.longest(seen.stops),
        "longest until back": seen.longest(seen.returns), "connections cut": cuts,
        "canary": None if waited is None else round(waited, 1),
    }  # fmt: skip
    print(json.dumps({"case": "stops", "wrong": seen.wrong[:30], "figures": figures}))


if __name__ == "__main__":
    sys.exit(main())
