"""Faults of disk, database, messages and processes in the size for CI; `script/campaign faults` goes the long way.

Each part is the campaign's own, with real faults: see `script/campaigns/faults.py` for what must hold under them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from run_tests import find_postgresql

ROOT = Path(__file__).resolve().parents[2]
SEED = "20261124"

pytestmark = [pytest.mark.loopback]


def run(part: str, data: Path) -> None:
    """The part passes; what is wrong is in the failure otherwise."""
    command = [ROOT / "script" / "campaign", "faults", "--quick", "--seed", SEED, "--only", part, "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((data / "campaigns" / "faults.json").read_text())
    assert (record["verdict"], record["parts"][part]["wrong"]) == ("passed", [])
    assert record["parts"][part]["cases"] > 0


@pytest.mark.needs("gcc")
@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: the library knows the names of its libc")
def test_a_call_that_fails_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """R-004."""
    run("calls", tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: mount namespaces")
def test_a_full_disk_stops_acceptance_and_nothing_else(tmp_path: Path) -> None:
    """R-005."""
    apart = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    try_it = 'mount -t tmpfs -o size=1m none "$0"'
    if subprocess.run([*apart, "sh", "-c", try_it, tmp_path], capture_output=True).returncode:
        pytest.skip("no mount namespace of our own here")
    run("disk", tmp_path)


def test_what_the_database_breaks_off_is_done_again_and_blames_nobody(tmp_path: Path) -> None:
    """R-019, on SQLite and on PostgreSQL."""
    if find_postgresql() is None:
        pytest.skip("PostgreSQL is not installed")
    run("database", tmp_path)


def test_poisoned_messages_are_parked_and_hold_up_nobody(tmp_path: Path) -> None:
    """R-016."""
    run("poison", tmp_path)


def test_too_much_work_closes_the_door_and_two_schedulers_do_not_do_it_twice(tmp_path: Path) -> None:
    """R-018, R-015."""
    run("pressure", tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: processes are found in /proc")
def test_processes_that_are_told_to_end_lose_nothing(tmp_path: Path) -> None:
    """R-017, R-014."""
    run("stops", tmp_path)
