"""The provider that is measured: the processes of script/server, started from the same list with the same settings.

Only what the pipeline needs runs: broker, demo PKI, workers. A folder that holds a prepared provider is used again, so
that one set of certificates and people serves several runs.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import start
from campaigns import processes
from campaigns.deployment import free_base
from supervisor import Child

from demo import pki

from .floor import Keys

PEOPLE = "KEP_BENCH_PEOPLE"
"""The variable that names the file of the demo's people: only one of the profiles has a data directory."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Place:
    """A running provider: its folder, the environment of its processes, and the processes by name."""

    plan: start.Plan
    environment: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    neighbours: dict[str, int] = field(default_factory=dict)
    """Process ids that are not ours to end, by kind: a database server, watched with all its children."""

    def add(self, child: Child) -> None:
        """Start one process and wait until it answers. RuntimeError with the end of its log when it does not."""
        path = self.plan.log / f"{child.name}.log"
        with path.open("ab") as log:
            self.processes[child.name] = subprocess.Popen(
                child.command,
                cwd=start.ROOT,
                env={**self.environment, **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not child.answers():
            if self.processes[child.name].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{child.name} did not answer: {path.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def signal(self, number: int, kinds: tuple[str, ...] = ("deliver", "seal", "reader")) -> None:
        """Stop (SIGSTOP) or let go (SIGCONT) the processes of these kinds."""
        for name, process in self.processes.items():
            if kind_of(name) in kinds:
                process.send_signal(number)

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time so far, by kind of process."""
        spent: dict[str, float] = {}
        for name, process in self.processes.items():
            spent[kind_of(name)] = spent.get(kind_of(name), 0.0) + cpu_of(process.pid)
        for kind, pid in self.neighbours.items():
            spent[kind] = cpu_of(pid) + sum(cpu_of(child.pid) for child in processes.children_of(pid))
        return spent

    def end(self) -> None:
        """End every process, those that lean on others first."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def kind_of(name: str) -> str:
    """`seal` of `seal-2`."""
    return name.rstrip("0123456789").rstrip("-")


def cpu_of(pid: int) -> float:
    """User and system seconds of one process, with those of children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def plan_of(data: Path, *, workers: int) -> start.Plan:
    """Where everything of a run lies. Certificates name the port of the demo PKI: a folder keeps its own."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = data.with_name(f"{data.name}.port")
    if not kept.exists():
        kept.write_text(str(free_base()))
    return start.Plan(data.resolve(), int(kept.read_text()), workers)


@contextlib.contextmanager
def prepared(plan: start.Plan, keys: Keys) -> Iterator[tuple[Mapping[str, str], Path]]:
    """The data folder with certificates of the wanted kinds, tables and demo people: environment and broker socket."""
    with start.held_alone(plan.data), start.broker_socket(plan) as broker:
        for folder in (plan.run, plan.log):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pki.ensure(plan.data, port=plan.pki_port, transaction_key=keys.provider, timestamp_key=keys.authority)
        environment = {**start.environment_of(plan, broker), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        start.prepare(environment)
        yield {**environment, PEOPLE: str(plan.data / "demo.json")}, broker


@contextlib.contextmanager
def running(plan: start.Plan, keys: Keys, kinds: tuple[str, ...]) -> Iterator[Place]:
    """A provider of which processes of these kinds run, named as in script/start.py."""
    with prepared(plan, keys) as (environment, broker):
        place = Place(plan, environment)
        try:
            for child in start.children_of(plan, broker):
                if kind_of(child.name) in kinds:
                    if child.heartbeat is not None:
                        child.heartbeat.unlink(missing_ok=True)
                    place.add(child)
            yield place
        finally:
            place.end()


def reader(place: Place) -> Child:
    """The process that opens what has been delivered, as people would."""
    ready = place.plan.run / "reader.alive"
    ready.unlink(missing_ok=True)
    return Child(
        "reader",
        [sys.executable, "-m", "benches.reader", str(ready)],
        ready.exists,
        {"KEP_PROCESS_ROLE": "web"},
    )


def use(environment: Mapping[str, str], *, role: str = "web") -> None:
    """Make this very process one of the provider's; once per process."""
    os.environ.update(environment, KEP_PROCESS_ROLE=role)
    import django

    django.setup()
