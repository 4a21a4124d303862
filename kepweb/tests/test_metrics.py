"""The metrics say what the rows say, in the form that Prometheus reads, by a fixed number of queries (R-018)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.models import ClockReading, SealWork
from kepweb import metrics, readiness
from mailbox import tasks
from mailbox.models import Message, Recipient
from mailbox.tests.road import Clock, Road
from mailbox.trouble import put_back

pytestmark = [pytest.mark.loopback, pytest.mark.database]
KINDS = ("signature", "checking", "release", "deliver", "term", "seal", "bundle")
LINE = re.compile(r'([a-z_]+)(?:\{([a-z]+="(?:[^"\\\n]|\\.)*")\})? (-?[0-9.e+]+)')


@pytest.fixture
def road(db: None, provider: Any) -> Road:
    return Road(provider.directory, Clock())


def told(road: Road) -> dict[str, float]:
    """Every value by its name and label; a line in another form fails."""
    found, named = {}, set()
    for line in metrics.page(road.clock.now).splitlines():
        if line.startswith("# "):
            named.add(line.split()[2])
            continue
        parsed = LINE.fullmatch(line)
        assert parsed, line
        assert parsed[1] in named, f"no HELP and TYPE before {line}"
        label = parsed[2].partition("=")[2].strip('"') if parsed[2] else ""
        found[f"{parsed[1]} {label}".strip()] = float(parsed[3])
    return found


def test_an_idle_provider_has_nothing_waiting(road: Road) -> None:
    idle = told(road)
    counted = {name: value for name, value in idle.items() if name.startswith(("kep_queue", "kep_parked", "kep_held"))}
    assert counted == {
        **{f"kep_queue_{what} {kind}": 0.0 for what in ("pieces", "oldest_seconds") for kind in (*KINDS, "notice")},
        **{f"kep_parked_pieces {kind}": 0.0 for kind in KINDS},  # the same names, so that the figures join
    }
    assert (idle["kep_door_open"], idle["kep_terms_overdue"], idle["kep_proofs_sealed_total"]) == (1, 0, 0)
    assert idle["kep_vault_free_bytes"] > 0


def test_work_is_counted_and_timed_where_it_waits(road: Road) -> None:
    for _ in range(2):
        road.sign(road.draft())
    road.clock.move(seconds=90)
    waiting = told(road)
    assert (waiting["kep_queue_pieces signature"], waiting["kep_queue_oldest_seconds signature"]) == (2, 90)
    tasks.submit_signed(road.clock.now)
    tasks.check_due(road.clock.now)
    road.clock.move(minutes=6)
    late = told(road)
    assert (late["kep_proofs_owed"], late["kep_proofs_owed_oldest_seconds"], late["kep_door_open"]) == (2, 360, 0)
    road.turn()
    done = told(road)
    assert (done["kep_proofs_owed"], done["kep_door_open"]) == (0, 1)
    assert done["kep_proofs_sealed_total"] >= 4
    assert "kep_last_timestamp_seconds" in done


def test_a_term_that_could_not_be_ended_is_no_delivery(road: Road) -> None:
    road.send(cc="ayse.yildiz@hs01.kep.tr")
    failed, delivered = Recipient.objects.order_by("pk")
    Recipient.objects.filter(pk=failed.pk).update(due_at=road.clock.now - timedelta(seconds=40), tries=1)
    Recipient.objects.filter(pk=delivered.pk).update(state="DELIVERING", due_at=road.clock.now - timedelta(seconds=5))
    said = told(road)
    assert (said["kep_queue_pieces term"], said["kep_queue_oldest_seconds term"]) == (1, 40)
    assert (said["kep_queue_pieces deliver"], said["kep_queue_oldest_seconds deliver"]) == (1, 5)
    Recipient.objects.filter(pk=failed.pk).update(due_at=None, parked_at=road.clock.now)
    said = told(road)
    assert (said["kep_queue_pieces term"], said["kep_parked_pieces term"]) == (0, 1)
    assert (said["kep_queue_pieces deliver"], said["kep_parked_pieces deliver"]) == (1, 0)


def test_holds_parked_work_overdue_terms_and_the_clock_are_told(road: Road, settings: Any) -> None:
    settings.KEP_PARK_AFTER = 1
    road.send()
    Recipient.objects.update(term_ends_at=road.clock.now - timedelta(minutes=5))
    for _ in range(2):
        road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    first, second = Message.objects.filter(state="CHECKING")
    assert not [name for name in told(road) if name.startswith("kep_held")], "they are being checked"
    Message.objects.filter(pk=first.pk).update(hold_reason="ZMD-01", due_at=road.clock.now)
    put_back(second, RuntimeError("nobody foresaw this"), now=road.clock.now)
    ClockReading.objects.create(host="kep-1", drift_ms=-2_300, measured_at=road.clock.now)
    said = told(road)
    assert {name for name in said if name.startswith("kep_held")} == {"kep_held_messages ZMD-01"}
    assert said["kep_held_messages ZMD-01"] == 1
    assert said["kep_parked_pieces checking"] == 1
    assert said["kep_terms_overdue"] == 1
    assert said["kep_clock_drift_seconds kep-1"] == -2.3


def test_the_number_of_queries_does_not_depend_on_the_rows(road: Road) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            metrics.page(road.clock.now)
        return len(caught)

    road.sign(road.draft())
    road.turn("deliver")
    before = queries()
    for _ in range(3):
        road.sign(road.draft())
    road.turn("deliver")
    assert queries() == before <= 26


def test_no_name_address_or_subject_is_told(road: Road) -> None:
    road.send(subject="Gizli konu")
    page = metrics.page(road.clock.now)
    assert not any(word in page for word in ("Gizli", "ayse", "mehmet", "Yıldız", "@hs01"))


def test_heartbeats_of_this_machine_are_told(road: Road, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "seal-1.alive").touch()
    monkeypatch.setenv("KEP_HEARTBEAT_FOLDER", str(tmp_path))
    assert told(road)["kep_process_silence_seconds seal-1"] < 10


def test_readiness_names_proofs_that_fail_holds_parked_work_and_the_clock(road: Road, settings: Any) -> None:
    settings.KEP_PARK_AFTER = 1

    def parts() -> dict[str, tuple[bool, bool]]:
        return {each.part: (each.works, each.is_needed) for each in readiness.ask_all(road.clock.now)}

    assert parts()["proofs"] == (True, True)
    road.sign(road.draft())
    road.turn("deliver")
    road.clock.move(minutes=11)
    SealWork.objects.update(tries=9, due_at=road.clock.now + timedelta(seconds=30))  # tried in time, and failing
    assert parts()["queue"] == (True, True)
    assert parts()["proofs"] == (False, True)
    road.sign(road.draft())
    tasks.submit_signed(road.clock.now)
    message = Message.objects.get(state="CHECKING")
    assert parts()["holds"] == (True, False), "it is being checked and waits for nobody"
    Message.objects.filter(pk=message.pk).update(hold_reason="ZMD-01")
    assert parts()["holds"] == (False, False)
    put_back(message, RuntimeError("nobody foresaw this"), now=road.clock.now)
    assert parts()["parked"] == (False, False)
    assert parts()["holds"] == (True, False)
