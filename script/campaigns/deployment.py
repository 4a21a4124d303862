"""A whole provider of a campaign's own: started, looked at and hurt from outside, never patched inside.

Two profiles, one face. A deployment knows which kinds of blow it can take, finds the processes below its supervisor,
strikes, and can tell when what was struck works again. It comes back by the supervisor alone: nothing here starts a
process again, with one exception that is not ours to supervise in production, PostgreSQL.
"""

import contextlib
import http.client
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

import redis
from campaigns import processes
from campaigns.processes import Process
from run_tests import free_port
from start import connects
from supervisor import end_with_parent

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, END_SECONDS = 180.0, 90.0
PARTS = (30, 40, 50, 60)
"""Distances from the web's port at which parts of a deployment listen."""


class Kind(StrEnum):
    """What can be done to a deployment; all but the last two are `kill -9` of one process."""

    WEB_MASTER = "web-master"
    WEB_WORKER = "web-worker"
    DELIVER = "deliver"
    SEAL = "seal"
    BEAT = "beat"
    BROKER = "broker"
    PKI = "demo-pki"
    FLUSH = "broker-flush"
    DATABASE = "database-stop"


MARKS = {
    Kind.WEB_MASTER: (" gunicorn ",),
    Kind.DELIVER: (" -Q deliver ",),
    Kind.SEAL: (" -Q seal ",),
    Kind.BEAT: (" kepweb beat ",),
    Kind.BROKER: ("unixsocket", "redis-server", "valkey-server"),
    Kind.PKI: (" demo.pki_server ",),
}
"""How a child of the supervisor is known: any of these pieces in its command line, blanks at both ends added."""


class CampaignError(Exception):
    """The campaign cannot be run here; the text says why."""


@dataclass(frozen=True)
class Blow:
    """One blow that landed: what it struck, when by the wall clock, and what must be seen before all is well again."""

    kind: Kind
    at: float
    victim: str
    process: Process | None = None
    sign_of_life: Path | None = None

    @property
    def place(self) -> str:
        """What it struck, whichever process stands there: a later blow there ends the counting of an earlier one."""
        return str(self.sign_of_life or self.kind)


class Deployment(ABC):
    """What both profiles share. `environment` is what a Django process of this deployment needs."""

    profile = ""
    kinds: tuple[Kind, ...] = ()
    host_header = ""
    is_behind_tls = False

    def __init__(self, data: Path, *, workers: int) -> None:
        self.data, self.workers = data, workers
        self.port = free_base()
        self.environment: dict[str, str] = {}
        self._supervisor: subprocess.Popen[bytes] | None = None

    # --- beginning and end --------------------------------------------------------------------------------------------
    @abstractmethod
    def start(self) -> None:
        """Make everything and wait until the provider says that it is ready. `CampaignError` when it does not."""

    def stop_processes(self) -> None:
        """End what the supervisor runs, in order; what keeps data goes on, so that it can be looked at."""
        if self._supervisor is not None and self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGTERM)
            try:
                self._supervisor.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait()
        self._supervisor = None

    def stop(self) -> None:
        """End everything."""
        self.stop_processes()

    def remove(self) -> None:
        """Throw the data of a deployment that has ended away."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _supervise(self, command: list[str], environment: Mapping[str, str]) -> None:
        """Start the supervisor and wait for its one line on stdout; it ends with this process, however that ends."""
        said = self.data.with_name(f"{self.data.name}.ready")
        errors = self.data.with_name(f"{self.data.name}.err")
        with said.open("wb") as out, errors.open("wb") as err:
            self._supervisor = self._popen(command, environment, out, err)
        deadline = time.monotonic() + START_SECONDS
        while b"\n" not in said.read_bytes():
            if self._supervisor.poll() is not None or time.monotonic() > deadline:
                self.stop_processes()
                raise CampaignError(f"the provider did not start:\n{errors.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)

    def _popen(
        self, command: list[str], environment: Mapping[str, str], out: IO[bytes], err: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """A command of this deployment's own to its end; its stdout. `CampaignError` when it fails."""
        done = subprocess.run(
            [str(piece) for piece in command],
            cwd=ROOT,
            env=dict(environment or self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise CampaignError(f"{Path(str(command[1])).name} failed: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    # --- seeing -------------------------------------------------------------------------------------------------------
    def standing(self, kind: Kind) -> list[Process]:
        """The running processes of one kind, by id."""
        if self._supervisor is None:
            return []
        children = processes.children_of(self._supervisor.pid)
        if kind is Kind.WEB_WORKER:
            masters = [each for each in children if _is(each, Kind.WEB_MASTER)]
            return [worker for master in masters for worker in processes.children_of(master.pid)]
        return [each for each in children if _is(each, kind)]

    def answers(self, path: str = "/healthz") -> bool:
        """Whether the web answers 200 there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers=self.headers())
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def headers(self) -> dict[str, str]:
        """What a request to this deployment carries: in production what the proxy before it would add."""
        if not self.is_behind_tls:
            return {}
        return {"Host": self.host_header, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}

    @abstractmethod
    def broker(self) -> redis.Redis:
        """A client of the broker."""

    # --- striking -----------------------------------------------------------------------------------------------------
    def strike(self, kind: Kind, choice: int) -> Blow | None:
        """Strike one victim of this kind, the `choice`-th modulo their number; None when there is none now."""
        if kind is Kind.FLUSH:
            return self._flush()
        standing = self.standing(kind)
        if not standing:
            return None
        victim = standing[choice % len(standing)]
        blow = self.blow(kind, victim)
        return blow if processes.kill(victim) else None

    def blow(self, kind: Kind, victim: Process) -> Blow:
        """What is to be watched when this process is struck now, in whatever way."""
        return Blow(kind, time.time(), f"pid {victim.pid}", victim, self._sign_of_life(victim))

    def is_back(self, blow: Blow) -> bool:
        """Whether what this blow struck works again."""
        if blow.process is not None and processes.is_alive(blow.process):
            return False
        if blow.kind in (Kind.WEB_MASTER, Kind.WEB_WORKER):
            return self.answers()
        if blow.sign_of_life is not None:
            with contextlib.suppress(FileNotFoundError):
                return blow.sign_of_life.stat().st_mtime > blow.at
            return False
        if blow.kind in (Kind.BROKER, Kind.FLUSH):
            return self._broker_answers()
        if blow.kind is Kind.PKI:
            return connects(self.port + 30)
        return bool(self.standing(blow.kind))

    def _flush(self) -> Blow | None:
        at = time.time()
        try:
            with self.broker() as client:
                client.flushall()
        except redis.RedisError:
            return None  # away this moment: killed a moment ago
        return Blow(Kind.FLUSH, at, "FLUSHALL")

    def _broker_answers(self) -> bool:
        try:
            with self.broker() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _sign_of_life(self, process: Process) -> Path | None:
        """The file that a worker touches at every sweep."""
        words = process.command.split()
        name = words[words.index("-n") + 1].partition("@")[0] if "-n" in words else ""
        return self.data / "run" / f"{name}.alive" if name else None


def _is(process: Process, kind: Kind) -> bool:
    return any(mark in f" {process.command} " for mark in MARKS.get(kind, ()))


def free_base() -> int:
    """A port whose neighbours for the other parts are free as well."""
    while True:
        port = free_port()
        if port < 60_000 and not any(connects(port + step) for step in PARTS):
            return port


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """TERM ends the block like Ctrl-C does, so that what was started is ended too."""
    before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
