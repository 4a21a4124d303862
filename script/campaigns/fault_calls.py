"""R-004: one system call fails on the way of two messages from the button to the sealed proofs of their delivery.

A process of its own per case, forked from one that has everything loaded, under the preloaded `failing_calls.c`. The
n-th fsync (fdatasync, write, pwrite64, openat, link, rename, mkdir, ftruncate, read, pread64) on a file of the data
folder fails once with EIO or ENOSPC; a run without a fault counts how many there are of each. Then the disk is well
again: the sender tries again if he was refused, the workers go on, and a process that has seen nothing looks. There
must be two messages, each item and proof once, `kepcheck` clean; every door must have answered cleanly; what was
answered with success must exist without being repeated; and the fault must have been told to somebody, except where
SQLite may keep silence (a checkpoint that fails leaves everything in the journal), and a folder that is there already
is no loss.

`--case KIND:N:ERROR` replays one case, `--case KIND` all of a kind, and prints what was told.
"""

import argparse
import ctypes
import errno
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import one_road

KINDS = ("fsync", "fdatasync", "write", "pwrite64", "openat", "link", "rename", "mkdir", "ftruncate", "read", "pread64")
FULL = frozenset({"write", "pwrite64", "openat", "link", "mkdir", "ftruncate", "fsync"})
"""Calls that a full disk refuses too."""
QUICK_OF_KIND = 2
MESSAGES = 2
"""On the road together: what is alone in its batch does not meet the packs of the vault."""
RENEWED_AFTER = 900.0
"""Seconds after which the place is made anew: a visit ends after half an hour without a click."""
SILENT = ("kep.sqlite3", "kep.sqlite3-shm")
"""Files on which SQLite may keep silence."""


@dataclass(frozen=True)
class Case:
    """The `nth` call of `kind` fails with `error` (EIO, ENOSPC)."""

    kind: str
    nth: int
    error: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.nth}:{self.error}"


@dataclass
class Outcome:
    """What became of a case: the file that was struck, what was told of it, and what is wrong."""

    case: str
    struck: str = ""
    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Library:
    """The preloaded library of this process."""

    def __init__(self, folder: Path) -> None:
        self._library = ctypes.CDLL(None)
        self._library.fault_struck.restype = ctypes.c_char_p
        self._library.fault_seen.restype = ctypes.c_long
        self._library.fault_arm.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int]
        self._library.fault_watch(os.fsencode(folder))
        self._library.fault_hold(1)

    def arm(self, case: Case | None) -> None:
        """From now on calls are counted, and the one of `case` fails."""
        kind = KINDS.index(case.kind) if case else -1
        self._library.fault_arm(kind, case.nth if case else 0, getattr(errno, case.error) if case else 0)
        self._library.fault_hold(0)

    def hold(self, is_held: bool) -> None:
        """Leave out what the driver itself does."""
        self._library.fault_hold(int(is_held))

    def struck(self) -> str:
        """The file that was hit; empty when none was."""
        return os.fsdecode(self._library.fault_struck())

    def counts(self) -> dict[str, int]:
        """Calls on files of the folder since it was armed."""
        return {kind: self._library.fault_seen(number) for number, kind in enumerate(KINDS)}


