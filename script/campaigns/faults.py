"""Faults of the world around the program: system calls, disk, database, poison, stops (issue 3, R-004..R-019).

Nothing is patched inside the program: a preloaded library answers for the disk, a small file system is full, the
database raises its own errors, processes are stopped by signals. Every part is a program of its own beside this one,
started with the settings of an embedded provider in a throw-away folder and a demo PKI over HTTP; it prints one JSON
line per case, with what is wrong in it. A part passes when no case has anything wrong.

    script/campaign faults [--quick] [--seed N] [--only PART,PART] [--case KIND[:N:ERROR]] [--data DIR]

The same seed gives the same cases; `--case` repeats one fault of a system call, or all of one kind, and prints what
was told.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import run_tests
from campaigns import run

from demo import pki

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = ("calls", "disk", "database", "poison", "pressure", "stops")
DISKS = ("all", "vault", "database")
BUSY_SECONDS = 0.25
"""How long SQLite waits for the lock in this campaign; 20 s in the product."""
MOST_WORK = 5
"""Pieces of work that may wait where the door is to close."""


@dataclass
class Part:
    """One started program: what it printed, line by line, and how it ended."""

    name: str
    cases: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""

    @property
    def wrong(self) -> list[str]:
        """One line for each thing that is not as it must be."""
        found = [f"{case['case']}: {each}" for case in self.cases for each in case["wrong"]]
        return found + ([self.error] if self.error else [])


class Bench:
    """The throw-away place of one run: a folder, the demo PKI, the library, and the programs started on it."""

    def __init__(self, folder: Path, *, seed: int, quick: bool, case: str) -> None:
        self.folder, self.seed, self.quick, self.case = folder, seed, quick, case
        self.pki_port = run_tests.free_port()

    @contextlib.contextmanager
    def certificates(self) -> Iterator[None]:
        """The demo PKI of the run, answering while the block runs."""
        pki.ensure(self.folder, port=self.pki_port)
        command = [sys.executable, "-m", "demo.pki_server", "--data", self.folder, "--port", str(self.pki_port)]
        with run_tests.running(command, self.pki_port, None):
            yield

    def run(self, part: str) -> list[Part]:
        """Every program of a part."""
        started = getattr(self, f"_{part}")()
        with ThreadPoolExecutor(2) as two:  # as many as the machine we measure on has cores
            return list(two.map(lambda each: self._start(*each), started))

    def _calls(self) -> list[tuple[str, Sequence[str | Path], Mapping[str, str]]]:
        library = self.folder / "failing_calls.so"
        options = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["gcc", *options, "-o", library, HERE / "failing_calls.c", "-ldl"], check=True)
        shares = 1 if ":" in self.case else 2
        chosen = ["--shares", str(shares), *(["--case", self.case] if self.case else [])]
        command = [HERE / "fault_calls.py", *self._pki_and_size(), *self._seed(), *chosen]
        preload = {"LD_PRELOAD": str(library)}
        return [(f"calls-{share}", [*command, "--share", str(share)], preload) for share in range(shares)]

    def _disk(self) -> list[tuple[str, Sequence[str | Path], Mapping[str, str]]]:
        command = [HERE / "fault_disk.py", "--pki", self.folder]
        return [(f"disk-{each}", [*command, "--layout", each], {}) for each in DISKS]

    def _database(self) -> list[tuple[str, Sequence[str | Path], Mapping[str, str]]]:
        (self.folder / "impatient.py").write_text(
            "from kepweb.settings.testing import *\n"
            f"DATABASES['default']['OPTIONS'] = {{**DATABASES['default']['OPTIONS'], 'timeout': {BUSY_SECONDS}}}\n"
        )
        command = [HERE / "fault_database.py", *self._pki_and_size(), *self._seed()]
        return [
            ("database-sqlite", command, {"DJANGO_SETTINGS_MODULE": "impatient"}),
            ("database-postgresql", command, {"KEP_TEST_DATABASE_URL": "wanted"}),
        ]

    def _poison(self) -> list[tuple[str, Sequence[str | Path], Mapping[str, str]]]:
        return [("poison", [HERE / "fault_poison.py", *self._pki_and_size()], {})]

    def _pressure(self) -> list[tuple[str, Sequence[str | Path], Mapping[str, str]]]:
        (self.folder / "narrow.py").write_text(
            f"from kepweb.settings.testing import *\nKEP_QUEUE_MOST_WORK = {MOST_WORK}\n"
        )
        command = [HERE / "fault_pressure.py", *self._pki_and_size()]
        return [("pressure", command, {"DJANGO_SETTINGS_MODULE": "narrow"})]

    def _stops(self) -> list[tuple[str, Sequence[str | Path], Mapping[str, str]]]:
        command = [HERE / "fault_stops.py", *self._seed(), *self._size(), "--place", self.folder / "stops"]
        return [("stops", command, {})]

    def _pki_and_size(self) -> list[str | Path]:
        return ["--pki", self.folder, *self._size()]

    def _size(self) -> list[str]:
        return ["--quick"] if self.quick else []

    def _seed(self) -> list[str]:
        return ["--seed", str(self.seed)]

    def _start(self, name: str, command: Sequence[str | Path], more: Mapping[str, str]) -> Part:
        place = self.folder / name
        place.mkdir()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("KEP_", "DJANGO_", "CELERY_"))},
            "PYTHONPATH": os.pathsep.join(str(each) for each in (ROOT, ROOT / "script", self.folder)),
            "DJANGO_SETTINGS_MODULE": "kepweb.settings.testing",
            "KEP_DATA_DIR": str(place / "var"),
            "KEP_PKI_DIR": str(self.folder / "pki"),
            "KEP_PKI_PORT": str(self.pki_port),
            "KEP_PROCESS_ROLE": "seal",
            **more,
        }
        (place / "var").mkdir()
        with contextlib.ExitStack() as services:
            if more.get("KEP_TEST_DATABASE_URL"):
                programs = run_tests.find_postgresql()
                if programs is None:
                    return Part(name, error="PostgreSQL is not installed")
                served = services.enter_context(tempfile.TemporaryDirectory(prefix="kep-pg-"))
                environment["KEP_TEST_DATABASE_URL"] = services.enter_context(
                    run_tests.postgresql(programs, Path(served))
                )
            before = apart() if name.startswith("disk") else []
            done = subprocess.run(
                [*before, sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
            )
        shutil.rmtree(place, ignore_errors=True)
        part = Part(name, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")])
        if done.returncode or not part.cases:
            part.error = f"{name} ended with {done.returncode}: {done.stderr[-1500:]}"
        return part


def apart() -> list[str]:
    """How a program gets a mount namespace of its own: root simply, others as root of a user namespace."""
    return ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


def main() -> int:
    """Run the parts, print the table, write the record; 0 when all passed."""
    parser = argparse.ArgumentParser(prog="script/campaign faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the size for CI")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--case", default="", help="one fault of a system call or one kind, e.g. fsync:5:EIO")
    parser.add_argument("--data", type=Path, default=Path("var"))
    given = parser.parse_args()
    chosen = ["calls"] if given.case else given.only.split(",")
    if not set(chosen) <= set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**31)
    size, commit = "quick" if given.quick else "full", run.commit()
    print(f"faults: seed {seed}, commit {commit}, {size} size, parts {' '.join(chosen)}", flush=True)
    record: dict[str, Any] = {"name": "faults", "seed": seed, "commit": commit, "quick": given.quick, "parts": {}}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kep-faults-") as folder:
        bench = Bench(Path(folder), seed=seed, quick=given.quick, case=given.case)
        with bench.certificates():
            for name in chosen:
                began = time.monotonic()
                parts = bench.run(name)
                cases = [case for part in parts for case in part.cases]
                found = [each for part in parts for each in part.wrong]
                seconds = round(time.monotonic() - began, 1)
                print(f"  {name:<10} {len(cases):>5} cases {len(found):>3} wrong {seconds:>7.1f} s", flush=True)
                figures = {case["case"]: case["figures"] for case in cases if "figures" in case}
                for case, of_case in figures.items():
                    print(f"    {case}: " + ", ".join(f"{key} {each}" for key, each in of_case.items()))
                if ":" in given.case:
                    print(json.dumps(cases, indent=1))
                of_part = {"cases": len(cases), "wrong": found, "seconds": seconds, "figures": figures}
                record["parts"][name] = of_part
                wrong += found
    for each in wrong:
        print(f"  wrong: {each}")
    record["verdict"] = "failed" if wrong else "passed"
    print(f"figure: {len(wrong)} wrong; verdict: {record['verdict']}")
    run.keep_record(record, given.data)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
