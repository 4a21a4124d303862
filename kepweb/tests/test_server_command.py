"""`script/server` brings a whole provider up by one command, keeps it up, and ends it in order (design.md 3, R-031).

These tests start the real thing in a directory of their own; each process they kill is one that they started.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import answers_on, free_port

ROOT = Path(__file__).resolve().parents[2]
CORES = min(4, os.cpu_count() or 1)
WORKERS = tuple(f"{queue}-{number}" for queue in ("seal", "deliver") for number in range(1, CORES + 1))
"""One of each queue for each core, four at most."""
PROCESSES = ("valkey", "demo-pki", *WORKERS, "beat", "signer", "metrics", "web")

pytestmark = [pytest.mark.loopback, pytest.mark.needs("procps")]


class Server:
    """One started `script/server`, seen from outside."""

    def __init__(self, data: Path, port: int, *more: str) -> None:
        self.data, self.port = data, port
        self.process = subprocess.Popen(
            [ROOT / "script" / "server", "--data", data, "--port", str(port), *more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, lines) -> None:
        with stream:
            lines.extend(line.rstrip("\n") for line in stream)

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.out or self.process.poll() is not None, 90, f"no ready line: {self.err}")
        assert self.process.poll() is None, self.err

    def children(self) -> dict[str, int]:
        """Process ids by what they are."""
        found = {}
        for pid, parent, command in processes():
            if parent == self.process.pid:
                found[name_of(command)] = pid
        return found

    def end(self, number: int = signal.SIGINT) -> int:
        """Signal the supervisor and wait; its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        for reader in self._readers:
            reader.join(5)
        return status


