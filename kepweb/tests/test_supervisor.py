"""The supervisor's own rules, with small processes in place of the provider's (design.md 1.7)."""

import signal
import subprocess
import sys
import threading
import time

import pytest
import supervisor
from probe import asks_http
from supervisor import Child, Supervisor

from conftest import free_port

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
DYING = [sys.executable, "-c", "raise SystemExit(3)"]

pytestmark = [pytest.mark.loopback, pytest.mark.needs("procps")]


@pytest.fixture
def house(tmp_path):
    """A supervisor whose loop runs in a thread; `end` sends it the first signal."""
    made = []

    class House:
        def __init__(self, *children: Child) -> None:
            self.children = list(children)
            self.supervisor = Supervisor(root=tmp_path, log=tmp_path, environment={"PATH": "/usr/bin:/bin"})
            self.ready = threading.Event()
            self.thread = threading.Thread(target=self.supervisor.run, args=(self.children, self.ready.set))
            self.thread.start()
            made.append(self)

        def end(self) -> None:
            self.supervisor._on_signal(signal.SIGTERM, None)
            self.thread.join(20)
            assert not self.thread.is_alive()

    yield House
    for each in made:
        each.end()


def wait_for(condition, seconds=20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_ready_is_said_once_when_all_answer(house):
    answers = []
    started = house(Child("a", SLEEPER, lambda: True), Child("b", SLEEPER, lambda: bool(answers)))
    assert not started.ready.wait(0.5)
    answers.append(True)
    assert started.ready.wait(10)


@pytest.fixture
def pauses(monkeypatch):
    """(exit status, pause) of every process that ended, and hardly any waiting."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.04)
    noted: list[tuple[int, float]] = []
    has_ended = Supervisor._has_ended

    def note(self, child, status, now):
        has_ended(self, child, status, now)
        noted.append((status, round(child.start_again_at - now, 3)))

    monkeypatch.setattr(Supervisor, "_has_ended", note)
    return noted


def test_a_process_that_keeps_dying_is_tried_ever_more_rarely(house, pauses):
    house(Child("dying", DYING, lambda: True))
    wait_for(lambda: len(pauses) >= 4)
    assert pauses[:4] == [(3, 0.01), (3, 0.02), (3, 0.04), (3, 0.04)]


def test_one_that_ran_for_a_while_is_not_held_back(house, pauses, monkeypatch):
    monkeypatch.setattr(supervisor, "EARNED_AFTER", 0.0)
    house(Child("dying", DYING, lambda: True))
    wait_for(lambda: len(pauses) >= 3)
    assert pauses[:3] == [(3, 0.01)] * 3


def test_a_worker_that_never_gives_a_sign_of_life_is_replaced(house, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(supervisor, "FIRST_SILENCE", 0.3)
    child = Child("mute", SLEEPER, lambda: True, heartbeat=tmp_path / "mute.alive")
    started = house(child)
    assert started.ready.wait(10)
    first = child.process.pid
    wait_for(lambda: child.process is not None and child.process.pid != first)
    assert "ALM-11 mute 0 saniyedir ses vermiyor" in capfd.readouterr().err


def test_a_worker_that_falls_silent_is_replaced(house, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(supervisor, "SILENCE", 0.3)
    heartbeat = tmp_path / "mute.alive"
    child = Child("mute", SLEEPER, lambda: True, heartbeat=heartbeat)
    started = house(child)
    assert started.ready.wait(10)
    heartbeat.touch()
    first = child.process.pid
    wait_for(lambda: child.process is not None and child.process.pid != first)
    assert "ALM-11 mute 0 saniyedir ses vermiyor" in capfd.readouterr().err


def test_one_that_is_heard_is_left_alone(house, monkeypatch, tmp_path):
    monkeypatch.setattr(supervisor, "SILENCE", 0.5)
    heartbeat = tmp_path / "heard.alive"
    child = Child("heard", SLEEPER, lambda: True, heartbeat=heartbeat)
    started = house(child)
    assert started.ready.wait(10)
    first = child.process.pid
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        heartbeat.touch()
        time.sleep(0.05)
    assert child.process.pid == first


def test_the_end_comes_by_turns(house, monkeypatch):
    told = []
    say_to = Child.signal
    monkeypatch.setattr(
        Child,
        "signal",
        lambda self, number, *, whole_group: (
            told.append(self.name) if number == signal.SIGTERM else None,
            say_to(self, number, whole_group=whole_group),
        ),
    )
    started = house(
        Child("broker", SLEEPER, lambda: True, stop_turn=2),
        Child("worker", SLEEPER, lambda: True, stop_turn=1),
        Child("web", SLEEPER, lambda: True),
    )
    assert started.ready.wait(10)
    started.end()
    assert told == ["web", "worker", "broker"]
    assert [child.name for child in started.children if child.is_running] == []


def test_one_that_does_not_go_is_killed(house, tmp_path):
    child = Child("deaf", STUBBORN, lambda: True, stop_patience=0.3)
    started = house(child)
    wait_for(lambda: (tmp_path / "deaf.log").exists() and b"deaf" in (tmp_path / "deaf.log").read_bytes())
    started.end()
    assert child.process.returncode == -signal.SIGKILL


def test_a_second_signal_does_not_wait(house, tmp_path):
    child = Child("deaf", STUBBORN, lambda: True, stop_patience=60)
    started = house(child)
    wait_for(lambda: (tmp_path / "deaf.log").exists() and b"deaf" in (tmp_path / "deaf.log").read_bytes())
    started.supervisor._on_signal(signal.SIGINT, None)
    began = time.monotonic()
    started.end()
    assert time.monotonic() - began < 10


def test_what_a_dead_process_had_started_does_not_live_on(house, tmp_path):
    """gunicorn killed with -9 leaves its workers, who would hold the port."""
    sleep = "import time; time.sleep(600)"
    script = (
        f"import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', '{sleep}']); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    child = Child("parent", [sys.executable, "-c", script], lambda: True)
    house(child)
    log = tmp_path / "parent.log"
    wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    grandchild = int(log.read_text().split()[0])
    child.process.kill()
    wait_for(lambda: not is_alive(grandchild))


def is_alive(pid: int) -> bool:
    """Whether that process runs; one that has ended and waits to be collected does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def test_errors_in_a_log_are_repeated_and_other_lines_are_not(house, tmp_path, capfd):
    script = (
        "print('t INFO kep fine', flush=True); print('t ERROR kep broken', flush=True); import time; time.sleep(600)"
    )
    started = house(Child("talker", [sys.executable, "-c", script], lambda: True))
    wait_for(lambda: (tmp_path / "talker.log").exists() and b"broken" in (tmp_path / "talker.log").read_bytes())
    started.end()
    said = capfd.readouterr().err
    assert "talker: t ERROR kep broken" in said
    assert "fine" not in said


def test_a_log_that_has_grown_large_is_put_aside(house, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "LOG_LIMIT", 10)
    (tmp_path / "web.log").write_text("x" * 11)
    started = house(Child("web", SLEEPER, lambda: True))
    assert started.ready.wait(10)
    assert (tmp_path / "web.log.1").read_text() == "x" * 11
    assert (tmp_path / "web.log").read_text() == ""


SERVER = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def test_a_server_that_answers_nothing_any_more_is_replaced(house, monkeypatch, capfd):
    """It runs, it even takes connections; only its answers do not come."""
    monkeypatch.setattr(supervisor, "SILENCE", 4.0)
    port = free_port()
    probe = asks_http(port, "/", b" 200 OK")
    child = Child("server", [sys.executable, "-c", SERVER, str(port)], lambda: probe.good_at is not None, probe=probe)
    assert house(child).ready.wait(20)
    first = child.process.pid
    child.signal(signal.SIGSTOP, whole_group=False)
    wait_for(lambda: child.process is not None and child.process.pid != first)
    wait_for(lambda: probe.good_at is not None)
    assert "ALM-11 server 4 saniyedir ses vermiyor" in capfd.readouterr().err
