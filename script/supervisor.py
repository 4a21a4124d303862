"""Keeps a set of processes alive, and ends them in order. Standard library only.

- A process that dies is started again after 0.2 s, 0.4 s, ... 15 s; one that ran for half a minute has earned a new
  start. So one that was killed is back well within a minute (R-031).
- A process that lives and does nothing is found (R-014): a worker or beat that gives no sign of life, or a server that
  answers no question, for forty seconds is killed, and then started again like any other. Nothing that a healthy one
  does takes so long without a sign (guards/sign_of_life.py). A fresh one has a minute and a half to come up.
- Each child has a session of its own, so that Ctrl-C in the terminal reaches the supervisor only; on Linux a child
  is told to end when its supervisor dies, whatever killed it.
- The end comes by turns, `stop_turn` 0 first. Whoever does not go is killed with its whole process group. A second
  Ctrl-C does not wait.

Children write to `<name>.log`; lines that report an error are repeated on stderr.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from probe import Probe

FIRST_PAUSE, LONGEST_PAUSE, EARNED_AFTER = 0.2, 15.0, 30.0
SILENCE, FIRST_SILENCE = 40.0, 90.0
LONGEST_ABSENCE = 5.0
"""Seconds between two looks after which it was the supervisor itself that stood still."""
REMIND_AFTER = 30.0
LOG_LIMIT = 10_000_000
ERROR_WORDS = (" ERROR ", " CRITICAL ", "[ERROR]", "[CRITICAL]")
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process: how it is started, how one sees that it answers, and when its turn to end comes."""

    name: str
    command: Sequence[str]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_turn: int = 0
    stop_patience: float = 10.0
    heartbeat: Path | None = None
    probe: Probe | None = None
    beat: tuple[int, float] = (0, 0.0)
    """The heartbeat's time of change when it was last looked at, and when (monotonic) it was seen to be another."""
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_at: float = 0.0
    start_again_at: float = 0.0
    log_read: int = 0

    @property
    def is_running(self) -> bool:
        """Whether the process exists and has not ended."""
        return self.process is not None and self.process.poll() is None

    def silence(self, now: float) -> tuple[float, float]:
        """Seconds since the last sign of life or answer, and how long that may be; `now` is the monotonic clock."""
        if self.heartbeat is not None:
            try:
                mark = self.heartbeat.stat().st_mtime_ns
            except FileNotFoundError:
                return now - self.started_at, FIRST_SILENCE
            if mark != self.beat[0]:  # only that it changes counts: the clock of the machine may be set meanwhile
                self.beat = (mark, now)
            return now - self.beat[1], SILENCE
        if self.probe is not None:
            if self.probe.good_at is None:
                return now - self.started_at, FIRST_SILENCE
            return now - self.probe.good_at, SILENCE
        return 0.0, SILENCE

    def signal(self, number: int, *, whole_group: bool) -> None:
        """Signal the process, or it and everything it started; one that has gone is no error."""
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                (os.killpg if whole_group else os.kill)(self.process.pid, number)


