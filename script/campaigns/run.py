"""What every campaign over a running provider shares: its arguments, its deployment, its stock, its record.

A campaign makes a deployment below DIR/campaigns, prepares what will be sent, lets clients loose, waits until nothing
is owed, and then has the history checked with all processes ended. The data of a run that passed is thrown away, that
of one that failed is kept. The record says seed, commit, size, figures, verdict and duration, on stdout and as JSON.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaigns.deployment import ROOT, CampaignError, Deployment, ending_in_order

if TYPE_CHECKING:
    from campaigns.history import History
    from campaigns.reading import Reader
    from campaigns.told import Told

PREPARING = {"embedded": 1, "production": 2}
"""Processes that prepare the stock side by side; on SQLite a second one would only wait for the first."""
SETTLE_SECONDS, STILL_SECONDS = 900.0, 240.0
"""How long work may take to come to an end; claims run out and holds are asked again after a minute."""
SHOWN = 20


@dataclass(frozen=True)
class Size:
    """How large a run is, and whether it is one whose figures are judged."""

    profile: str
    seed: int
    workers: int
    is_quick: bool


def arguments(name: str, description: str) -> argparse.ArgumentParser:
    """What kill and load both understand."""
    parser = argparse.ArgumentParser(prog=f"script/campaign {name}", description=description)
    parser.add_argument("--quick", action="store_true", help="the size for CI")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--data", type=Path, default=Path("var"))
    parser.add_argument("--profile", choices=("embedded", "production"), default="embedded")
    parser.add_argument("--workers", type=int, default=2, help="deliver and seal processes, of each")
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the data of a run that passed, too")
    return parser


def size_of(given: argparse.Namespace) -> Size:
    """Seed and profile of this run; a seed that was not given is drawn."""
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    return Size(given.profile, seed, given.workers, given.quick)


@contextmanager
def deployed(name: str, size: Size, data: Path) -> Iterator[Deployment]:
    """A started provider, and Django set up in this process with its settings; ended when the block ends."""
    from campaigns.embedded import Embedded
    from campaigns.production import Production

    folder = (data / "campaigns" / f"{name}-{size.profile}").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    made = (Production if size.profile == "production" else Embedded)(folder / "data", workers=size.workers)
    with ending_in_order():
        try:
            _start(made)
            import django

            django.setup()
            yield made
        finally:
            made.stop()


def _start(made: Deployment) -> None:
    try:
        made.start()
    except CampaignError as error:
        made.stop()
        made.remove()
        raise SystemExit(f"this campaign cannot be run: {error}") from error
    os.environ.update({key: value for key, value in made.environment.items() if key != "PATH"})


def prepare(deployment: Deployment, size: Size, *, messages: int, octets: int) -> list[Path]:
    """The stock of this run, made by several processes; its files."""
    folder = deployment.data.parent
    running, paths = [], []
    parts = PREPARING[size.profile]
    for part in range(parts):
        path = folder / f"stock-{part}.jsonl"
        count = messages // parts + (part < messages % parts)
        command = [sys.executable, "script/campaigns/preparing.py", "--data", str(deployment.data), "--out", str(path)]
        command += ["--count", str(count), "--size", str(octets), "--seed", str(size.seed * parts + part)]
        environment = {**deployment.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'script'}"}
        running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL))
        paths.append(path)
    failed = [process.wait() for process in running]
    if any(failed):
        raise SystemExit("the stock could not be prepared")
    return paths


def client(deployment: Deployment, stock: list[Path], *more: str) -> subprocess.Popen[str]:
    """The posting client as a process of its own."""
    command = [sys.executable, str(ROOT / "script" / "campaigns" / "client.py"), "--port", str(deployment.port)]
    command += ["--out", str(deployment.data.parent), "--stock", *map(str, stock)]
    for name, value in deployment.headers().items():
        command += ["--header", f"{name}: {value}"]
    return subprocess.Popen([*command, *more], cwd=ROOT, stdin=subprocess.PIPE, text=True)


class Progress:
    """How many acknowledgements the clients have kept, by the length of what they wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._acked = folder, 0
        self._read: dict[Path, int] = {}

    def acked(self) -> int:
        """Acknowledgements so far."""
        for path in self._folder.glob("acks-*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole = file.read().rpartition(b"\n")[0]
            self._read[path] = self._read.get(path, 0) + (len(whole) + 1 if whole else 0)
            self._acked += sum(line.startswith(b'{"acked"') for line in whole.split(b"\n"))
        return self._acked


def settle() -> float | None:
    """Wait until nothing is owed; the seconds it took, None when it came to no end, or stood still for minutes."""
    from campaigns import unfinished

    began = moved_at = time.monotonic()
    before: dict[str, int] = {}
    while (now := time.monotonic()) < min(began + SETTLE_SECONDS, moved_at + STILL_SECONDS):
        due = unfinished.patiently(unfinished.due)
        if not any(due.values()) and not any(unfinished.patiently(unfinished.owed).values()):
            return now - began
        if due != before:
            before, moved_at = due, now
        time.sleep(0.25)
    return None


def kepcheck(deployment: Deployment) -> list[str]:
    """What `manage.py kepcheck` finds; empty when it is clean."""
    done = subprocess.run(
        [sys.executable, "manage.py", "kepcheck"],
        cwd=ROOT,
        env=deployment.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return []
    return done.stdout.splitlines() or [f"kepcheck ended with {done.returncode}: {done.stderr[-500:]}"]


def commit() -> str:
    """The commit that runs, with a plus when files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if git("status", "--porcelain") else "")


@dataclass(frozen=True)
class End:
    """What there is when a run is over: what clients were told, and what the history checker and kepcheck say of it."""

    said: "Told"
    found: "History"
    damage: list[str]
    refused: list[str]

    @property
    def figures(self) -> dict[str, Any]:
        """What every record says of it."""
        return {
            "acknowledged": self.found.acknowledged,
            "deliveries": self.found.deliveries,
            "proofs": self.found.proofs,
            "errors": self.refused[:50],
            "findings": self.found.counts,
            "kepcheck": len(self.damage),
        }

    @property
    def findings(self) -> list[str]:
        """One line for each finding of the history checker."""
        return [f"{each.code} {each.subject}: {each.text}" for each in self.found.findings]


def ended(deployment: Deployment, stock: Sequence[Path], readers: Sequence["Reader"] = ()) -> End:
    """End every process in order, then compare what clients were told with what is kept."""
    from campaigns import history, told

    deployment.stop_processes()
    said = told.read(stock, deployment.data.parent)
    refused = [*said.refused.values(), *(why for reader in readers for why in reader.refused)]
    return End(said, history.check(said), kepcheck(deployment), refused)


def faults_of_end(record: Mapping[str, Any]) -> list[str]:
    """What of `End.figures` lets any run fail."""
    faults = [f"{count} findings {code}" for code, count in record["findings"].items() if count]
    return faults + ([f"kepcheck found {record['kepcheck']}"] if record["kepcheck"] else [])


def conclude(
    record: dict[str, Any], faults: list[str], end: End, data: Path, *, tell: Callable[[dict[str, Any]], None]
) -> None:
    """Write the verdict into the record, keep it, and show everything that is wrong."""
    record["faults"], record["verdict"] = faults, "failed" if faults else "passed"
    keep_record(record, data)
    tell(record)
    show(end.findings)
    show(end.damage + faults)


def verdict(record: Mapping[str, Any], deployment: Deployment, given: argparse.Namespace) -> int:
    """Say it, and throw the data of a run that passed away; the exit status. To be called when everything has ended."""
    if not record["faults"] and not given.keep:
        deployment.remove()
    print(f"verdict: {record['verdict']}", flush=True)
    return 1 if record["faults"] else 0


def keep_record(record: Mapping[str, Any], data: Path) -> None:
    """Write DIR/campaigns/NAME.json, and with a profile also NAME-PROFILE.json, which the other profile leaves."""
    folder = data / "campaigns"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    for name in (record["name"], *([f"{record['name']}-{record['profile']}"] if "profile" in record else [])):
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def show(lines: list[str]) -> None:
    """Print findings, the first of them when they are many."""
    for line in lines[:SHOWN]:
        print(f"  {line}")
    if len(lines) > SHOWN:
        print(f"  ... and {len(lines) - SHOWN} more")
