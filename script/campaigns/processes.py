"""Processes seen from outside, by /proc: who started whom, under which command line, and since when.

A campaign kills what it found itself below a supervisor that it started, and nothing else. A process is named by id
and start time together, and the signal goes through a descriptor of exactly that process: an id that was given to
somebody else meanwhile is never hit. Linux only.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process: `started` is its start time in clock ticks since boot, which tells it from a later one."""

    pid: int
    parent: int
    started: int
    command: str


def find(pid: int) -> Process | None:
    """The process with this id, None when there is none or it has ended and was not waited for yet."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    if fields[0] in ("Z", "X"):
        return None
    return Process(pid, int(fields[1]), int(fields[19]), command.replace(b"\0", b" ").decode(errors="replace").strip())


def children_of(parent: int) -> list[Process]:
    """What this process has started and what still runs, by id."""
    found = (find(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return sorted((each for each in found if each and each.parent == parent), key=lambda each: each.pid)


def variable_of(pid: int, name: str) -> str:
    """One variable of the environment a process was started with; empty when it has none."""
    prefix = f"{name}=".encode()
    for line in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
        if line.startswith(prefix):
            return line.removeprefix(prefix).decode()
    return ""


def is_alive(process: Process) -> bool:
    """Whether this very process still runs."""
    now = find(process.pid)
    return now is not None and now.started == process.started


def kill(process: Process) -> bool:
    """`kill -9` for exactly this process; whether there was somebody to kill."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True
