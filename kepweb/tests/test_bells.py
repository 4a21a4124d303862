"""Bells ring after the commit, never fail and hardly wait (R-010, design.md 1.6)."""

import signal
import tempfile
import time
from pathlib import Path

import pytest
import redis
from django.db import transaction
from kombu.exceptions import OperationalError

from conftest import broker_command, started
from kepweb import bell


@pytest.fixture(autouse=True)
def rested(monkeypatch):
    """Nobody has failed to ring yet."""
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    monkeypatch.setattr(bell, "_rung_at", {})
    bell.unheard.clear()
    bell._producers.cache_clear()


@pytest.fixture
def heard(monkeypatch):
    """What would have been sent, by queue."""
    rung = []
    monkeypatch.setattr(bell.wake_up, "apply_async", lambda **options: rung.append(options["queue"]))
    return rung


@pytest.mark.django_db(transaction=True)
def test_a_bell_rings_after_the_commit_and_not_before(heard):
    with transaction.atomic():
        bell.ring_seal()
        assert heard == []
    assert heard == ["seal"]


@pytest.mark.django_db(transaction=True)
def test_a_step_that_is_undone_rings_no_bell(heard):
    with transaction.atomic():
        bell.ring_deliver()
        transaction.set_rollback(True)
    assert heard == []


def test_without_a_broker_ringing_is_counted_and_quick():
    began = time.monotonic()
    assert [bell.ring_now("seal") for _ in range(50)] == [False] * 50
    assert time.monotonic() - began < 2
    assert bell.unheard == {"seal": 50}


def test_after_a_failure_nobody_knocks_for_some_seconds(monkeypatch):
    knocks = []

    def knock(**_):
        knocks.append(1)
        raise OperationalError

    monkeypatch.setattr(bell.wake_up, "apply_async", knock)
    bell.ring_now("deliver")
    bell.ring_now("deliver")
    monkeypatch.setattr(bell, "_quiet_until", time.monotonic() - 1)
    bell.ring_now("deliver")
    assert len(knocks) == 2
    assert bell.unheard["deliver"] == 3


def test_bells_that_come_thick_are_one(heard, monkeypatch, settings):
    settings.KEP_GATHER_SECONDS = 0.05
    clock = iter((10.0, 10.04, 10.06))
    monkeypatch.setattr(bell.time, "monotonic", lambda: next(clock))
    assert [bell.ring_now("seal") for _ in range(3)] == [True, True, True]
    assert heard == ["seal", "seal"]


def test_work_on_one_queue_rings_the_others(heard):
    bell.ring_others("deliver")
    assert heard == ["seal"]


def test_a_queue_nobody_works_on_has_no_bell():
    with pytest.raises(ValueError, match="no such queue"):
        bell.ring_now("relay")


@pytest.mark.queue
@pytest.mark.loopback
class TestWithABroker:
    """A broker that answers, hangs, dies and comes back; each bell is timed."""

    @pytest.fixture
    def place(self, settings):
        """Where the broker of this test listens, and where bells are sent."""
        with tempfile.TemporaryDirectory(prefix="kep-") as folder:
            place = Path(folder) / "valkey.sock"
            options = {"max_retries": 0, "socket_connect_timeout": bell.PATIENCE, "socket_timeout": bell.PATIENCE}
            connection = bell.app.connection_for_write(f"redis+socket://{place}", transport_options=options)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bell, "_producers", lambda: bell.producers[connection])
                yield place
            bell.producers[connection].force_close_all()

    def ring(self, monkeypatch) -> tuple[bool, float]:
        """Whether the bell was taken, and how long that took."""
        monkeypatch.setattr(bell, "_quiet_until", 0.0)
        monkeypatch.setattr(bell, "_rung_at", {})
        began = time.monotonic()
        return bell.ring_now("seal"), time.monotonic() - began

    def test_it_is_taken(self, place, monkeypatch):
        with started(broker_command(place), place.exists):
            assert self.ring(monkeypatch)[0]

    def test_a_broker_that_hangs_costs_no_more_than_our_patience(self, place, monkeypatch):
        with started(broker_command(place), place.exists) as broker:
            assert self.ring(monkeypatch)[0]
            broker.send_signal(signal.SIGSTOP)
            taken, seconds = self.ring(monkeypatch)
            broker.send_signal(signal.SIGCONT)
            assert not taken
            assert seconds < 5 * bell.PATIENCE
            assert self.ring(monkeypatch)[0]

    def test_one_that_dies_is_survived_and_one_that_is_back_is_heard(self, place, monkeypatch):
        with started(broker_command(place), place.exists) as broker:
            assert self.ring(monkeypatch)[0]
            broker.kill()
            broker.wait()
            assert not self.ring(monkeypatch)[0]
        place.unlink(missing_ok=True)
        with started(broker_command(place), place.exists):
            assert self.ring(monkeypatch)[0]

    def test_it_reaches_its_own_queue_only(self, place, monkeypatch):
        with started(broker_command(place), place.exists), redis.Redis(unix_socket_path=str(place)) as broker:
            bell.ring_others("seal")
            self.ring(monkeypatch)
            assert {queue: broker.llen(queue) for queue in ("seal", "deliver")} == {"seal": 1, "deliver": 1}