def processes() -> list[tuple[int, int, str]]:
    """(pid, parent, command line) of everything that runs."""
    listed = subprocess.run(
        ["ps", "-axww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [(int(row[0]), int(row[1]), row[2]) for row in rows if len(row) == 3]


def name_of(command: str) -> str:
    """Which of the processes a command line is."""
    marks = {
        "unixsocket": "valkey",
        "demo.pki_server": "demo-pki",
        **{f"-n {name}@": name for name in WORKERS},
        "kepweb beat": "beat",
        "signer page": "signer",
        "kepmetrics": "metrics",
        "gunicorn": "web",
    }
    return next((name for mark, name in marks.items() if mark in command), command)


def wait_for(condition, seconds: float, otherwise: str) -> None:
    """Look until `condition` holds; a test that waits for another process can do no better."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def is_ready(port: int) -> bool:
    """Whether /readyz says that every needed part works."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_base() -> int:
    """A port whose neighbours for the demo PKI and the signer are free as well."""
    while True:
        port = free_port()
        if port < 60_000 and not any(answers_on(port + step) for step in (30, 40, 50)):
            return port


@contextmanager
def serving(data: Path, port: int):
    """A ready server, ended when the block ends."""
    server = Server(data, port)
    try:
        server.wait_until_ready()
        yield server
    finally:
        if server.process.poll() is None:
            server.end()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data directory that is made by the first test that starts a server on it, and found by the others."""
    return tmp_path_factory.mktemp("server") / "var"


@pytest.fixture(scope="module")
def server(data):
    """One server for the tests that leave it running."""
    with serving(data, free_base()) as started:
        yield started


def test_it_says_when_it_is_ready_by_one_line(server):
    assert server.out == [f"KEP hazır: http://127.0.0.1:{server.port}"]
    assert is_ready(server.port)


def test_every_process_runs(server):
    assert sorted(server.children()) == sorted(PROCESSES)


def test_the_demo_people_are_for_their_owner_only(server, data):
    people = json.loads((data / "demo.json").read_text())["people"]
    assert {"name", "role", "tckn", "parola", "sifre", "phone", "addresses", "p12", "p12_pin"} <= people[0].keys()
    assert data.stat().st_mode & 0o077 == 0


def test_nothing_in_the_data_directory_is_readable_for_others(server, data):
    """Tables hold the visits, and --data may name a folder that others can enter: the modes of files must do."""
    kept = [path for path in data.rglob("*") if not path.is_symlink() and data / "static" not in path.parents]
    open_to_others = [str(path.relative_to(data)) for path in kept if path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_the_broker_has_a_private_socket_and_no_port(server):
    command = next(command for pid, _, command in processes() if pid == server.children()["valkey"])
    place = Path(command.split("unixsocket:")[1].split()[0])
    assert place.stat().st_mode & 0o777 == 0o700
    assert place.parent.stat().st_mode & 0o077 == 0


def test_metrics_are_told_on_a_port_of_their_own(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port + 50, timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    page = answer.read().decode()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'kep_queue_pieces{kind="seal"} 0\n' in page
    assert 'kep_process_silence_seconds{process="seal-1"}' in page
    assert "kep_clock_drift_seconds{" in page
    connection.request("GET", "/gelen/")
    assert connection.getresponse().status == 404
    connection.close()


def test_a_second_supervisor_on_the_same_data_is_refused(server, data):
    second = Server(data, free_base())
    assert second.process.wait(60) == 1
    wait_for(lambda: second.err, 5, "nothing was said")
    assert "zaten çalışıyor" in second.err[-1]
    assert second.out == []
    assert is_ready(server.port)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_is_started_again(server, name):
    before = server.children()
    os.kill(before[name], signal.SIGKILL)

    def is_back() -> bool:
        return server.children().get(name, before[name]) != before[name] and is_ready(server.port)

    wait_for(is_back, 60, f"{name} did not come back: {server.err}")
    assert {each: pid for each, pid in server.children().items() if each != name} == {
        each: pid for each, pid in before.items() if each != name
    }


def test_three_processes_killed_together_come_back(server):
    names = ("deliver-1", "valkey", "web")
    before = server.children()
    for name in names:
        os.kill(before[name], signal.SIGKILL)

    def are_back() -> bool:
        now = server.children()
        return all(now.get(name, before[name]) != before[name] for name in names) and is_ready(server.port)

    wait_for(are_back, 60, f"not all came back: {server.err}")


def test_processes_that_live_and_do_nothing_are_replaced_within_a_minute(server):
    """Stopped, not killed: they hold their sockets and their claims, and nobody is told that they are gone (R-014)."""
    names = ("seal-1", "deliver-1", "beat", "valkey", "web")
    signs = [server.data / "run" / f"{name}.alive" for name in ("seal-1", "deliver-1", "beat")]
    # one that has only just been started has a minute and a half for its first sign of life or its first good answer
    wait_for(lambda: all(sign.exists() for sign in signs) and is_ready(server.port), 90, f"not up: {server.err}")
    answers_since = time.monotonic()
    wait_for(lambda: is_ready(server.port) and time.monotonic() - answers_since > 2, 30, f"not up: {server.err}")
    before = server.children()
    begun = time.monotonic()
    for name in names:
        os.killpg(before[name], signal.SIGSTOP)  # its whole group: gunicorn's own workers too

    def are_back() -> bool:
        now = server.children()
        return all(now.get(name, before[name]) != before[name] for name in names) and is_ready(server.port)

    wait_for(are_back, 75, f"not all came back: {server.err}")
    assert time.monotonic() - begun < 60, server.err
    assert {each: pid for each, pid in server.children().items() if each not in names} == {
        each: pid for each, pid in before.items() if each not in names
    }


def test_it_ends_in_order_and_the_next_start_finds_all_as_it_was(tmp_path):
    data = tmp_path / "var"
    with serving(data, free_base()) as first:
        children = first.children()
        kept = {path: path.read_bytes() for path in (data / "demo.json", data / "pki" / "root.pem")}
        assert first.end() == 0
    assert [name for name, pid in children.items() if any(pid == each for each, _, _ in processes())] == []
    assert first.err[-2:] == ["KEP: kapanıyor", "KEP: kapandı"]
    with serving(data, free_base()) as second:
        assert {path: path.read_bytes() for path in kept} == kept
        assert [line for line in second.err if "oluşturuluyor" in line] == []
        assert second.end(signal.SIGTERM) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: a child is told of its parent's death")
def test_a_killed_supervisor_leaves_nobody_behind(tmp_path):
    with serving(tmp_path / "var", free_base()) as started:
        children = started.children()
        started.process.kill()
        started.process.wait()

        def are_gone() -> bool:
            return not {pid for pid, _, _ in processes()} & set(children.values())

        wait_for(are_gone, 40, f"still running: {children}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "yalnızca bu makinede"),  # noqa: S104
        (["--host", "192.168.1.5"], "yalnızca bu makinede"),
        (["--peer"], "henüz yok"),
        (["--workers", "0"], "--workers"),
        (["--port", "80"], "--port"),
    ],
)
def test_what_this_profile_does_not_do_is_refused_in_a_sentence(tmp_path, arguments, sentence):
    refused = start(tmp_path / "var", arguments)
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert not (tmp_path / "var").exists()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("not yours")
    refused = start(tmp_path, ["--reset"])
    assert refused.returncode == 1
    assert "KEP veri klasörü değil" in refused.stderr
    assert (tmp_path / "letters.txt").read_text() == "not yours"


def test_a_port_somebody_holds_is_named(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        refused = start(tmp_path / "var", ["--port", str(port)])
    assert refused.returncode == 1
    assert f"127.0.0.1:{port} kapısı kullanımda" in refused.stderr


def start(data: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """A start that ends by itself."""
    command = [sys.executable, ROOT / "script" / "start.py", "--data", data, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