class Place:
    """The data folder of one driver: brought back to its beginning before each case, and made anew now and then."""

    def __init__(self, folder: Path, pki_directory: Path) -> None:
        self.folder, self._template = folder, folder.with_name(f"{folder.name}.template")
        self._pki_directory = pki_directory
        self._make()
        self.library = Library(folder)

    def _make(self) -> None:
        """An empty place with two people who have just signed in, each with a written draft."""
        from django.core.management import call_command
        from django.db import connections

        shutil.rmtree(self._template, ignore_errors=True)
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        call_command("migrate", interactive=False, verbosity=0)
        import one_road

        first = one_road.found_place(self._pki_directory).sender
        second = one_road.Sender(first.client, first.imza)
        if not second.write():
            raise SystemExit(f"the second draft was not saved: {second.answers}")
        self.senders = (first, second)
        connections.close_all()
        shutil.copytree(self.folder, self._template)
        self._made_at = time.monotonic()

    def run(self, case: Case | None) -> Outcome:
        """One case from the beginning, in a process of its own."""
        if time.monotonic() > self._made_at + RENEWED_AFTER:
            self._make()
        shutil.rmtree(self.folder)
        shutil.copytree(self._template, self.folder)
        outcome = Outcome(**forked(lambda: asdict(self._travel(case))))
        if not outcome.wrong:
            outcome.wrong += forked(_look)
        return outcome

    def _travel(self, case: Case | None) -> Outcome:
        import one_road
        from django.db import connections

        from accounts.models import SmsNotice

        outcome, now = Outcome(str(case or "none")), datetime.now(UTC)
        known = {sender: len(sender.answers) for sender in self.senders}
        with one_road.listening() as heard:
            self.library.arm(case)
            signed = {sender: self._sign(sender, is_repeated=False) for sender in self.senders}
            one_road.work(datetime.now(UTC))
            outcome.counts, outcome.struck = self.library.counts(), self.library.struck()
            self.library.hold(True)
            said = [answer for sender, before in known.items() for answer in sender.answers[before:]]
            outcome.told = [f"{each.step} {each.status} {each.code}" for each in said if each.status >= 400]
            outcome.told += [*heard, *SmsNotice.objects.exclude(last_error="").values_list("last_error", flat=True)]
            outcome.wrong += [f"not a clean answer: {each}" for each in said if not each.is_clean]
            for sender, is_signed in signed.items():
                if not is_signed and not any(self._sign(sender, is_repeated=True) for _ in range(3)):
                    outcome.wrong.append(f"the sender could not repeat: {sender.answers[-4:]}")
            one_road.finish(now)
            connections.close_all()
        if case and not outcome.struck:
            outcome.wrong.append("the call never came")
        elif case and not outcome.told and not (outcome.struck.endswith(SILENT) or case.kind == "mkdir"):
            outcome.wrong.append(f"nobody was told of {case} on {Path(outcome.struck).name}")
        if case is None and outcome.told:
            outcome.wrong.append(f"a run without a fault: {outcome.told}")
        return outcome

    def _sign(self, sender: "one_road.Sender", *, is_repeated: bool) -> bool:
        """The sender's way to "SIGNED": the same post again where there is one, else everything from the button on."""
        import one_road

        if is_repeated and sender.signature and sender.post_signature():
            return True
        if not sender.ask():
            return False
        self.library.hold(True)
        code = one_road.code_of(sender.draft)
        self.library.hold(is_repeated)
        return sender.sign(code)


def _look() -> list[str]:
    import one_road

    return one_road.faults_of_place(messages=MESSAGES)


def forked(work: Callable[[], Any]) -> Any:
    """What `work` answers in a process of its own, as JSON; its end without an answer is an error."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ours)
            with os.fdopen(theirs, "w") as pipe:
                json.dump(work(), pipe)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            os._exit(status)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not said:
        raise SystemExit(f"a case ended with {status}")
    return json.loads(said)


def plan(counts: dict[str, int], *, seed: int, quick: bool) -> list[Case]:
    """Every n of every kind with every error, or a seeded sample of each kind."""
    chance = random.Random(seed)  # noqa: S311 - not a secret: a run must be repeatable
    cases = []
    for kind in KINDS:
        errors = ("EIO", "ENOSPC") if kind in FULL else ("EIO",)
        of_kind = [Case(kind, nth, error) for nth in range(1, counts[kind] + 1) for error in errors]
        cases += chance.sample(of_kind, min(QUICK_OF_KIND, len(of_kind))) if quick else of_kind
    return cases


def chosen(only: str, counts: dict[str, int], *, seed: int, quick: bool) -> list[Case]:
    """The plan, or `KIND:N:ERROR` of it, or all of one `KIND`."""
    kind, _, rest = only.partition(":")
    if rest:
        nth, _, error = rest.partition(":")
        return [Case(kind, int(nth), error)]
    return [case for case in plan(counts, seed=seed, quick=quick) if not only or case.kind == kind]


def drive(folder: Path, pki_directory: Path, share: int, shares: int, *, seed: int, quick: bool, only: str) -> None:
    """Run this driver's share of the cases; one JSON line each on stdout."""
    import django

    django.setup()
    place = Place(folder, pki_directory)
    calm = place.run(None)
    print(json.dumps(asdict(calm)), flush=True)
    for case in chosen(only, calm.counts, seed=seed, quick=quick)[share::shares]:
        print(json.dumps(asdict(place.run(case))), flush=True)


def main() -> None:
    """A driver: started by `faults.py` with the library preloaded and the settings in its environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--share", type=int, default=0)
    parser.add_argument("--shares", type=int, default=1)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", default="")
    given = parser.parse_args()
    folder = Path(os.environ["KEP_DATA_DIR"])
    drive(folder, given.pki, given.share, given.shares, seed=given.seed, quick=given.quick, only=given.case)


if __name__ == "__main__":
    sys.exit(main())
