"""Real worker processes: they find their rows with a broker, without one, and while one goes and comes (design.md 1.6).

The worker runs on a data directory of its own and sweeps with the functions below, which note each look in a file.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import broker_command, started
from kepweb.work_loop import EXIT_STATUS

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.loopback, pytest.mark.queue]


def look() -> int:
    """A sweep that finds nothing, and says that it looked."""
    with Path(os.environ["KEP_TEST_LOOKS"]).open("a") as looks:
        looks.write(f"{time.monotonic()}\n")
    return 0


def die() -> int:
    """A sweep that meets something no process survives."""
    raise SystemExit("memory gone")


class Worker:
    """One sealing worker as script/server starts it, with a test's sweep in place of the product's."""

    def __init__(self, folder: Path, *, sweep: str = "look", poll_seconds: float = 2.0) -> None:
        self.socket, self.looks = folder / "valkey.sock", folder / "looks"
        self.log = folder / "worker.log"
        (folder / "worker_settings.py").write_text(
            "from kepweb.settings.testing import *\n"
            f"KEP_SWEEPS = {{'deliver': (), 'seal': ('kepweb.tests.test_workers.{sweep}',)}}\n"
            f"KEP_POLL_SECONDS = {poll_seconds}\n"
            f"CELERY_BROKER_URL = 'redis+socket://{self.socket}'\n"
        )
        (folder / "data").mkdir()
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "DJANGO_SETTINGS_MODULE": "worker_settings",
            "KEP_DATA_DIR": str(folder / "data"),
            "KEP_PROCESS_ROLE": "seal",
            "KEP_TEST_LOOKS": str(self.looks),
        }
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "kepweb",
            "worker",
            "-P",
            "solo",
            "-Q",
            "seal",
            "-n",
            "seal-1@t",
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def count(self) -> int:
        """How often it has looked."""
        return len(self.looks.read_text().splitlines()) if self.looks.exists() else 0

    def wait_for_looks(self, more: int, seconds: float, since: int | None = None) -> None:
        """Until it has looked so often again, since now or since an earlier count."""
        wanted = (self.count() if since is None else since) + more
        deadline = time.monotonic() + seconds
        while self.count() < wanted:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"{self.count()} of {wanted} looks; {self.log.read_text()[-2000:]}"
            time.sleep(0.02)

    def ring(self) -> bool:
        """Ring from a process of its own, as the web does."""
        code = "from kepweb import bell; raise SystemExit(not bell.ring_now('seal'))"
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=self.environment).returncode == 0


@pytest.fixture
def folder():
    """A short private folder: a socket's path must fit 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="kep-") as name:
        yield Path(name)


@pytest.fixture
def start(folder):
    """Starts the worker of a test, and ends it after."""
    with ExitStack() as after:

        def run(**options) -> Worker:
            worker = Worker(folder, **options)
            after.callback(worker.process.wait)
            after.callback(worker.process.kill)
            return worker

        yield run


def test_it_works_without_any_broker(start):
    worker = start(poll_seconds=0.2)
    worker.wait_for_looks(10, 60)


def test_a_bell_wakes_it_at_once(start, folder):
    with started(broker_command(folder / "valkey.sock"), (folder / "valkey.sock").exists):
        worker = start(poll_seconds=3600)
        worker.wait_for_looks(1, 60)
        before = worker.count()
        assert worker.ring()
        worker.wait_for_looks(1, 30, since=before)


def test_a_worker_whose_consumer_hangs_is_not_deaf_to_its_rows(start, folder):
    """The broker takes connections and says nothing: no bell is heard, no error either, and work goes on (R-014)."""
    with started(broker_command(folder / "valkey.sock"), (folder / "valkey.sock").exists) as broker:
        worker = start(poll_seconds=0.2)
        worker.wait_for_looks(2, 60)
        broker.send_signal(signal.SIGSTOP)
        try:
            worker.wait_for_looks(30, 30)
            began = time.monotonic()
            assert not worker.ring()
            assert time.monotonic() - began < 20, "whoever rings must not hang with the broker"
        finally:
            broker.send_signal(signal.SIGCONT)


def test_beat_gives_signs_of_life_while_it_waits_for_a_broker(folder):
    """Its broker is away: it is no reason to start it again and again."""
    alive = folder / "beat.alive"
    (folder / "data").mkdir()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "kepweb.settings.testing",
        "KEP_DATA_DIR": str(folder / "data"),
        "KEP_PROCESS_ROLE": "beat",
        "KEP_HEARTBEAT_FILE": str(alive),
    }
    command = [sys.executable, "-m", "celery", "-A", "kepweb", "beat", "--pidfile=", "--schedule", str(folder / "s")]
    with (folder / "beat.log").open("wb") as log:
        beat = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        seen: set[int] = set()
        deadline = time.monotonic() + 60
        while len(seen) < 3:
            assert time.monotonic() < deadline, (len(seen), (folder / "beat.log").read_text())
            assert beat.poll() is None, (folder / "beat.log").read_text()
            if alive.exists():
                seen.add(alive.stat().st_mtime_ns)
            time.sleep(0.1)
    finally:
        beat.kill()
        beat.wait()


def test_it_goes_on_when_the_broker_dies_and_hears_bells_when_it_is_back(start, folder):
    place = folder / "valkey.sock"
    with started(broker_command(place), place.exists) as broker:
        worker = start(poll_seconds=0.2)
        worker.wait_for_looks(2, 60)
        broker.kill()
        broker.wait()
        worker.wait_for_looks(10, 30)
        assert not worker.ring()
    place.unlink(missing_ok=True)
    with started(broker_command(place), place.exists):
        deadline = time.monotonic() + 60
        while "Connected to" not in worker.log.read_text().rpartition("Connection to broker lost")[2]:
            assert time.monotonic() < deadline, worker.log.read_text()[-2000:]
            time.sleep(0.1)
        assert worker.ring()
        worker.wait_for_looks(5, 30)


def test_term_ends_it_with_and_without_a_broker(start):
    worker = start(poll_seconds=0.2)
    worker.wait_for_looks(2, 60)
    began = time.monotonic()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(30) == 0
    assert time.monotonic() - began < 15


def test_what_no_process_survives_ends_it_so_that_it_is_started_anew(start):
    worker = start(sweep="die")
    assert worker.process.wait(60) == EXIT_STATUS
    assert "met its end" in worker.log.read_text()


def test_its_log_lines_are_written_by_our_formatter(start):
    worker = start(poll_seconds=0.2)
    worker.wait_for_looks(5, 60)
    written = worker.log.read_text()
    assert "Z INFO celery.apps.worker seal-1@t ready." in written or "Z ERROR celery.worker.consumer" in written
    assert "/MainProcess]" not in written  # celery's own format
