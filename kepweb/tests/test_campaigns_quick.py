"""The kill and load campaigns in their CI size, and what they are made of (R-001..R-003, R-031..R-034).

The sizes are small and the whole is real: a provider of its own, real processes, real sockets, real `kill -9`.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from campaigns import kill, load, processes, told
from campaigns.client import Poster, Stock
from campaigns.deployment import Kind
from campaigns.embedded import Embedded
from campaigns.production import Production

ROOT = Path(__file__).resolve().parents[2]

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux: processes are found in /proc")
pytestmark = [pytest.mark.loopback, only_on_linux]


def campaign(*arguments: object) -> subprocess.CompletedProcess[str]:
    """One run of a campaign to its end."""
    command = [ROOT / "script" / "campaign", *arguments]
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=600)


# --- whole runs -----------------------------------------------------------------------------------------------------
def test_nothing_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    done = campaign("kill", "--quick", "--seed", 11, "--data", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "campaigns" / "kill.json").read_text())
    assert (record["seed"], record["quick"], record["verdict"]) == (11, True, "passed")
    assert record["kills"] == kill.QUICK_KILLS
    assert set(record["kills_by_kind"]) == {kind.value for kind in Embedded.kinds}
    assert record["acknowledged"] == record["accepted"] == kill.QUICK_MESSAGES
    assert record["openings_acknowledged"] > 0
    assert record["proofs"] >= record["accepted"] + record["deliveries"] + record["openings_acknowledged"]
    assert sum(record["findings"].values()) + record["kepcheck"] == 0
    assert record["commit"]
    assert "seed 11" in done.stdout
    assert "relay" in done.stdout
    assert not (tmp_path / "campaigns" / "kill-embedded" / "data").exists()


def test_a_steady_load_is_carried(tmp_path: Path) -> None:
    done = campaign("load", "--quick", "--seed", 12, "--data", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "campaigns" / "load.json").read_text())
    assert (record["seed"], record["verdict"], record["errors"], record["unanswered"]) == (12, "passed", [], 0)
    assert record["acknowledged"] == record["messages"] == round(load.QUICK_RATE * load.QUICK_MINUTES * 60)
    for name in ("answer", "accept", "delivery"):
        assert 0 < record[name]["p50"] <= record[name]["p95"] <= record[name]["p99"] <= record[name]["longest"]


# --- the plan -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kinds", [Embedded.kinds, Production.kinds], ids=["embedded", "production"])
def test_the_plan_strikes_each_kind_often_enough_and_can_be_repeated(kinds: tuple[Kind, ...]) -> None:
    planned = kill.plan(kinds, seed=1, kills=500, messages=20_000)
    assert planned == kill.plan(kinds, seed=1, kills=500, messages=20_000)
    assert planned != kill.plan(kinds, seed=2, kills=500, messages=20_000)
    assert len(planned) == 500
    struck = Counter(each.kind for each in planned)
    assert set(struck) == set(kinds)
    assert min(struck.values()) >= 40
    after = [each.after for each in planned]
    assert after == sorted(after)
    assert after[-1] < 20_000


def test_production_also_loses_its_database() -> None:
    assert set(Production.kinds) - set(Embedded.kinds) == {Kind.DATABASE}


# --- the verdicts ---------------------------------------------------------------------------------------------------
def a_record(**changes: Any) -> dict[str, Any]:
    blow = {"unfinished": {"signed": 1}, "recovered": 1.0, "again": None}
    return {
        "findings": {"LOST": 0, "DOUBLED": 0},
        "kepcheck": 0,
        "messages": 20,
        "acknowledged": 20,
        "errors": [],
        "kills": 2,
        "kills_planned": 2,
        "kills_by_kind": {"seal": 1, "deliver": 1},
        "blows": [blow, blow],
        "settled_seconds": 1.0,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"findings": {"LOST": 1, "DOUBLED": 0}},
        {"findings": {"LOST": 0, "DOUBLED": 1}},
        {"kepcheck": 1},
        {"acknowledged": 19},
        {"errors": ["409"]},
        {"kills": 1},
        {"kills_by_kind": {"seal": 2}},
        {"blows": [{"unfinished": {"signed": 0}, "recovered": 1.0, "again": None}]},
        {"blows": [{"unfinished": {"signed": 1}, "recovered": None, "again": None}]},
        {"blows": [{"unfinished": {"signed": 1}, "recovered": 60.5, "again": None}]},
        {"settled_seconds": None},
    ],
)
def test_a_run_of_kills_passes_only_when_all_is_right(changes: dict[str, Any]) -> None:
    kinds = (Kind.SEAL, Kind.DELIVER)
    assert kill.faults_of(a_record(), kinds=kinds) == []
    assert len(kill.faults_of(a_record(**changes), kinds=kinds)) == 1


def test_a_process_struck_again_before_it_was_back_is_counted_from_the_later_blow() -> None:
    blows = [{"unfinished": {"signed": 1}, "recovered": None, "again": 2}, *a_record()["blows"][:1]]
    assert kill.faults_of(a_record(blows=blows), kinds=(Kind.SEAL, Kind.DELIVER)) == []


def test_a_load_passes_only_within_its_figures() -> None:
    fast = {"p50": 0.1, "p95": 0.2, "p99": 0.3, "longest": 0.4}
    record = {
        "rate": 100.0,
        "sustained_per_second": 99.0,
        "accept": fast,
        "delivery": fast,
        "queue_is_flat": True,
    }
    assert load.misses(record, load.MUST) == load.misses(record, load.GOAL) == []
    for slow in (
        {"sustained_per_second": 90.0},
        {"rate": 24.0, "sustained_per_second": 24.0},
        {"accept": {**fast, "p95": 1.1}},
        {"accept": {**fast, "p99": 3.1}},
        {"delivery": {**fast, "p95": 10.1}},
        {"queue_is_flat": False},
        {"accept": {}},
    ):
        assert load.misses({**record, **slow}, load.MUST), slow


def test_percentiles_name_the_slow_ones() -> None:
    assert load.percentiles([*([0.1] * 94), *([2.0] * 6)]) == {"p50": 0.1, "p95": 2.0, "p99": 2.0, "longest": 2.0}


# --- the client -----------------------------------------------------------------------------------------------------
class Faltering(BaseHTTPRequestHandler):
    """A provider that hangs up on the first POST, fails the second, puts off the third, and takes the fourth."""

    protocol_version = "HTTP/1.1"
    asked: list[bytes] = []

    def do_POST(self) -> None:
        self.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        if len(self.asked) == 1:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, told = {2: (500, "oops"), 3: (503, {"code": "SIS-09", "message": "Yoğunuz."})}.get(
            len(self.asked), (200, {"state": "SIGNED"})
        )
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


def test_the_client_asks_until_it_is_answered_and_keeps_the_answer(tmp_path: Path) -> None:
    Faltering.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Faltering)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # hanging up is what is asked of it
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stock = tmp_path / "stock.jsonl"
    message = {"operation": "one", "token": "t", "signature": "s", "recipients": ["a@hs01.kep.tr"]}
    stock.write_text(json.dumps(message) + "\n")
    poster = Poster(
        Stock([message], 0.0, time.time(), 1), tmp_path / "acks-0.jsonl", port=server.server_port, headers={}
    )
    poster.start()
    poster.join(30)
    server.shutdown()
    server.server_close()
    said = told.read([stock], tmp_path)
    assert len(set(Faltering.asked)) == 1
    assert len(Faltering.asked) == said.acked["one"].tries == 4
    assert said.acked["one"].put_off == 1
    assert said.posted == {"one"}
    assert poster.errors == 0


def test_an_acknowledgement_cut_short_was_never_one(tmp_path: Path) -> None:
    line = json.dumps({"acked": "one", "due": 1, "sent": 1, "answered": 2, "tries": 1, "put_off": 0})
    (tmp_path / "acks-0.jsonl").write_text(f"{line}\n{line.replace('one', 'two')[:40]}")
    assert set(told.read([], tmp_path).acked) == {"one"}


def test_a_gate_holds_the_stock_back() -> None:
    stock = Stock([{"operation": "one"}, {"operation": "two"}], 0.0, time.time(), 0)
    taken: list[object] = []
    taker = threading.Thread(target=lambda: taken.append(stock.take()))
    taker.start()
    taker.join(0.2)
    assert taken == []
    stock.allow(1)
    taker.join(5)
    assert len(taken) == 1
    assert stock.next == 1


# --- processes ------------------------------------------------------------------------------------------------------
def test_only_the_very_process_that_was_found_is_killed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        (found,) = [each for each in processes.children_of(os.getpid()) if each.pid == child.pid]
        later = processes.Process(found.pid, found.parent, found.started + 1, found.command)
        assert not processes.kill(later)
        assert child.poll() is None
        assert processes.is_alive(found)
        assert processes.kill(found)
        assert child.wait(10) == -9
        assert not processes.is_alive(found)
        assert not processes.kill(found)
    finally:
        child.kill()
        child.wait()