class Supervisor:
    """Keeps `children` alive until it is told to end, with logs in `log` and every start in `root`."""

    def __init__(self, *, root: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._root, self._log, self._environment = root, log, environment
        self._children: list[Child] = []
        self._signals = 0
        self._looked_at = time.monotonic()

    def listen_for_signals(self) -> None:
        """From now on INT, TERM and HUP end the provider in order."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def run(self, children: list[Child], when_ready: Callable[[], None]) -> None:
        """Start the children and watch them until a signal comes; `when_ready` is called once, when all answer."""
        self._children = children
        is_ready, reminded = False, time.monotonic()
        try:
            while not self._signals:
                self._watch()
                if not is_ready and not self._silent():
                    is_ready = True
                    for probe in (child.probe for child in self._children if child.probe is not None):
                        probe.good_at = time.monotonic()  # they have just answered
                    when_ready()
                elif not is_ready and time.monotonic() - reminded > REMIND_AFTER:
                    reminded = time.monotonic()
                    say(f"bekleniyor: {', '.join(self._silent())} (günlükler: {self._log})")
                time.sleep(0.1)
        finally:
            self._end_all()

    def _on_signal(self, number: int, frame: object) -> None:
        self._signals += 1

    def _silent(self) -> list[str]:
        """Names of the children that do not run or do not answer yet."""
        return [child.name for child in self._children if not (child.is_running and child.answers())]

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self._looked_at > LONGEST_ABSENCE:  # it was we who did nothing: nobody could answer
            for child in self._children:
                if child.probe is not None and child.probe.good_at is not None:
                    child.probe.good_at = now
        self._looked_at = now
        for child in self._children:
            self._repeat_errors(child)
            if child.is_running:
                if child.probe is not None:
                    child.probe.turn(now)
                silence, longest = child.silence(now)
                if silence > longest:
                    say(f"ALM-11 {child.name} {longest:.0f} saniyedir ses vermiyor; sonlandırılıyor")
                    child.signal(signal.SIGKILL, whole_group=True)
                continue
            if child.process is not None:
                self._has_ended(child, child.process.returncode, now)
            if now >= child.start_again_at:
                self._start(child, now)

    def _has_ended(self, child: Child, status: int, now: float) -> None:
        child.signal(signal.SIGKILL, whole_group=True)  # what it had started must not live on beside its successor
        if now - child.started_at > EARNED_AFTER:
            child.failures = 0
        pause = min(FIRST_PAUSE * 2**child.failures, LONGEST_PAUSE)
        say(f"{child.name} durdu ({status}); {pause:.1f} s sonra yeniden başlatılıyor")
        child.failures += 1
        child.process = None
        child.start_again_at = now + pause

    def _start(self, child: Child, now: float) -> None:
        path = self._log / f"{child.name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        if child.heartbeat is not None:
            child.heartbeat.unlink(missing_ok=True)
        if child.probe is not None:
            child.probe.forget()
        with path.open("ab") as log:
            child.log_read = log.tell()
            child.process = subprocess.Popen(
                child.command,
                cwd=self._root,
                env={**self._environment, **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # the supervisor has no threads
            )
        child.started_at = now

    def _repeat_errors(self, child: Child) -> None:
        """Show on stderr what the child has reported as an error since the last look."""
        path = self._log / f"{child.name}.log"
        if not path.exists() or path.stat().st_size <= child.log_read:
            return
        with path.open("rb") as log:
            log.seek(child.log_read)
            fresh = log.read(LOG_LIMIT)
        whole, newline, _ = fresh.rpartition(b"\n")
        child.log_read += len(whole) + len(newline)
        for line in whole.decode(errors="replace").splitlines():
            if any(word in line for word in ERROR_WORDS):
                print(f"{child.name}: {line}", file=sys.stderr, flush=True)

    def _end_all(self) -> None:
        say("kapanıyor")
        for turn in sorted({child.stop_turn for child in self._children}):
            self._end([child for child in self._children if child.stop_turn == turn and child.is_running])
        say("kapandı")

    def _end(self, group: list[Child]) -> None:
        for child in group:
            child.signal(signal.SIGTERM, whole_group=False)
        began = time.monotonic()
        for child in group:
            while child.is_running and time.monotonic() < began + child.stop_patience and self._signals < 2:
                time.sleep(0.02)
            if child.is_running:
                say(f"{child.name} beklenen sürede kapanmadı; sonlandırılıyor")
            child.signal(signal.SIGKILL, whole_group=True)
            if child.process is not None:
                child.process.wait()
            self._repeat_errors(child)


def end_with_parent() -> None:
    """In a child on Linux, before it becomes its program: TERM when whoever started it is gone, however it went."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)


def say(text: str) -> None:
    """One line for the person at the terminal."""
    print(f"KEP: {text}", file=sys.stderr, flush=True)
